// AddOffsetsToTxn (API key 25). Enrols a group's partition of __consumer_offsets in a transaction (KIP-98). 4 may answer TRANSACTION_ABORTABLE.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AddOffsetsToTxnResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
  }
  bool operator==(const AddOffsetsToTxnResponse&) const = default;
};

struct AddOffsetsToTxnRequest {
  static constexpr ApiInfo api{.key = 25, .name = "AddOffsetsToTxn", .versions = {0, 4}, .flexible_since = 3};
  using Response = AddOffsetsToTxnResponse;
  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::string group_id;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id);
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.group_id);
  }
  bool operator==(const AddOffsetsToTxnRequest&) const = default;
};

}  // namespace meridian::kafka
