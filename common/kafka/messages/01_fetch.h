// Fetch (API key 1). 7: sessions (KIP-227). 13: topic ids replace names. OFFSET_OUT_OF_RANGE: below the log start or above the end.
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/messages/00_produce.h"

namespace meridian::kafka {

struct FetchReplicaState {
  std::int32_t replica_id = -1;
  std::int64_t replica_epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.replica_id);
    f(self.replica_epoch);
  }
  bool operator==(const FetchReplicaState&) const = default;
};

struct FetchRequestPartition {
  std::int32_t partition = 0;
  std::int32_t current_leader_epoch = -1;
  std::int64_t fetch_offset = 0;
  std::int32_t last_fetched_epoch = -1;
  std::int64_t log_start_offset = -1;
  std::int32_t partition_max_bytes = 0;
  Uuid replica_directory_id;
  std::int64_t high_watermark = INT64_MAX;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.current_leader_epoch, since(9));
    f(self.fetch_offset);
    f(self.last_fetched_epoch, since(12));
    f(self.log_start_offset, since(5));
    f(self.partition_max_bytes);
    f(self.replica_directory_id, tag(0, 17));
    f(self.high_watermark, tag(1, 18, INT64_MAX));
  }
  bool operator==(const FetchRequestPartition&) const = default;
};

struct FetchRequestTopic {
  std::string topic;
  Uuid topic_id;
  std::vector<FetchRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic, until(12));
    f(self.topic_id, since(13));
    f(self.partitions);
  }
  bool operator==(const FetchRequestTopic&) const = default;
};

struct FetchForgottenTopic {
  std::string topic;
  Uuid topic_id;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic, until(12));
    f(self.topic_id, since(13));
    f(self.partitions);
  }
  bool operator==(const FetchForgottenTopic&) const = default;
};

struct FetchEpochEndOffset {
  std::int32_t epoch = -1;
  std::int64_t end_offset = -1;

  void fields(this auto& self, auto& f) {
    f(self.epoch);
    f(self.end_offset);
  }
  bool operator==(const FetchEpochEndOffset&) const = default;
};

struct FetchSnapshotId {
  std::int64_t end_offset = -1;
  std::int32_t epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.end_offset);
    f(self.epoch);
  }
  bool operator==(const FetchSnapshotId&) const = default;
};

struct FetchAbortedTransaction {
  std::int64_t producer_id = 0;
  std::int64_t first_offset = 0;

  void fields(this auto& self, auto& f) {
    f(self.producer_id);
    f(self.first_offset);
  }
  bool operator==(const FetchAbortedTransaction&) const = default;
};

struct FetchResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t high_watermark = 0;
  std::int64_t last_stable_offset = -1;
  std::int64_t log_start_offset = -1;
  FetchEpochEndOffset diverging_epoch;
  LeaderIdAndEpoch current_leader;
  FetchSnapshotId snapshot_id;
  std::optional<std::vector<FetchAbortedTransaction>> aborted_transactions;
  std::int32_t preferred_read_replica = -1;
  Records records;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.high_watermark);
    f(self.last_stable_offset, since(4));
    f(self.log_start_offset, since(5));
    f(self.diverging_epoch, tag(0, 12));
    f(self.current_leader, tag(1, 12));
    f(self.snapshot_id, tag(2, 12));
    f(self.aborted_transactions, since(4));
    f(self.preferred_read_replica, since(11));
    f(self.records);
  }
  bool operator==(const FetchResponsePartition&) const = default;
};

struct FetchResponseTopic {
  std::string topic;
  Uuid topic_id;
  std::vector<FetchResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic, until(12));
    f(self.topic_id, since(13));
    f(self.partitions);
  }
  bool operator==(const FetchResponseTopic&) const = default;
};

struct FetchResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int32_t session_id = 0;
  std::vector<FetchResponseTopic> topics;
  std::vector<NodeEndpoint> node_endpoints;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.error_code, since(7));
    f(self.session_id, since(7));
    f(self.topics);
    f(self.node_endpoints, tag(0, 16));
  }
  bool operator==(const FetchResponse&) const = default;
};

struct FetchRequest {
  static constexpr ApiInfo api{.key = 1, .name = "Fetch", .versions = {4, 18}, .flexible_since = 12};
  using Response = FetchResponse;
  std::optional<std::string> cluster_id;
  std::int32_t replica_id = -1;
  FetchReplicaState replica_state;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = INT32_MAX;
  std::int8_t isolation_level = 0;
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  std::vector<FetchRequestTopic> topics;
  std::vector<FetchForgottenTopic> forgotten_topics;
  std::string rack_id;

  void fields(this auto& self, auto& f) {
    f(self.cluster_id, tag(0, 12));
    f(self.replica_id, until(14));
    f(self.replica_state, tag(1, 15));
    f(self.max_wait_ms);
    f(self.min_bytes);
    f(self.max_bytes, since(3));
    f(self.isolation_level, since(4));
    f(self.session_id, since(7));
    f(self.session_epoch, since(7));
    f(self.topics);
    f(self.forgotten_topics, since(7));
    f(self.rack_id, since(11));
  }
  bool operator==(const FetchRequest&) const = default;
};

}  // namespace meridian::kafka
