// AlterPartitionReassignments (API key 45). Moves partitions to other replicas (KIP-455). A null list cancels; without one under way
// NO_REASSIGNMENT_IN_PROGRESS.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AlterPartitionReassignmentsResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const AlterPartitionReassignmentsResponsePartition&) const = default;
};

struct AlterPartitionReassignmentsResponseTopic {
  std::string name;
  std::vector<AlterPartitionReassignmentsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AlterPartitionReassignmentsResponseTopic&) const = default;
};

struct AlterPartitionReassignmentsResponse {
  std::int32_t throttle_time_ms = 0;
  bool allow_replication_factor_change = true;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<AlterPartitionReassignmentsResponseTopic> responses;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.allow_replication_factor_change, since(1));
    f(self.error_code);
    f(self.error_message);
    f(self.responses);
  }
  bool operator==(const AlterPartitionReassignmentsResponse&) const = default;
};

struct AlterPartitionReassignmentsRequestPartition {
  std::int32_t partition_index = 0;
  std::optional<std::vector<std::int32_t>> replicas;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.replicas);
  }
  bool operator==(const AlterPartitionReassignmentsRequestPartition&) const = default;
};

struct AlterPartitionReassignmentsRequestTopic {
  std::string name;
  std::vector<AlterPartitionReassignmentsRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AlterPartitionReassignmentsRequestTopic&) const = default;
};

struct AlterPartitionReassignmentsRequest {
  static constexpr ApiInfo api{.key = 45, .name = "AlterPartitionReassignments", .versions = {0, 1}, .flexible_since = 0};
  using Response = AlterPartitionReassignmentsResponse;
  std::int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;
  std::vector<AlterPartitionReassignmentsRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.timeout_ms);
    f(self.allow_replication_factor_change, since(1));
    f(self.topics);
  }
  bool operator==(const AlterPartitionReassignmentsRequest&) const = default;
};

}  // namespace meridian::kafka
