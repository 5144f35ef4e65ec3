// AlterClientQuotas (API key 49). Sets and removes client quotas (KIP-546).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AlterClientQuotasResponseEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  void fields(this auto& self, auto& f) {
    f(self.entity_type);
    f(self.entity_name);
  }
  bool operator==(const AlterClientQuotasResponseEntity&) const = default;
};

struct AlterClientQuotasResponseEntry {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<AlterClientQuotasResponseEntity> entity;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
    f(self.entity);
  }
  bool operator==(const AlterClientQuotasResponseEntry&) const = default;
};

struct AlterClientQuotasResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<AlterClientQuotasResponseEntry> entries;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.entries);
  }
  bool operator==(const AlterClientQuotasResponse&) const = default;
};

struct AlterClientQuotasRequestEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  void fields(this auto& self, auto& f) {
    f(self.entity_type);
    f(self.entity_name);
  }
  bool operator==(const AlterClientQuotasRequestEntity&) const = default;
};

struct AlterClientQuotasRequestOp {
  std::string key;
  double value = 0.0;
  bool remove = false;

  void fields(this auto& self, auto& f) {
    f(self.key);
    f(self.value);
    f(self.remove);
  }
  bool operator==(const AlterClientQuotasRequestOp&) const = default;
};

struct AlterClientQuotasRequestEntry {
  std::vector<AlterClientQuotasRequestEntity> entity;
  std::vector<AlterClientQuotasRequestOp> ops;

  void fields(this auto& self, auto& f) {
    f(self.entity);
    f(self.ops);
  }
  bool operator==(const AlterClientQuotasRequestEntry&) const = default;
};

struct AlterClientQuotasRequest {
  static constexpr ApiInfo api{.key = 49, .name = "AlterClientQuotas", .versions = {0, 1}, .flexible_since = 1};
  using Response = AlterClientQuotasResponse;
  std::vector<AlterClientQuotasRequestEntry> entries;
  bool validate_only = false;

  void fields(this auto& self, auto& f) {
    f(self.entries);
    f(self.validate_only);
  }
  bool operator==(const AlterClientQuotasRequest&) const = default;
};

}  // namespace meridian::kafka
