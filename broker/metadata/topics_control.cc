#include "broker/metadata/topics_control.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "broker/metadata/client_metrics.h"
#include "broker/metadata/group_limits.h"
#include "broker/metadata/offset_reset.h"

namespace meridian::metadata {
namespace {

using kafka::ErrorCode;

TopicDecision refuse(ErrorCode error, std::string message) {
  TopicDecision decision;
  decision.error = error;
  decision.message = std::move(message);
  return decision;
}

Bytes encode_configs(const TopicConfigs& configs) {
  ConfigRecord record;
  for (const auto& [name, value] : configs) record.entries.push_back({name, value});
  return encode_record(record);
}

std::string collision_form(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

}  // namespace

Status check_topic_name(std::string_view name) {
  if (name.empty()) return fail(Errc::invalid, "the topic name is empty");
  if (name == "." || name == "..") return fail(Errc::invalid, "the topic name must not be '.' or '..'");
  if (name.size() > 249) return fail(Errc::invalid, "the topic name is longer than 249 characters");
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-')
      return fail(Errc::invalid, fmt::format("topic name '{}' has characters other than ASCII letters, digits, '.', '_' and '-'", name));
  return {};
}

Status TopicsControl::check_config(const std::string& name, const std::optional<std::string>& value) const {
  const config::Settings table(topic_setting_table());
  const auto* setting = table.find(name);
  if (!setting) return fail(Errc::invalid, fmt::format("Unknown topic config name: {}", name));
  if (!value) return fail(Errc::invalid, fmt::format("Null value not supported for topic config: {}", name));
  if (auto valid = table.check(*setting, *value); !valid) return valid;
  if (name != "remote.storage.enable" || *value != "true") return {};
  return fail(Errc::invalid, "tiered storage is not available");
}

void TopicsControl::add_partitions(TopicDecision& decision, std::int32_t first, std::int32_t end) const {
  for (std::int32_t n = first; n < end; ++n) {
    if ((n - first) % partitions_per_txn == 0) decision.txns.emplace_back();
    const PartitionRecord record{.replicas = {node_id_}, .isr = {node_id_}, .leader = node_id_, .leader_epoch = 0, .partition_epoch = 0};
    decision.txns.back().puts.emplace_back(partition_key(decision.id, n), encode_record(record));
  }
}

TopicDecision TopicsControl::create(const MetadataImage& image, const kafka::CreateTopicsRequestTopic& request) const {
  if (auto valid = check_topic_name(request.name); !valid) return refuse(ErrorCode::invalid_topic_exception, valid.error().message);
  if (image.topic(request.name)) return refuse(ErrorCode::topic_already_exists, fmt::format("Topic '{}' already exists.", request.name));
  for (const auto& [name, topic] : image.topics)
    if (collision_form(name) == collision_form(request.name))
      return refuse(ErrorCode::invalid_topic_exception, fmt::format("Topic '{}' collides with existing topic: {}", request.name, name));
  TopicDecision decision;
  decision.name = request.name;
  decision.id = random_.uuid();
  for (const auto& config : request.configs) {
    if (auto valid = check_config(config.name, config.value); !valid) return refuse(ErrorCode::invalid_config, valid.error().message);
    decision.configs[config.name] = *config.value;
  }
  decision.partition_count = request.num_partitions;
  if (!request.assignments.empty()) {
    if (request.num_partitions != -1 || request.replication_factor != -1)
      return refuse(ErrorCode::invalid_request, "a manual assignment excludes a partition count and a replication factor");
    std::vector<bool> seen(request.assignments.size());
    for (const auto& assignment : request.assignments) {
      const auto n = static_cast<std::size_t>(assignment.partition_index);
      if (assignment.partition_index < 0 || n >= seen.size() || seen[n])
        return refuse(ErrorCode::invalid_replica_assignment, "partitions of an assignment must be consecutive from 0");
      seen[n] = true;
      if (assignment.broker_ids != std::vector{node_id_}) return refuse(ErrorCode::invalid_replica_assignment, fmt::format("the only broker is {}", node_id_));
    }
    decision.partition_count = static_cast<std::int32_t>(seen.size());
  } else {
    if (request.num_partitions == -1) decision.partition_count = static_cast<std::int32_t>(image.settings->integer("num.partitions"));
    const auto factor = request.replication_factor == -1 ? image.settings->integer("default.replication.factor") : request.replication_factor;
    if (factor < 1) return refuse(ErrorCode::invalid_replication_factor, "Replication factor must be larger than 0, or -1 to use the default value.");
    if (factor > 1)
      return refuse(ErrorCode::invalid_replication_factor,
                    fmt::format("Unable to replicate the partition {} time(s): only 1 broker(s) are registered.", factor));
  }
  if (decision.partition_count < 1) return refuse(ErrorCode::invalid_partitions, "Number of partitions was set to an invalid non-positive value.");
  if (decision.partition_count > partitions_max)
    return refuse(ErrorCode::invalid_partitions, fmt::format("A topic has at most {} partitions.", partitions_max));
  add_partitions(decision, 0, decision.partition_count);
  if (decision.txns.back().puts.size() + 2 > partitions_per_txn) decision.txns.emplace_back();
  Txn& last = decision.txns.back();
  last.compares.push_back({.key = topic_key(request.name), .target = Compare::Target::create, .expected = 0});
  if (!decision.configs.empty()) last.puts.emplace_back(topic_config_key(request.name), encode_configs(decision.configs));
  last.puts.emplace_back(topic_key(request.name), encode_record(TopicRecord{decision.id, decision.partition_count}));
  return decision;
}

TopicDecision TopicsControl::remove(const MetadataImage&, const TopicImage* topic) const {
  if (!settings_.boolean("delete.topic.enable")) return refuse(ErrorCode::topic_deletion_disabled, "Topic deletion is disabled.");
  if (!topic) return refuse(ErrorCode::unknown_topic_or_partition, "This server does not host this topic-partition.");
  TopicDecision decision;
  decision.name = topic->name;
  decision.id = topic->id;
  // The topic's key goes first: that is the deletion. Its partitions are swept afterwards, and at start if that was cut short.
  Txn first;
  first.compares.push_back({.key = topic_key(topic->name), .target = Compare::Target::mod, .expected = topic->revision});
  first.deletes.push_back(topic_key(topic->name));
  if (topic->config_revision) first.deletes.push_back(topic_config_key(topic->name));
  decision.txns.push_back(std::move(first));
  for (std::size_t n = 0; n < topic->partitions.size(); ++n) {
    if (n % partitions_per_txn == 0) decision.txns.emplace_back();
    decision.txns.back().deletes.push_back(partition_key(topic->id, static_cast<std::int32_t>(n)));
  }
  return decision;
}

TopicDecision TopicsControl::grow(const MetadataImage& image, const kafka::CreatePartitionsTopic& request) const {
  const TopicImage* topic = image.topic(request.name);
  if (!topic) return refuse(ErrorCode::unknown_topic_or_partition, "This server does not host this topic-partition.");
  const auto now = static_cast<std::int32_t>(topic->partitions.size());
  if (request.count == now) return refuse(ErrorCode::invalid_partitions, fmt::format("Topic already has {} partition(s).", now));
  if (request.count < now)
    return refuse(ErrorCode::invalid_partitions,
                  fmt::format("The topic {} currently has {} partition(s); {} would not be an increase.", request.name, now, request.count));
  if (request.count > partitions_max) return refuse(ErrorCode::invalid_partitions, fmt::format("A topic has at most {} partitions.", partitions_max));
  if (request.assignments) {
    if (static_cast<std::int32_t>(request.assignments->size()) != request.count - now)
      return refuse(ErrorCode::invalid_replica_assignment, fmt::format("Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                                                                       request.count - now, request.assignments->size()));
    for (const auto& assignment : *request.assignments)
      if (assignment.broker_ids != std::vector{node_id_}) return refuse(ErrorCode::invalid_replica_assignment, fmt::format("the only broker is {}", node_id_));
  }
  TopicDecision decision;
  decision.name = topic->name;
  decision.id = topic->id;
  decision.partition_count = request.count;
  add_partitions(decision, now, request.count);
  if (decision.txns.back().puts.size() + 1 > partitions_per_txn) decision.txns.emplace_back();
  decision.txns.back().compares.push_back({.key = topic_key(topic->name), .target = Compare::Target::mod, .expected = topic->revision});
  decision.txns.back().puts.emplace_back(topic_key(topic->name), encode_record(TopicRecord{topic->id, request.count}));
  return decision;
}

// One configuration with a request's changes applied; `now` says what a list holds before anything is appended.
std::expected<TopicConfigs, std::pair<ErrorCode, std::string>> TopicsControl::altered(
    TopicConfigs configs, const std::vector<kafka::IncrementalAlterConfigsConfig>& changes, const config::Settings& table, const char* kind,
    const std::function<std::string(const TopicConfigs&, const config::Setting&)>& now) const {
  enum Operation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
  const auto refused = [](ErrorCode error, std::string message) { return std::unexpected(std::pair{error, std::move(message)}); };
  std::set<std::string> seen;
  for (const auto& change : changes) {
    const auto* setting = table.find(change.name);
    if (!change.value && change.operation != remove) return refused(ErrorCode::invalid_request, fmt::format("Null value not supported for : {}", change.name));
    if (change.operation < set || change.operation > subtract)
      return refused(ErrorCode::invalid_request, fmt::format("Unknown operation type {}.", change.operation));
    if (!setting && change.operation != remove) return refused(ErrorCode::invalid_config, fmt::format("Unknown {} config name: {}", kind, change.name));
    if (!seen.insert(change.name).second) return refused(ErrorCode::invalid_request, fmt::format("Error due to duplicate config keys: {}", change.name));
    if (change.operation == remove) {
      configs.erase(change.name);
      continue;
    }
    std::string value = *change.value;
    if (change.operation == append || change.operation == subtract) {
      if (setting->type != config::Type::list)
        return refused(ErrorCode::invalid_config,
                       fmt::format("Can't {} to key {} because its type is not LIST.", change.operation == append ? "APPEND" : "SUBTRACT", change.name));
      auto parts = config::split_list(now(configs, *setting));
      for (const auto& part : config::split_list(value)) {
        std::erase(parts, part);
        if (change.operation == append) parts.push_back(part);
      }
      value = fmt::format("{}", fmt::join(parts, ","));
    }
    if (auto valid = table.check(*setting, value); !valid) return refused(ErrorCode::invalid_config, valid.error().message);
    configs[change.name] = value;
  }
  return configs;
}

TopicDecision TopicsControl::alter(const MetadataImage& image, const kafka::IncrementalAlterConfigsResource& request) const {
  const TopicImage* topic = image.topic(request.resource_name);
  if (!topic) return refuse(ErrorCode::unknown_topic_or_partition, fmt::format("The topic '{}' does not exist.", request.resource_name));
  TopicDecision decision;
  decision.name = topic->name;
  auto configs = altered(topic->configs, request.configs, config::Settings(topic_setting_table()), "topic",
                         [&](const TopicConfigs& own, const config::Setting& setting) { return topic_value(*image.settings, own, setting).value_or(""); });
  if (!configs) return refuse(configs.error().first, configs.error().second);
  for (const auto& [name, value] : *configs)
    if (auto valid = check_config(name, value); !valid) return refuse(ErrorCode::invalid_config, valid.error().message);
  decision.configs = std::move(*configs);
  Txn txn;
  txn.compares.push_back({.key = topic_config_key(topic->name), .target = Compare::Target::mod, .expected = topic->config_revision});
  txn.compares.push_back({.key = topic_key(topic->name), .target = Compare::Target::mod, .expected = topic->revision});
  txn.puts.emplace_back(topic_config_key(topic->name), encode_configs(decision.configs));
  decision.txns.push_back(std::move(txn));
  return decision;
}

std::optional<std::string> resource_path(std::int8_t type, const std::string& name) {
  if (type == broker_resource) return "broker/" + name;
  if (type == group_resource) return "group/" + name;
  if (type == client_metrics_resource) return "client-metrics/" + name;
  return std::nullopt;
}

TopicDecision TopicsControl::alter_resource(const MetadataImage& image, const kafka::IncrementalAlterConfigsResource& request) const {
  const bool of_broker = request.resource_type == broker_resource, of_group = request.resource_type == group_resource;
  const auto path = *resource_path(request.resource_type, request.resource_name);
  const config::Settings table(of_broker ? broker_setting_table() : of_group ? group_setting_table() : client_metrics_setting_table());
  if (!of_broker && request.resource_name.empty()) return refuse(ErrorCode::invalid_request, "Default resources are not allowed.");
  if (of_broker)
    for (const auto& change : request.configs)
      if (table.find(change.name) && !is_dynamic(change.name))
        return refuse(ErrorCode::invalid_request, fmt::format("Cannot update these configs dynamically: [{}]", change.name));
  const auto found = image.resource_configs.find(path);
  const ResourceConfig before = found == image.resource_configs.end() ? ResourceConfig{} : found->second;
  auto configs = altered(before.values, request.configs, table,
                         of_broker  ? "broker"
                         : of_group ? "group"
                                    : "client metrics",
                         [&](const TopicConfigs& own, const config::Setting& setting) {
                           const auto it = own.find(setting.name);
                           if (it != own.end()) return it->second;
                           return of_broker ? image.settings->string(setting.name) : std::string(setting.default_value ? setting.default_value : "");
                         });
  if (!configs) return refuse(configs.error().first, configs.error().second);
  if (const auto match = configs->find("match"); request.resource_type == client_metrics_resource && match != configs->end())
    if (auto valid = ClientMatch::parse(match->second); !valid) return refuse(ErrorCode::invalid_config, valid.error().message);
  if (of_group)
    if (auto valid = check_group_configs(*image.settings, *configs); !valid) return refuse(ErrorCode::invalid_config, valid.error().message);
  if (const auto reset = configs->find("share.auto.offset.reset"); of_group && reset != configs->end())
    if (auto valid = OffsetReset::parse(reset->second); !valid) return refuse(ErrorCode::invalid_config, valid.error().message);
  TopicDecision decision;
  decision.name = request.resource_name;
  Txn txn;
  const auto key = resource_config_key(path);
  txn.compares.push_back({.key = key, .target = Compare::Target::mod, .expected = before.revision});
  if (configs->empty()) txn.deletes.push_back(key);
  else txn.puts.emplace_back(key, encode_configs(*configs));
  if (!configs->empty() || before.revision > 0) decision.txns.push_back(std::move(txn));
  decision.configs = std::move(*configs);
  return decision;
}

TopicDecision TopicsControl::alter_quota(const MetadataImage& image, const QuotaEntity& entity,
                                         const std::map<std::string, std::optional<double>>& values) const {
  const bool ip = entity.contains("ip");
  if (entity.empty() || (ip && entity.size() > 1)) return refuse(ErrorCode::invalid_request, "Invalid quota entity combination");
  for (const auto& [type, name] : entity)
    if (type != "user" && type != "client-id" && type != "ip")
      return refuse(ErrorCode::invalid_request, fmt::format("Unhandled client quota entity type: {}", type));
  const auto found = image.quotas.find(entity);
  Quota quota = found == image.quotas.end() ? Quota{} : found->second;
  for (const auto& [name, value] : values) {
    const bool known = ip ? name == "connection_creation_rate"
                          : name == "producer_byte_rate" || name == "consumer_byte_rate" || name == "request_percentage" || name == "controller_mutation_rate";
    if (!value) {
      quota.values.erase(name);
      continue;
    }
    if (!known) return refuse(ErrorCode::invalid_request, fmt::format("Invalid configuration key {}", name));
    if (!(*value > 0)) return refuse(ErrorCode::invalid_request, fmt::format("Quota {} must be greater than 0", name));
    quota.values[name] = *value;
  }
  TopicDecision decision;
  Txn txn;
  const auto key = quota_key(entity);
  txn.compares.push_back({.key = key, .target = Compare::Target::mod, .expected = quota.revision});
  QuotaRecord record;
  for (const auto& [name, value] : quota.values) record.entries.push_back({name, value});
  if (record.entries.empty()) txn.deletes.push_back(key);
  else txn.puts.emplace_back(key, encode_record(record));
  if (!record.entries.empty() || quota.revision > 0) decision.txns.push_back(std::move(txn));
  return decision;
}

Txn TopicsControl::write_features(const MetadataImage& image, const FeatureLevels& levels) const {
  FeaturesRecord record;
  for (const auto& [name, level] : levels) record.entries.push_back({name, level});
  Txn txn;
  txn.compares.push_back({.key = features_key, .target = Compare::Target::mod, .expected = image.features_revision});
  txn.puts.emplace_back(features_key, encode_record(record));
  return txn;
}

TopicDecision TopicsControl::update_features(const MetadataImage& image, const kafka::UpdateFeaturesRequest& request) const {
  constexpr std::int8_t upgrade_only = 1;
  FeatureLevels levels = image.features;
  if (request.feature_updates.empty()) return refuse(ErrorCode::invalid_request, "Can not provide empty FeatureUpdates");
  for (const auto& update : request.feature_updates) {
    const auto feature = std::ranges::find(supported_features(), update.feature, &FeatureRange::name);
    if (feature == supported_features().end())
      return refuse(ErrorCode::invalid_update_version, fmt::format("Invalid update version {} for feature {}. The controller does not support this feature.",
                                                                   update.max_version_level, update.feature));
    if (update.max_version_level < feature->min || update.max_version_level > feature->max)
      return refuse(ErrorCode::invalid_update_version, fmt::format("Invalid update version {} for feature {}. The controller supports versions {}-{}.",
                                                                   update.max_version_level, update.feature, feature->min, feature->max));
    const auto now = levels.contains(update.feature) ? levels[update.feature] : 0;
    if (update.max_version_level < now && update.upgrade_type == upgrade_only && !update.allow_downgrade)
      return refuse(ErrorCode::invalid_update_version,
                    fmt::format("Invalid update version {} for feature {}. Can't downgrade the version of this feature without setting the upgrade type to "
                                "either safe or unsafe downgrade.",
                                update.max_version_level, update.feature));
    if (update.max_version_level == 0) levels.erase(update.feature);
    else levels[update.feature] = update.max_version_level;
  }
  TopicDecision decision;
  decision.txns.push_back(write_features(image, levels));
  return decision;
}

std::vector<Txn> TopicsControl::reelect(const MetadataImage& image) const {
  std::vector<Txn> txns;
  for (const auto& [key, record] : image.partition_records) {
    if (record.leader != node_id_) continue;
    if (txns.empty() || txns.back().puts.size() >= partitions_per_txn / 2) txns.emplace_back();
    PartitionRecord next = record;
    ++next.leader_epoch;
    ++next.partition_epoch;
    txns.back().compares.push_back({.key = key, .target = Compare::Target::mod, .expected = image.partition_revisions.at(key)});
    txns.back().puts.emplace_back(key, encode_record(next));
  }
  return txns;
}

}  // namespace meridian::metadata
