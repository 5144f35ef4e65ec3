// GroupCoordinator, the part about share groups (KIP-932): membership here, what they have done with their partitions in ShareCoordinator.
#include "broker/coordinator/group/group_coordinator.h"
#include "common/base/log.h"

namespace meridian::coordinator::group {

ShareGroupLimits GroupCoordinator::share_limits(const metadata::MetadataImage& image, const std::string& group) const {
  using std::chrono::milliseconds;
  return {.heartbeat_interval = milliseconds(metadata::group_integer(image, group, "share.heartbeat.interval.ms")),
          .session_timeout = milliseconds(metadata::group_integer(image, group, "share.session.timeout.ms")),
          .size_max = image.settings->integer("group.share.max.size")};
}

Task<kafka::ShareGroupHeartbeatResponse> GroupCoordinator::share_heartbeat(kafka::ShareGroupHeartbeatRequest request, std::string client_id,
                                                                           std::string client_host) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, share_heartbeat_home(std::move(request), std::move(client_id), std::move(client_host)));
}

// As in consumer_heartbeat_home(): in memory at once, told when it is committed.
Task<kafka::ShareGroupHeartbeatResponse> GroupCoordinator::share_heartbeat_home(kafka::ShareGroupHeartbeatRequest request, std::string client_id,
                                                                                std::string client_host) {
  kafka::ShareGroupHeartbeatResponse response;
  if (auto refused = ShareGroup::check_request(request)) co_return std::move(*refused);
  response.error_code = co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  PerShard& at = per_shard(home(request.group_id));
  auto group = find(request.group_id);
  const bool joins = request.member_epoch == 0;
  if (joins && !group) group = find_or_create(request.group_id);
  if (joins && group->unused()) group->share = std::make_unique<ShareGroup>(request.group_id);
  if (!group || !group->share) {
    response.error_code = ErrorCode::group_id_not_found;
    response.error_message = "Group " + request.group_id + (group ? " is not a share group." : " not found.");
    co_return response;
  }
  const auto topics = topic_view(at.shard);
  std::vector<ShareRecord> records;
  response = group->share->heartbeat({request, std::move(client_id), std::move(client_host)}, *topics, share_limits(*image_(at.shard), request.group_id),
                                     at.shard.clock().now(), records);
  watch_timers(group);
  if (response.error_code != ErrorCode::none) {
    if (!group->share->known()) partition(request.group_id).groups.erase(request.group_id);
    co_return response;
  }
  auto error = co_await write_share(group, std::move(records), request.member_id);
  // Who is told of a partition finds a state there.
  if (error == ErrorCode::none) error = co_await begin_states(group, request.member_id);
  if (error != ErrorCode::none) {
    response = {};
    response.error_code = error;
  }
  co_return response;
}

// The states first: what the group says it has, it has.
Task<ErrorCode> GroupCoordinator::begin_states(std::shared_ptr<Group> group, std::string member) {
  const std::string& id = group->classic.id();
  const Assignment missing = group->share->without_state(member);
  if (missing.empty()) co_return ErrorCode::none;
  for (const auto& [topic, partitions] : missing)
    for (const auto n : partitions)
      if (const auto error = co_await share_.begin({id, topic, n}); error != ErrorCode::none) co_return error;
  std::vector<ShareRecord> records;
  records.push_back(group->share->add_states(missing, *topic_view(home(id))));
  co_return co_await write_share(group, std::move(records));
}

Task<ErrorCode> GroupCoordinator::end_states(std::shared_ptr<Group> group, Uuid topic) {
  const std::string& id = group->classic.id();
  const auto found = group->share->states().find(topic);
  if (found == group->share->states().end()) co_return ErrorCode::none;
  const auto partitions = found->second.partitions;
  for (const auto n : partitions)
    if (const auto error = co_await share_.remove({id, topic, n}); error != ErrorCode::none) co_return error;
  std::vector<ShareRecord> records;
  records.push_back(group->share->remove_states(topic));
  co_return co_await write_share(group, std::move(records));
}

Task<> GroupCoordinator::end_states_of_deleted_topics(std::shared_ptr<Group> group) {
  const auto topics = topic_view(home(group->classic.id()));
  const auto states = group->share->states();
  for (const auto& [topic, state] : states) {
    if (topics->name(topic)) continue;
    if (const auto error = co_await end_states(group, topic); error != ErrorCode::none)
      log::warn("share group {}: the state of deleted topic {} is not removed: {}", group->classic.id(), state.name, kafka::error_name(error));
  }
}

Task<> GroupCoordinator::tick_share(std::shared_ptr<Group> group) {
  PerShard& at = per_shard(home(group->classic.id()));
  std::vector<ShareRecord> records;
  group->share->tick(*topic_view(at.shard), at.shard.clock().now(), records);
  watch_timers(group);
  co_await write_share(group, std::move(records));
}

Task<kafka::ShareGroupDescribeResponseDescribedGroup> GroupCoordinator::share_describe(std::string group) {
  auto& at = home(group);
  co_return co_await async::on(at, share_describe_home(std::move(group)));
}

Task<kafka::ShareGroupDescribeResponseDescribedGroup> GroupCoordinator::share_describe_home(std::string id) {
  kafka::ShareGroupDescribeResponseDescribedGroup out;
  out.group_id = id;
  out.error_code = id.empty() ? ErrorCode::invalid_group_id : co_await ready(id);
  if (out.error_code != ErrorCode::none) co_return out;
  const auto group = find(id);
  if (!group || !group->share) {
    out.error_code = ErrorCode::group_id_not_found;
    out.error_message = "Group " + id + (group ? " is not a share group." : " not found.");
    co_return out;
  }
  group->share->describe(out, *topic_view(home(id)));
  co_return out;
}

Task<GroupCoordinator::ShareOffsets> GroupCoordinator::share_offsets(std::string group,
                                                                     std::optional<std::vector<kafka::DescribeShareGroupOffsetsRequestTopic>> topics) {
  auto& at = home(group);
  co_return co_await async::on(at, share_offsets_home(std::move(group), std::move(topics)));
}

Task<GroupCoordinator::ShareOffsets> GroupCoordinator::share_offsets_home(std::string id,
                                                                          std::optional<std::vector<kafka::DescribeShareGroupOffsetsRequestTopic>> topics) {
  // A group or a topic that is not there is one where nobody has read anything, as Kafka tells it.
  ShareOffsets out;
  out.error = co_await ready(id);
  if (out.error != ErrorCode::none) co_return out;
  const auto group = find(id);
  const auto view = topic_view(home(id));
  if (topics) {
    for (const auto& topic : *topics)
      for (const auto n : topic.partitions) {
        const auto known = view->find(topic.topic_name);
        out.rows.push_back({topic.topic_name, known ? known->id : Uuid{}, n, {}});
      }
  } else if (group && group->share) {
    for (const auto& [topic, state] : group->share->states())
      for (const auto n : state.partitions) out.rows.push_back({state.name, topic, n, {}});
  }
  for (auto& row : out.rows) row.summary = co_await share_.read({id, row.topic_id, row.partition}, std::nullopt);
  co_return out;
}

Task<ErrorCode> GroupCoordinator::ready_empty_share_group(std::string id) {
  if (id.empty()) co_return ErrorCode::invalid_group_id;
  if (const auto error = co_await ready(id); error != ErrorCode::none) co_return error;
  const auto group = find(id);
  if (!group || !group->share) co_return ErrorCode::group_id_not_found;
  co_return group->has_members() ? ErrorCode::non_empty_group : ErrorCode::none;
}

Task<kafka::AlterShareGroupOffsetsResponse> GroupCoordinator::alter_share_offsets(kafka::AlterShareGroupOffsetsRequest request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, alter_share_offsets_home(std::move(request)));
}

Task<kafka::AlterShareGroupOffsetsResponse> GroupCoordinator::alter_share_offsets_home(kafka::AlterShareGroupOffsetsRequest request) {
  kafka::AlterShareGroupOffsetsResponse response;
  response.error_code = request.group_id.empty() ? ErrorCode::invalid_group_id : co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  // A group can be given offsets before its first member comes.
  if (const auto group = find_or_create(request.group_id); group->unused()) group->share = std::make_unique<ShareGroup>(request.group_id);
  response.error_code = co_await ready_empty_share_group(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  const auto group = find(request.group_id);
  const auto view = topic_view(home(request.group_id));
  Assignment begun;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic_name = topic.topic_name;
    const auto known = view->find(topic.topic_name);
    if (known) out.topic_id = known->id;
    for (const auto& partition : topic.partitions) {
      auto error = ErrorCode::unknown_topic_or_partition;
      if (known && partition.partition_index >= 0 && partition.partition_index < known->partitions) {
        const share::SharePartitionKey key{request.group_id, known->id, partition.partition_index};
        // A higher state epoch fences whoever still writes about the old one.
        const auto before = co_await share_.read(key, std::nullopt);
        error = before.error == ErrorCode::none ? co_await share_.initialize(key, before.state_epoch + 1, partition.start_offset) : before.error;
        if (error == ErrorCode::none) begun[known->id].insert(partition.partition_index);
      }
      out.partitions.push_back({partition.partition_index, error, {}});
    }
  }
  if (begun.empty()) {
    if (!group->share->known()) partition(request.group_id).groups.erase(request.group_id);
    co_return response;
  }
  std::vector<ShareRecord> records;
  group->share->make_known(*view, records);
  records.push_back(group->share->add_states(begun, *view));
  response.error_code = co_await write_share(group, std::move(records));
  co_return response;
}

Task<kafka::DeleteShareGroupOffsetsResponse> GroupCoordinator::delete_share_offsets(kafka::DeleteShareGroupOffsetsRequest request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, delete_share_offsets_home(std::move(request)));
}

Task<kafka::DeleteShareGroupOffsetsResponse> GroupCoordinator::delete_share_offsets_home(kafka::DeleteShareGroupOffsetsRequest request) {
  kafka::DeleteShareGroupOffsetsResponse response;
  response.error_code = co_await ready_empty_share_group(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  const auto group = find(request.group_id);
  const auto view = topic_view(home(request.group_id));
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic_name = topic.topic_name;
    const auto known = view->find(topic.topic_name);
    out.error_code = ErrorCode::unknown_topic_or_partition;
    if (!known || !group->share->states().contains(known->id)) continue;
    out.topic_id = known->id;
    out.error_code = co_await end_states(group, known->id);
  }
  co_return response;
}

}  // namespace meridian::coordinator::group
