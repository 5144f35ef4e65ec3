// DescribeQuorum (API key 55). The metadata quorum (KIP-595).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeQuorumResponseReplicaState {
  std::int32_t replica_id = 0;
  Uuid replica_directory_id;
  std::int64_t log_end_offset = 0;
  std::int64_t last_fetch_timestamp = -1;
  std::int64_t last_caught_up_timestamp = -1;

  void fields(this auto& self, auto& f) {
    f(self.replica_id);
    f(self.replica_directory_id, since(2));
    f(self.log_end_offset);
    f(self.last_fetch_timestamp, since(1));
    f(self.last_caught_up_timestamp, since(1));
  }
  bool operator==(const DescribeQuorumResponseReplicaState&) const = default;
};

struct DescribeQuorumResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t leader_id = 0;
  std::int32_t leader_epoch = 0;
  std::int64_t high_watermark = 0;
  std::vector<DescribeQuorumResponseReplicaState> current_voters;
  std::vector<DescribeQuorumResponseReplicaState> observers;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.error_message, since(2));
    f(self.leader_id);
    f(self.leader_epoch);
    f(self.high_watermark);
    f(self.current_voters);
    f(self.observers);
  }
  bool operator==(const DescribeQuorumResponsePartition&) const = default;
};

struct DescribeQuorumResponseTopic {
  std::string topic_name;
  std::vector<DescribeQuorumResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partitions);
  }
  bool operator==(const DescribeQuorumResponseTopic&) const = default;
};

struct DescribeQuorumResponseListener {
  std::string name;
  std::string host;
  std::uint16_t port = 0;

  void fields(this auto& self, auto& f) {
    f(self.name, since(2));
    f(self.host, since(2));
    f(self.port, since(2));
  }
  bool operator==(const DescribeQuorumResponseListener&) const = default;
};

struct DescribeQuorumResponseNode {
  std::int32_t node_id = 0;
  std::vector<DescribeQuorumResponseListener> listeners;

  void fields(this auto& self, auto& f) {
    f(self.node_id, since(2));
    f(self.listeners, since(2));
  }
  bool operator==(const DescribeQuorumResponseNode&) const = default;
};

struct DescribeQuorumResponse {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<DescribeQuorumResponseTopic> topics;
  std::vector<DescribeQuorumResponseNode> nodes;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message, since(2));
    f(self.topics);
    f(self.nodes, since(2));
  }
  bool operator==(const DescribeQuorumResponse&) const = default;
};

struct DescribeQuorumRequestPartition {
  std::int32_t partition_index = 0;

  void fields(this auto& self, auto& f) { f(self.partition_index); }
  bool operator==(const DescribeQuorumRequestPartition&) const = default;
};

struct DescribeQuorumRequestTopic {
  std::string topic_name;
  std::vector<DescribeQuorumRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partitions);
  }
  bool operator==(const DescribeQuorumRequestTopic&) const = default;
};

struct DescribeQuorumRequest {
  static constexpr ApiInfo api{.key = 55, .name = "DescribeQuorum", .versions = {0, 2}, .flexible_since = 0};
  using Response = DescribeQuorumResponse;
  std::vector<DescribeQuorumRequestTopic> topics;

  void fields(this auto& self, auto& f) { f(self.topics); }
  bool operator==(const DescribeQuorumRequest&) const = default;
};

}  // namespace meridian::kafka
