// CreateTopics, DeleteTopics, CreatePartitions.
#include <map>

#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
/// First versions whose clients know THROTTLING_QUOTA_EXCEEDED (KIP-599).
constexpr std::int16_t create_topics_strict = 6, delete_topics_strict = 5, create_partitions_strict = 3;
constexpr const char* quota_exceeded = "The throttling quota has been exceeded.";
constexpr std::int8_t source_topic = 1, source_default = 5;

kafka::CreateTopicsResponseTopic created(const metadata::MetadataImage& image, const std::string& name, const metadata::TopicDecision& decision) {
  kafka::CreateTopicsResponseTopic out;
  out.name = name;
  out.error_code = decision.error;
  if (decision.error != ErrorCode::none) {
    out.error_message = decision.message;
    out.configs.emplace();
    return out;
  }
  out.topic_id = decision.id;
  out.num_partitions = decision.partition_count;
  out.replication_factor = 1;
  out.configs.emplace();
  for (const auto& setting : metadata::topic_setting_table()) {
    const bool own = decision.configs.contains(setting.name);
    out.configs->push_back({.name = setting.name,
                            .value = metadata::topic_value(*image.settings, decision.configs, setting),
                            .read_only = false,
                            .config_source = own ? source_topic : source_default,
                            .is_sensitive = false});
  }
  return out;
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
    } else if (const auto partitions = topic.assignments.empty() ? static_cast<std::size_t>(std::max(topic.num_partitions, 1)) : topic.assignments.size();
               !request.validate_only && !co_await context.may_mutate(partitions, create_topics_strict)) {
      decision.error = ErrorCode::throttling_quota_exceeded;
      decision.message = quota_exceeded;
    } else {
      decision = co_await async::on(services.control, services.metadata.create_topic(std::move(topic), request.validate_only));
    }
    response.topics.push_back(created(*context.image(), name, decision));
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
    if (topic.name.has_value() != topic.topic_id.is_zero()) {
      out.error_code = ErrorCode::invalid_request;
      out.error_message = topic.name ? "Topic name and topic ID can not both be specified." : "Neither topic name nor id were specified.";
      continue;
    }
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
    if (!co_await context.may_mutate(known->partitions.size(), delete_topics_strict)) {
      out.error_code = ErrorCode::throttling_quota_exceeded;
      out.error_message = quota_exceeded;
      continue;
    }
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
    const auto image = context.image();
    const auto* known = image->topic(topic.name);
    const auto more = known ? topic.count - static_cast<std::int32_t>(known->partitions.size()) : 0;
    if (!request.validate_only && more > 0 && !co_await context.may_mutate(static_cast<std::size_t>(more), create_partitions_strict)) {
      out.error_code = ErrorCode::throttling_quota_exceeded;
      out.error_message = quota_exceeded;
      continue;
    }
    const auto decision = co_await async::on(services.control, services.metadata.create_partitions(std::move(topic), request.validate_only));
    out.error_code = decision.error;
    if (decision.error != ErrorCode::none) out.error_message = decision.message;
  }
  co_return response;
}

}  // namespace meridian::server
