// UpdateFeatures (API key 57). Raises and lowers finalized feature levels (KIP-584). Upgrade types: 1 upgrade, 2 safe downgrade, 3 unsafe downgrade.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct UpdateFeaturesResponseResult {
  std::string feature;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.feature);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const UpdateFeaturesResponseResult&) const = default;
};

struct UpdateFeaturesResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<UpdateFeaturesResponseResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.results, until(1));
  }
  bool operator==(const UpdateFeaturesResponse&) const = default;
};

struct UpdateFeaturesRequestUpdate {
  std::string feature;
  std::int16_t max_version_level = 0;
  bool allow_downgrade = false;
  std::int8_t upgrade_type = 1;

  void fields(this auto& self, auto& f) {
    f(self.feature);
    f(self.max_version_level);
    f(self.allow_downgrade, until(0));
    f(self.upgrade_type, since(1));
  }
  bool operator==(const UpdateFeaturesRequestUpdate&) const = default;
};

struct UpdateFeaturesRequest {
  static constexpr ApiInfo api{.key = 57, .name = "UpdateFeatures", .versions = {0, 2}, .flexible_since = 0};
  using Response = UpdateFeaturesResponse;
  std::int32_t timeout_ms = 60000;
  std::vector<UpdateFeaturesRequestUpdate> feature_updates;
  bool validate_only = false;

  void fields(this auto& self, auto& f) {
    f(self.timeout_ms);
    f(self.feature_updates);
    f(self.validate_only, since(1));
  }
  bool operator==(const UpdateFeaturesRequest&) const = default;
};

}  // namespace meridian::kafka
