// Runs a coroutine to its end on a context of its own, with real or given time.
#pragma once

#include <boost/asio/co_spawn.hpp>

#include "common/async/task.h"

namespace meridian::testing {

template <class T>
T run_task(boost::asio::io_context& context, Task<T> task) {
  std::optional<T> result;
  std::exception_ptr error;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr e, T value) {
    error = e;
    if (!e) result.emplace(std::move(value));
  });
  context.restart();
  context.run();
  if (error) std::rethrow_exception(error);
  return std::move(*result);
}

}  // namespace meridian::testing
