// InitProducerId (API key 22). 3: resume with a producer id and epoch that the client has.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct InitProducerIdResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.producer_id);
    f(self.producer_epoch);
  }
  bool operator==(const InitProducerIdResponse&) const = default;
};

struct InitProducerIdRequest {
  static constexpr ApiInfo api{.key = 22, .name = "InitProducerId", .versions = {0, 5}, .flexible_since = 2};
  using Response = InitProducerIdResponse;
  std::optional<std::string> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id);
    f(self.transaction_timeout_ms);
    f(self.producer_id, since(3));
    f(self.producer_epoch, since(3));
  }
  bool operator==(const InitProducerIdRequest&) const = default;
};

}  // namespace meridian::kafka
