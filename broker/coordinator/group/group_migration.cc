// GroupCoordinator, the part about groups that change protocol, with and without members in them (KIP-848), and about members of the classic
// protocol in groups of the other.
#include "broker/coordinator/group/group_coordinator.h"
#include "common/base/log.h"

namespace meridian::coordinator::group {

// An empty classic group becomes one of the consumer protocol; its offsets stay.
Task<ErrorCode> GroupCoordinator::to_consumer(std::shared_ptr<Group> group) {
  const std::string id = group->classic.id();
  group->consumer = std::make_unique<ConsumerGroup>(id);
  if (group->classic.generation() == 0) co_return ErrorCode::none;
  group->classic.load(GroupValue{}, per_shard(home(id)).shard.clock().now());
  std::vector<ConsumerRecord> records;
  records.push_back({classic_group, id, {}, {}});
  co_return co_await write_group(group, std::move(records));
}

Task<ErrorCode> GroupCoordinator::to_classic(std::shared_ptr<Group> group) {
  auto records = group->consumer->tombstones();
  group->consumer.reset();
  co_return co_await write_group(group, std::move(records));
}

// The first member of the consumer protocol comes to a running classic group. Where it cannot stay, the group stays as it is.
kafka::ConsumerGroupHeartbeatResponse GroupCoordinator::upgrade(const std::shared_ptr<Group>& group, const ConsumerGroup::Input& input, const TopicView& topics,
                                                                const ConsumerLimits& limits, std::vector<ConsumerRecord>& records) {
  const std::string& id = group->classic.id();
  const auto now = per_shard(home(id)).shard.clock().now();
  kafka::ConsumerGroupHeartbeatResponse refused;
  refused.error_code = ErrorCode::group_id_not_found;
  refused.error_message = "Group " + id + " is not a consumer group.";
  if (!limits.upgrade || static_cast<std::int64_t>(group->classic.members().size()) > limits.size_max) return refused;
  auto upgraded = ConsumerGroup::upgraded(group->classic, topics, now, records);
  if (!upgraded) {
    log::info("group {} stays under the classic protocol: {}", id, upgraded.error().message);
    records.clear();
    return refused;
  }
  auto response = (*upgraded)->heartbeat(input, topics, limits, now, records);
  if (response.error_code != ErrorCode::none) {
    records.clear();
    return response;
  }
  log::info("group {} goes on under the consumer protocol", id);
  Effects effects;
  group->classic.hand_over(now, effects);
  group->consumer = std::move(*upgraded);
  carry_out(group, std::move(effects));
  records.push_back({classic_group, id, {}, {}});
  return response;
}

// After members have gone: a group of classic members alone is a classic group again. What is to be written joins `records`.
void GroupCoordinator::downgrade(const std::shared_ptr<Group>& group, const TopicView& topics, const ConsumerLimits& limits,
                                 std::vector<ConsumerRecord>& records) {
  if (!group->consumer->wants_downgrade(limits)) return;
  log::info("group {} goes on under the classic protocol", group->classic.id());
  PerShard& at = per_shard(home(group->classic.id()));
  auto value = group->consumer->downgraded(topics);
  value.current_state_timestamp_ms = group->state_since_ms = at.shard.clock().wall_ms();
  for (auto& record : group->consumer->tombstones()) records.push_back(std::move(record));
  group->consumer.reset();
  Effects effects;
  group->classic.take_over(value, at.shard.clock().now(), effects);
  carry_out(group, std::move(effects));
  records.push_back({classic_group, group->classic.id(), {}, std::move(value)});
}

// What a change of membership leads to: timers, perhaps another protocol, records.
Task<ErrorCode> GroupCoordinator::changed(std::shared_ptr<Group> group, std::shared_ptr<const TopicView> topics, ConsumerLimits limits,
                                          std::vector<ConsumerRecord> records, std::string told) {
  PerShard& at = per_shard(home(group->classic.id()));
  if (!group->has_members()) group->state_since_ms = at.shard.clock().wall_ms();
  downgrade(group, *topics, limits, records);
  watch_timers(group);
  co_return co_await write_group(group, std::move(records), std::move(told));
}

Task<kafka::JoinGroupResponse> GroupCoordinator::join_consumer_group(std::shared_ptr<Group> group, JoinInput input) {
  PerShard& at = per_shard(home(group->classic.id()));
  const auto topics = topic_view(at.shard);
  const auto limits = consumer_limits(*image_(at.shard), group->classic.id());
  std::vector<ConsumerRecord> records;
  if (!options_.limits.allow_session(input.request.session_timeout_ms)) co_return join_error(ErrorCode::invalid_session_timeout, input.request.member_id);
  auto response = group->consumer->classic_join(input, *topics, limits, at.shard.clock().now(), records);
  if (const auto error = co_await changed(group, topics, limits, std::move(records), input.request.member_id); error != ErrorCode::none)
    co_return join_error(error, input.request.member_id);
  co_return response;
}

Task<kafka::LeaveGroupResponse> GroupCoordinator::leave_consumer_group(std::shared_ptr<Group> group, std::vector<kafka::LeaveGroupRequestMember> members) {
  PerShard& at = per_shard(home(group->classic.id()));
  const auto topics = topic_view(at.shard);
  const auto limits = consumer_limits(*image_(at.shard), group->classic.id());
  std::vector<ConsumerRecord> records;
  kafka::LeaveGroupResponse response;
  response.members = group->consumer->classic_leave(members, *topics, limits, records);
  response.error_code = co_await changed(group, topics, limits, std::move(records));
  co_return response;
}

}  // namespace meridian::coordinator::group
