// Actor: what the clients of the simulation have in common.
#pragma once

#include "common/base/random.h"
#include "common/client/operations.h"

namespace meridian::simulation {

class Actor {
 public:
  Actor(base::Random& random, async::Clock& clock, boost::asio::io_context& context, const bool& stopping)
      : random_(random), clock_(clock), context_(context), stopping_(stopping) {}

  async::TimePoint soon() const { return clock_.now() + std::chrono::seconds(2); }
  Task<> breath() { co_await async::sleep_for(context_, clock_, std::chrono::milliseconds(1 + random_.below(40))); }

  /// Of a producer without transactions.
  Task<std::int64_t> producer_id(client::Cluster& at) {
    for (;;) {
      const auto made = co_await at.call_any(kafka::InitProducerIdRequest{.transaction_timeout_ms = 1000}, soon());
      if (made && made->error_code == kafka::ErrorCode::none) co_return made->producer_id;
      co_await breath();
    }
  }

 protected:
  base::Random& random_;
  async::Clock& clock_;
  boost::asio::io_context& context_;
  const bool& stopping_;
};

}  // namespace meridian::simulation
