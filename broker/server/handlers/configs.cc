// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources.
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
// Kafka's ConfigSource.
constexpr std::int8_t source_topic = 1, source_dynamic_broker = 2, source_dynamic_default = 3, source_static_broker = 4, source_default = 5,
                      source_client_metrics = 7, source_group = 8;

using Synonyms = std::vector<kafka::DescribeConfigsSynonym>;

/// Where a broker setting's value comes from, strongest first.
Synonyms broker_values(const metadata::MetadataImage& image, const config::Setting& setting) {
  Synonyms values;
  const auto own = "broker/" + image.file_settings->string("node.id");
  for (const auto& [resource, source] : {std::pair{own, source_dynamic_broker}, std::pair{std::string("broker/"), source_dynamic_default}}) {
    const auto found = image.resource_configs.find(resource);
    if (found == image.resource_configs.end()) continue;
    if (const auto it = found->second.values.find(setting.name); it != found->second.values.end()) values.push_back({setting.name, it->second, source});
  }
  if (image.file_settings->is_set(setting.name)) values.push_back({setting.name, image.file_settings->raw(setting.name), source_static_broker});
  if (setting.default_value) values.push_back({setting.name, setting.default_value, source_default});
  return values;
}

/// The entry's value is that of its strongest source; `fallback` where no source names one.
void fill(kafka::DescribeConfigsEntry& entry, Synonyms values, std::optional<std::string> fallback, bool include_synonyms) {
  entry.value = std::move(fallback);
  entry.config_source = values.empty() ? source_default : values.front().source;
  if (!entry.value && !values.empty()) entry.value = values.front().value;
  if (include_synonyms) entry.synonyms = std::move(values);
}

void describe_topic(const metadata::MetadataImage& image, const metadata::TopicConfigs& configs, const config::Setting& setting, bool synonyms,
                    kafka::DescribeConfigsEntry& entry) {
  Synonyms values;
  if (const auto own = configs.find(setting.name); own != configs.end()) values.push_back({setting.name, own->second, source_topic});
  if (setting.broker_key)
    for (auto& value : broker_values(image, *image.file_settings->find(setting.broker_key))) values.push_back(std::move(value));
  fill(entry, std::move(values), metadata::topic_value(*image.settings, configs, setting), synonyms);
}

void describe_stored(const metadata::MetadataImage& image, const std::string& path, const config::Setting& setting, std::int8_t source, bool synonyms,
                     kafka::DescribeConfigsEntry& entry) {
  Synonyms values;
  const auto found = image.resource_configs.find(path);
  if (found != image.resource_configs.end())
    if (const auto own = found->second.values.find(setting.name); own != found->second.values.end()) values.push_back({setting.name, own->second, source});
  if (setting.broker_key)
    for (auto& value : broker_values(image, *image.file_settings->find(setting.broker_key))) values.push_back(std::move(value));
  if (setting.default_value && !setting.broker_key) values.push_back({setting.name, setting.default_value, source_default});
  fill(entry, std::move(values), std::nullopt, synonyms);
}

std::span<const config::Setting> table_of(std::int8_t type) {
  switch (type) {
    case metadata::topic_resource: return metadata::topic_setting_table();
    case metadata::broker_resource: return metadata::broker_setting_table();
    case metadata::group_resource: return metadata::group_setting_table();
    case metadata::client_metrics_resource: return metadata::client_metrics_setting_table();
    default: return {};
  }
}

using Refusal = std::optional<std::pair<ErrorCode, std::string>>;

Refusal check_resource(const RequestContext& context, Operation operation, std::int8_t type, const std::string& name) {
  const auto refuse = [](ErrorCode error, std::string message) { return Refusal({error, std::move(message)}); };
  if (table_of(type).empty()) return refuse(ErrorCode::invalid_request, "Unsupported resource type " + std::to_string(type) + ".");
  const bool of_topic = type == metadata::topic_resource, of_group = type == metadata::group_resource;
  if (!context.allowed(operation, of_topic ? Resource::topic : of_group ? Resource::group : Resource::cluster, name))
    return refuse(of_topic   ? ErrorCode::topic_authorization_failed
                  : of_group ? ErrorCode::group_authorization_failed
                             : ErrorCode::cluster_authorization_failed,
                  "");
  if (of_topic) {
    if (name.empty()) return refuse(ErrorCode::invalid_request, "Default topic resources are not allowed.");
    if (auto valid = metadata::check_topic_name(name); !valid) return refuse(ErrorCode::invalid_topic_exception, valid.error().message);
    if (!context.image()->topic(name)) return refuse(ErrorCode::unknown_topic_or_partition, "The topic '" + name + "' does not exist.");
  }
  if (of_group && name.empty()) return refuse(ErrorCode::invalid_request, "Default group resources are not allowed.");
  if (type == metadata::broker_resource && !name.empty() && name != std::to_string(context.services.node_id))
    return refuse(ErrorCode::invalid_request,
                  "Unexpected broker id, expected " + std::to_string(context.services.node_id) + " or empty string, but received " + name);
  return std::nullopt;
}

void describe(const RequestContext& context, const kafka::DescribeConfigsRequest& request, const kafka::DescribeConfigsResource& resource,
              kafka::DescribeConfigsResult& out) {
  const auto image = context.image();
  const auto* topic = resource.resource_type == metadata::topic_resource ? image->topic(resource.resource_name) : nullptr;
  for (const auto& setting : table_of(resource.resource_type)) {
    const auto& keys = resource.configuration_keys;
    if (keys && std::ranges::find(*keys, setting.name) == keys->end()) continue;
    kafka::DescribeConfigsEntry entry;
    entry.name = setting.name;
    entry.config_type = static_cast<std::int8_t>(setting.type);
    if (request.include_documentation) entry.documentation = setting.documentation;
    if (topic) {
      describe_topic(*image, topic->configs, setting, request.include_synonyms, entry);
    } else if (resource.resource_type == metadata::broker_resource) {
      entry.read_only = !metadata::is_dynamic(setting.name);
      auto values = broker_values(*image, setting);
      // The cluster-wide resource lists what is set there.
      if (resource.resource_name.empty()) {
        std::erase_if(values, [](const auto& value) { return value.source != source_dynamic_default; });
        if (values.empty()) continue;
      }
      fill(entry, std::move(values), std::nullopt, request.include_synonyms);
    } else {
      describe_stored(*image, *metadata::resource_path(resource.resource_type, resource.resource_name), setting,
                      resource.resource_type == metadata::group_resource ? source_group : source_client_metrics, request.include_synonyms, entry);
    }
    out.configs.push_back(std::move(entry));
  }
}

Task<Refusal> alter(RequestContext& context, kafka::IncrementalAlterConfigsResource resource, bool validate_only) {
  if (auto refused = check_resource(context, Operation::alter_configs, resource.resource_type, resource.resource_name)) co_return refused;
  const auto decision = co_await async::on(context.services.control, context.services.metadata.alter_configs(std::move(resource), validate_only));
  if (decision.error == ErrorCode::none) co_return std::nullopt;
  co_return std::pair{decision.error, decision.message};
}

}  // namespace

Task<kafka::DescribeConfigsResponse> handle_describe_configs(RequestContext& context, kafka::DescribeConfigsRequest& request) {
  kafka::DescribeConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    if (auto refused = check_resource(context, Operation::describe_configs, resource.resource_type, resource.resource_name)) {
      out.error_code = refused->first;
      out.error_message = std::move(refused->second);
    } else {
      describe(context, request, resource, out);
    }
  }
  co_return response;
}

Task<kafka::IncrementalAlterConfigsResponse> handle_incremental_alter_configs(RequestContext& context, kafka::IncrementalAlterConfigsRequest& request) {
  kafka::IncrementalAlterConfigsResponse response;
  for (auto& resource : request.resources) {
    auto& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    if (auto refused = co_await alter(context, std::move(resource), request.validate_only)) {
      out.error_code = refused->first;
      out.error_message = std::move(refused->second);
    }
  }
  co_return response;
}

// The whole configuration: what the request does not name is removed.
Task<kafka::AlterConfigsResponse> handle_alter_configs(RequestContext& context, kafka::AlterConfigsRequest& request) {
  constexpr std::int8_t set = 0, remove = 1;
  kafka::AlterConfigsResponse response;
  for (auto& resource : request.resources) {
    auto& out = response.responses.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    kafka::IncrementalAlterConfigsResource changes;
    changes.resource_type = resource.resource_type;
    changes.resource_name = resource.resource_name;
    std::set<std::string> named;
    for (auto& config : resource.configs) {
      named.insert(config.name);
      changes.configs.push_back({config.name, set, std::move(config.value)});
    }
    const auto image = context.image();
    const auto* topic = resource.resource_type == metadata::topic_resource ? image->topic(resource.resource_name) : nullptr;
    const auto path = metadata::resource_path(resource.resource_type, resource.resource_name);
    const auto stored = path ? image->resource_configs.find(*path) : image->resource_configs.end();
    const auto present = topic ? topic->configs : stored != image->resource_configs.end() ? stored->second.values : metadata::TopicConfigs{};
    for (const auto& [name, value] : present)
      if (!named.contains(name)) changes.configs.push_back({name, remove, std::nullopt});
    if (auto refused = co_await alter(context, std::move(changes), request.validate_only)) {
      out.error_code = refused->first;
      out.error_message = std::move(refused->second);
    }
  }
  co_return response;
}

Task<kafka::ListConfigResourcesResponse> handle_list_config_resources(RequestContext& context, kafka::ListConfigResourcesRequest& request) {
  kafka::ListConfigResourcesResponse response;
  if (!context.allowed(Operation::describe_configs, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  const auto image = context.image();
  // Version 0 was about client metrics alone.
  std::vector<std::int8_t> types = request.resource_types;
  if (context.version == 0) types = {metadata::client_metrics_resource};
  else if (types.empty())
    types = {metadata::topic_resource, metadata::broker_resource, metadata::broker_logger_resource, metadata::client_metrics_resource,
             metadata::group_resource};
  for (const auto type : types) {
    if (type == metadata::topic_resource) {
      for (const auto& [name, topic] : image->topics) response.config_resources.push_back({name, type});
    } else if (type == metadata::broker_resource || type == metadata::broker_logger_resource) {
      response.config_resources.push_back({std::to_string(context.services.node_id), type});
    } else if (const auto prefix = metadata::resource_path(type, "")) {
      for (auto it = image->resource_configs.lower_bound(*prefix); it != image->resource_configs.end() && it->first.starts_with(*prefix); ++it)
        response.config_resources.push_back({it->first.substr(prefix->size()), type});
    } else {
      response.error_code = ErrorCode::unsupported_version;
      response.config_resources.clear();
      co_return response;
    }
  }
  co_return response;
}

}  // namespace meridian::server
