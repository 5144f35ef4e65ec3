// GetTelemetrySubscriptions (API key 71). What metrics a client should push (KIP-714).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct GetTelemetrySubscriptionsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  Uuid client_instance_id;
  std::int32_t subscription_id = 0;
  std::vector<std::int8_t> accepted_compression_types;
  std::int32_t push_interval_ms = 0;
  std::int32_t telemetry_max_bytes = 0;
  bool delta_temporality = false;
  std::vector<std::string> requested_metrics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.client_instance_id);
    f(self.subscription_id);
    f(self.accepted_compression_types);
    f(self.push_interval_ms);
    f(self.telemetry_max_bytes);
    f(self.delta_temporality);
    f(self.requested_metrics);
  }
  bool operator==(const GetTelemetrySubscriptionsResponse&) const = default;
};

struct GetTelemetrySubscriptionsRequest {
  static constexpr ApiInfo api{.key = 71, .name = "GetTelemetrySubscriptions", .versions = {0, 0}, .flexible_since = 0};
  using Response = GetTelemetrySubscriptionsResponse;
  Uuid client_instance_id;

  void fields(this auto& self, auto& f) { f(self.client_instance_id); }
  bool operator==(const GetTelemetrySubscriptionsRequest&) const = default;
};

}  // namespace meridian::kafka
