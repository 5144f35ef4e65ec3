// DescribeTransactions (API key 65). State of transactions by transactional id (KIP-664).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeTransactionsResponseTopic {
  std::string topic;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
  bool operator==(const DescribeTransactionsResponseTopic&) const = default;
};

struct DescribeTransactionsResponseTransactionState {
  ErrorCode error_code = ErrorCode::none;
  std::string transactional_id;
  std::string transaction_state;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t transaction_start_time_ms = 0;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::vector<DescribeTransactionsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.transactional_id);
    f(self.transaction_state);
    f(self.transaction_timeout_ms);
    f(self.transaction_start_time_ms);
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.topics);
  }
  bool operator==(const DescribeTransactionsResponseTransactionState&) const = default;
};

struct DescribeTransactionsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeTransactionsResponseTransactionState> transaction_states;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.transaction_states);
  }
  bool operator==(const DescribeTransactionsResponse&) const = default;
};

struct DescribeTransactionsRequest {
  static constexpr ApiInfo api{.key = 65, .name = "DescribeTransactions", .versions = {0, 0}, .flexible_since = 0};
  using Response = DescribeTransactionsResponse;
  std::vector<std::string> transactional_ids;

  void fields(this auto& self, auto& f) { f(self.transactional_ids); }
  bool operator==(const DescribeTransactionsRequest&) const = default;
};

}  // namespace meridian::kafka
