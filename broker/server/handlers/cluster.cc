// Metadata (with auto-creation), DescribeCluster, FindCoordinator.
#include <algorithm>
#include <set>

#include "broker/server/handlers/handlers.h"
#include "common/base/log.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
constexpr std::int8_t group_key = 0, transaction_key = 1, share_key = 2;
constexpr std::int16_t knows_share_keys = 6;
// Every operation is allowed while nothing is forbidden: bits of READ (3) to ALTER_CONFIGS (11) of Kafka's AclOperation.
constexpr std::int32_t all_topic_operations = 0xdf8;
constexpr std::int32_t all_cluster_operations = 0x1fa0;  // CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE

kafka::MetadataResponseTopic describe(const metadata::TopicImage& topic, std::int32_t authorized) {
  kafka::MetadataResponseTopic out;
  out.name = topic.name;
  out.topic_id = topic.id;
  out.is_internal = metadata::is_internal_topic(topic.name);
  out.authorized_operations = authorized;
  std::int32_t n = 0;
  for (const auto& partition : topic.partitions) {
    auto& result = out.partitions.emplace_back();
    result.partition_index = n++;
    result.error_code = partition.leader < 0 ? ErrorCode::leader_not_available : ErrorCode::none;
    result.leader_id = partition.leader;
    result.leader_epoch = partition.leader_epoch;
    result.replica_nodes = partition.replicas;
    result.isr_nodes = partition.isr;
  }
  return out;
}

/// Partitions in a log directory that has failed have no leader; a copy of the metadata does not know, the partitions' home shards do.
template <class Partition>
Task<> mark_offline(Services& services, std::string topic, std::vector<Partition>& partitions) {
  if (!services.replicas.any_directory_away()) co_return;
  for (auto& partition : partitions) {
    auto& home = services.replicas.home(topic, partition.partition_index);
    const bool offline = co_await async::on(home, [](replication::ReplicaManager& replicas, std::string name, std::int32_t n) -> Task<bool> {
      co_return replicas.offline(name, n);
    }(services.replicas, topic, partition.partition_index));
    if (!offline) continue;
    partition.error_code = ErrorCode::leader_not_available;
    partition.leader_id = -1;
    partition.isr_nodes.clear();
    partition.offline_replicas = partition.replica_nodes;
  }
}

Task<ErrorCode> auto_create(RequestContext& context, const std::string& name) {
  for (const char* internal : {offsets_topic, transactions_topic, share_state_topic})
    if (name == internal)
      co_return co_await ensure_internal_topic(context.services, context.shard, internal) ? ErrorCode::none : ErrorCode::unknown_topic_or_partition;
  kafka::CreateTopicsRequestTopic topic;
  topic.name = name;
  const auto made = co_await async::on(context.services.control, context.services.metadata.create_topic(std::move(topic), false));
  if (made.error == ErrorCode::none) log::info("created topic {} on a client's first use", name);
  co_return made.error == ErrorCode::topic_already_exists ? ErrorCode::none : made.error;
}

Task<kafka::MetadataResponseTopic> find_topic(RequestContext& context, const kafka::MetadataRequest& request, const kafka::MetadataRequestTopic& wanted,
                                              std::int32_t authorized) {
  kafka::MetadataResponseTopic out;
  out.name = wanted.name;
  out.topic_id = wanted.topic_id;
  if (!wanted.name) {
    const auto* topic = context.image()->topic(wanted.topic_id);
    if (topic && context.allowed(Operation::describe, Resource::topic, topic->name)) co_return describe(*topic, authorized);
    out.error_code = wanted.topic_id.is_zero() ? ErrorCode::invalid_request : ErrorCode::unknown_topic_id;
    co_return out;
  }
  const std::string& name = *wanted.name;
  out.topic_id = {};
  if (!context.allowed(Operation::describe, Resource::topic, name)) {
    out.error_code = ErrorCode::topic_authorization_failed;
    co_return out;
  }
  if (const auto* topic = context.image()->topic(name)) co_return describe(*topic, authorized);
  if (!metadata::check_topic_name(name)) {
    out.error_code = ErrorCode::invalid_topic_exception;
    co_return out;
  }
  out.error_code = ErrorCode::unknown_topic_or_partition;
  if (!request.allow_auto_topic_creation || !context.services.settings.boolean("auto.create.topics.enable") ||
      !context.allowed(Operation::create, Resource::topic, name))
    co_return out;
  out.error_code = co_await auto_create(context, name);
  const auto* topic = context.image()->topic(name);
  if (out.error_code == ErrorCode::none && topic) co_return describe(*topic, authorized);
  if (out.error_code == ErrorCode::none) out.error_code = ErrorCode::leader_not_available;
  co_return out;
}

}  // namespace

Task<bool> ensure_internal_topic(Services& services, async::Shard& caller, const char* name) {
  if (services.cache.image(caller)->topic(name)) co_return true;
  const bool share = std::string_view(name) == share_state_topic;
  const std::string prefix = share ? "share.coordinator.state.topic." : std::string_view(name) == offsets_topic ? "offsets.topic." : "transaction.state.log.";
  kafka::CreateTopicsRequestTopic topic;
  topic.name = name;
  topic.num_partitions = static_cast<std::int32_t>(services.settings.integer(prefix + "num.partitions"));
  topic.configs = {{"compression.type", "producer"}, {"segment.bytes", services.settings.string(prefix + "segment.bytes")}};
  // Updates of a share group's state add up, so a newer one does not replace an older one: what is not needed goes by DeleteRecords.
  if (share) topic.configs.insert(topic.configs.end(), {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}});
  else topic.configs.push_back({"cleanup.policy", "compact"});
  const auto made = co_await async::on(services.control, services.metadata.create_topic(std::move(topic), false));
  if (made.error != ErrorCode::none && made.error != ErrorCode::topic_already_exists) {
    log::error("cannot create {}: {}", name, made.message);
    co_return false;
  }
  co_return true;
}

Task<kafka::MetadataResponse> handle_metadata(RequestContext& context, kafka::MetadataRequest& request) {
  Services& services = context.services;
  kafka::MetadataResponse response;
  const auto rack = services.settings.raw("broker.rack");
  response.brokers.push_back({services.node_id, services.advertised.host, services.advertised.port, rack});
  response.cluster_id = context.image()->cluster_id;
  response.controller_id = services.node_id;
  const std::int32_t authorized = request.include_topic_authorized_operations ? all_topic_operations : INT32_MIN;
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
  // Version 0 had no null: an empty list meant all topics.
  if (!request.topics || (context.version == 0 && request.topics->empty())) {
    const auto image = context.image();
    for (const auto& [name, topic] : image->topics)
      if (context.allowed(Operation::describe, Resource::topic, name)) response.topics.push_back(describe(*topic, authorized));
    for (auto& topic : response.topics) co_await mark_offline(services, *topic.name, topic.partitions);
    co_return response;
  }
  for (const auto& wanted : *request.topics) {
    // 10 and 11 carry ids that must not be used; a null name is from 12 on.
    if (!wanted.name && context.version < 12) {
      kafka::MetadataResponseTopic out;
      out.name = "";
      out.error_code = ErrorCode::invalid_request;
      response.topics.push_back(std::move(out));
      continue;
    }
    auto& found = response.topics.emplace_back(co_await find_topic(context, request, wanted, authorized));
    if (found.name) co_await mark_offline(services, *found.name, found.partitions);
  }
  co_return response;
}

// Topics in order of their names, page by page (KIP-966): a cursor names the first partition of the next page.
Task<kafka::DescribeTopicPartitionsResponse> handle_describe_topic_partitions(RequestContext& context, kafka::DescribeTopicPartitionsRequest& request) {
  constexpr std::int32_t partitions_per_page_max = 2000;
  kafka::DescribeTopicPartitionsResponse response;
  const auto image = context.image();
  std::set<std::string> names;
  for (const auto& topic : request.topics) names.insert(topic.name);
  const bool all = request.topics.empty();
  if (all)
    for (const auto& [name, topic] : image->topics) names.insert(name);
  auto left = std::clamp(request.response_partition_limit, 1, partitions_per_page_max);
  for (const auto& name : names) {
    if (request.cursor && name < request.cursor->topic_name) continue;
    const bool allowed = context.allowed(Operation::describe, Resource::topic, name);
    if (all && !allowed) continue;
    std::int32_t from = request.cursor && name == request.cursor->topic_name ? request.cursor->partition_index : 0;
    if (left == 0) {
      response.next_cursor = {name, from};
      break;
    }
    auto& out = response.topics.emplace_back();
    out.name = name;
    const auto* topic = image->topic(name);
    if (!allowed || !topic) {
      out.error_code = !allowed                           ? ErrorCode::topic_authorization_failed
                       : metadata::check_topic_name(name) ? ErrorCode::unknown_topic_or_partition
                                                          : ErrorCode::invalid_topic_exception;
      if (allowed) out.topic_authorized_operations = all_topic_operations;
      continue;
    }
    out.topic_id = topic->id;
    out.is_internal = metadata::is_internal_topic(name);
    out.topic_authorized_operations = all_topic_operations;
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    for (; from < count && left > 0; ++from, --left) {
      const auto& partition = topic->partitions[static_cast<std::size_t>(from)];
      out.partitions.push_back({.error_code = partition.leader < 0 ? ErrorCode::leader_not_available : ErrorCode::none,
                                .partition_index = from,
                                .leader_id = partition.leader,
                                .leader_epoch = partition.leader_epoch,
                                .replica_nodes = partition.replicas,
                                .isr_nodes = partition.isr,
                                .eligible_leader_replicas = std::vector<std::int32_t>{},
                                .last_known_elr = std::vector<std::int32_t>{}});
    }
    co_await mark_offline(context.services, name, out.partitions);
    if (from < count) {
      response.next_cursor = {name, from};
      break;
    }
  }
  co_return response;
}

Task<kafka::DescribeClusterResponse> handle_describe_cluster(RequestContext& context, kafka::DescribeClusterRequest& request) {
  Services& services = context.services;
  kafka::DescribeClusterResponse response;
  response.cluster_id = context.image()->cluster_id;
  if (request.endpoint_type != 1) {  // 2 asks for controllers, which have no endpoints of their own here
    response.error_code = request.endpoint_type == 2 ? ErrorCode::mismatched_endpoint_type : ErrorCode::unsupported_endpoint_type;
    response.error_message = "only endpoint type 1 (brokers) is served by a broker";
    co_return response;
  }
  response.controller_id = services.node_id;
  response.brokers.push_back(
      {.broker_id = services.node_id, .host = services.advertised.host, .port = services.advertised.port, .rack = services.settings.raw("broker.rack")});
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
  co_return response;
}

Task<kafka::FindCoordinatorResponse> handle_find_coordinator(RequestContext& context, kafka::FindCoordinatorRequest& request) {
  kafka::FindCoordinatorResponse response;
  if (context.version < 4) request.coordinator_keys = {request.key};
  for (const auto& key : request.coordinator_keys) {
    auto& out = response.coordinators.emplace_back();
    out.key = key;
    out.error_message = "";
    const bool transaction = request.key_type == transaction_key, share = request.key_type == share_key && context.version >= knows_share_keys;
    if (!transaction && !share && request.key_type != group_key) {
      out.error_code = ErrorCode::invalid_request;
      out.error_message = "unknown coordinator type";
    } else if (share && !coordinator::share::SharePartitionKey::parse(key)) {
      out.error_code = ErrorCode::invalid_request;
      out.error_message = "not GROUP:TOPIC-ID:PARTITION";
    } else if (share && !context.allowed(Operation::cluster_action, Resource::cluster, "kafka-cluster")) {
      out.error_code = ErrorCode::cluster_authorization_failed;
    } else if (!context.allowed(Operation::describe, transaction ? Resource::transactional_id : Resource::group, key)) {
      out.error_code = transaction ? ErrorCode::transactional_id_authorization_failed : ErrorCode::group_authorization_failed;
    } else if (!co_await ensure_internal_topic(context.services, context.shard, transaction ? transactions_topic : share ? share_state_topic : offsets_topic)) {
      out.error_code = ErrorCode::coordinator_not_available;
    } else {
      out.node_id = context.services.node_id;
      out.host = context.services.advertised.host;
      out.port = context.services.advertised.port;
    }
  }
  if (context.version < 4) {
    const auto& only = response.coordinators[0];
    response.error_code = only.error_code;
    response.error_message = only.error_message;
    response.node_id = only.node_id;
    response.host = only.host;
    response.port = only.port;
  }
  co_return response;
}

}  // namespace meridian::server
