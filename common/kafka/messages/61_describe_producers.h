// DescribeProducers (API key 61). Asked by the mirror, to see that its abort marker has arrived; the broker does not serve it yet.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeProducersRequestTopic {
  std::string name;
  std::vector<std::int32_t> partition_indexes;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partition_indexes);
  }
  bool operator==(const DescribeProducersRequestTopic&) const = default;
};

struct DescribeProducersState {
  std::int64_t producer_id = 0;
  std::int32_t producer_epoch = 0;
  std::int32_t last_sequence = -1;
  std::int64_t last_timestamp = -1;
  std::int32_t coordinator_epoch = 0;
  std::int64_t current_txn_start_offset = -1;

  void fields(this auto& self, auto& f) {
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.last_sequence);
    f(self.last_timestamp);
    f(self.coordinator_epoch);
    f(self.current_txn_start_offset);
  }
  bool operator==(const DescribeProducersState&) const = default;
};

struct DescribeProducersResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<DescribeProducersState> active_producers;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.error_message);
    f(self.active_producers);
  }
  bool operator==(const DescribeProducersResponsePartition&) const = default;
};

struct DescribeProducersResponseTopic {
  std::string name;
  std::vector<DescribeProducersResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const DescribeProducersResponseTopic&) const = default;
};

struct DescribeProducersResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeProducersResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.topics);
  }
  bool operator==(const DescribeProducersResponse&) const = default;
};

struct DescribeProducersRequest {
  static constexpr ApiInfo api{.key = 61, .name = "DescribeProducers", .versions = {0, 0}, .flexible_since = 0};
  using Response = DescribeProducersResponse;
  std::vector<DescribeProducersRequestTopic> topics;

  void fields(this auto& self, auto& f) { f(self.topics); }
  bool operator==(const DescribeProducersRequest&) const = default;
};

}  // namespace meridian::kafka
