// Network: the seam for sockets. Production is TcpNetwork; simulation delivers bytes in memory, late, or not at all.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/async/clock.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/io/disk.h"

namespace meridian::io {

struct Endpoint {
  std::string host;
  int port = 0;
  std::string to_string() const { return host + ":" + std::to_string(port); }
  /// "host:port", "[::1]:9092"; the port is required.
  static Result<Endpoint> parse(std::string_view text);
  bool operator==(const Endpoint&) const = default;
};

/// One connection; belongs to the shard of the context it was made with. One reader and one writer at a time.
class Stream {
 public:
  virtual ~Stream() = default;
  /// At least one byte, or Errc::closed.
  virtual Task<Result<std::size_t>> read_some(char* to, std::size_t n) = 0;
  /// All of them, in order (writev).
  virtual Task<Status> write(std::span<const ByteView> buffers) = 0;
  virtual Task<Status> send_file(const FileSlice& slice) = 0;
  /// Ends both directions; pending reads and writes finish with Errc::closed.
  virtual void close() = 0;
  virtual std::string peer() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  /// The stream belongs to `target`'s shard.
  virtual Task<Result<std::unique_ptr<Stream>>> accept(boost::asio::io_context& target) = 0;
  virtual void close() = 0;
  /// With the port that was really taken.
  virtual Endpoint endpoint() const = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  virtual Result<std::unique_ptr<Listener>> listen(boost::asio::io_context& context, const Endpoint& at) = 0;
  virtual Task<Result<std::unique_ptr<Stream>>> connect(boost::asio::io_context& context, Endpoint to, async::TimePoint deadline) = 0;
};

}  // namespace meridian::io
