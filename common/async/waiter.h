// Waiter: the one way in which a coroutine waits for an event or a deadline.
#pragma once

#include "common/async/clock.h"
#include "common/async/task.h"

namespace meridian::async {

/// Belongs to one shard. One coroutine waits at a time. wake() is remembered until the next wait consumes it.
class Waiter {
 public:
  Waiter(boost::asio::io_context& context, Clock& clock) : timer_(context), clock_(clock) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void wake();
  /// True when woken, false when `deadline` passed first.
  Task<bool> wait(TimePoint deadline = never);

 private:
  boost::asio::steady_timer timer_;
  Clock& clock_;
  bool woken_ = false;
};

Task<> sleep_for(boost::asio::io_context& context, Clock& clock, Duration duration);

}  // namespace meridian::async
