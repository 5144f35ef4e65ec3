// kafka-topics.sh, kafka-delete-records.sh, kafka-acls.sh.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/kafka/tools.h"

namespace meridian::cli {
namespace {

using kafka::ErrorCode;

Task<Result<int>> create(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  const std::string name = options.get("topic").value_or("");
  kafka::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = -1;
  topic.replication_factor = -1;
  if (options.has("partitions")) {
    const auto n = options.number("partitions");
    if (!n) co_return fail(n.error());
    topic.num_partitions = static_cast<std::int32_t>(*n);
  }
  if (options.has("replication-factor")) {
    const auto n = options.number("replication-factor");
    if (!n) co_return fail(n.error());
    topic.replication_factor = static_cast<std::int16_t>(*n);
  }
  for (const auto& config : options.all("config")) {
    const auto equals = config.find('=');
    if (equals == std::string::npos)
      co_return fail(Errc::invalid, "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".");
    topic.configs.push_back({config.substr(0, equals), config.substr(equals + 1)});
  }
  if (name.find_first_of("._") != std::string::npos)
    std::cout << "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use "
                 "either, but not both.\n";
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  const auto& result = response->topics.at(0);
  if (result.error_code == ErrorCode::topic_already_exists && options.has("if-not-exists")) co_return done;
  if (result.error_code != ErrorCode::none) co_return fail(Errc::refused, result.error_message.value_or(std::string(kafka::error_name(result.error_code))));
  std::cout << "Created topic " << name << ".\n";
  co_return done;
}

/// Topics that the request names, or all.
Task<Result<std::vector<kafka::MetadataResponseTopic>>> find(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  std::optional<std::vector<std::string>> names;
  if (const auto name = options.get("topic")) names = {*name};
  auto known = co_await cluster.metadata(names, session.deadline());
  if (!known) co_return fail(known.error());
  std::erase_if(known->topics,
                [&](const auto& topic) { return topic.error_code != ErrorCode::none || (options.has("exclude-internal") && topic.is_internal); });
  if (names && known->topics.empty() && !options.has("if-exists")) co_return fail(Errc::not_found, "Topic '" + (*names)[0] + "' does not exist as expected");
  std::ranges::sort(known->topics, {}, [](const auto& topic) { return topic.name.value_or(""); });
  co_return std::move(known->topics);
}

Task<Result<int>> describe(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  const auto topics = co_await find(session, cluster, options);
  if (!topics) co_return fail(topics.error());
  for (const auto& topic : *topics) {
    const std::string name = topic.name.value_or("");
    const auto configs = co_await client::topic_configs(cluster, name, session.deadline());
    if (!configs) co_return fail(configs.error());
    std::vector<std::string> pairs;
    for (const auto& [key, value] : *configs) pairs.push_back(key + "=" + value);
    std::cout << fmt::format("Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}\n", name, topic.topic_id.to_string(),
                             topic.partitions.size(), topic.partitions.empty() ? 0 : topic.partitions[0].replica_nodes.size(), fmt::join(pairs, ","));
    for (const auto& partition : topic.partitions)
      std::cout << fmt::format("\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}\tElr: \tLastKnownElr: \n", name, partition.partition_index,
                               partition.leader_id < 0 ? "none" : std::to_string(partition.leader_id), fmt::join(partition.replica_nodes, ","),
                               fmt::join(partition.isr_nodes, ","));
  }
  co_return done;
}

Task<Result<int>> remove(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  const auto topics = co_await find(session, cluster, options);
  if (!topics) co_return fail(topics.error());
  kafka::DeleteTopicsRequest request;
  for (const auto& topic : *topics) {
    request.topic_names.push_back(topic.name.value_or(""));
    request.topics.push_back({topic.name, {}});
  }
  if (request.topics.empty()) co_return done;
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  for (const auto& result : response->topics)
    if (result.error_code != ErrorCode::none) co_return fail(Errc::refused, result.error_message.value_or(std::string(kafka::error_name(result.error_code))));
  co_return done;
}

}  // namespace

Task<Result<int>> kafka_topics(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  int actions = 0;
  for (const char* action : {"create", "alter", "delete", "list", "describe"}) actions += options.has(action);
  if (actions != 1) co_return fail(Errc::invalid, "Command must include exactly one action: --list, --describe, --create, --alter or --delete");
  if ((options.has("create") || options.has("alter") || options.has("delete")) && !options.has("topic"))
    co_return fail(Errc::invalid, "Missing required argument \"[topic]\"");
  if (options.has("create")) co_return co_await create(session, cluster, options);
  if (options.has("describe")) co_return co_await describe(session, cluster, options);
  if (options.has("delete")) co_return co_await remove(session, cluster, options);
  const auto topics = co_await find(session, cluster, options);
  if (!topics) co_return fail(topics.error());
  if (options.has("list")) {
    for (const auto& topic : *topics) std::cout << topic.name.value_or("") << "\n";
    co_return done;
  }
  const auto count = options.number("partitions");
  if (!count) co_return fail(count.error());
  for (const auto& topic : *topics)
    if (auto grown = co_await client::create_partitions(cluster, topic.name.value_or(""), static_cast<std::int32_t>(*count), session.deadline()); !grown)
      co_return fail(grown.error());
  co_return done;
}

Task<Result<int>> kafka_delete_records(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  std::ifstream file(options.get("offset-json-file").value_or(""));
  std::stringstream text;
  text << file.rdbuf();
  boost::system::error_code bad;
  const auto json = boost::json::parse(text.str(), bad);
  const auto* object = json.if_object();
  const auto* partitions = object ? object->if_contains("partitions") : nullptr;
  if (!file || bad || !partitions || !partitions->is_array()) co_return fail(Errc::invalid, "The input string is not a valid JSON");
  std::cout << "Executing records delete operation\nRecords delete operation completed:\n";
  for (const auto& entry : partitions->as_array()) {
    const auto name = std::string(entry.at("topic").as_string());
    const auto n = static_cast<std::int32_t>(entry.at("partition").as_int64());
    auto leader = co_await cluster.leader(name, n, session.deadline());
    if (!leader) co_return fail(leader.error());
    kafka::DeleteRecordsRequest request;
    request.timeout_ms = session.timeout_ms;
    request.topics = {{name, {{n, entry.at("offset").as_int64()}}}};
    auto response = co_await (*leader)->call(request, session.deadline());
    if (!response) co_return fail(response.error());
    const auto& result = response->topics.at(0).partitions.at(0);
    if (result.error_code == ErrorCode::none) std::cout << fmt::format("partition: {}-{}\tlow_watermark: {}\n", name, n, result.low_watermark);
    else std::cout << fmt::format("partition: {}-{}\terror: {}\n", name, n, kafka::error_name(result.error_code));
  }
  co_return done;
}

Task<Result<int>> kafka_acls(Session& session, client::Cluster& cluster, const KafkaOptions&) {
  constexpr std::int8_t any = 1;
  auto broker = co_await cluster.any(session.deadline());
  if (!broker) co_return fail(broker.error());
  kafka::DescribeAclsRequest request;
  request.resource_type_filter = any;
  request.pattern_type_filter = any;
  request.operation = any;
  request.permission_type = any;
  auto response = co_await (*broker)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  if (response->error_code == ErrorCode::security_disabled)
    co_return fail(Errc::refused, "org.apache.kafka.common.errors.SecurityDisabledException: " + response->error_message.value_or(""));
  co_return fail(Errc::refused, "ACLs are not managed by this tool yet: " + std::string(kafka::error_name(response->error_code)));
}

}  // namespace meridian::cli
