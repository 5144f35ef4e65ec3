// ConsumerGroupHeartbeat (API key 68). Membership and assignment of the consumer protocol (KIP-848). member_epoch: 0 joins, -1 leaves, -2 a static member
// leaves for a while. Null fields: unchanged.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ConsumerGroupHeartbeatResponseTopicPartitions {
  Uuid topic_id;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ConsumerGroupHeartbeatResponseTopicPartitions&) const = default;
};

struct ConsumerGroupHeartbeatResponseAssignment {
  std::vector<ConsumerGroupHeartbeatResponseTopicPartitions> topic_partitions;

  void fields(this auto& self, auto& f) { f(self.topic_partitions); }
  bool operator==(const ConsumerGroupHeartbeatResponseAssignment&) const = default;
};

struct ConsumerGroupHeartbeatResponse {
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
  bool operator==(const ConsumerGroupHeartbeatResponse&) const = default;
};

struct ConsumerGroupHeartbeatRequestTopicPartitions {
  Uuid topic_id;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ConsumerGroupHeartbeatRequestTopicPartitions&) const = default;
};

struct ConsumerGroupHeartbeatRequest {
  static constexpr ApiInfo api{.key = 68, .name = "ConsumerGroupHeartbeat", .versions = {0, 1}, .flexible_since = 0};
  using Response = ConsumerGroupHeartbeatResponse;
  std::string group_id;
  std::string member_id;
  std::int32_t member_epoch = 0;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string>> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  std::optional<std::string> server_assignor;
  std::optional<std::vector<ConsumerGroupHeartbeatRequestTopicPartitions>> topic_partitions;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.member_id);
    f(self.member_epoch);
    f(self.instance_id);
    f(self.rack_id);
    f(self.rebalance_timeout_ms);
    f(self.subscribed_topic_names);
    f(self.subscribed_topic_regex, since(1));
    f(self.server_assignor);
    f(self.topic_partitions);
  }
  bool operator==(const ConsumerGroupHeartbeatRequest&) const = default;
};

}  // namespace meridian::kafka
