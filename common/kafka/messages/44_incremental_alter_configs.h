// IncrementalAlterConfigs (API key 44). Operations: 0 set, 1 delete, 2 append, 3 subtract.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct IncrementalAlterConfigsConfig {
  std::string name;
  std::int8_t operation = 0;
  std::optional<std::string> value;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.operation);
    f(self.value);
  }
  bool operator==(const IncrementalAlterConfigsConfig&) const = default;
};

struct IncrementalAlterConfigsResource {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::vector<IncrementalAlterConfigsConfig> configs;

  void fields(this auto& self, auto& f) {
    f(self.resource_type);
    f(self.resource_name);
    f(self.configs);
  }
  bool operator==(const IncrementalAlterConfigsResource&) const = default;
};

struct IncrementalAlterConfigsResult {
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
  bool operator==(const IncrementalAlterConfigsResult&) const = default;
};

struct IncrementalAlterConfigsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<IncrementalAlterConfigsResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.results);
  }
  bool operator==(const IncrementalAlterConfigsResponse&) const = default;
};

struct IncrementalAlterConfigsRequest {
  static constexpr ApiInfo api{.key = 44, .name = "IncrementalAlterConfigs", .versions = {0, 1}, .flexible_since = 1};
  using Response = IncrementalAlterConfigsResponse;
  std::vector<IncrementalAlterConfigsResource> resources;
  bool validate_only = false;

  void fields(this auto& self, auto& f) {
    f(self.resources);
    f(self.validate_only);
  }
  bool operator==(const IncrementalAlterConfigsRequest&) const = default;
};

}  // namespace meridian::kafka
