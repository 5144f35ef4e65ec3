// ShareFetch (API key 78). Acquires records for a member of a share group, and acknowledges others on the way (KIP-932).
// 2: renewing acknowledgements and a strict record limit (KIP-1222, KIP-1206). share_session_epoch: 0 opens a session, -1 closes it.
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/messages/00_produce.h"

namespace meridian::kafka {

struct AcquiredRecords {
  std::int64_t first_offset = 0;
  std::int64_t last_offset = 0;
  std::int16_t delivery_count = 0;

  void fields(this auto& self, auto& f) {
    f(self.first_offset);
    f(self.last_offset);
    f(self.delivery_count);
  }
  bool operator==(const AcquiredRecords&) const = default;
};

struct ShareFetchResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  ErrorCode acknowledge_error_code = ErrorCode::none;
  std::optional<std::string> acknowledge_error_message;
  LeaderIdAndEpoch current_leader;
  Records records;
  std::vector<AcquiredRecords> acquired_records;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.error_message);
    f(self.acknowledge_error_code);
    f(self.acknowledge_error_message);
    f(self.current_leader);
    f(self.records);
    f(self.acquired_records);
  }
  bool operator==(const ShareFetchResponsePartition&) const = default;
};

struct ShareFetchResponseTopic {
  Uuid topic_id;
  std::vector<ShareFetchResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ShareFetchResponseTopic&) const = default;
};

struct ShareFetchResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t acquisition_lock_timeout_ms = 0;
  std::vector<ShareFetchResponseTopic> topics;
  std::vector<NodeEndpoint> node_endpoints;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.acquisition_lock_timeout_ms);
    f(self.topics);
    f(self.node_endpoints);
  }
  bool operator==(const ShareFetchResponse&) const = default;
};

struct AcknowledgementBatch {
  std::int64_t first_offset = 0;
  std::int64_t last_offset = 0;
  std::vector<std::int8_t> acknowledge_types;

  void fields(this auto& self, auto& f) {
    f(self.first_offset);
    f(self.last_offset);
    f(self.acknowledge_types);
  }
  bool operator==(const AcknowledgementBatch&) const = default;
};

struct ShareFetchRequestPartition {
  std::int32_t partition_index = 0;
  std::vector<AcknowledgementBatch> acknowledgement_batches;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.acknowledgement_batches);
  }
  bool operator==(const ShareFetchRequestPartition&) const = default;
};

struct ShareFetchRequestTopic {
  Uuid topic_id;
  std::vector<ShareFetchRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ShareFetchRequestTopic&) const = default;
};

struct ShareFetchForgottenTopic {
  Uuid topic_id;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ShareFetchForgottenTopic&) const = default;
};

struct ShareFetchRequest {
  static constexpr ApiInfo api{.key = 78, .name = "ShareFetch", .versions = {1, 2}, .flexible_since = 0};
  using Response = ShareFetchResponse;
  std::optional<std::string> group_id;
  std::optional<std::string> member_id;
  std::int32_t share_session_epoch = 0;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = INT32_MAX;
  std::int32_t max_records = 0;
  std::int32_t batch_size = 0;
  std::int8_t share_acquire_mode = 0;
  bool is_renew_ack = false;
  std::vector<ShareFetchRequestTopic> topics;
  std::vector<ShareFetchForgottenTopic> forgotten_topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.member_id);
    f(self.share_session_epoch);
    f(self.max_wait_ms);
    f(self.min_bytes);
    f(self.max_bytes);
    f(self.max_records);
    f(self.batch_size);
    f(self.share_acquire_mode, since(2));
    f(self.is_renew_ack, since(2));
    f(self.topics);
    f(self.forgotten_topics);
  }
  bool operator==(const ShareFetchRequest&) const = default;
};

}  // namespace meridian::kafka
