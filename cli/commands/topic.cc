#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>

#include "cli/commands/commands.h"
#include "common/config/settings.h"

namespace meridian::cli {
namespace {

namespace json = boost::json;
using kafka::ErrorCode;

json::object status_row(const std::string& topic, ErrorCode error, const std::optional<std::string>& message) {
  json::object row{{"topic", topic}, {"status", error == ErrorCode::none ? "OK" : std::string(kafka::error_name(error))}};
  if (error != ErrorCode::none && message) row["message"] = *message;
  return row;
}

int print_status(Session& session, const json::array& rows) {
  bool all = true;
  for (const auto& row : rows) {
    all &= row.at("status") == "OK";
    if (const auto* message = row.as_object().if_contains("message")) complain(to_text(row.at("topic")) + ": " + to_text(*message));
  }
  print_rows(session.format, rows, {{"TOPIC", "topic"}, {"STATUS", "status"}});
  return all ? done : failed;
}

Result<std::pair<std::string, std::string>> assignment(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return fail(Errc::invalid, "'" + text + "' is not KEY=VALUE");
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Task<Result<kafka::MetadataResponse>> described(Session& session, client::Cluster& cluster, const std::vector<std::string>& names) {
  auto known = co_await cluster.metadata(names.empty() ? std::nullopt : std::optional(names), session.deadline());
  if (!known) co_return known;
  for (const auto& topic : known->topics)
    if (topic.error_code != ErrorCode::none)
      co_return fail(Errc::not_found, "topic " + topic.name.value_or("?") + ": " + std::string(kafka::error_name(topic.error_code)));
  co_return known;
}

}  // namespace

Task<Result<int>> topic_create(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  kafka::CreateTopicsRequest request;
  request.validate_only = session.dry_run;
  for (const auto& name : arguments.names) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = arguments.partitions;
    topic.replication_factor = static_cast<std::int16_t>(arguments.replicas);
    for (const auto& text : arguments.configs) {
      auto pair = assignment(text);
      if (!pair) co_return fail(pair.error());
      topic.configs.push_back({pair->first, pair->second});
    }
  }
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  json::array rows;
  for (const auto& topic : response->topics) rows.push_back(status_row(topic.name, topic.error_code, topic.error_message));
  co_return print_status(session, rows);
}

Task<Result<int>> topic_list(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  auto known = co_await described(session, cluster, {});
  if (!known) co_return fail(known.error());
  std::ranges::sort(known->topics, {}, [](const auto& topic) { return topic.name.value_or(""); });
  json::array rows;
  for (const auto& topic : known->topics) {
    if (topic.is_internal && !arguments.details) continue;
    rows.push_back(json::object{{"topic", topic.name.value_or("")},
                                {"partitions", topic.partitions.size()},
                                {"replicas", topic.partitions.empty() ? 0 : topic.partitions[0].replica_nodes.size()},
                                {"id", topic.topic_id.to_string()}});
  }
  print_rows(session.format, rows, {{"NAME", "topic"}, {"PARTITIONS", "partitions"}, {"REPLICAS", "replicas"}});
  co_return done;
}

Task<Result<int>> topic_describe(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  auto known = co_await described(session, cluster, arguments.names);
  if (!known) co_return fail(known.error());
  json::array out;
  for (const auto& topic : known->topics) {
    const std::string name = topic.name.value_or("");
    const auto configs = co_await client::topic_configs(cluster, name, session.deadline());
    if (!configs) co_return fail(configs.error());
    json::object set;
    for (const auto& [key, value] : *configs) set[key] = value;
    json::array partitions;
    for (const auto& partition : topic.partitions) {
      const auto start = co_await client::list_offset(cluster, name, partition.partition_index, client::earliest, session.deadline());
      const auto end = co_await client::list_offset(cluster, name, partition.partition_index, client::latest, session.deadline());
      partitions.push_back(json::object{{"partition", partition.partition_index},
                                        {"leader", partition.leader_id},
                                        {"epoch", partition.leader_epoch},
                                        {"replicas", json::array(partition.replica_nodes.begin(), partition.replica_nodes.end())},
                                        {"isr", json::array(partition.isr_nodes.begin(), partition.isr_nodes.end())},
                                        {"log_start", start ? json::value(*start) : json::value(nullptr)},
                                        {"high_watermark", end ? json::value(*end) : json::value(nullptr)}});
    }
    out.push_back(json::object{{"topic", name}, {"id", topic.topic_id.to_string()}, {"configs", std::move(set)}, {"partitions", std::move(partitions)}});
  }
  if (session.format != Format::table) {
    print_rows(session.format, out, {});
    co_return done;
  }
  for (const auto& topic : out) {
    std::cout << "NAME " << to_text(topic.at("topic")) << "   ID " << to_text(topic.at("id")) << "   PARTITIONS " << topic.at("partitions").as_array().size()
              << "\n";
    for (const auto& [key, value] : topic.at("configs").as_object()) std::cout << "  " << key << "=" << to_text(value) << "\n";
    print_rows(Format::table, topic.at("partitions"),
               {{"PARTITION", "partition"},
                {"LEADER", "leader"},
                {"EPOCH", "epoch"},
                {"REPLICAS", "replicas"},
                {"ISR", "isr"},
                {"LOG-START", "log_start"},
                {"HIGH-WATERMARK", "high_watermark"}});
  }
  co_return done;
}

Task<Result<int>> topic_alter(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  constexpr std::int8_t topic_resource = 2, set = 0, remove = 1;
  kafka::IncrementalAlterConfigsRequest request;
  request.validate_only = session.dry_run;
  for (const auto& name : arguments.names) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = topic_resource;
    resource.resource_name = name;
    for (const auto& text : arguments.configs) {
      const auto equals = text.find('=');
      if (equals == std::string::npos) resource.configs.push_back({text, remove, std::nullopt});
      else resource.configs.push_back({text.substr(0, equals), set, text.substr(equals + 1)});
    }
  }
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  json::array rows;
  for (const auto& result : response->results) rows.push_back(status_row(result.resource_name, result.error_code, result.error_message));
  co_return print_status(session, rows);
}

Task<Result<int>> topic_delete(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  auto known = co_await described(session, cluster, arguments.names);
  if (!known) co_return fail(known.error());
  if (session.dry_run) {
    for (const auto& name : arguments.names) std::cerr << "would delete " << name << "\n";
    co_return done;
  }
  if (!session.yes && ::isatty(STDIN_FILENO)) {
    std::cerr << "Delete " << arguments.names.size() << " topic(s) with all records? Type yes: ";
    std::string reply;
    if (!std::getline(std::cin, reply) || reply != "yes") co_return fail(Errc::refused, "nothing was deleted");
  }
  kafka::DeleteTopicsRequest request;
  request.topic_names = arguments.names;
  for (const auto& name : arguments.names) request.topics.push_back({name, {}});
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  json::array rows;
  for (const auto& topic : response->topics) rows.push_back(status_row(topic.name.value_or(""), topic.error_code, topic.error_message));
  co_return print_status(session, rows);
}

Task<Result<int>> topic_add_partitions(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  kafka::CreatePartitionsRequest request;
  request.validate_only = session.dry_run;
  for (const auto& name : arguments.names) request.topics.push_back({name, arguments.partitions, std::nullopt});
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  json::array rows;
  for (const auto& result : response->results) rows.push_back(status_row(result.name, result.error_code, result.error_message));
  co_return print_status(session, rows);
}

Task<Result<int>> topic_produce(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  const std::string& name = arguments.names[0];
  auto known = co_await described(session, cluster, {name});
  if (!known) co_return fail(known.error());
  const auto count = static_cast<std::int64_t>(known->topics[0].partitions.size());
  std::string line;
  // One line a record, keyless, round robin; each is acknowledged before the next.
  for (std::int64_t n = 0; std::getline(std::cin, line); ++n) {
    kafka::BatchBuilder batch;
    const auto now = session.clock.wall_ms();
    batch.add(now, std::nullopt, line);
    auto bytes = batch.finish({});
    if (!bytes) co_return fail(bytes.error());
    const auto partition = static_cast<std::int32_t>(arguments.partitions >= 0 ? arguments.partitions : n % count);
    const auto base = co_await client::append(cluster, name, partition, std::move(*bytes), session.deadline());
    if (!base) co_return fail(base.error());
    std::cerr << "Produced to partition " << partition << " at offset " << *base << " with timestamp " << now << ".\n";
  }
  co_return done;
}

Task<Result<int>> topic_consume(Session& session, client::Cluster& cluster, const TopicArguments& arguments) {
  const std::string& name = arguments.names[0];
  auto known = co_await described(session, cluster, {name});
  if (!known) co_return fail(known.error());
  for (const auto& partition : known->topics[0].partitions) {
    const auto n = partition.partition_index;
    const auto start = co_await client::list_offset(cluster, name, n, client::earliest, session.deadline());
    if (!start) co_return fail(start.error());
    const auto end = co_await client::list_offset(cluster, name, n, client::latest, session.deadline());
    if (!end) co_return fail(end.error());
    const auto read = co_await client::read_range(
        cluster, name, n, *start, *end,
        [&](const kafka::RecordView& record) {
          if (session.format == Format::table) {
            std::cout << n << ":" << record.offset << " " << record.value.value_or("") << "\n";
          } else {
            json::object row{{"partition", n}, {"offset", record.offset}, {"timestamp", record.timestamp_ms}};
            row["key"] = record.key ? json::value(std::string(*record.key)) : json::value(nullptr);
            row["value"] = record.value ? json::value(std::string(*record.value)) : json::value(nullptr);
            print_object(Format::json, row);
          }
          return true;
        },
        session.deadline() + std::chrono::hours(1));
    if (!read) co_return fail(read.error());
  }
  co_return done;
}

Task<Result<int>> cluster_info(Session& session, client::Cluster& cluster, const NoArguments&) {
  auto known = co_await cluster.metadata(std::vector<std::string>{}, session.deadline());
  if (!known) co_return fail(known.error());
  json::array rows;
  for (const auto& broker : known->brokers)
    rows.push_back(json::object{{"id", broker.node_id},
                                {"host", broker.host},
                                {"port", broker.port},
                                {"rack", broker.rack ? json::value(*broker.rack) : json::value(nullptr)},
                                {"controller", broker.node_id == known->controller_id}});
  if (session.format == Format::table) std::cout << "CLUSTER " << known->cluster_id.value_or("-") << "\n";
  print_rows(session.format, rows, {{"BROKER", "id"}, {"HOST", "host"}, {"PORT", "port"}, {"RACK", "rack"}, {"CONTROLLER", "controller"}});
  co_return done;
}

Task<Result<int>> cluster_health(Session& session, client::Cluster& cluster, const NoArguments&) {
  auto known = co_await cluster.metadata(std::nullopt, session.deadline());
  if (!known) co_return fail(known.error());
  std::size_t partitions = 0, leaderless = 0, under_replicated = 0;
  for (const auto& topic : known->topics)
    for (const auto& partition : topic.partitions) {
      ++partitions;
      leaderless += partition.leader_id < 0;
      under_replicated += partition.isr_nodes.size() < partition.replica_nodes.size();
    }
  const bool healthy = leaderless == 0 && under_replicated == 0;
  print_object(session.format, json::object{{"healthy", healthy},
                                            {"brokers", known->brokers.size()},
                                            {"partitions", partitions},
                                            {"leaderless", leaderless},
                                            {"under_replicated", under_replicated}});
  co_return healthy ? done : not_met;
}

}  // namespace meridian::cli
