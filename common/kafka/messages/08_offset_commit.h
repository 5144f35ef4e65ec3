// OffsetCommit (API key 8). 9: first usable with KIP-848 groups. ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS:
// as for Heartbeat; 10: topics by id, UNKNOWN_TOPIC_ID; OFFSET_METADATA_TOO_LARGE: over offset.metadata.max.bytes.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct OffsetCommitRequestPartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = 0;
  std::int32_t committed_leader_epoch = -1;
  std::optional<std::string> committed_metadata;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.committed_offset);
    f(self.committed_leader_epoch, since(6));
    f(self.committed_metadata);
  }
  bool operator==(const OffsetCommitRequestPartition&) const = default;
};

struct OffsetCommitRequestTopic {
  std::string name;
  std::vector<OffsetCommitRequestPartition> partitions;
  Uuid topic_id;

  void fields(this auto& self, auto& f) {
    f(self.name, until(9));
    f(self.topic_id, since(10));
    f(self.partitions);
  }
  bool operator==(const OffsetCommitRequestTopic&) const = default;
};

struct OffsetCommitResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
  }
  bool operator==(const OffsetCommitResponsePartition&) const = default;
};

struct OffsetCommitResponseTopic {
  std::string name;
  std::vector<OffsetCommitResponsePartition> partitions;
  Uuid topic_id;

  void fields(this auto& self, auto& f) {
    f(self.name, until(9));
    f(self.topic_id, since(10));
    f(self.partitions);
  }
  bool operator==(const OffsetCommitResponseTopic&) const = default;
};

struct OffsetCommitResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetCommitResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(3));
    f(self.topics);
  }
  bool operator==(const OffsetCommitResponse&) const = default;
};

struct OffsetCommitRequest {
  static constexpr ApiInfo api{.key = 8, .name = "OffsetCommit", .versions = {2, 10}, .flexible_since = 8};
  using Response = OffsetCommitResponse;
  std::string group_id;
  std::int32_t generation_id = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::int64_t retention_time_ms = -1;
  std::vector<OffsetCommitRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.generation_id);
    f(self.member_id);
    f(self.group_instance_id, since(7));
    f(self.retention_time_ms, between(2, 4));
    f(self.topics);
  }
  bool operator==(const OffsetCommitRequest&) const = default;
};

}  // namespace meridian::kafka
