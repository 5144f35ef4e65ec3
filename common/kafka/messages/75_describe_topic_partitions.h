// DescribeTopicPartitions (API key 75). Topics with their partitions, page by page (KIP-966).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeTopicPartitionsResponsePartition {
  ErrorCode error_code = ErrorCode::none;
  std::int32_t partition_index = 0;
  std::int32_t leader_id = 0;
  std::int32_t leader_epoch = -1;
  std::vector<std::int32_t> replica_nodes;
  std::vector<std::int32_t> isr_nodes;
  std::optional<std::vector<std::int32_t>> eligible_leader_replicas;
  std::optional<std::vector<std::int32_t>> last_known_elr;
  std::vector<std::int32_t> offline_replicas;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.partition_index);
    f(self.leader_id);
    f(self.leader_epoch);
    f(self.replica_nodes);
    f(self.isr_nodes);
    f(self.eligible_leader_replicas);
    f(self.last_known_elr);
    f(self.offline_replicas);
  }
  bool operator==(const DescribeTopicPartitionsResponsePartition&) const = default;
};

struct DescribeTopicPartitionsResponseTopic {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> name;
  Uuid topic_id;
  bool is_internal = false;
  std::vector<DescribeTopicPartitionsResponsePartition> partitions;
  std::int32_t topic_authorized_operations = INT32_MIN;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.name);
    f(self.topic_id);
    f(self.is_internal);
    f(self.partitions);
    f(self.topic_authorized_operations);
  }
  bool operator==(const DescribeTopicPartitionsResponseTopic&) const = default;
};

struct DescribeTopicPartitionsResponseCursor {
  std::string topic_name;
  std::int32_t partition_index = 0;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partition_index);
  }
  bool operator==(const DescribeTopicPartitionsResponseCursor&) const = default;
};

struct DescribeTopicPartitionsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeTopicPartitionsResponseTopic> topics;
  std::optional<DescribeTopicPartitionsResponseCursor> next_cursor;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.topics);
    f(self.next_cursor);
  }
  bool operator==(const DescribeTopicPartitionsResponse&) const = default;
};

struct DescribeTopicPartitionsRequestTopic {
  std::string name;

  void fields(this auto& self, auto& f) { f(self.name); }
  bool operator==(const DescribeTopicPartitionsRequestTopic&) const = default;
};

struct DescribeTopicPartitionsRequestCursor {
  std::string topic_name;
  std::int32_t partition_index = 0;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partition_index);
  }
  bool operator==(const DescribeTopicPartitionsRequestCursor&) const = default;
};

struct DescribeTopicPartitionsRequest {
  static constexpr ApiInfo api{.key = 75, .name = "DescribeTopicPartitions", .versions = {0, 0}, .flexible_since = 0};
  using Response = DescribeTopicPartitionsResponse;
  std::vector<DescribeTopicPartitionsRequestTopic> topics;
  std::int32_t response_partition_limit = 2000;
  std::optional<DescribeTopicPartitionsRequestCursor> cursor;

  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.response_partition_limit);
    f(self.cursor);
  }
  bool operator==(const DescribeTopicPartitionsRequest&) const = default;
};

}  // namespace meridian::kafka
