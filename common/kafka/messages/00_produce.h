// Produce (API key 0). Versions 0-2 are advertised and refused (KAFKA-18659). 13: topic ids replace names.
// CORRUPT_MESSAGE: CRC or framing; MESSAGE_TOO_LARGE: over max.message.bytes; OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH:
// idempotence; NOT_ENOUGH_REPLICAS: ISR under min.insync.replicas; KAFKA_STORAGE_ERROR: the log directory is offline.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct NodeEndpoint {
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;

  void fields(this auto& self, auto& f) {
    f(self.node_id);
    f(self.host);
    f(self.port);
    f(self.rack);
  }
  bool operator==(const NodeEndpoint&) const = default;
};

struct LeaderIdAndEpoch {
  std::int32_t leader_id = -1;
  std::int32_t leader_epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.leader_id);
    f(self.leader_epoch);
  }
  bool operator==(const LeaderIdAndEpoch&) const = default;
};

struct ProduceRequestPartition {
  std::int32_t index = 0;
  Records records;

  void fields(this auto& self, auto& f) {
    f(self.index);
    f(self.records);
  }
  bool operator==(const ProduceRequestPartition&) const = default;
};

struct ProduceRequestTopic {
  std::string name;
  Uuid topic_id;
  std::vector<ProduceRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name, until(12));
    f(self.topic_id, since(13));
    f(self.partitions);
  }
  bool operator==(const ProduceRequestTopic&) const = default;
};

struct ProduceRecordError {
  std::int32_t batch_index = 0;
  std::optional<std::string> message;

  void fields(this auto& self, auto& f) {
    f(self.batch_index);
    f(self.message);
  }
  bool operator==(const ProduceRecordError&) const = default;
};

struct ProduceResponsePartition {
  std::int32_t index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t base_offset = -1;
  std::int64_t log_append_time_ms = -1;
  std::int64_t log_start_offset = -1;
  std::vector<ProduceRecordError> record_errors;
  std::optional<std::string> error_message;
  LeaderIdAndEpoch current_leader;

  void fields(this auto& self, auto& f) {
    f(self.index);
    f(self.error_code);
    f(self.base_offset);
    f(self.log_append_time_ms, since(2));
    f(self.log_start_offset, since(5));
    f(self.record_errors, since(8));
    f(self.error_message, since(8));
    f(self.current_leader, tag(0, 10));
  }
  bool operator==(const ProduceResponsePartition&) const = default;
};

struct ProduceResponseTopic {
  std::string name;
  Uuid topic_id;
  std::vector<ProduceResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name, until(12));
    f(self.topic_id, since(13));
    f(self.partitions);
  }
  bool operator==(const ProduceResponseTopic&) const = default;
};

struct ProduceResponse {
  std::vector<ProduceResponseTopic> topics;
  std::int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints;

  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.throttle_time_ms, since(1));
    f(self.node_endpoints, tag(0, 10));
  }
  bool operator==(const ProduceResponse&) const = default;
};

struct ProduceRequest {
  static constexpr ApiInfo api{.key = 0, .name = "Produce", .versions = {3, 13}, .flexible_since = 9};
  using Response = ProduceResponse;
  std::optional<std::string> transactional_id;
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  std::vector<ProduceRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id, since(3));
    f(self.acks);
    f(self.timeout_ms);
    f(self.topics);
  }
  bool operator==(const ProduceRequest&) const = default;
};

}  // namespace meridian::kafka
