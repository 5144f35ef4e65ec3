// Consumer groups: the classic protocol's requests and the administration of groups.
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {
using kafka::ErrorCode;
constexpr std::int16_t topics_by_id = 10;  ///< OffsetCommit and OffsetFetch
}  // namespace

Task<kafka::JoinGroupResponse> handle_join_group(RequestContext& context, kafka::JoinGroupRequest& request) {
  kafka::JoinGroupResponse response;
  response.protocol_name = "";
  response.member_id = request.member_id;
  if (!context.allowed(Operation::read, Resource::group, request.group_id)) {
    response.error_code = ErrorCode::group_authorization_failed;
    co_return response;
  }
  coordinator::group::JoinInput input;
  input.client_id = context.client_id;
  input.client_host = context.client_host;
  input.member_id_required = context.version >= 4 && !request.group_instance_id;
  input.request = std::move(request);
  response = co_await context.services.groups.join(std::move(input));
  if (context.version < 7 && !response.protocol_name) response.protocol_name = "";  // null is from 7 on
  if (context.version >= 7 && response.error_code != ErrorCode::none) response.protocol_name.reset();
  co_return response;
}

Task<kafka::SyncGroupResponse> handle_sync_group(RequestContext& context, kafka::SyncGroupRequest& request) {
  constexpr std::int16_t names_protocol = 5;  // KIP-559
  kafka::SyncGroupResponse response;
  if (context.version >= names_protocol && (!request.protocol_type || !request.protocol_name)) {
    response.error_code = ErrorCode::inconsistent_group_protocol;
    co_return response;
  }
  if (context.allowed(Operation::read, Resource::group, request.group_id)) {
    response = co_await context.services.groups.sync(std::move(request));
    if (response.error_code != ErrorCode::none) response.protocol_type = response.protocol_name = std::nullopt;
    co_return response;
  }
  response.error_code = ErrorCode::group_authorization_failed;
  co_return response;
}

Task<kafka::HeartbeatResponse> handle_heartbeat(RequestContext& context, kafka::HeartbeatRequest& request) {
  kafka::HeartbeatResponse response;
  response.error_code = ErrorCode::group_authorization_failed;
  if (context.allowed(Operation::read, Resource::group, request.group_id)) response.error_code = co_await context.services.groups.heartbeat(std::move(request));
  co_return response;
}

Task<kafka::LeaveGroupResponse> handle_leave_group(RequestContext& context, kafka::LeaveGroupRequest& request) {
  if (context.allowed(Operation::read, Resource::group, request.group_id))
    co_return co_await context.services.groups.leave(std::move(request), context.version);
  kafka::LeaveGroupResponse response;
  response.error_code = ErrorCode::group_authorization_failed;
  co_return response;
}

Task<kafka::OffsetCommitResponse> handle_offset_commit(RequestContext& context, kafka::OffsetCommitRequest& request) {
  const auto image = context.image();
  const bool allowed = context.allowed(Operation::read, Resource::group, request.group_id);
  if (context.version >= topics_by_id)
    for (auto& topic : request.topics)
      if (const auto* known = image->topic(topic.topic_id)) topic.name = known->name;
  // Unknown topics are answered here; the rest goes to the coordinator, and its answers are put back in request order.
  kafka::OffsetCommitRequest known = request;
  for (auto& topic : known.topics)
    std::erase_if(topic.partitions, [&](const auto& partition) {
      return !allowed || !context.allowed(Operation::read, Resource::topic, topic.name) || !image->partition(topic.name, partition.partition_index);
    });
  std::erase_if(known.topics, [](const auto& topic) { return topic.partitions.empty(); });
  kafka::OffsetCommitResponse done;
  if (allowed) done = co_await context.services.groups.commit(std::move(known), context.version);
  std::map<std::pair<std::string, std::int32_t>, ErrorCode> results;
  for (const auto& topic : done.topics)
    for (const auto& partition : topic.partitions) results[{topic.name, partition.partition_index}] = partition.error_code;
  kafka::OffsetCommitResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      const auto it = results.find({topic.name, partition.partition_index});
      const ErrorCode missing = !allowed                                                         ? ErrorCode::group_authorization_failed
                                : topic.name.empty() && context.version >= topics_by_id          ? ErrorCode::unknown_topic_id
                                : !context.allowed(Operation::read, Resource::topic, topic.name) ? ErrorCode::topic_authorization_failed
                                                                                                 : ErrorCode::unknown_topic_or_partition;
      out.partitions.push_back({partition.partition_index, it == results.end() ? missing : it->second});
    }
  }
  co_return response;
}

namespace {

/// From version 10 on topics go by id: those of the request get their names; what has no name is taken out and answered here.
std::vector<kafka::OffsetFetchResponseTopic> name_topics(const metadata::MetadataImage& image, kafka::OffsetFetchRequestGroup& group) {
  std::vector<kafka::OffsetFetchResponseTopic> unknown;
  if (!group.topics) return unknown;
  for (auto& topic : *group.topics) {
    if (const auto* known = image.topic(topic.topic_id)) {
      topic.name = known->name;
      continue;
    }
    auto& out = unknown.emplace_back();
    out.topic_id = topic.topic_id;
    for (const auto n : topic.partition_indexes) out.partitions.push_back({.partition_index = n, .metadata = "", .error_code = ErrorCode::unknown_topic_id});
  }
  std::erase_if(*group.topics, [](const auto& topic) { return topic.name.empty(); });
  return unknown;
}

/// And those of the answer their ids; offsets of topics that are gone cannot be told of.
void identify_topics(const metadata::MetadataImage& image, kafka::OffsetFetchResponseGroup& group) {
  for (auto& topic : group.topics)
    if (const auto* known = image.topic(topic.name)) topic.topic_id = known->id;
  std::erase_if(group.topics, [](const auto& topic) { return topic.topic_id.is_zero(); });
}

}  // namespace

Task<kafka::OffsetFetchResponse> handle_offset_fetch(RequestContext& context, kafka::OffsetFetchRequest& request) {
  kafka::OffsetFetchResponse response;
  if (context.version < 8) {
    kafka::OffsetFetchRequestGroup only;
    only.group_id = request.group_id;
    only.topics = std::move(request.topics);
    request.groups.push_back(std::move(only));
  }
  for (auto& group : request.groups) {
    if (context.allowed(Operation::describe, Resource::group, group.group_id)) {
      std::vector<kafka::OffsetFetchResponseTopic> unknown;
      if (context.version >= topics_by_id) unknown = name_topics(*context.image(), group);
      auto answer = co_await context.services.groups.fetch(std::move(group), request.require_stable);
      if (context.version >= topics_by_id) identify_topics(*context.image(), answer);
      if (answer.error_code == ErrorCode::none) std::ranges::move(unknown, std::back_inserter(answer.topics));
      response.groups.push_back(std::move(answer));
      continue;
    }
    response.groups.push_back({.group_id = group.group_id, .topics = {}, .error_code = ErrorCode::group_authorization_failed});
  }
  if (context.version >= 8) co_return response;
  auto& only = response.groups[0];
  response.topics = std::move(only.topics);
  response.error_code = only.error_code;
  // Version 1 has no error of its own: it goes into the partitions.
  if (context.version < 2 && only.error_code != ErrorCode::none)
    for (auto& topic : response.topics)
      for (auto& partition : topic.partitions) partition.error_code = only.error_code;
  co_return response;
}

Task<kafka::OffsetDeleteResponse> handle_offset_delete(RequestContext& context, kafka::OffsetDeleteRequest& request) {
  kafka::OffsetDeleteResponse response;
  if (!context.allowed(Operation::remove, Resource::group, request.group_id)) {
    response.error_code = ErrorCode::group_authorization_failed;
    co_return response;
  }
  const auto image = context.image();
  kafka::OffsetDeleteRequest known = request;
  for (auto& topic : known.topics)
    std::erase_if(topic.partitions, [&](const auto& partition) {
      return !context.allowed(Operation::read, Resource::topic, topic.name) || !image->partition(topic.name, partition.partition_index);
    });
  auto done = co_await context.services.groups.delete_offsets(std::move(known));
  response.error_code = done.error_code;
  if (done.error_code != ErrorCode::none) co_return response;
  std::map<std::pair<std::string, std::int32_t>, ErrorCode> results;
  for (const auto& topic : done.topics)
    for (const auto& partition : topic.partitions) results[{topic.name, partition.partition_index}] = partition.error_code;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      const auto it = results.find({topic.name, partition.partition_index});
      const auto missing =
          context.allowed(Operation::read, Resource::topic, topic.name) ? ErrorCode::unknown_topic_or_partition : ErrorCode::topic_authorization_failed;
      out.partitions.push_back({partition.partition_index, it == results.end() ? missing : it->second});
    }
  }
  co_return response;
}

Task<kafka::ConsumerGroupHeartbeatResponse> handle_consumer_group_heartbeat(RequestContext& context, kafka::ConsumerGroupHeartbeatRequest& request) {
  kafka::ConsumerGroupHeartbeatResponse response;
  // Before version 1 the coordinator chose the id of a new member (KIP-1082).
  if (context.version == 0 && request.member_id.empty() && request.member_epoch == 0)
    request.member_id = co_await async::on(context.services.control, context.services.metadata.random_id());
  if (context.image()->features.find("group.version") == context.image()->features.end()) {
    response.error_code = ErrorCode::unsupported_version;
  } else if (!context.allowed(Operation::read, Resource::group, request.group_id)) {
    response.error_code = ErrorCode::group_authorization_failed;
  } else {
    response = co_await context.services.groups.consumer_heartbeat(std::move(request), context.client_id, context.client_host);
  }
  co_return response;
}

Task<kafka::ConsumerGroupDescribeResponse> handle_consumer_group_describe(RequestContext& context, kafka::ConsumerGroupDescribeRequest& request) {
  kafka::ConsumerGroupDescribeResponse response;
  for (const auto& id : request.group_ids) {
    kafka::ConsumerGroupDescribeResponseDescribedGroup group;
    group.group_id = id;
    group.error_code = ErrorCode::group_authorization_failed;
    if (context.allowed(Operation::describe, Resource::group, id)) group = co_await context.services.groups.consumer_describe(id);
    if (request.include_authorized_operations && group.error_code == ErrorCode::none) group.authorized_operations = group_operations;
    response.groups.push_back(std::move(group));
  }
  co_return response;
}

Task<kafka::DescribeGroupsResponse> handle_describe_groups(RequestContext& context, kafka::DescribeGroupsRequest& request) {
  kafka::DescribeGroupsResponse response;
  for (auto& id : request.groups) {
    kafka::DescribeGroupsResponseGroup group;
    group.group_id = id;
    group.error_code = ErrorCode::group_authorization_failed;
    if (context.allowed(Operation::describe, Resource::group, id)) group = co_await context.services.groups.describe(id);
    if (group.error_code == ErrorCode::none && group.group_state == "Dead" && context.version >= 6) {
      group.error_code = ErrorCode::group_id_not_found;
      group.error_message = "Group " + id + " not found.";
    }
    if (request.include_authorized_operations && group.error_code == ErrorCode::none) group.authorized_operations = group_operations;
    response.groups.push_back(std::move(group));
  }
  co_return response;
}

Task<kafka::ListGroupsResponse> handle_list_groups(RequestContext& context, kafka::ListGroupsRequest& request) {
  kafka::ListGroupsResponse response;
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  const auto wanted = [&](const std::vector<std::string>& filter, const std::string& value) {
    return filter.empty() || std::ranges::any_of(filter, [&](const auto& entry) { return lower(entry) == lower(value); });
  };
  for (auto& group : co_await context.services.groups.list())
    if (context.allowed(Operation::describe, Resource::group, group.group_id) && wanted(request.states_filter, group.group_state) &&
        wanted(request.types_filter, group.group_type))
      response.groups.push_back(std::move(group));
  co_return response;
}

Task<kafka::DeleteGroupsResponse> handle_delete_groups(RequestContext& context, kafka::DeleteGroupsRequest& request) {
  kafka::DeleteGroupsResponse response;
  for (const auto& group : request.group_names) {
    ErrorCode error = ErrorCode::group_authorization_failed;
    if (context.allowed(Operation::remove, Resource::group, group)) error = co_await context.services.groups.remove(group);
    if (error == ErrorCode::none) co_await context.services.share_partitions.forget(group);
    response.results.push_back({group, error});
  }
  co_return response;
}

}  // namespace meridian::server
