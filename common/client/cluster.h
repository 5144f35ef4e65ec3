// Cluster: brokers of one Kafka cluster by node id, found through bootstrap addresses; leaders and coordinators.
#pragma once

#include "common/client/broker_connection.h"

namespace meridian::client {

/// Belongs to one shard. Connections are opened on first use and again after they were lost.
class Cluster {
 public:
  Cluster(io::Network& network, boost::asio::io_context& context, async::Clock& clock, std::vector<io::Endpoint> bootstrap, std::string client_id);
  /// "h1:9092,h2:9092"
  static Result<std::vector<io::Endpoint>> parse_bootstrap(std::string_view text);

  Task<> stop();

  /// Any broker that answers; the first request of a session, and administration on one node.
  Task<Result<std::shared_ptr<BrokerConnection>>> any(async::TimePoint deadline);
  Task<Result<std::shared_ptr<BrokerConnection>>> node(std::int32_t id, async::TimePoint deadline);
  Task<Result<std::shared_ptr<BrokerConnection>>> leader(std::string topic, std::int32_t partition, async::TimePoint deadline);
  Task<Result<std::shared_ptr<BrokerConnection>>> controller(async::TimePoint deadline);
  /// `key_type`: 0 group, 1 transaction.
  Task<Result<std::shared_ptr<BrokerConnection>>> coordinator(std::string key, std::int8_t key_type, async::TimePoint deadline);

  /// Asks for metadata; nullopt = all topics. Refreshes what leader() knows.
  Task<Result<kafka::MetadataResponse>> metadata(std::optional<std::vector<std::string>> topics, async::TimePoint deadline);
  /// Forget what is known about leaders: the next leader() asks again.
  void invalidate() { leaders_.clear(); }

  /// The common case: one request to any broker.
  template <class Request>
  Task<Result<typename Request::Response>> call_any(Request request, async::TimePoint deadline) {
    auto connection = co_await any(deadline);
    if (!connection) co_return fail(connection.error());
    co_return co_await (*connection)->call(std::move(request), deadline);
  }

  async::Clock& clock() { return clock_; }
  boost::asio::io_context& context() { return context_; }
  const std::vector<io::Endpoint>& bootstrap() const { return bootstrap_; }

 private:
  Task<Result<std::shared_ptr<BrokerConnection>>> connect(io::Endpoint to, async::TimePoint deadline);

  io::Network& network_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  std::vector<io::Endpoint> bootstrap_;
  std::string client_id_;
  async::Gate gate_;
  std::map<std::string, std::shared_ptr<BrokerConnection>> connections_;  ///< by endpoint
  std::map<std::int32_t, io::Endpoint> nodes_;
  std::int32_t controller_ = -1;
  std::map<std::pair<std::string, std::int32_t>, std::int32_t> leaders_;
};

}  // namespace meridian::client
