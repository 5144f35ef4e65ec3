// Metadata (API key 3). Version 0: an empty list means all topics; from 1 null means all. 12: look-up by topic id.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct MetadataRequestTopic {
  Uuid topic_id;
  std::optional<std::string> name;

  void fields(this auto& self, auto& f) {
    f(self.topic_id, since(10));
    f(self.name);
  }
  bool operator==(const MetadataRequestTopic&) const = default;
};

struct MetadataResponseBroker {
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;

  void fields(this auto& self, auto& f) {
    f(self.node_id);
    f(self.host);
    f(self.port);
    f(self.rack, since(1));
  }
  bool operator==(const MetadataResponseBroker&) const = default;
};

struct MetadataResponsePartition {
  ErrorCode error_code = ErrorCode::none;
  std::int32_t partition_index = 0;
  std::int32_t leader_id = 0;
  std::int32_t leader_epoch = -1;
  std::vector<std::int32_t> replica_nodes;
  std::vector<std::int32_t> isr_nodes;
  std::vector<std::int32_t> offline_replicas;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.partition_index);
    f(self.leader_id);
    f(self.leader_epoch, since(7));
    f(self.replica_nodes);
    f(self.isr_nodes);
    f(self.offline_replicas, since(5));
  }
  bool operator==(const MetadataResponsePartition&) const = default;
};

struct MetadataResponseTopic {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> name;
  Uuid topic_id;
  bool is_internal = false;
  std::vector<MetadataResponsePartition> partitions;
  std::int32_t authorized_operations = INT32_MIN;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.name);
    f(self.topic_id, since(10));
    f(self.is_internal, since(1));
    f(self.partitions);
    f(self.authorized_operations, since(8));
  }
  bool operator==(const MetadataResponseTopic&) const = default;
};

struct MetadataResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<MetadataResponseBroker> brokers;
  std::optional<std::string> cluster_id;
  std::int32_t controller_id = -1;
  std::vector<MetadataResponseTopic> topics;
  std::int32_t cluster_authorized_operations = INT32_MIN;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(3));
    f(self.brokers);
    f(self.cluster_id, since(2));
    f(self.controller_id, since(1));
    f(self.topics);
    f(self.cluster_authorized_operations, between(8, 10));
    f(self.error_code, since(13));
  }
  bool operator==(const MetadataResponse&) const = default;
};

struct MetadataRequest {
  static constexpr ApiInfo api{.key = 3, .name = "Metadata", .versions = {0, 13}, .flexible_since = 9};
  using Response = MetadataResponse;
  std::optional<std::vector<MetadataRequestTopic>> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.allow_auto_topic_creation, since(4));
    f(self.include_cluster_authorized_operations, between(8, 10));
    f(self.include_topic_authorized_operations, since(8));
  }
  bool operator==(const MetadataRequest&) const = default;
};

}  // namespace meridian::kafka
