// Work for several shards at once: co_await on_all(here, {{&shard, task}, ...}).
#pragma once

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <vector>

#include "common/async/shard.h"
#include "common/async/waiter.h"

namespace meridian::async {

struct ShardTask {
  Shard* home;
  Task<> task;  ///< what it refers to must outlive the call
};

/// Runs each task on its shard, side by side, and resumes on `here`, where it must be called, when the last has ended. An exception of one of
/// them is thrown then.
inline Task<> on_all(Shard& here, std::vector<ShardTask> work) {
  Waiter done(here.context(), here.clock());
  std::exception_ptr failure;
  std::size_t left = work.size();
  for (auto& [home, task] : work)
    boost::asio::co_spawn(home->context(), std::move(task), boost::asio::bind_executor(here.context().get_executor(), [&](std::exception_ptr error) {
                            if (error) failure = error;
                            if (--left == 0) done.wake();
                          }));
  while (left > 0) co_await done.wait();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace meridian::async
