// TxnOffsetCommit (API key 28). Commits group offsets inside a transaction (KIP-98, KIP-447). 5: the group's partition is enrolled implicitly (KIP-890).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct TxnOffsetCommitResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
  }
  bool operator==(const TxnOffsetCommitResponsePartition&) const = default;
};

struct TxnOffsetCommitResponseTopic {
  std::string name;
  std::vector<TxnOffsetCommitResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const TxnOffsetCommitResponseTopic&) const = default;
};

struct TxnOffsetCommitResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<TxnOffsetCommitResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.topics);
  }
  bool operator==(const TxnOffsetCommitResponse&) const = default;
};

struct TxnOffsetCommitRequestPartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = 0;
  std::int32_t committed_leader_epoch = -1;
  std::optional<std::string> committed_metadata;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.committed_offset);
    f(self.committed_leader_epoch, since(2));
    f(self.committed_metadata);
  }
  bool operator==(const TxnOffsetCommitRequestPartition&) const = default;
};

struct TxnOffsetCommitRequestTopic {
  std::string name;
  std::vector<TxnOffsetCommitRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const TxnOffsetCommitRequestTopic&) const = default;
};

struct TxnOffsetCommitRequest {
  static constexpr ApiInfo api{.key = 28, .name = "TxnOffsetCommit", .versions = {0, 5}, .flexible_since = 3};
  using Response = TxnOffsetCommitResponse;
  std::string transactional_id;
  std::string group_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::int32_t generation_id = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::vector<TxnOffsetCommitRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id);
    f(self.group_id);
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.generation_id, since(3));
    f(self.member_id, since(3));
    f(self.group_instance_id, since(3));
    f(self.topics);
  }
  bool operator==(const TxnOffsetCommitRequest&) const = default;
};

}  // namespace meridian::kafka
