// EndTxn (API key 26). 5: the response carries producer id and epoch of the next transaction (KIP-890). Sent by the mirror's fence.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct EndTxnResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.producer_id, since(5));
    f(self.producer_epoch, since(5));
  }
  bool operator==(const EndTxnResponse&) const = default;
};

struct EndTxnRequest {
  static constexpr ApiInfo api{.key = 26, .name = "EndTxn", .versions = {0, 5}, .flexible_since = 3};
  using Response = EndTxnResponse;
  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  bool committed = false;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id);
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.committed);
  }
  bool operator==(const EndTxnRequest&) const = default;
};

}  // namespace meridian::kafka
