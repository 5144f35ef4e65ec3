// PushTelemetry (API key 72). Metrics of a client, OTLP (KIP-714).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct PushTelemetryResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
  }
  bool operator==(const PushTelemetryResponse&) const = default;
};

struct PushTelemetryRequest {
  static constexpr ApiInfo api{.key = 72, .name = "PushTelemetry", .versions = {0, 0}, .flexible_since = 0};
  using Response = PushTelemetryResponse;
  Uuid client_instance_id;
  std::int32_t subscription_id = 0;
  bool terminating = false;
  std::int8_t compression_type = 0;
  Blob metrics;

  void fields(this auto& self, auto& f) {
    f(self.client_instance_id);
    f(self.subscription_id);
    f(self.terminating);
    f(self.compression_type);
    f(self.metrics);
  }
  bool operator==(const PushTelemetryRequest&) const = default;
};

}  // namespace meridian::kafka
