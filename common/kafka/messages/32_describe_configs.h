// DescribeConfigs (API key 32). Resource types: 2 topic, 4 broker, 8 broker logger. Sources: 1 topic, 4 static broker, 5 default.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeConfigsResource {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::optional<std::vector<std::string>> configuration_keys;

  void fields(this auto& self, auto& f) {
    f(self.resource_type);
    f(self.resource_name);
    f(self.configuration_keys);
  }
  bool operator==(const DescribeConfigsResource&) const = default;
};

struct DescribeConfigsSynonym {
  std::string name;
  std::optional<std::string> value;
  std::int8_t source = 0;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
    f(self.source);
  }
  bool operator==(const DescribeConfigsSynonym&) const = default;
};

struct DescribeConfigsEntry {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  std::int8_t config_source = -1;
  bool is_sensitive = false;
  std::vector<DescribeConfigsSynonym> synonyms;
  std::int8_t config_type = 0;
  std::optional<std::string> documentation;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
    f(self.read_only);
    f(self.config_source, since(1));
    f(self.is_sensitive);
    f(self.synonyms, since(1));
    f(self.config_type, since(3));
    f(self.documentation, since(3));
  }
  bool operator==(const DescribeConfigsEntry&) const = default;
};

struct DescribeConfigsResult {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::vector<DescribeConfigsEntry> configs;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
    f(self.resource_type);
    f(self.resource_name);
    f(self.configs);
  }
  bool operator==(const DescribeConfigsResult&) const = default;
};

struct DescribeConfigsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeConfigsResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.results);
  }
  bool operator==(const DescribeConfigsResponse&) const = default;
};

struct DescribeConfigsRequest {
  static constexpr ApiInfo api{.key = 32, .name = "DescribeConfigs", .versions = {1, 4}, .flexible_since = 4};
  using Response = DescribeConfigsResponse;
  std::vector<DescribeConfigsResource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  void fields(this auto& self, auto& f) {
    f(self.resources);
    f(self.include_synonyms, since(1));
    f(self.include_documentation, since(3));
  }
  bool operator==(const DescribeConfigsRequest&) const = default;
};

}  // namespace meridian::kafka
