// OffsetForLeaderEpoch (API key 23). End offset of the largest epoch at or below the one asked for (KIP-101, KIP-320).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct OffsetForLeaderEpochRequestPartition {
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t leader_epoch = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.current_leader_epoch);
    f(self.leader_epoch);
  }
  bool operator==(const OffsetForLeaderEpochRequestPartition&) const = default;
};

struct OffsetForLeaderEpochRequestTopic {
  std::string topic;
  std::vector<OffsetForLeaderEpochRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
  bool operator==(const OffsetForLeaderEpochRequestTopic&) const = default;
};

struct OffsetForLeaderEpochResponsePartition {
  ErrorCode error_code = ErrorCode::none;
  std::int32_t partition = 0;
  std::int32_t leader_epoch = -1;
  std::int64_t end_offset = -1;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.partition);
    f(self.leader_epoch);
    f(self.end_offset);
  }
  bool operator==(const OffsetForLeaderEpochResponsePartition&) const = default;
};

struct OffsetForLeaderEpochResponseTopic {
  std::string topic;
  std::vector<OffsetForLeaderEpochResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
  bool operator==(const OffsetForLeaderEpochResponseTopic&) const = default;
};

struct OffsetForLeaderEpochResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetForLeaderEpochResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(2));
    f(self.topics);
  }
  bool operator==(const OffsetForLeaderEpochResponse&) const = default;
};

struct OffsetForLeaderEpochRequest {
  static constexpr ApiInfo api{.key = 23, .name = "OffsetForLeaderEpoch", .versions = {2, 4}, .flexible_since = 4};
  using Response = OffsetForLeaderEpochResponse;
  std::int32_t replica_id = -2;
  std::vector<OffsetForLeaderEpochRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.replica_id, since(3));
    f(self.topics);
  }
  bool operator==(const OffsetForLeaderEpochRequest&) const = default;
};

}  // namespace meridian::kafka
