#include "broker/coordinator/group/share_group.h"

#include <algorithm>

namespace meridian::coordinator::group {
namespace {

constexpr std::int32_t joins = 0, leaves = -1;
constexpr std::int8_t stable = 0;

}  // namespace

ShareGroup::Response ShareGroup::refuse(ErrorCode error, std::string message) {
  Response response;
  response.error_code = error;
  response.error_message = std::move(message);
  return response;
}

std::optional<ShareGroup::Response> ShareGroup::check_request(const kafka::ShareGroupHeartbeatRequest& request) {
  if (request.member_id.empty()) return refuse(ErrorCode::invalid_request, "MemberId can't be empty.");
  if (request.group_id.empty()) return refuse(ErrorCode::invalid_request, "GroupId can't be empty.");
  if (request.rack_id && request.rack_id->empty()) return refuse(ErrorCode::invalid_request, "RackId can't be empty.");
  if (request.member_epoch < leaves) return refuse(ErrorCode::invalid_request, "MemberEpoch is invalid.");
  if (request.member_epoch == joins && (!request.subscribed_topic_names || request.subscribed_topic_names->empty()))
    return refuse(ErrorCode::invalid_request, "SubscribedTopicNames must be set in first request.");
  return std::nullopt;
}

std::optional<ShareGroup::Response> ShareGroup::find_or_join(const kafka::ShareGroupHeartbeatRequest& request, const ShareGroupLimits& limits) {
  const auto& id = request.member_id;
  const auto found = members_.find(id);
  if (request.member_epoch == joins) {
    if (found == members_.end() && static_cast<std::int64_t>(members_.size()) >= limits.size_max)
      return refuse(ErrorCode::group_max_size_reached, "The share group has reached its maximum capacity of " + std::to_string(limits.size_max) + " members.");
    members_[id].epoch = 0;
    return std::nullopt;
  }
  if (found == members_.end()) return refuse(ErrorCode::unknown_member_id, "Member " + id + " is not a member of group " + id_ + ".");
  const Member& member = found->second;
  // The answer that raised the epoch may have got lost.
  const bool behind = request.member_epoch < member.epoch && request.member_epoch != member.previous_epoch;
  if (request.member_epoch > member.epoch || behind) return refuse(ErrorCode::fenced_member_epoch, wrong_epoch("share", request.member_epoch, member.epoch));
  return std::nullopt;
}

ShareGroup::Response ShareGroup::heartbeat(const Input& input, const TopicView& topics, const ShareGroupLimits& limits, TimePoint now,
                                           std::vector<ShareRecord>& records) {
  const auto& request = input.request;
  Response response;
  response.member_id = request.member_id;
  if (request.member_epoch == leaves) {
    if (!members_.contains(request.member_id))
      return refuse(ErrorCode::unknown_member_id, "Member " + request.member_id + " is not a member of group " + id_ + ".");
    remove(request.member_id, records);
    rebalance(topics, records);
    response.member_epoch = leaves;
    return response;
  }
  if (auto refused = find_or_join(request, limits)) return *refused;

  Member& member = members_.at(request.member_id);
  member.expires = now + limits.session_timeout;
  ShareMemberValue described = member.described;
  if (request.rack_id) described.rack_id = request.rack_id;
  described.client_id = input.client_id;
  described.client_host = input.client_host;
  if (request.subscribed_topic_names) described.topics = sorted_once(*request.subscribed_topic_names);
  const bool changed = described != member.described;
  member.described = std::move(described);
  if (changed) records.push_back({share_member, id_, request.member_id, member.described});
  if (changed || request.member_epoch == joins || topics_changed(topics)) rebalance(topics, records);

  const Assignment& target = target_[request.member_id];
  const bool moved = member.assigned != target;
  if (moved || member.epoch != target_epoch_) {
    member.assigned = target;
    member.previous_epoch = member.epoch;
    member.epoch = target_epoch_;
    records.push_back(
        {share_current_assignment, id_, request.member_id, ShareCurrentAssignmentValue{member.epoch, member.previous_epoch, stable, to_topics(target)}});
  }
  response.member_epoch = member.epoch;
  response.heartbeat_interval_ms = static_cast<std::int32_t>(limits.heartbeat_interval.count());
  if (request.member_epoch == joins || request.subscribed_topic_names || moved) {
    response.assignment.emplace();
    for (const auto& [topic, partitions] : member.assigned) response.assignment->topic_partitions.push_back({topic, {partitions.begin(), partitions.end()}});
  }
  return response;
}

void ShareGroup::remove(const std::string& member_id, std::vector<ShareRecord>& records) {
  members_.erase(member_id);
  target_.erase(member_id);
  for (const auto type : {share_current_assignment, share_target_member, share_member}) records.push_back({type, id_, member_id, {}});
}

bool ShareGroup::topics_changed(const TopicView& topics) {
  if (topics.revision() == seen_revision_) return false;
  seen_revision_ = topics.revision();
  PartitionCounts now;
  for (const auto& name : subscribed_topics())
    if (const auto topic = topics.find(name)) now[topic->id] = topic->partitions;
  return now != known_topics_;
}

std::set<std::string> ShareGroup::subscribed_topics() const {
  std::set<std::string> names;
  for (const auto& [id, member] : members_) names.insert(member.described.topics.begin(), member.described.topics.end());
  return names;
}

void ShareGroup::rebalance(const TopicView& topics, std::vector<ShareRecord>& records) {
  ++epoch_;
  records.push_back({share_group, id_, "", ShareGroupValue{epoch_, 0}});
  AssignorMembers members;
  known_topics_.clear();
  seen_revision_ = topics.revision();
  for (const auto& [id, member] : members_) {
    AssignorMember& input = members[id];
    for (const auto& name : member.described.topics)
      if (const auto topic = topics.find(name)) {
        input.topics.insert(topic->id);
        known_topics_[topic->id] = topic->partitions;
      }
  }
  auto target = assign_simple(members, known_topics_);
  for (const auto& [id, assignment] : target)
    if (const auto old = target_.find(id); old == target_.end() || old->second != assignment)
      records.push_back({share_target_member, id_, id, TargetMemberValue{to_topics(assignment)}});
  target_ = std::move(target);
  target_epoch_ = epoch_;
  records.push_back({share_target_epoch, id_, "", ShareTargetEpochValue{target_epoch_, 0}});
}

void ShareGroup::tick(const TopicView& topics, TimePoint now, std::vector<ShareRecord>& records) {
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_)
    if (member.expires <= now) gone.push_back(id);
  for (const auto& id : gone) remove(id, records);
  if (!gone.empty()) rebalance(topics, records);
}

TimePoint ShareGroup::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [id, member] : members_) next = std::min(next, member.expires);
  return next;
}

Assignment ShareGroup::without_state(const std::string& member_id) const {
  Assignment missing;
  const auto member = members_.find(member_id);
  if (member == members_.end()) return missing;
  for (const auto& [topic, partitions] : member->second.assigned) {
    const auto known = states_.find(topic);
    for (const auto n : partitions)
      if (known == states_.end() || !known->second.partitions.contains(n)) missing[topic].insert(n);
  }
  return missing;
}

ShareRecord ShareGroup::states_record() const {
  ShareStatePartitionsValue value;
  for (const auto& [id, topic] : states_) value.initialized.push_back({id, topic.name, {topic.partitions.begin(), topic.partitions.end()}});
  return {share_state_partitions, id_, "", std::move(value)};
}

ShareRecord ShareGroup::add_states(const Assignment& partitions, const TopicView& topics) {
  for (const auto& [id, added] : partitions) {
    auto& topic = states_[id];
    topic.name = topics.name(id).value_or(topic.name);
    topic.partitions.insert(added.begin(), added.end());
  }
  return states_record();
}

ShareRecord ShareGroup::remove_states(const Uuid& topic) {
  states_.erase(topic);
  return states_record();
}

std::vector<ShareRecord> ShareGroup::tombstones() const {
  std::vector<ShareRecord> records;
  for (const auto& [id, member] : members_)
    for (const auto type : {share_current_assignment, share_target_member, share_member}) records.push_back({type, id_, id, {}});
  for (const auto type : {share_state_partitions, share_target_epoch, share_group}) records.push_back({type, id_, "", {}});
  return records;
}

void ShareGroup::replay(const ShareRecord& record) {
  const bool tombstone = std::holds_alternative<std::monostate>(record.value);
  if (const auto* group = std::get_if<ShareGroupValue>(&record.value)) epoch_ = group->epoch;
  if (const auto* target = std::get_if<ShareTargetEpochValue>(&record.value)) target_epoch_ = target->epoch;
  if (const auto* member = std::get_if<ShareMemberValue>(&record.value)) members_[record.member].described = *member;
  if (const auto* target = std::get_if<TargetMemberValue>(&record.value)) target_[record.member] = to_assignment(target->topics);
  if (const auto* current = std::get_if<ShareCurrentAssignmentValue>(&record.value)) {
    Member& member = members_[record.member];
    member.epoch = current->epoch;
    member.previous_epoch = current->previous_epoch;
    member.assigned = to_assignment(current->assigned);
  }
  if (const auto* states = std::get_if<ShareStatePartitionsValue>(&record.value)) {
    states_.clear();
    for (const auto& topic : states->initialized) states_[topic.topic_id] = {topic.name, {topic.partitions.begin(), topic.partitions.end()}};
  }
  if (tombstone && record.type == share_target_member) target_.erase(record.member);
  if (tombstone && record.type == share_member) members_.erase(record.member);
}

void ShareGroup::loaded(const ShareGroupLimits& limits, TimePoint now) {
  for (auto& [id, member] : members_) member.expires = now + limits.session_timeout;
}

void ShareGroup::describe(kafka::ShareGroupDescribeResponseDescribedGroup& out, const TopicView& topics) const {
  out.group_id = id_;
  out.group_state = state_name();
  out.group_epoch = epoch_;
  out.assignment_epoch = target_epoch_;
  out.assignor_name = "simple";
  for (const auto& [id, member] : members_) {
    auto& told = out.members.emplace_back();
    told.member_id = id;
    told.rack_id = member.described.rack_id;
    told.member_epoch = member.epoch;
    told.client_id = member.described.client_id;
    told.client_host = member.described.client_host;
    told.subscribed_topic_names = member.described.topics;
    for (const auto& [topic, partitions] : member.assigned)
      if (auto name = topics.name(topic)) told.assignment.topic_partitions.push_back({topic, std::move(*name), {partitions.begin(), partitions.end()}});
  }
}

}  // namespace meridian::coordinator::group
