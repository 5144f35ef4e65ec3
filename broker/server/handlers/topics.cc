// CreateTopics, DeleteTopics, CreatePartitions, DescribeConfigs, IncrementalAlterConfigs.
#include <map>

#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
constexpr std::int8_t topic_resource = 2, broker_resource = 4;
constexpr std::int8_t source_topic = 1, source_static_broker = 4, source_default = 5;

kafka::CreateTopicsResponseTopic created(const Services& services, const std::string& name, const metadata::TopicDecision& decision) {
  kafka::CreateTopicsResponseTopic out;
  out.name = name;
  out.error_code = decision.error;
  if (decision.error != ErrorCode::none) {
    out.error_message = decision.message;
    return out;
  }
  out.topic_id = decision.id;
  out.num_partitions = decision.partition_count;
  out.replication_factor = 1;
  out.configs.emplace();
  for (const auto& setting : metadata::topic_setting_table()) {
    const bool own = decision.configs.contains(setting.name);
    out.configs->push_back({.name = setting.name,
                            .value = metadata::topic_value(services.settings, decision.configs, setting),
                            .read_only = false,
                            .config_source = own ? source_topic : source_default,
                            .is_sensitive = false});
  }
  return out;
}

void describe_topic(const Services& services, const metadata::TopicConfigs& configs, const kafka::DescribeConfigsRequest& request,
                    const config::Setting& setting, kafka::DescribeConfigsEntry& entry) {
  const bool own = configs.contains(setting.name);
  const bool broker = setting.broker_key && services.settings.is_set(setting.broker_key);
  entry.value = metadata::topic_value(services.settings, configs, setting);
  entry.config_source = own ? source_topic : broker ? source_static_broker : source_default;
  if (!request.include_synonyms) return;
  if (own) entry.synonyms.push_back({setting.name, configs.find(setting.name)->second, source_topic});
  if (!setting.broker_key) return;
  if (broker) entry.synonyms.push_back({setting.broker_key, services.settings.raw(setting.broker_key), source_static_broker});
  const auto* base = services.settings.find(setting.broker_key);
  if (base->default_value) entry.synonyms.push_back({setting.broker_key, base->default_value, source_default});
}

void describe_broker(const Services& services, const kafka::DescribeConfigsRequest& request, const config::Setting& setting,
                     kafka::DescribeConfigsEntry& entry) {
  const bool own = services.settings.is_set(setting.name);
  entry.value = services.settings.raw(setting.name);
  entry.read_only = true;
  entry.config_source = own ? source_static_broker : source_default;
  if (!request.include_synonyms) return;
  if (own) entry.synonyms.push_back({setting.name, entry.value, source_static_broker});
  if (setting.default_value) entry.synonyms.push_back({setting.name, setting.default_value, source_default});
}

}  // namespace

Task<kafka::CreateTopicsResponse> handle_create_topics(RequestContext& context, kafka::CreateTopicsRequest& request) {
  Services& services = context.services;
  kafka::CreateTopicsResponse response;
  std::map<std::string, int> times;
  for (const auto& topic : request.topics) ++times[topic.name];
  for (auto& topic : request.topics) {
    const std::string name = topic.name;
    metadata::TopicDecision decision;
    if (times[name] > 1) {
      if (times[name] == INT32_MAX) continue;  // answered already
      times[name] = INT32_MAX;
      decision.error = ErrorCode::invalid_request;
      decision.message = "Duplicate topic name.";
    } else if (!context.allowed(Operation::create, Resource::topic, name)) {
      decision.error = ErrorCode::topic_authorization_failed;
    } else if (metadata::is_internal_topic(name)) {
      decision.error = ErrorCode::invalid_request;
      decision.message = "Creation of internal topic " + name + " is prohibited.";
    } else {
      decision = co_await async::on(services.control, services.metadata.create_topic(std::move(topic), request.validate_only));
    }
    response.topics.push_back(created(services, name, decision));
  }
  co_return response;
}

Task<kafka::DeleteTopicsResponse> handle_delete_topics(RequestContext& context, kafka::DeleteTopicsRequest& request) {
  Services& services = context.services;
  kafka::DeleteTopicsResponse response;
  for (auto& name : request.topic_names) request.topics.push_back({name, {}});
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    const auto image = context.image();
    const auto* known = topic.name ? image->topic(*topic.name) : image->topic(topic.topic_id);
    if (!known) {
      out.error_code = topic.name ? ErrorCode::unknown_topic_or_partition : ErrorCode::unknown_topic_id;
      out.error_message = topic.name ? "This server does not host this topic-partition." : "This server does not host this topic ID.";
      continue;
    }
    if (!context.allowed(Operation::remove, Resource::topic, known->name)) {
      out.error_code = ErrorCode::topic_authorization_failed;
      continue;
    }
    out.name = known->name;
    out.topic_id = known->id;
    const auto decision = co_await async::on(services.control, services.metadata.delete_topic(known->name));
    out.error_code = decision.error;
    if (decision.error != ErrorCode::none) out.error_message = decision.message;
  }
  co_return response;
}

Task<kafka::CreatePartitionsResponse> handle_create_partitions(RequestContext& context, kafka::CreatePartitionsRequest& request) {
  Services& services = context.services;
  kafka::CreatePartitionsResponse response;
  for (auto& topic : request.topics) {
    auto& out = response.results.emplace_back();
    out.name = topic.name;
    if (!context.allowed(Operation::alter, Resource::topic, topic.name)) {
      out.error_code = ErrorCode::topic_authorization_failed;
      continue;
    }
    const auto decision = co_await async::on(services.control, services.metadata.create_partitions(std::move(topic), request.validate_only));
    out.error_code = decision.error;
    if (decision.error != ErrorCode::none) out.error_message = decision.message;
  }
  co_return response;
}

Task<kafka::DescribeConfigsResponse> handle_describe_configs(RequestContext& context, kafka::DescribeConfigsRequest& request) {
  Services& services = context.services;
  kafka::DescribeConfigsResponse response;
  const auto image = context.image();
  for (const auto& resource : request.resources) {
    auto& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    const bool of_topic = resource.resource_type == topic_resource;
    const auto* topic = of_topic ? image->topic(resource.resource_name) : nullptr;
    const auto refuse = [&out](ErrorCode error, std::string message) {
      out.error_code = error;
      out.error_message = std::move(message);
    };
    if (!of_topic && resource.resource_type != broker_resource) {
      refuse(ErrorCode::invalid_request, "Unsupported resource type.");
      continue;
    }
    if (!context.allowed(Operation::describe_configs, of_topic ? Resource::topic : Resource::cluster, resource.resource_name)) {
      refuse(of_topic ? ErrorCode::topic_authorization_failed : ErrorCode::cluster_authorization_failed, "");
      continue;
    }
    if (of_topic && !topic) {
      refuse(ErrorCode::unknown_topic_or_partition, "The topic does not exist.");
      continue;
    }
    if (!of_topic && !resource.resource_name.empty() && resource.resource_name != std::to_string(services.node_id)) {
      refuse(ErrorCode::invalid_request,
             "Unexpected broker id, expected " + std::to_string(services.node_id) + " or empty string, but received " + resource.resource_name);
      continue;
    }
    for (const auto& setting : of_topic ? metadata::topic_setting_table() : metadata::broker_setting_table()) {
      const auto& keys = resource.configuration_keys;
      if (keys && std::ranges::find(*keys, setting.name) == keys->end()) continue;
      auto& entry = out.configs.emplace_back();
      entry.name = setting.name;
      entry.config_type = static_cast<std::int8_t>(setting.type);
      if (request.include_documentation) entry.documentation = setting.documentation;
      if (of_topic) describe_topic(services, topic->configs, request, setting, entry);
      else describe_broker(services, request, setting, entry);
    }
  }
  co_return response;
}

Task<kafka::IncrementalAlterConfigsResponse> handle_incremental_alter_configs(RequestContext& context, kafka::IncrementalAlterConfigsRequest& request) {
  Services& services = context.services;
  kafka::IncrementalAlterConfigsResponse response;
  for (auto& resource : request.resources) {
    auto& out = response.results.emplace_back();
    out.resource_type = resource.resource_type;
    out.resource_name = resource.resource_name;
    if (resource.resource_type != topic_resource) {
      out.error_code = ErrorCode::invalid_request;
      out.error_message = "Only topic configurations can be changed at run time.";
    } else if (!context.allowed(Operation::alter_configs, Resource::topic, resource.resource_name)) {
      out.error_code = ErrorCode::topic_authorization_failed;
    } else {
      const auto decision = co_await async::on(services.control, services.metadata.alter_configs(std::move(resource), request.validate_only));
      out.error_code = decision.error;
      if (decision.error != ErrorCode::none) out.error_message = decision.message;
    }
  }
  co_return response;
}

}  // namespace meridian::server
