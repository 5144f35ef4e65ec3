// kafka-configs.sh: configurations of topics, brokers, groups and client metrics, quotas of clients and users.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>

#include "cli/kafka/tools.h"

namespace meridian::cli {
namespace {

using kafka::ErrorCode;
constexpr std::int8_t set = 0, remove = 1;

struct Entity {
  std::string type;  ///< "topics", "brokers", "clients", "users", "ips", "groups", "client-metrics"
  std::string name;  ///< empty: the default
  std::string told() const { return type.substr(0, type.size() - 1); }
  std::int8_t resource() const { return type == "topics" ? 2 : type == "brokers" ? 4 : type == "groups" ? 32 : type == "client-metrics" ? 16 : 0; }
};

Result<Entity> entity_of(const KafkaOptions& options) {
  for (const char* kind : {"topic", "broker", "client", "user", "ip", "group"}) {
    if (const auto name = options.get(kind)) return Entity{std::string(kind) + "s", *name};
    if (options.has(std::string(kind) + "-defaults")) return Entity{std::string(kind) + "s", ""};
  }
  if (const auto name = options.get("client-metrics")) return Entity{"client-metrics", *name};
  const auto type = options.get("entity-type");
  if (!type) return fail(Errc::invalid, "--entity-type must be specified");
  if (*type != "topics" && *type != "brokers" && *type != "clients" && *type != "users" && *type != "groups" && *type != "client-metrics" && *type != "ips")
    return fail(Errc::invalid,
                "Invalid entity type " + *type + ", the entity type must be one of topics, clients, users, brokers, ips, client-metrics, groups");
  if (!options.has("entity-name") && !options.has("entity-default") && options.has("alter"))
    return fail(Errc::invalid, "an entity name must be specified with --alter of " + *type);
  return Entity{*type, options.get("entity-name").value_or("")};
}

/// "a=1,b=[x,y]"
std::vector<std::pair<std::string, std::string>> parse_configs(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> configs;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto equals = text.find('=', at);
    if (equals == std::string::npos) break;
    std::string value;
    std::size_t end;
    if (equals + 1 < text.size() && text[equals + 1] == '[') {
      end = text.find(']', equals);
      value = text.substr(equals + 2, end == std::string::npos ? end : end - equals - 2);
      end = end == std::string::npos ? end : text.find(',', end);
    } else {
      end = text.find(',', equals);
      value = text.substr(equals + 1, end == std::string::npos ? end : end - equals - 1);
    }
    configs.emplace_back(text.substr(at, equals - at), value);
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return configs;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    if (comma > at) parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

const char* source_name(std::int8_t source) {
  constexpr const char* names[] = {
      "UNKNOWN",        "DYNAMIC_TOPIC_CONFIG",         "DYNAMIC_BROKER_CONFIG",         "DYNAMIC_DEFAULT_BROKER_CONFIG", "STATIC_BROKER_CONFIG",
      "DEFAULT_CONFIG", "DYNAMIC_BROKER_LOGGER_CONFIG", "DYNAMIC_CLIENT_METRICS_CONFIG", "DYNAMIC_GROUP_CONFIG"};
  return source >= 0 && source < 9 ? names[source] : names[0];
}

const char* quota_type(const Entity& entity) { return entity.type == "clients" ? "client-id" : entity.type == "ips" ? "ip" : "user"; }

Task<Result<int>> alter_quota(Session& session, client::Cluster& cluster, const KafkaOptions& options, Entity entity) {
  kafka::AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  entry.entity.push_back({quota_type(entity), entity.name.empty() ? std::nullopt : std::optional(entity.name)});
  for (const auto& [key, value] : parse_configs(options.get("add-config").value_or(""))) entry.ops.push_back({key, std::strtod(value.c_str(), nullptr), false});
  for (const auto& key : split(options.get("delete-config").value_or(""))) entry.ops.push_back({key, 0, true});
  auto controller = co_await cluster.controller(session.deadline());
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  const auto& result = response->entries.at(0);
  if (result.error_code != ErrorCode::none) co_return fail(Errc::refused, result.error_message.value_or(std::string(kafka::error_name(result.error_code))));
  co_return done;
}

Task<Result<int>> describe_quota(Session& session, client::Cluster& cluster, const KafkaOptions& options, Entity entity) {
  constexpr std::int8_t exact = 0, of_default = 1, any = 2;
  kafka::DescribeClientQuotasRequest request;
  const bool named = !entity.name.empty();
  request.components.push_back({quota_type(entity),
                                named                           ? exact
                                : options.has("entity-default") ? of_default
                                                                : any,
                                named ? std::optional(entity.name) : std::nullopt});
  auto broker = co_await cluster.any(session.deadline());
  if (!broker) co_return fail(broker.error());
  auto response = co_await (*broker)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  if (response->error_code != ErrorCode::none) co_return fail(Errc::refused, response->error_message.value_or(""));
  if (!response->entries) co_return done;
  for (const auto& entry : *response->entries) {
    std::vector<std::string> who, values;
    for (const auto& part : entry.entity)
      who.push_back(part.entity_name ? fmt::format("{} '{}'", part.entity_type == "user" ? "user-principal" : part.entity_type, *part.entity_name)
                                     : fmt::format("the default {}", part.entity_type == "user" ? "user-principal" : part.entity_type));
    for (const auto& value : entry.values) values.push_back(fmt::format("{}={:.1f}", value.key, value.value));
    std::cout << fmt::format("Quota configs for {} are {}\n", fmt::join(who, ", "), fmt::join(values, ", "));
  }
  co_return done;
}

}  // namespace

Task<Result<int>> kafka_configs(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  const auto entity = entity_of(options);
  if (!entity) co_return fail(entity.error());
  const bool quota = entity->type == "clients" || entity->type == "users" || entity->type == "ips";
  if (options.has("alter")) {
    if (quota) {
      if (const auto altered = co_await alter_quota(session, cluster, options, *entity); !altered) co_return altered;
    } else {
      kafka::IncrementalAlterConfigsRequest request;
      auto& resource = request.resources.emplace_back();
      resource.resource_type = entity->resource();
      resource.resource_name = entity->name;
      for (auto& [key, value] : parse_configs(options.get("add-config").value_or(""))) resource.configs.push_back({key, set, value});
      for (auto& key : split(options.get("delete-config").value_or(""))) resource.configs.push_back({key, remove, std::nullopt});
      auto controller = co_await cluster.controller(session.deadline());
      if (!controller) co_return fail(controller.error());
      auto response = co_await (*controller)->call(request, session.deadline());
      if (!response) co_return fail(response.error());
      const auto& result = response->results.at(0);
      if (result.error_code != ErrorCode::none) co_return fail(Errc::refused, result.error_message.value_or(std::string(kafka::error_name(result.error_code))));
    }
    if (entity->name.empty()) std::cout << "Completed updating default config for " << entity->type << " in the cluster.\n";
    else std::cout << "Completed updating config for " << entity->told() << " " << entity->name << ".\n";
    co_return done;
  }
  if (!options.has("describe")) co_return fail(Errc::invalid, "Command must include exactly one action: --describe, --alter");
  if (quota) co_return co_await describe_quota(session, cluster, options, *entity);
  kafka::DescribeConfigsRequest request;
  request.include_synonyms = true;
  request.resources.push_back({.resource_type = entity->resource(), .resource_name = entity->name, .configuration_keys = {}});
  auto broker = co_await cluster.any(session.deadline());
  if (!broker) co_return fail(broker.error());
  auto response = co_await (*broker)->call(request, session.deadline());
  if (!response) co_return fail(response.error());
  const auto& result = response->results.at(0);
  if (result.error_code != ErrorCode::none) co_return fail(Errc::refused, result.error_message.value_or(std::string(kafka::error_name(result.error_code))));
  constexpr std::int8_t static_broker = 4, of_default = 5;
  const bool all = options.has("all");
  std::cout << (all ? "All" : "Dynamic") << " configs for " << (entity->name.empty() ? "the default " + entity->told() : entity->told() + " " + entity->name)
            << " are:\n";
  for (const auto& entry : result.configs) {
    if (!all && (entry.config_source == static_broker || entry.config_source == of_default)) continue;
    std::vector<std::string> synonyms;
    for (const auto& synonym : entry.synonyms)
      synonyms.push_back(fmt::format("{}:{}={}", source_name(synonym.source), synonym.name, synonym.value.value_or("null")));
    std::cout << fmt::format("  {}={} sensitive={} synonyms={{{}}}\n", entry.name, entry.value.value_or("null"), entry.is_sensitive, fmt::join(synonyms, ", "));
  }
  co_return done;
}

}  // namespace meridian::cli
