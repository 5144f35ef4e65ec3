// ListTransactions (API key 66). Transactions of this coordinator (KIP-664). 1: duration filter; 2: transactional id pattern.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ListTransactionsResponseTransactionState {
  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::string transaction_state;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id);
    f(self.producer_id);
    f(self.transaction_state);
  }
  bool operator==(const ListTransactionsResponseTransactionState&) const = default;
};

struct ListTransactionsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<std::string> unknown_state_filters;
  std::vector<ListTransactionsResponseTransactionState> transaction_states;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.unknown_state_filters);
    f(self.transaction_states);
  }
  bool operator==(const ListTransactionsResponse&) const = default;
};

struct ListTransactionsRequest {
  static constexpr ApiInfo api{.key = 66, .name = "ListTransactions", .versions = {0, 2}, .flexible_since = 0};
  using Response = ListTransactionsResponse;
  std::vector<std::string> state_filters;
  std::vector<std::int64_t> producer_id_filters;
  std::int64_t duration_filter = -1;
  std::optional<std::string> transactional_id_pattern;

  void fields(this auto& self, auto& f) {
    f(self.state_filters);
    f(self.producer_id_filters);
    f(self.duration_filter, since(1));
    f(self.transactional_id_pattern, since(2));
  }
  bool operator==(const ListTransactionsRequest&) const = default;
};

}  // namespace meridian::kafka
