// Heartbeat (API key 12). REBALANCE_IN_PROGRESS: join again. ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: the member is not (or no longer) that
// one.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct HeartbeatResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.error_code);
  }
  bool operator==(const HeartbeatResponse&) const = default;
};

struct HeartbeatRequest {
  static constexpr ApiInfo api{.key = 12, .name = "Heartbeat", .versions = {0, 4}, .flexible_since = 4};
  using Response = HeartbeatResponse;
  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.generation_id);
    f(self.member_id);
    f(self.group_instance_id, since(3));
  }
  bool operator==(const HeartbeatRequest&) const = default;
};

}  // namespace meridian::kafka
