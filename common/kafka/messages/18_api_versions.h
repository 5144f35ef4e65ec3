// ApiVersions (API key 18). An unknown version is answered UNSUPPORTED_VERSION with a version 0 body (KIP-511). The response header is always version 0.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ApiVersionsResponseKey {
  std::int16_t api_key = 0;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;

  void fields(this auto& self, auto& f) {
    f(self.api_key);
    f(self.min_version);
    f(self.max_version);
  }
  bool operator==(const ApiVersionsResponseKey&) const = default;
};

struct ApiVersionsSupportedFeature {
  std::string name;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.min_version);
    f(self.max_version);
  }
  bool operator==(const ApiVersionsSupportedFeature&) const = default;
};

struct ApiVersionsFinalizedFeature {
  std::string name;
  std::int16_t max_version_level = 0;
  std::int16_t min_version_level = 0;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.max_version_level);
    f(self.min_version_level);
  }
  bool operator==(const ApiVersionsFinalizedFeature&) const = default;
};

struct ApiVersionsResponse {
  ErrorCode error_code = ErrorCode::none;
  std::vector<ApiVersionsResponseKey> api_keys;
  std::int32_t throttle_time_ms = 0;
  std::vector<ApiVersionsSupportedFeature> supported_features;
  std::int64_t finalized_features_epoch = -1;
  std::vector<ApiVersionsFinalizedFeature> finalized_features;
  bool zk_migration_ready = false;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.api_keys);
    f(self.throttle_time_ms, since(1));
    f(self.supported_features, tag(0, 3));
    f(self.finalized_features_epoch, tag(1, 3, -1));
    f(self.finalized_features, tag(2, 3));
    f(self.zk_migration_ready, tag(3, 3));
  }
  bool operator==(const ApiVersionsResponse&) const = default;
};

struct ApiVersionsRequest {
  static constexpr ApiInfo api{.key = 18, .name = "ApiVersions", .versions = {0, 4}, .flexible_since = 3};
  using Response = ApiVersionsResponse;
  std::string client_software_name;
  std::string client_software_version;

  void fields(this auto& self, auto& f) {
    f(self.client_software_name, since(3));
    f(self.client_software_version, since(3));
  }
  bool operator==(const ApiVersionsRequest&) const = default;
};

}  // namespace meridian::kafka
