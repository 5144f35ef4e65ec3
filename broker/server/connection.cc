#include "broker/server/connection.h"

#include <algorithm>

#include "common/base/log.h"

namespace meridian::server {
namespace {

/// The tagged fields of a request header; none is defined.
struct HeaderTags {
  void fields(auto&) {}
};

Task<Result<Reply>> run_guarded(const Handler& handler, RequestContext& context, ByteView body) {
  try {
    co_return co_await handler.run(context, body);
  } catch (const std::exception& e) {  // out of memory, mostly: this connection ends, the others go on
    co_return fail(Errc::io, e.what());
  }
}

}  // namespace

// ---- MemoryBudget, BufferPool, ShardServer

Task<> MemoryBudget::acquire(std::size_t bytes) {
  while (!stopped_ && used_ > 0 && used_ + bytes > limit_) {
    async::Waiter turn(context_, clock_);
    queue_.push_back(&turn);
    co_await turn.wait();
    std::erase(queue_, &turn);
  }
  used_ += bytes;
}

void MemoryBudget::release(std::size_t bytes) {
  used_ -= bytes;
  for (auto* waiter : queue_) waiter->wake();
}

void MemoryBudget::stop() {
  stopped_ = true;
  for (auto* waiter : queue_) waiter->wake();
}

BufferPool::Buffer BufferPool::take(std::size_t capacity) {
  const auto found = std::ranges::find_if(free_, [capacity](const Buffer& buffer) { return buffer.capacity >= capacity; });
  if (found == free_.end()) return {std::make_unique_for_overwrite<char[]>(capacity), capacity};
  Buffer buffer = std::move(*found);
  free_.erase(found);
  return buffer;
}

void BufferPool::give(Buffer buffer) {
  constexpr std::size_t largest_kept = 4u << 20;
  if (buffer.bytes && buffer.capacity <= largest_kept && free_.size() < kept_max) free_.push_back(std::move(buffer));
}

ShardServer::ShardServer(Services& shared, async::Shard& home, std::size_t shard_count)
    : services(shared),
      shard(home),
      sessions(static_cast<std::size_t>(shared.settings.integer("max.incremental.fetch.session.cache.slots")) / shard_count, home.id(),
               static_cast<std::int32_t>(shard_count)),
      budget(static_cast<std::size_t>(shared.settings.integer("queued.max.request.bytes")) / shard_count, home.context(), home.clock()),
      gate(home.context(), home.clock()),
      bytes_in(shared.registry.counter("meridian_kafka_received_bytes_total", "Bytes received on Kafka connections")),
      bytes_out(shared.registry.counter("meridian_kafka_sent_bytes_total", "Bytes sent on Kafka connections")) {
  for (const auto& handler : handlers()) {
    const auto labels = metrics::label("api", handler.api.name);
    api_metrics[handler.api.key] = {&shared.registry.counter("meridian_kafka_requests_total", "Requests received", labels),
                                    &shared.registry.histogram("meridian_kafka_request_duration_seconds", "Time from a whole request to its reply", labels)};
  }
}

// ---- ClientConnection

ClientConnection::ClientConnection(ShardServer& server, std::unique_ptr<io::Stream> stream)
    : server_(server),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      buffer_{std::make_unique_for_overwrite<char[]>(receive_buffer_bytes), receive_buffer_bytes},
      writable_(server.shard.context(), server.shard.clock()),
      progress_(server.shard.context(), server.shard.clock()),
      last_active_(server.shard.clock().now()) {
  server_.connections.push_back(this);
}

ClientConnection::~ClientConnection() {
  std::erase(server_.connections, this);
  if (buffer_.capacity > receive_buffer_bytes) server_.buffers.give(std::move(buffer_));
}

void ClientConnection::close() {
  closed_ = true;
  stream_->close();
  writable_.wake();
  progress_.wake();
}

void ClientConnection::drop(const std::string& why) {
  if (closed_) return;
  log::warn("closing connection from {}: {}", peer_, why);
  close();
}

Task<> ClientConnection::run(std::shared_ptr<ClientConnection> self) {
  server_.gate.spawn(write_loop(self), "connection writer");
  while (!closed_ && co_await handle_buffered()) {
    while (slots_.size() >= replies_pending_max && !closed_) co_await progress_.wait();
    if (closed_ || !co_await fill(1)) break;
  }
  // What was read is still answered; then the writer closes.
  while (serving_ > 0) co_await progress_.wait();
  co_await end_share_sessions();
  reader_done_ = true;
  writable_.wake();
  if (reserved_) server_.budget.release(std::exchange(reserved_, 0));
}

/// A member of a share group that is gone holds nothing back.
Task<> ClientConnection::end_share_sessions() {
  auto& services = server_.services;
  const auto members = co_await async::on(services.control, [](ShareSessions& sessions, const void* connection) -> Task<std::vector<ShareMember>> {
    co_return sessions.disconnected(connection);
  }(services.share_sessions, this));
  for (const auto& member : members) co_await services.share_partitions.release(member.group, member.member);
}

/// Reads at least `wanted` more bytes into the buffer, which has room for them.
Task<bool> ClientConnection::fill(std::size_t wanted) {
  for (std::size_t got = 0; got < wanted;) {
    const auto n = co_await stream_->read_some(buffer_.bytes.get() + filled_, buffer_.capacity - filled_);
    if (!n) co_return false;
    filled_ += *n;
    got += *n;
    server_.bytes_in.add(*n);
    last_active_ = server_.shard.clock().now();
  }
  co_return true;
}

/// Handles every complete frame in the buffer; makes room for the one that is not complete yet.
Task<bool> ClientConnection::handle_buffered() {
  const auto frame_bytes_max = server_.services.settings.integer("socket.request.max.bytes");
  std::size_t at = 0;
  std::size_t frame_bytes = 0;
  while (filled_ - at >= 4) {
    const auto length = base::load_be<std::int32_t>(buffer_.bytes.get() + at);
    if (length < 8 || length > frame_bytes_max) {
      drop(fmt::format("request frame of {} bytes (limit {})", length, frame_bytes_max));
      co_return false;
    }
    frame_bytes = static_cast<std::size_t>(length) + 4;
    if (filled_ - at < frame_bytes) break;
    if (!co_await handle_frame(ByteView(buffer_.bytes.get() + at + 4, frame_bytes - 4))) co_return false;
    at += std::exchange(frame_bytes, 0);
    while (slots_.size() >= replies_pending_max && !closed_) co_await progress_.wait();
    if (closed_) co_return false;
  }
  if (reserved_ && frame_bytes <= receive_buffer_bytes) server_.budget.release(std::exchange(reserved_, 0));
  const std::size_t rest = filled_ - at;
  if (frame_bytes > buffer_.capacity) {
    // Memory for the whole frame is reserved before its body is read.
    if (!reserved_) {
      co_await server_.budget.acquire(frame_bytes);
      reserved_ = frame_bytes;
    }
    // Room for what usually follows: the next large frame of a busy producer.
    auto larger = server_.buffers.take(frame_bytes + receive_buffer_bytes);
    std::memcpy(larger.bytes.get(), buffer_.bytes.get() + at, rest);
    if (buffer_.capacity > receive_buffer_bytes) server_.buffers.give(std::move(buffer_));
    buffer_ = std::move(larger);
  } else if (rest == 0 && buffer_.capacity > receive_buffer_bytes) {
    server_.buffers.give(std::move(buffer_));
    buffer_ = {std::make_unique_for_overwrite<char[]>(receive_buffer_bytes), receive_buffer_bytes};
  } else if (at > 0) {
    std::memmove(buffer_.bytes.get(), buffer_.bytes.get() + at, rest);
  }
  filled_ = rest;
  co_return !closed_;
}

Task<bool> ClientConnection::handle_frame(ByteView frame) {
  // Over a quota (KIP-219): replies go out, requests wait.
  while (!closed_ && server_.shard.clock().now() < muted_until_) co_await progress_.wait(muted_until_);
  const auto key = base::load_be<std::int16_t>(frame.data());
  const auto version = base::load_be<std::int16_t>(frame.data() + 2);
  const auto correlation_id = base::load_be<std::int32_t>(frame.data() + 4);
  const Handler* handler = find_handler(key);
  if (!handler) {
    drop(fmt::format("API key {} is not served", key));
    co_return false;
  }
  if (version < handler->api.versions.min || version > handler->api.versions.max) {
    if (key == kafka::ApiVersionsRequest::api.key) {
      refuse_version(correlation_id);
      co_return true;
    }
    drop(fmt::format("{} version {} is not served", handler->api.name, version));
    co_return false;
  }
  // Request header: the client id stays a classic string also where the header ends in tagged fields.
  std::size_t at = 8;
  auto context = std::make_shared<RequestContext>(RequestContext{.services = server_.services,
                                                                 .shard = server_.shard,
                                                                 .sessions = server_.sessions,
                                                                 .connection = this,
                                                                 .software = software_,
                                                                 .principal = {},
                                                                 .client_id = {},
                                                                 .client_host = "/" + peer_.substr(0, peer_.rfind(':')),
                                                                 .client_port = peer_.substr(peer_.rfind(':') + 1),
                                                                 .version = version,
                                                                 .appended = {}});
  bool header_ok = frame.size() >= at + 2;
  if (header_ok) {
    const auto n = base::load_be<std::int16_t>(frame.data() + at);
    at += 2;
    header_ok = n <= static_cast<std::int64_t>(frame.size() - at);
    if (header_ok && n > 0) context->client_id = frame.substr(at, static_cast<std::size_t>(n)), at += static_cast<std::size_t>(n);
  }
  if (header_ok && handler->api.flexible(version)) {
    HeaderTags none;
    kafka::Decoder tags(frame.substr(at), 0, true);
    tags.read_struct(none);
    header_ok = tags.ok();
    at += tags.position();
  }
  if (!header_ok) {
    drop(fmt::format("{}: malformed request header", handler->api.name));
    co_return false;
  }
  auto slot = std::make_shared<Slot>();
  slots_.push_back(slot);
  ++serving_;
  if (!handler->pipelined) {
    co_await serve(shared_from_this(), *handler, correlation_id, context, frame.substr(at), slot);
    co_return !closed_;
  }
  // The frame's bytes stay where they are until everything in it is appended; then the next request may start.
  bool appended = false;
  context->appended = [this, &appended] {
    appended = true;
    progress_.wake();
  };
  server_.gate.spawn(serve(shared_from_this(), *handler, correlation_id, context, frame.substr(at), slot), "request");
  while (!appended && !slot->ready && !closed_) co_await progress_.wait();
  context->appended = nullptr;
  mute(*context);
  // A closed connection still waits: the request reads from our buffer.
  while (!appended && !slot->ready) co_await progress_.wait();
  co_return !closed_;
}

void ClientConnection::mute(const RequestContext& context) {
  if (context.throttle.count() > 0) muted_until_ = std::max(muted_until_, server_.shard.clock().now() + context.throttle);
}

Task<> ClientConnection::serve(std::shared_ptr<ClientConnection> self, const Handler& handler, std::int32_t correlation_id,
                               std::shared_ptr<RequestContext> context, ByteView body, std::shared_ptr<Slot> slot) {
  const auto started = self->server_.shard.clock().now();
  auto reply = co_await run_guarded(handler, *context, body);
  self->mute(*context);
  auto& metrics = self->server_.api_metrics.at(handler.api.key);
  metrics.requests->add();
  metrics.seconds->observe(std::chrono::duration<double>(self->server_.shard.clock().now() - started).count());
  if (!reply) {
    self->drop(fmt::format("{} version {}: malformed request: {}", handler.api.name, context->version, reply.error().message));
    slot->ready = slot->silent = true;
  } else {
    slot->silent = context->no_response;
    self->finish(*slot, handler, context->version, correlation_id, std::move(*reply));
  }
  --self->serving_;
  self->writable_.wake();
  self->progress_.wake();
}

void ClientConnection::finish(Slot& slot, const Handler& handler, std::int16_t version, std::int32_t correlation_id, Reply reply) {
  const bool tagged_header = handler.api.flexible(version) && handler.api.key != kafka::ApiVersionsRequest::api.key;
  std::size_t size = 4 + (tagged_header ? 1 : 0) + reply.body.size();
  for (const auto& splice : reply.splices) size += splice.size;
  base::append_be(slot.head, static_cast<std::int32_t>(size));
  base::append_be(slot.head, correlation_id);
  if (tagged_header) slot.head += '\0';
  slot.reply = std::move(reply);
  slot.ready = true;
}

// KIP-511: a client that guessed too high is answered in version 0, with our own range of ApiVersions.
void ClientConnection::refuse_version(std::int32_t correlation_id) {
  kafka::ApiVersionsResponse response;
  response.error_code = kafka::ErrorCode::unsupported_version;
  const auto& api = kafka::ApiVersionsRequest::api;
  response.api_keys.push_back({api.key, api.versions.min, api.versions.max});
  auto slot = std::make_shared<Slot>();
  Reply reply;
  kafka::Encoder encoder(reply.body, 0, false);
  kafka::encode_message(encoder, response);
  finish(*slot, *find_handler(api.key), 0, correlation_id, std::move(reply));
  slots_.push_back(std::move(slot));
  writable_.wake();
}

Task<> ClientConnection::write_loop(std::shared_ptr<ClientConnection> self) {
  while (!closed_) {
    std::vector<std::shared_ptr<Slot>> ready;
    while (!slots_.empty() && slots_.front()->ready) {
      ready.push_back(std::move(slots_.front()));
      slots_.pop_front();
    }
    if (ready.empty()) {
      if (reader_done_ && slots_.empty()) break;
      co_await writable_.wait();
      continue;
    }
    if (!co_await send(ready)) break;
    progress_.wake();
  }
  close();
}

/// All replies that are ready leave in one writev, up to the first that carries file slices.
Task<bool> ClientConnection::send(const std::vector<std::shared_ptr<Slot>>& slots) {
  std::vector<ByteView> parts;
  std::size_t sent = 0;
  for (const auto& slot : slots) {
    if (slot->silent) continue;
    parts.push_back(slot->head);
    std::size_t at = 0;
    for (const auto& splice : slot->reply.splices) {
      parts.push_back(ByteView(slot->reply.body).substr(at, splice.position - at));
      at = splice.position;
      if (!co_await stream_->write(parts)) co_return false;
      parts.clear();
      for (const auto& slice : *std::static_pointer_cast<std::vector<io::FileSlice>>(splice.body)) {
        if (auto done = co_await stream_->send_file(slice); !done) {
          if (done.error().code == Errc::io) drop(done.error().message);
          co_return false;
        }
        sent += slice.size;
      }
    }
    if (at < slot->reply.body.size()) parts.push_back(ByteView(slot->reply.body).substr(at));
    sent += slot->reply.body.size();
  }
  if (!parts.empty() && !co_await stream_->write(parts)) co_return false;
  server_.bytes_out.add(sent);
  last_active_ = server_.shard.clock().now();
  co_return true;
}

}  // namespace meridian::server
