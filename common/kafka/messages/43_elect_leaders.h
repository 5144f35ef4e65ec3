// ElectLeaders (API key 43). Election types: 0 preferred, 1 unclean (KIP-460). Nothing to do: ELECTION_NOT_NEEDED.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ElectLeadersResponsePartition {
  std::int32_t partition_id = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition_id);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const ElectLeadersResponsePartition&) const = default;
};

struct ElectLeadersResponseTopic {
  std::string topic;
  std::vector<ElectLeadersResponsePartition> partition_result;

  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partition_result);
  }
  bool operator==(const ElectLeadersResponseTopic&) const = default;
};

struct ElectLeadersResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<ElectLeadersResponseTopic> replica_election_results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code, since(1));
    f(self.replica_election_results);
  }
  bool operator==(const ElectLeadersResponse&) const = default;
};

struct ElectLeadersRequestTopicPartitions {
  std::string topic;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
  bool operator==(const ElectLeadersRequestTopicPartitions&) const = default;
};

struct ElectLeadersRequest {
  static constexpr ApiInfo api{.key = 43, .name = "ElectLeaders", .versions = {0, 2}, .flexible_since = 2};
  using Response = ElectLeadersResponse;
  std::int8_t election_type = 0;
  std::optional<std::vector<ElectLeadersRequestTopicPartitions>> topic_partitions;
  std::int32_t timeout_ms = 60000;

  void fields(this auto& self, auto& f) {
    f(self.election_type, since(1));
    f(self.topic_partitions);
    f(self.timeout_ms);
  }
  bool operator==(const ElectLeadersRequest&) const = default;
};

}  // namespace meridian::kafka
