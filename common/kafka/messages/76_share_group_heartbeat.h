// ShareGroupHeartbeat (API key 76). Membership and assignment of share groups (KIP-932). member_epoch: 0 joins, -1 leaves. Null fields: unchanged.
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/messages/68_consumer_group_heartbeat.h"

namespace meridian::kafka {

struct ShareGroupHeartbeatResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<ConsumerGroupHeartbeatResponseAssignment> assignment;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.member_id);
    f(self.member_epoch);
    f(self.heartbeat_interval_ms);
    f(self.assignment);
  }
  bool operator==(const ShareGroupHeartbeatResponse&) const = default;
};

struct ShareGroupHeartbeatRequest {
  static constexpr ApiInfo api{.key = 76, .name = "ShareGroupHeartbeat", .versions = {1, 1}, .flexible_since = 0};
  using Response = ShareGroupHeartbeatResponse;
  std::string group_id;
  std::string member_id;
  std::int32_t member_epoch = 0;
  std::optional<std::string> rack_id;
  std::optional<std::vector<std::string>> subscribed_topic_names;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.member_id);
    f(self.member_epoch);
    f(self.rack_id);
    f(self.subscribed_topic_names);
  }
  bool operator==(const ShareGroupHeartbeatRequest&) const = default;
};

}  // namespace meridian::kafka
