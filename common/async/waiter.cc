#include "common/async/waiter.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace meridian::async {

void Waiter::wake() {
  woken_ = true;
  timer_.cancel();
}

Task<bool> Waiter::wait(TimePoint deadline) {
  if (!woken_) {
    clock_.arm(timer_, deadline);
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    clock_.disarm(timer_);
  }
  const bool woken = woken_;
  woken_ = false;
  co_return woken;
}

Task<> sleep_for(boost::asio::io_context& context, Clock& clock, Duration duration) {
  Waiter waiter(context, clock);
  co_await waiter.wait(clock.now() + duration);
}

}  // namespace meridian::async
