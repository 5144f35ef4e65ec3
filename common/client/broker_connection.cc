#include "common/client/broker_connection.h"

namespace meridian::client {
namespace {
constexpr std::int32_t response_bytes_max = 256 << 20;
}

BrokerConnection::BrokerConnection(World world, std::unique_ptr<io::Stream> stream, io::Endpoint to)
    : world_(std::move(world)), stream_(std::move(stream)), peer_(to.to_string()), writable_(world_.context, world_.clock) {
  // Until the broker has said more: ApiVersions itself, at a version that every broker answers.
  served_[kafka::ApiVersionsRequest::api.key] = {0, 3};
}

Task<Result<std::shared_ptr<BrokerConnection>>> BrokerConnection::open(World world, io::Endpoint to, async::TimePoint deadline) {
  auto stream = co_await world.network.connect(world.context, to, deadline);
  if (!stream) co_return fail(stream.error());
  if (world.gate.closed()) co_return fail(Errc::closed, "stopping");  // nobody would read the answers
  auto connection = std::make_shared<BrokerConnection>(world, std::move(*stream), to);
  world.gate.spawn(connection->read_loop(connection), "client reader");
  world.gate.spawn(connection->write_loop(connection), "client writer");
  kafka::ApiVersionsRequest ask{.client_software_name = "meridian", .client_software_version = "0.1.0"};
  auto versions = co_await connection->call(ask, deadline);
  if (versions && versions->error_code == kafka::ErrorCode::unsupported_version) versions = co_await connection->call(ask, deadline, 0);
  if (!versions) {
    connection->close();
    co_return fail(versions.error());
  }
  connection->served_.clear();
  for (const auto& api : versions->api_keys) connection->served_[api.api_key] = {api.min_version, api.max_version};
  co_return connection;
}

std::int16_t BrokerConnection::version_for(const kafka::ApiInfo& api, std::int16_t version_max) const {
  const auto it = served_.find(api.key);
  if (it == served_.end()) return -1;
  const auto highest = std::min({api.versions.max, it->second.max, version_max});
  return highest >= std::max(api.versions.min, it->second.min) ? highest : static_cast<std::int16_t>(-1);
}

Bytes BrokerConnection::begin_frame(const kafka::ApiInfo& api, std::int16_t version) {
  Bytes frame(4, '\0');
  base::append_be(frame, api.key);
  base::append_be(frame, version);
  base::append_be(frame, next_correlation_id_++);
  base::append_be(frame, static_cast<std::int16_t>(world_.client_id.size()));
  frame += world_.client_id;
  if (api.flexible(version)) frame += '\0';
  return frame;
}

Task<Result<Bytes>> BrokerConnection::exchange(Bytes frame, std::int32_t correlation_id, async::TimePoint deadline) {
  if (closed_) co_return fail(Errc::closed, "connection to " + peer_ + " is closed");
  const auto self = shared_from_this();
  base::store_be(frame.data(), static_cast<std::int32_t>(frame.size() - 4));
  const auto pending = std::make_shared<Pending>(world_.context, world_.clock);
  pending_[correlation_id] = pending;
  outgoing_.push_back(std::move(frame));
  writable_.wake();
  const bool answered = co_await pending->waiter.wait(deadline);
  pending_.erase(correlation_id);
  if (pending->body) co_return std::move(*pending->body);
  // After a missed deadline the connection says nothing reliable about order any more.
  close();
  if (answered) co_return fail(Errc::closed, "connection to " + peer_ + " was lost");
  co_return fail(Errc::timeout, "no answer from " + peer_ + " in time");
}

void BrokerConnection::close() {
  if (std::exchange(closed_, true)) return;
  stream_->close();
  writable_.wake();
  for (auto& [id, pending] : pending_) pending->waiter.wake();
}

Task<bool> BrokerConnection::read_exactly(char* to, std::size_t n) {
  while (n > 0) {
    const auto got = co_await stream_->read_some(to, n);
    if (!got) co_return false;
    to += *got;
    n -= *got;
  }
  co_return true;
}

Task<> BrokerConnection::read_loop(std::shared_ptr<BrokerConnection>) {
  for (;;) {
    char prefix[8];
    if (!co_await read_exactly(prefix, sizeof prefix)) break;
    const auto length = base::load_be<std::int32_t>(prefix);
    const auto correlation_id = base::load_be<std::int32_t>(prefix + 4);
    if (length < 4 || length > response_bytes_max) break;
    Bytes body;
    body.resize(static_cast<std::size_t>(length) - 4);
    if (!co_await read_exactly(body.data(), body.size())) break;
    const auto it = pending_.find(correlation_id);
    if (it == pending_.end()) continue;
    it->second->body = std::move(body);
    it->second->waiter.wake();
  }
  close();
}

Task<> BrokerConnection::write_loop(std::shared_ptr<BrokerConnection>) {
  while (!closed_) {
    if (outgoing_.empty()) {
      co_await writable_.wait();
      continue;
    }
    const std::deque<Bytes> batch = std::exchange(outgoing_, {});
    std::vector<ByteView> parts(batch.begin(), batch.end());
    if (!co_await stream_->write(parts)) break;
  }
  close();
}

}  // namespace meridian::client
