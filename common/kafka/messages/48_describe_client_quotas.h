// DescribeClientQuotas (API key 48). Client quotas by entity (KIP-546). Match types: 0 exact, 1 default, 2 any.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeClientQuotasResponseEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  void fields(this auto& self, auto& f) {
    f(self.entity_type);
    f(self.entity_name);
  }
  bool operator==(const DescribeClientQuotasResponseEntity&) const = default;
};

struct DescribeClientQuotasResponseValue {
  std::string key;
  double value = 0.0;

  void fields(this auto& self, auto& f) {
    f(self.key);
    f(self.value);
  }
  bool operator==(const DescribeClientQuotasResponseValue&) const = default;
};

struct DescribeClientQuotasResponseEntry {
  std::vector<DescribeClientQuotasResponseEntity> entity;
  std::vector<DescribeClientQuotasResponseValue> values;

  void fields(this auto& self, auto& f) {
    f(self.entity);
    f(self.values);
  }
  bool operator==(const DescribeClientQuotasResponseEntry&) const = default;
};

struct DescribeClientQuotasResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::optional<std::vector<DescribeClientQuotasResponseEntry>> entries;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.entries);
  }
  bool operator==(const DescribeClientQuotasResponse&) const = default;
};

struct DescribeClientQuotasRequestComponent {
  std::string entity_type;
  std::int8_t match_type = 0;
  std::optional<std::string> match;

  void fields(this auto& self, auto& f) {
    f(self.entity_type);
    f(self.match_type);
    f(self.match);
  }
  bool operator==(const DescribeClientQuotasRequestComponent&) const = default;
};

struct DescribeClientQuotasRequest {
  static constexpr ApiInfo api{.key = 48, .name = "DescribeClientQuotas", .versions = {0, 1}, .flexible_since = 1};
  using Response = DescribeClientQuotasResponse;
  std::vector<DescribeClientQuotasRequestComponent> components;
  bool strict = false;

  void fields(this auto& self, auto& f) {
    f(self.components);
    f(self.strict);
  }
  bool operator==(const DescribeClientQuotasRequest&) const = default;
};

}  // namespace meridian::kafka
