// Task<T>: the coroutine type of the whole code base (Asio's awaitable).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace meridian {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace meridian
