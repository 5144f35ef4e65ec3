// ConsumerGroup, the part about members that speak the classic protocol: what a classic group becomes, what such members are answered, and
// what the group is again when only they are left.
#include <algorithm>

#include "broker/coordinator/group/consumer_group.h"
#include "common/kafka/consumer_protocol.h"

namespace meridian::coordinator::group {
namespace {

using std::chrono::milliseconds;
constexpr const char* consumer_protocol_type = "consumer";

Assignment by_id(const std::vector<kafka::ConsumerTopicPartitions>& named, const TopicView& topics) {
  Assignment assignment;
  for (const auto& entry : named)
    if (const auto topic = topics.find(entry.topic))
      for (const auto n : entry.partitions)
        if (n >= 0 && n < topic->partitions) assignment[topic->id].insert(n);
  return assignment;
}

/// In the version that the member's subscription has.
Bytes encode_assignment(const ConsumerMember& member, const TopicView& topics) {
  constexpr std::int16_t newest = 3;
  const auto& metadata = member.described.classic->protocols.front().metadata.data;
  const auto version = metadata.size() < 2 ? std::int16_t{0} : std::clamp(base::load_be<std::int16_t>(metadata.data()), std::int16_t{0}, newest);
  kafka::ConsumerAssignment assignment;
  for (const auto& [id, partitions] : member.assigned)
    if (auto name = topics.name(id)) assignment.assigned.push_back({std::move(*name), {partitions.begin(), partitions.end()}});
  return kafka::encode_consumer_protocol(assignment, version);
}

void subscribe(ConsumerMemberValue& member, const kafka::ConsumerSubscription& subscription) {
  member.rack_id = subscription.rack;
  member.regex.reset();
  member.assignor.reset();
  member.topics = sorted_once(subscription.topics);
}

bool names(const std::vector<kafka::JoinGroupRequestProtocol>& protocols, const std::string& name) {
  return std::ranges::any_of(protocols, [&name](const auto& protocol) { return protocol.name == name; });
}

}  // namespace

Result<std::unique_ptr<ConsumerGroup>> ConsumerGroup::upgraded(const ClassicGroup& classic, const TopicView& topics, TimePoint now,
                                                               std::vector<ConsumerRecord>& records) {
  if (classic.protocol_type() != consumer_protocol_type) return fail(Errc::invalid, "its members are no consumers");
  auto group = std::make_unique<ConsumerGroup>(classic.id());
  group->epoch_ = group->target_epoch_ = classic.generation();
  std::set<std::pair<Uuid, std::int32_t>> taken;  // a leader that gave a partition twice
  for (const auto& [id, old] : classic.members()) {
    const Bytes* metadata = old.metadata_for(classic.protocol());
    if (!metadata && !old.protocols.empty()) metadata = &old.protocols.front().metadata.data;
    const auto subscription = kafka::decode_consumer_protocol<kafka::ConsumerSubscription>(metadata ? *metadata : Bytes());
    if (!subscription) return fail(Errc::invalid, "the subscription of " + id + " cannot be read");
    auto held = kafka::ConsumerAssignment{};
    if (!old.assignment.empty()) {
      auto assigned = kafka::decode_consumer_protocol<kafka::ConsumerAssignment>(old.assignment);
      if (!assigned) return fail(Errc::invalid, "the assignment of " + id + " cannot be read");
      held = std::move(*assigned);
    }
    // In the middle of a rebalance a member may hold still what it said when it joined.
    if (classic.state() != State::stable) held.assigned.insert(held.assigned.end(), subscription->owned.begin(), subscription->owned.end());
    ConsumerMember& member = group->members_[id];
    member.described = {.instance_id = old.instance_id,
                        .rack_id = {},
                        .client_id = old.client_id,
                        .client_host = old.client_host,
                        .topics = {},
                        .regex = {},
                        .rebalance_timeout_ms = static_cast<std::int32_t>(old.rebalance_timeout.count()),
                        .assignor = {},
                        .classic = ClassicMemberValue{static_cast<std::int32_t>(old.session_timeout.count()), old.protocols}};
    subscribe(member.described, *subscription);
    member.epoch = member.previous_epoch = classic.generation();
    member.expires = now + old.session_timeout;
    for (const auto& [topic, partitions] : by_id(held.assigned, topics))
      for (const auto n : partitions)
        if (taken.emplace(topic, n).second) member.assigned[topic].insert(n);
    group->target_[id] = member.assigned;
    if (old.instance_id) group->static_members_[*old.instance_id] = id;
  }
  for (const auto& [id, member] : group->members_) records.push_back({consumer_member, classic.id(), id, member.described});
  records.push_back({consumer_group, classic.id(), "", ConsumerGroupValue{group->epoch_, 0}});
  for (const auto& [id, target] : group->target_) records.push_back({target_member, classic.id(), id, TargetMemberValue{to_topics(target)}});
  records.push_back({target_epoch, classic.id(), "", TargetEpochValue{group->target_epoch_}});
  for (const auto& [id, member] : group->members_) group->write_current(id, member, records);
  return group;
}

bool ConsumerGroup::wants_downgrade(const ConsumerLimits& limits) const {
  return limits.downgrade && !members_.empty() && static_cast<std::int64_t>(members_.size()) <= limits.classic_size_max &&
         std::ranges::all_of(members_, [](const auto& entry) { return entry.second.described.classic.has_value(); });
}

GroupValue ConsumerGroup::downgraded(const TopicView& topics) const {
  GroupValue value{.protocol_type = consumer_protocol_type, .generation = epoch_, .protocol = {}, .leader = members_.begin()->first, .members = {}};
  for (const auto& protocol : members_.begin()->second.described.classic->protocols) {
    const bool common = std::ranges::all_of(members_, [&](const auto& entry) { return names(entry.second.described.classic->protocols, protocol.name); });
    if (common && !value.protocol) value.protocol = protocol.name;
  }
  for (const auto& [id, member] : members_) {
    const auto& classic = *member.described.classic;
    const auto chosen = std::ranges::find(classic.protocols, value.protocol.value_or(""), &kafka::JoinGroupRequestProtocol::name);
    value.members.push_back({.member_id = id,
                             .group_instance_id = member.described.instance_id,
                             .client_id = member.described.client_id,
                             .client_host = member.described.client_host,
                             .rebalance_timeout_ms = member.described.rebalance_timeout_ms,
                             .session_timeout_ms = classic.session_timeout_ms,
                             .subscription = chosen == classic.protocols.end() ? kafka::Blob{} : chosen->metadata,
                             .assignment = {encode_assignment(member, topics)}});
  }
  return value;
}

bool ConsumerGroup::classic_protocols_fit(const kafka::JoinGroupRequest& request) const {
  if (request.protocol_type != consumer_protocol_type) return false;
  return std::ranges::any_of(request.protocols, [this](const auto& protocol) {
    return std::ranges::all_of(members_, [&](const auto& entry) {
      const auto& classic = entry.second.described.classic;
      return !classic || names(classic->protocols, protocol.name);
    });
  });
}

kafka::JoinGroupResponse ConsumerGroup::classic_join(const JoinInput& input, const TopicView& topics, const ConsumerLimits& limits, TimePoint now,
                                                     std::vector<ConsumerRecord>& records) {
  const auto& request = input.request;
  const bool unnamed = request.member_id.empty();
  const std::string id = unnamed ? input.new_member_id : request.member_id;
  if (!members_.contains(id) && static_cast<std::int64_t>(members_.size()) >= limits.size_max) return join_error(ErrorCode::group_max_size_reached, id);
  if (!classic_protocols_fit(request)) return join_error(ErrorCode::inconsistent_group_protocol, id);
  const auto subscription = kafka::decode_consumer_protocol<kafka::ConsumerSubscription>(request.protocols.front().metadata.data);
  if (!subscription) return join_error(ErrorCode::inconsistent_group_protocol, id);
  if (unnamed && input.member_id_required) return join_error(ErrorCode::member_id_required, id);
  if (request.group_instance_id) {
    const auto named = static_members_.find(*request.group_instance_id);
    if (named == static_members_.end() && !unnamed) return join_error(ErrorCode::unknown_member_id, id);
    if (named != static_members_.end() && named->second != id) {
      if (!unnamed) return join_error(ErrorCode::fenced_instance_id, id);
      succeed(std::string(named->second), id, records);
    }
    static_members_[*request.group_instance_id] = id;
  }

  ConsumerMember& member = members_[id];
  ConsumerMemberValue next = member.described;
  next.instance_id = request.group_instance_id;
  next.client_id = input.client_id;
  next.client_host = input.client_host;
  // Version 0 has no rebalance timeout of its own.
  next.rebalance_timeout_ms = request.rebalance_timeout_ms < 0 ? request.session_timeout_ms : request.rebalance_timeout_ms;
  next.classic = ClassicMemberValue{request.session_timeout_ms, request.protocols};
  subscribe(next, *subscription);
  const bool subscribed = next.topics != member.described.topics || member.described.regex || member.epoch == 0;
  if (next != member.described) records.push_back({consumer_member, id_, id, next});
  member.described = std::move(next);
  if (subscribed || topics_changed(topics)) rebalance(topics, limits, records);
  reconcile(id, member, by_id(subscription->owned, topics), now, subscribed, records);
  member.expires = now + milliseconds(request.session_timeout_ms);
  member.act_by = now + milliseconds(member.described.rebalance_timeout_ms);  // for its SyncGroup

  kafka::JoinGroupResponse response;
  response.member_id = id;
  response.generation_id = member.epoch;
  response.protocol_type = consumer_protocol_type;
  response.protocol_name = request.protocols.front().name;
  return response;
}

ErrorCode ConsumerGroup::check_classic(const std::string& member_id, const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto named = static_members_.find(*instance_id);
    if (named == static_members_.end()) return ErrorCode::unknown_member_id;
    if (named->second != member_id) return ErrorCode::fenced_instance_id;
  }
  const auto found = members_.find(member_id);
  return found != members_.end() && found->second.described.classic ? ErrorCode::none : ErrorCode::unknown_member_id;
}

kafka::SyncGroupResponse ConsumerGroup::classic_sync(const kafka::SyncGroupRequest& request, const TopicView& topics, TimePoint now) {
  kafka::SyncGroupResponse response;
  response.error_code = check_classic(request.member_id, request.group_instance_id);
  if (response.error_code != ErrorCode::none) return response;
  ConsumerMember& member = members_.at(request.member_id);
  const std::string& protocol = member.described.classic->protocols.front().name;
  if (request.generation_id != member.epoch) {
    response.error_code = ErrorCode::illegal_generation;
  } else if (request.protocol_type.value_or(consumer_protocol_type) != consumer_protocol_type || request.protocol_name.value_or(protocol) != protocol) {
    response.error_code = ErrorCode::inconsistent_group_protocol;
  } else if (epoch_ > member.epoch && member.state != MemberState::unrevoked_partitions) {
    // Who has to give up partitions first learns of it here, and joins again once it has.
    response.error_code = ErrorCode::rebalance_in_progress;
    member.act_by = now + milliseconds(member.described.rebalance_timeout_ms);
  } else {
    member.act_by = TimePoint::max();
    member.expires = now + milliseconds(member.described.classic->session_timeout_ms);
    response.protocol_type = consumer_protocol_type;
    response.protocol_name = protocol;
    response.assignment = {encode_assignment(member, topics)};
  }
  return response;
}

bool ConsumerGroup::waits_for_others(const std::string& member_id, const ConsumerMember& member) const {
  const auto target = target_.find(member_id);
  if (target == target_.end()) return false;
  for (const auto& [topic, partitions] : target->second)
    for (const auto n : partitions) {
      const auto own = member.assigned.find(topic);
      if ((own == member.assigned.end() || !own->second.contains(n)) && owned_by_other(member_id, topic, n)) return true;
    }
  return false;
}

ErrorCode ConsumerGroup::classic_heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id, std::int32_t generation,
                                           TimePoint now) {
  if (const auto error = check_classic(member_id, instance_id); error != ErrorCode::none) return error;
  ConsumerMember& member = members_.at(member_id);
  if (generation != member.epoch) return ErrorCode::illegal_generation;
  member.expires = now + milliseconds(member.described.classic->session_timeout_ms);
  const bool join_again = member.epoch < epoch_ || member.state == MemberState::unrevoked_partitions ||
                          (member.state == MemberState::unreleased_partitions && !waits_for_others(member_id, member));
  if (!join_again) return ErrorCode::none;
  if (member.act_by == TimePoint::max()) member.act_by = now + milliseconds(member.described.rebalance_timeout_ms);
  return ErrorCode::rebalance_in_progress;
}

std::vector<kafka::LeaveGroupResponseMember> ConsumerGroup::classic_leave(const std::vector<kafka::LeaveGroupRequestMember>& leaving, const TopicView& topics,
                                                                          const ConsumerLimits& limits, std::vector<ConsumerRecord>& records) {
  std::vector<kafka::LeaveGroupResponseMember> answers;
  for (const auto& leaver : leaving) {
    std::string id = leaver.member_id;
    // Administrators name static members by instance id alone.
    if (const auto named = static_members_.find(leaver.group_instance_id.value_or("")); id.empty() && named != static_members_.end()) id = named->second;
    const auto error = check_classic(id, leaver.group_instance_id);
    answers.push_back({leaver.member_id, leaver.group_instance_id, error});
    if (error == ErrorCode::none) remove(id, records);
  }
  if (!records.empty()) rebalance_after_removal(topics, limits, records);
  return answers;
}

}  // namespace meridian::coordinator::group
