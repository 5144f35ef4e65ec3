// Shard: one thread with its own io_context. A partition, a group and a connection each have a home shard; their state is
// touched there only, so there are no mutexes. Work for another shard: co_await on(home, task).
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <thread>

#include "common/async/clock.h"
#include "common/async/task.h"

namespace meridian::async {

class Shard {
 public:
  /// Owns its io_context; start() runs it in a thread of its own.
  Shard(int id, Clock& clock);
  /// Runs on a context that somebody else drives (the simulator, a tool's main thread); always "current".
  Shard(int id, Clock& clock, boost::asio::io_context& driven);
  ~Shard();

  int id() const { return id_; }
  boost::asio::io_context& context() { return *context_; }
  Clock& clock() { return clock_; }
  bool is_current() const;

  /// Starts the thread, pinned to CPU `id` modulo the machine's count when `pin`.
  void start(bool pin);
  /// Lets the thread end when its work is done, and joins it.
  void stop();

 private:
  int id_;
  Clock& clock_;
  std::unique_ptr<boost::asio::io_context> owned_;
  boost::asio::io_context* context_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::thread thread_;
};

/// Runs `task` on `home` and resumes here. Its parameters must be values, or outlive the call.
template <class T>
Task<T> on(Shard& home, Task<T> task) {
  if (home.is_current()) co_return co_await std::move(task);
  co_return co_await boost::asio::co_spawn(home.context(), std::move(task), boost::asio::use_awaitable);
}

}  // namespace meridian::async
