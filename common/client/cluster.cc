#include "common/client/cluster.h"

namespace meridian::client {

Cluster::Cluster(io::Network& network, boost::asio::io_context& context, async::Clock& clock, std::vector<io::Endpoint> bootstrap, std::string client_id)
    : network_(network), context_(context), clock_(clock), bootstrap_(std::move(bootstrap)), client_id_(std::move(client_id)), gate_(context, clock) {}

Result<std::vector<io::Endpoint>> Cluster::parse_bootstrap(std::string_view text) {
  std::vector<io::Endpoint> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    auto endpoint = io::Endpoint::parse(part);
    if (!endpoint) return fail(endpoint.error());
    out.push_back(std::move(*endpoint));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (out.empty()) return fail(Errc::invalid, "no bootstrap address");
  return out;
}

Task<> Cluster::stop() {
  for (auto& [to, connection] : connections_) connection->close();
  co_await gate_.close();
}

Task<Result<std::shared_ptr<BrokerConnection>>> Cluster::connect(io::Endpoint to, async::TimePoint deadline) {
  const std::string key = to.to_string();
  if (const auto it = connections_.find(key); it != connections_.end() && !it->second->closed()) co_return it->second;
  if (gate_.closed()) co_return fail(Errc::closed, "stopping");
  auto opened = co_await BrokerConnection::open({network_, context_, clock_, gate_, client_id_}, to, deadline);
  if (!opened) co_return fail(opened.error());
  if (gate_.closed()) {  // stop() closed those that it knew of, and waits for every reader
    (*opened)->close();
    co_return fail(Errc::closed, "stopping");
  }
  auto& slot = connections_[key];
  if (slot && !slot->closed()) {  // somebody else was faster: one connection keeps the order of requests
    (*opened)->close();
    co_return slot;
  }
  slot = *opened;
  co_return slot;
}

Task<Result<std::shared_ptr<BrokerConnection>>> Cluster::any(async::TimePoint deadline) {
  for (const auto& [id, to] : nodes_)
    if (const auto it = connections_.find(to.to_string()); it != connections_.end() && !it->second->closed()) co_return it->second;
  Error last{Errc::closed, "no bootstrap address"};
  for (const auto& to : bootstrap_) {
    auto connection = co_await connect(to, deadline);
    if (connection) co_return connection;
    last = connection.error();
  }
  co_return fail(last);
}

Task<Result<kafka::MetadataResponse>> Cluster::metadata(std::optional<std::vector<std::string>> topics, async::TimePoint deadline) {
  auto connection = co_await any(deadline);
  if (!connection) co_return fail(connection.error());
  kafka::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  if (topics) {
    request.topics.emplace();
    for (auto& topic : *topics) request.topics->push_back({{}, std::move(topic)});
  }
  auto response = co_await (*connection)->call(std::move(request), deadline);
  if (!response) co_return fail(response.error());
  nodes_.clear();
  for (const auto& broker : response->brokers) nodes_[broker.node_id] = {broker.host, broker.port};
  controller_ = response->controller_id;
  for (const auto& topic : response->topics)
    for (const auto& partition : topic.partitions)
      if (topic.name && partition.leader_id >= 0) leaders_[{*topic.name, partition.partition_index}] = partition.leader_id;
  co_return response;
}

Task<Result<std::shared_ptr<BrokerConnection>>> Cluster::node(std::int32_t id, async::TimePoint deadline) {
  auto it = nodes_.find(id);
  if (it == nodes_.end()) {
    if (auto known = co_await metadata(std::vector<std::string>{}, deadline); !known) co_return fail(known.error());
    it = nodes_.find(id);
  }
  if (it == nodes_.end()) co_return fail(Errc::not_found, "no broker " + std::to_string(id));
  co_return co_await connect(it->second, deadline);
}

Task<Result<std::shared_ptr<BrokerConnection>>> Cluster::leader(std::string topic, std::int32_t partition, async::TimePoint deadline) {
  auto it = leaders_.find({topic, partition});
  if (it == leaders_.end()) {
    if (auto known = co_await metadata(std::vector<std::string>{topic}, deadline); !known) co_return fail(known.error());
    it = leaders_.find({topic, partition});
  }
  if (it == leaders_.end()) co_return fail(Errc::not_found, topic + "-" + std::to_string(partition) + " has no leader");
  co_return co_await node(it->second, deadline);
}

Task<Result<std::shared_ptr<BrokerConnection>>> Cluster::controller(async::TimePoint deadline) {
  if (controller_ < 0)
    if (auto known = co_await metadata(std::vector<std::string>{}, deadline); !known) co_return fail(known.error());
  if (controller_ < 0) co_return co_await any(deadline);
  co_return co_await node(controller_, deadline);
}

Task<Result<std::shared_ptr<BrokerConnection>>> Cluster::coordinator(std::string key, std::int8_t key_type, async::TimePoint deadline) {
  kafka::FindCoordinatorRequest request;
  request.key = key;
  request.key_type = key_type;
  request.coordinator_keys = {key};
  for (;;) {
    auto found = co_await call_any(request, deadline);
    if (!found) co_return fail(found.error());
    auto error = found->error_code;
    auto id = found->node_id;
    io::Endpoint at{found->host, found->port};
    if (!found->coordinators.empty()) {
      const auto& only = found->coordinators[0];
      error = only.error_code;
      id = only.node_id;
      at = {only.host, only.port};
    }
    if (error == kafka::ErrorCode::none) {
      nodes_[id] = at;
      co_return co_await connect(at, deadline);
    }
    if (!kafka::is_retriable(error) || clock_.now() >= deadline) co_return fail(Errc::refused, "no coordinator: " + std::string(kafka::error_name(error)));
    co_await async::sleep_for(context_, clock_, std::chrono::milliseconds(100));
  }
}

}  // namespace meridian::client
