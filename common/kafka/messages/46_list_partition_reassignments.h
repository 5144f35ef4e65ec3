// ListPartitionReassignments (API key 46). Reassignments under way (KIP-455).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ListPartitionReassignmentsResponsePartition {
  std::int32_t partition_index = 0;
  std::vector<std::int32_t> replicas;
  std::vector<std::int32_t> adding_replicas;
  std::vector<std::int32_t> removing_replicas;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.replicas);
    f(self.adding_replicas);
    f(self.removing_replicas);
  }
  bool operator==(const ListPartitionReassignmentsResponsePartition&) const = default;
};

struct ListPartitionReassignmentsResponseTopic {
  std::string name;
  std::vector<ListPartitionReassignmentsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const ListPartitionReassignmentsResponseTopic&) const = default;
};

struct ListPartitionReassignmentsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<ListPartitionReassignmentsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.topics);
  }
  bool operator==(const ListPartitionReassignmentsResponse&) const = default;
};

struct ListPartitionReassignmentsRequestTopics {
  std::string name;
  std::vector<std::int32_t> partition_indexes;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partition_indexes);
  }
  bool operator==(const ListPartitionReassignmentsRequestTopics&) const = default;
};

struct ListPartitionReassignmentsRequest {
  static constexpr ApiInfo api{.key = 46, .name = "ListPartitionReassignments", .versions = {0, 0}, .flexible_since = 0};
  using Response = ListPartitionReassignmentsResponse;
  std::int32_t timeout_ms = 60000;
  std::optional<std::vector<ListPartitionReassignmentsRequestTopics>> topics;

  void fields(this auto& self, auto& f) {
    f(self.timeout_ms);
    f(self.topics);
  }
  bool operator==(const ListPartitionReassignmentsRequest&) const = default;
};

}  // namespace meridian::kafka
