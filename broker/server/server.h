// Server: the Kafka listener. One acceptor hands each connection to the shard with the fewest.
#pragma once

#include <atomic>

#include "broker/server/connection.h"

namespace meridian::server {

class Server {
 public:
  Server(Services& services, std::vector<async::Shard*> shards, io::Network& network);
  ~Server();

  /// Binds on the control shard; connections are accepted from now on.
  Result<io::Endpoint> listen(const io::Endpoint& at);
  void start();
  Task<> stop();
  std::size_t connection_count() const { return connections_; }

 private:
  Task<> accept_loop();
  Task<> idle_loop(ShardServer& at);
  /// `hold`: over its address's quota, the connection is closed after that time, unserved.
  Task<> adopt(ShardServer& at, std::unique_ptr<io::Stream> stream, std::chrono::milliseconds hold);
  Task<> stop_shard(ShardServer& at);
  ShardServer& least_loaded();

  Services& services_;
  io::Network& network_;
  std::vector<std::unique_ptr<ShardServer>> shards_;
  std::unique_ptr<io::Listener> listener_;
  async::Gate accept_gate_;
  std::atomic<std::size_t> connections_{0};
  std::vector<std::unique_ptr<std::atomic<std::size_t>>> shard_connections_;
  std::atomic<bool> stopping_{false};  ///< read on every shard
};

}  // namespace meridian::server
