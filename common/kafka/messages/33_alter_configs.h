// AlterConfigs (API key 33). Replaces the whole configuration of a resource; IncrementalAlterConfigs is its successor.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AlterConfigsResponseResource {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int8_t resource_type = 0;
  std::string resource_name;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
    f(self.resource_type);
    f(self.resource_name);
  }
  bool operator==(const AlterConfigsResponseResource&) const = default;
};

struct AlterConfigsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<AlterConfigsResponseResource> responses;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.responses);
  }
  bool operator==(const AlterConfigsResponse&) const = default;
};

struct AlterConfigsRequestConfig {
  std::string name;
  std::optional<std::string> value;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
  }
  bool operator==(const AlterConfigsRequestConfig&) const = default;
};

struct AlterConfigsRequestResource {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::vector<AlterConfigsRequestConfig> configs;

  void fields(this auto& self, auto& f) {
    f(self.resource_type);
    f(self.resource_name);
    f(self.configs);
  }
  bool operator==(const AlterConfigsRequestResource&) const = default;
};

struct AlterConfigsRequest {
  static constexpr ApiInfo api{.key = 33, .name = "AlterConfigs", .versions = {0, 2}, .flexible_since = 2};
  using Response = AlterConfigsResponse;
  std::vector<AlterConfigsRequestResource> resources;
  bool validate_only = false;

  void fields(this auto& self, auto& f) {
    f(self.resources);
    f(self.validate_only);
  }
  bool operator==(const AlterConfigsRequest&) const = default;
};

}  // namespace meridian::kafka
