// ClientConnection: frames in, replies out, in order. One coroutine reads and dispatches, one writes.
//
// Requests of a connection are handled one after the other, as Kafka does. A pipelined one (Produce) lets the next start as soon
// as its appends are made, so that one fsync serves many. Back-pressure: reading pauses while `replies_pending_max` replies are
// unsent or the shard's request memory is spent; a slow client holds back nobody but itself.
#pragma once

#include <deque>

#include "broker/server/dispatcher.h"
#include "common/async/gate.h"

namespace meridian::server {

inline constexpr std::size_t replies_pending_max = 64;
inline constexpr std::size_t receive_buffer_bytes = 16 * 1024;

/// Memory for requests in work on one shard. acquire() waits until there is room; one request always fits.
class MemoryBudget {
 public:
  MemoryBudget(std::size_t limit, boost::asio::io_context& context, async::Clock& clock) : limit_(limit), context_(context), clock_(clock) {}
  Task<> acquire(std::size_t bytes);
  void release(std::size_t bytes);
  std::size_t used() const { return used_; }
  void stop();

 private:
  std::size_t limit_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  std::size_t used_ = 0;
  bool stopped_ = false;
  std::deque<async::Waiter*> queue_;
};

/// Large receive buffers, used again: fresh pages cost more than the copy of what arrived so far.
class BufferPool {
 public:
  struct Buffer {
    std::unique_ptr<char[]> bytes;
    std::size_t capacity = 0;
  };
  Buffer take(std::size_t capacity);
  void give(Buffer buffer);

 private:
  static constexpr std::size_t kept_max = 8;
  std::vector<Buffer> free_;
};

/// What connections of one shard share.
struct ShardServer {
  ShardServer(Services& services, async::Shard& shard, std::size_t shard_count);
  Services& services;
  async::Shard& shard;
  FetchSessions sessions;
  MemoryBudget budget;
  BufferPool buffers;
  async::Gate gate;
  std::vector<class ClientConnection*> connections;
  struct ApiMetrics {
    metrics::Counter* requests;
    metrics::Histogram* seconds;
  };
  std::map<std::int16_t, ApiMetrics> api_metrics;
  metrics::Counter& bytes_in;
  metrics::Counter& bytes_out;
};

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(ShardServer& server, std::unique_ptr<io::Stream> stream);
  ~ClientConnection();

  Task<> run(std::shared_ptr<ClientConnection> self);
  void close();
  async::TimePoint last_active() const { return last_active_; }

 private:
  struct Slot {
    bool ready = false;
    bool silent = false;  ///< acks=0
    Bytes head;           ///< frame length and response header
    Reply reply;
  };
  struct Frame;

  Task<bool> fill(std::size_t wanted);
  Task<bool> handle_buffered();
  Task<bool> handle_frame(ByteView frame);
  Task<> serve(std::shared_ptr<ClientConnection> self, const Handler& handler, std::int32_t correlation_id, std::shared_ptr<RequestContext> context,
               ByteView body, std::shared_ptr<Slot> slot);
  void finish(Slot& slot, const Handler& handler, std::int16_t version, std::int32_t correlation_id, Reply reply);
  /// Over a quota: what comes next waits (KIP-219).
  void mute(const RequestContext& context);
  void refuse_version(std::int32_t correlation_id);
  Task<> write_loop(std::shared_ptr<ClientConnection> self);
  Task<bool> send(const std::vector<std::shared_ptr<Slot>>& slots);
  void drop(const std::string& why);
  Task<> end_share_sessions();

  ShardServer& server_;
  std::unique_ptr<io::Stream> stream_;
  std::string peer_;
  ClientSoftware software_;
  BufferPool::Buffer buffer_;
  std::size_t filled_ = 0;
  std::size_t reserved_ = 0;
  std::deque<std::shared_ptr<Slot>> slots_;
  async::Waiter writable_;  ///< a slot became ready, or the connection ends
  async::Waiter progress_;  ///< a reply went out, or a pipelined request appended
  bool closed_ = false;
  bool reader_done_ = false;
  async::TimePoint last_active_;
  async::TimePoint muted_until_{};
  int serving_ = 0;
};

}  // namespace meridian::server
