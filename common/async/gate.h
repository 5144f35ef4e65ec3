// Gate: every background coroutine is started through one, so that stopping can wait for all of them.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "common/async/waiter.h"
#include "common/base/log.h"

namespace meridian::async {

/// Belongs to one shard. Stop protocol of an owner: cancel what its coroutines wait for, then co_await close().
class Gate {
 public:
  Gate(boost::asio::io_context& context, Clock& clock) : context_(context), drained_(context, clock) {}

  /// Starts `task` on this shard; `name` appears in the log when an exception escapes it. Ignored after close() began.
  void spawn(Task<> task, const char* name) {
    if (closed_) return;
    ++count_;
    boost::asio::co_spawn(context_, std::move(task), [this, name](std::exception_ptr error) {
      if (error) report(error, name);
      if (--count_ == 0 && closed_) drained_.wake();
    });
  }

  bool closed() const { return closed_; }

  Task<> close() {
    closed_ = true;
    while (count_ > 0) co_await drained_.wait();
  }

 private:
  static void report(std::exception_ptr error, const char* name) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::error("{} ended by an exception: {}", name, e.what());
    }
  }

  boost::asio::io_context& context_;
  Waiter drained_;
  int count_ = 0;
  bool closed_ = false;
};

}  // namespace meridian::async
