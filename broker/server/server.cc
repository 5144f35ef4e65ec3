#include "broker/server/server.h"

#include <boost/asio/post.hpp>

#include "common/base/log.h"

namespace meridian::server {

Server::Server(Services& services, std::vector<async::Shard*> shards, io::Network& network)
    : services_(services), network_(network), accept_gate_(services.control.context(), services.control.clock()) {
  for (auto* shard : shards) {
    shards_.push_back(std::make_unique<ShardServer>(services, *shard, shards.size()));
    shard_connections_.push_back(std::make_unique<std::atomic<std::size_t>>(0));
  }
}

Server::~Server() = default;

Result<io::Endpoint> Server::listen(const io::Endpoint& at) {
  auto listener = network_.listen(services_.control.context(), at);
  if (!listener) return fail(listener.error());
  listener_ = std::move(*listener);
  return listener_->endpoint();
}

void Server::start() {
  accept_gate_.spawn(accept_loop(), "acceptor");
  for (auto& at : shards_) boost::asio::post(at->shard.context(), [this, &shard = *at] { shard.gate.spawn(idle_loop(shard), "idle connections"); });
}

ShardServer& Server::least_loaded() {
  std::size_t best = 0;
  for (std::size_t i = 1; i < shards_.size(); ++i)
    if (*shard_connections_[i] < *shard_connections_[best]) best = i;
  return *shards_[best];
}

Task<> Server::accept_loop() {
  const auto connections_max = static_cast<std::size_t>(services_.settings.integer("max.connections"));
  while (!stopping_) {
    ShardServer& at = least_loaded();
    auto stream = co_await listener_->accept(at.shard.context());
    if (!stream) {
      if (stream.error().code == Errc::closed) break;
      // Out of descriptors, or the peer gave up: others still connect, after a breath.
      log::warn("accept: {}", stream.error().message);
      co_await async::sleep_for(services_.control.context(), services_.control.clock(), std::chrono::milliseconds(10));
      continue;
    }
    if (connections_ >= connections_max) {
      log::warn("connection from {} refused: max.connections={}", (*stream)->peer(), connections_max);
      continue;
    }
    const std::string peer = (*stream)->peer();
    const auto hold = services_.quotas.admit_connection(*services_.cache.image(services_.control), peer.substr(0, peer.rfind(':')));
    ++connections_;
    ++*shard_connections_[static_cast<std::size_t>(at.shard.id())];
    boost::asio::post(at.shard.context(), [this, &at, hold, moved = std::make_shared<std::unique_ptr<io::Stream>>(std::move(*stream))] {
      at.gate.spawn(adopt(at, std::move(*moved), hold), "connection");
    });
  }
}

Task<> Server::adopt(ShardServer& at, std::unique_ptr<io::Stream> stream, std::chrono::milliseconds hold) {
  constexpr auto slice = std::chrono::milliseconds(50);  // so that stopping is not held up
  for (const auto until = at.shard.clock().now() + hold; at.shard.clock().now() < until && !stopping_;)
    co_await async::sleep_for(at.shard.context(), at.shard.clock(), std::min<async::Duration>(slice, until - at.shard.clock().now()));
  if (hold.count() == 0) {
    auto connection = std::make_shared<ClientConnection>(at, std::move(stream));
    if (stopping_) connection->close();
    co_await connection->run(connection);
  }
  --connections_;
  --*shard_connections_[static_cast<std::size_t>(at.shard.id())];
}

Task<> Server::idle_loop(ShardServer& at) {
  const auto idle_max = std::chrono::milliseconds(services_.settings.integer("connections.max.idle.ms"));
  const auto tick = std::clamp<async::Duration>(idle_max / 4, std::chrono::milliseconds(50), std::chrono::milliseconds(250));
  while (!at.gate.closed() && !stopping_) {
    co_await async::sleep_for(at.shard.context(), at.shard.clock(), tick);
    const auto now = at.shard.clock().now();
    for (auto* connection : at.connections)
      if (now - connection->last_active() > idle_max) connection->close();
  }
}

Task<> Server::stop_shard(ShardServer& at) {
  at.budget.stop();
  for (auto* connection : at.connections) connection->close();
  co_await at.gate.close();
}

Task<> Server::stop() {
  stopping_ = true;
  if (listener_) listener_->close();
  co_await accept_gate_.close();
  for (auto& at : shards_) co_await async::on(at->shard, stop_shard(*at));
}

}  // namespace meridian::server
