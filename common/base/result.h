// Result<T>: expected failures. One small code that callers may act on, and a message that a person can act on.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace meridian {

enum class Errc {
  io,       ///< the operating system refused (EIO, ENOSPC, ...)
  corrupt,  ///< bytes on disk or on the wire do not parse or do not match their checksum
  closed,   ///< peer or service is gone, or going
  timeout,  ///< a deadline passed; the outcome may be unknown
  invalid,  ///< the caller's input is wrong
  not_found,
  conflict,      ///< a guard did not hold
  out_of_range,  ///< an offset outside of what is kept
  refused,       ///< a policy says no
};

struct Error {
  Errc code;
  std::string message;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string message) { return std::unexpected(Error{code, std::move(message)}); }
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace meridian
