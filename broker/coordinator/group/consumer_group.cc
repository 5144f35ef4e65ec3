#include "broker/coordinator/group/consumer_group.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::coordinator::group {
namespace {

constexpr std::int32_t joins = 0, leaves_for_a_while = -2;  // -1: leaves

Assignment difference(const Assignment& from, const Assignment& without) {
  Assignment left;
  for (const auto& [topic, partitions] : from) {
    const auto it = without.find(topic);
    for (const auto n : partitions)
      if (it == without.end() || !it->second.contains(n)) left[topic].insert(n);
  }
  return left;
}

bool overlaps(const Assignment& a, const Assignment& b) {
  return std::ranges::any_of(a, [&b](const auto& entry) {
    const auto it = b.find(entry.first);
    return it != b.end() && std::ranges::any_of(entry.second, [&](std::int32_t n) { return it->second.contains(n); });
  });
}

Assignment joined(Assignment a, const Assignment& b) {
  for (const auto& [topic, partitions] : b) a[topic].insert(partitions.begin(), partitions.end());
  return a;
}

std::optional<Assignment> owned_partitions(const kafka::ConsumerGroupHeartbeatRequest& request) {
  if (!request.topic_partitions) return std::nullopt;
  Assignment owned;
  for (const auto& topic : *request.topic_partitions)
    if (!topic.partitions.empty()) owned[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
  return owned;
}

}  // namespace

std::string wrong_epoch(std::string_view kind, std::int32_t said, std::int32_t known) {
  return fmt::format(
      "The {} group member has a {} member epoch ({}) than the one known by the group coordinator ({}). The member must abandon all its "
      "partitions and rejoin.",
      kind, said > known ? "greater" : "smaller", said, known);
}

ConsumerGroup::Response ConsumerGroup::refuse(ErrorCode error, std::string message) {
  Response response;
  response.error_code = error;
  response.error_message = std::move(message);
  return response;
}

std::optional<ConsumerGroup::Response> ConsumerGroup::check_request(const kafka::ConsumerGroupHeartbeatRequest& request, const ConsumerLimits& limits) {
  if (request.member_id.empty()) return refuse(ErrorCode::invalid_request, "MemberId can't be empty.");
  if (request.instance_id && request.instance_id->empty()) return refuse(ErrorCode::invalid_request, "InstanceId can't be empty.");
  if (request.member_epoch < leaves_for_a_while) return refuse(ErrorCode::invalid_request, "MemberEpoch is invalid.");
  if (request.member_epoch == leaves_for_a_while && !request.instance_id) return refuse(ErrorCode::invalid_request, "InstanceId can't be null.");
  if (request.member_epoch == joins) {
    if (request.rebalance_timeout_ms == -1) return refuse(ErrorCode::invalid_request, "RebalanceTimeoutMs must be provided in first request.");
    if (!request.topic_partitions || !request.topic_partitions->empty())
      return refuse(ErrorCode::invalid_request, "TopicPartitions must be empty when (re-)joining.");
    if (!request.subscribed_topic_names && !request.subscribed_topic_regex)
      return refuse(ErrorCode::invalid_request, "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
  }
  if (request.server_assignor && std::ranges::find(limits.assignors, *request.server_assignor) == limits.assignors.end())
    return refuse(ErrorCode::unsupported_assignor, "ServerAssignor " + *request.server_assignor + " is not supported.");
  return std::nullopt;
}

// The member exists afterwards and the request is not of the past, or an error is returned.
std::optional<ConsumerGroup::Response> ConsumerGroup::find_or_join(const Input& input, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records) {
  const auto& request = input.request;
  const auto& id = request.member_id;
  if (request.instance_id) {
    const auto named = static_members_.find(*request.instance_id);
    if (named == static_members_.end() && request.member_epoch != joins)
      return refuse(ErrorCode::unknown_member_id, "Instance id " + *request.instance_id + " is unknown.");
    if (named != static_members_.end() && named->second != id) {
      if (request.member_epoch != joins)
        return refuse(ErrorCode::fenced_instance_id,
                      "Static member " + id + " with instance id " + *request.instance_id + " was fenced by member " + named->second);
      const auto& predecessor = members_.at(named->second);
      if (predecessor.epoch != leaves_for_a_while && !predecessor.described.classic)
        return refuse(ErrorCode::unreleased_instance_id, "Static member " + id + " with instance id " + *request.instance_id +
                                                             " cannot join the group because the instance id is owned by " + named->second + " member.");
      succeed(std::string(named->second), id, records);
      return std::nullopt;
    }
  }
  const auto found = members_.find(id);
  if (request.member_epoch == joins) {
    if (found == members_.end() && static_cast<std::int64_t>(members_.size()) >= limits.size_max)
      return refuse(ErrorCode::group_max_size_reached,
                    "The consumer group has reached its maximum capacity of " + std::to_string(limits.size_max) + " members.");
    ConsumerMember& member = members_[id];
    if (request.instance_id) static_members_[*request.instance_id] = id;
    member.epoch = member.previous_epoch = 0;
    return std::nullopt;
  }
  if (found == members_.end()) return refuse(ErrorCode::unknown_member_id, "Member " + id + " is not a member of group " + id_ + ".");
  const ConsumerMember& member = found->second;
  // The answer that raised the epoch may have got lost: then it says the previous one and owns nothing that it was not given.
  const auto owned = owned_partitions(request);
  const bool behind =
      request.member_epoch < member.epoch && (request.member_epoch != member.previous_epoch || !owned || !difference(*owned, member.assigned).empty());
  if (request.member_epoch > member.epoch || behind) return refuse(ErrorCode::fenced_member_epoch, wrong_epoch("consumer", request.member_epoch, member.epoch));
  return std::nullopt;
}

// A static member came back under another id: it takes over what its predecessor left.
void ConsumerGroup::succeed(const std::string& old_id, const std::string& id, std::vector<ConsumerRecord>& records) {
  ConsumerMember successor = members_.at(old_id);
  successor.epoch = successor.previous_epoch = 0;
  const Assignment target = target_[old_id];
  remove(old_id, records);
  static_members_[*successor.described.instance_id] = id;
  members_[id] = std::move(successor);
  target_[id] = target;
  records.push_back({target_member, id_, id, TargetMemberValue{to_topics(target)}});
}

ConsumerGroup::Response ConsumerGroup::heartbeat(const Input& input, const TopicView& topics, const ConsumerLimits& limits, TimePoint now,
                                                 std::vector<ConsumerRecord>& records) {
  const auto& request = input.request;
  if (request.member_epoch < joins) return leave(input, topics, limits, records);
  if (request.subscribed_topic_regex && !request.subscribed_topic_regex->empty())
    if (const auto valid = topics.matching(*request.subscribed_topic_regex); !valid)
      return refuse(ErrorCode::invalid_regular_expression, valid.error().message);
  if (auto refused = find_or_join(input, limits, records)) return *refused;

  ConsumerMember& member = members_.at(request.member_id);
  member.expires = now + limits.session_timeout;
  const Assignment before = member.assigned;
  const bool changed = describe_member(member, input);
  if (changed) records.push_back({consumer_member, id_, request.member_id, member.described});
  if (changed || request.member_epoch == joins || topics_changed(topics)) rebalance(topics, limits, records);

  reconcile(request.member_id, member, owned_partitions(request), now, request.member_epoch == joins, records);

  Response response;
  response.member_id = request.member_id;
  response.member_epoch = member.epoch;
  response.heartbeat_interval_ms = static_cast<std::int32_t>(limits.heartbeat_interval.count());
  const bool complete_request =
      request.rebalance_timeout_ms != -1 && (request.subscribed_topic_names || request.subscribed_topic_regex) && request.topic_partitions;
  if (request.member_epoch == joins || complete_request || member.assigned != before) {
    response.assignment.emplace();
    for (const auto& [topic, partitions] : member.assigned) response.assignment->topic_partitions.push_back({topic, {partitions.begin(), partitions.end()}});
  }
  return response;
}

ConsumerGroup::Response ConsumerGroup::leave(const Input& input, const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records) {
  const auto& request = input.request;
  std::string id = request.member_id;
  if (request.instance_id) {
    const auto named = static_members_.find(*request.instance_id);
    if (named == static_members_.end()) return refuse(ErrorCode::unknown_member_id, "Instance id " + *request.instance_id + " is unknown.");
    if (named->second != id) return refuse(ErrorCode::fenced_instance_id, "Static member " + id + " was fenced by member " + named->second);
  }
  const auto found = members_.find(id);
  if (found == members_.end()) return refuse(ErrorCode::unknown_member_id, "Member " + id + " is not a member of group " + id_ + ".");
  Response response;
  response.member_id = id;
  response.member_epoch = request.member_epoch;
  if (request.member_epoch == leaves_for_a_while) {
    // Its partitions are kept for it until its session ends; what it was to give up is free.
    found->second.epoch = leaves_for_a_while;
    found->second.pending_revocation.clear();
    found->second.act_by = TimePoint::max();
    write_current(id, found->second, records);
    return response;
  }
  remove(id, records);
  rebalance_after_removal(topics, limits, records);
  return response;
}

void ConsumerGroup::remove(const std::string& member_id, std::vector<ConsumerRecord>& records) {
  const auto found = members_.find(member_id);
  if (found == members_.end()) return;
  const auto& instance = found->second.described.instance_id;
  if (instance && static_members_[*instance] == member_id) static_members_.erase(*instance);
  members_.erase(found);
  target_.erase(member_id);
  for (const auto type : {current_assignment, target_member, consumer_member}) records.push_back({type, id_, member_id, {}});
}

// A group that becomes a classic one rebalances there, and its members' generation is the epoch so far.
void ConsumerGroup::rebalance_after_removal(const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records) {
  if (!wants_downgrade(limits)) rebalance(topics, limits, records);
}

// True when anything that others must know has changed.
bool ConsumerGroup::describe_member(ConsumerMember& member, const Input& input) const {
  const auto& request = input.request;
  ConsumerMemberValue next = member.described;
  if (request.instance_id) next.instance_id = request.instance_id;
  if (request.rack_id) next.rack_id = request.rack_id;
  if (request.rebalance_timeout_ms != -1) next.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (request.subscribed_topic_names) next.topics = sorted_once(*request.subscribed_topic_names);
  if (request.subscribed_topic_regex) next.regex = request.subscribed_topic_regex->empty() ? std::nullopt : request.subscribed_topic_regex;
  if (request.server_assignor) next.assignor = request.server_assignor;
  next.client_id = input.client_id;
  next.client_host = input.client_host;
  next.classic.reset();
  return std::exchange(member.described, next) != next;
}

std::set<std::string> ConsumerGroup::topic_names(const ConsumerMember& member, const TopicView& topics) const {
  std::set<std::string> names(member.described.topics.begin(), member.described.topics.end());
  if (member.described.regex)
    if (const auto matching = topics.matching(*member.described.regex)) names.insert(matching->begin(), matching->end());
  return names;
}

bool ConsumerGroup::topics_changed(const TopicView& topics) {
  if (topics.revision() == seen_revision_) return false;
  seen_revision_ = topics.revision();
  PartitionCounts now;
  for (const auto& [id, member] : members_)
    for (const auto& name : topic_names(member, topics))
      if (const auto topic = topics.find(name)) now[topic->id] = topic->partitions;
  return now != known_topics_;
}

// By majority; members without a wish count for the default.
std::string ConsumerGroup::chosen_assignor(const ConsumerLimits& limits) const {
  std::map<std::string, int> votes;
  for (const auto& [id, member] : members_)
    if (member.described.assignor) ++votes[*member.described.assignor];
  const auto most = std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  return most == votes.end() ? limits.assignors.front() : most->first;
}

void ConsumerGroup::rebalance(const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records) {
  ++epoch_;
  records.push_back({consumer_group, id_, "", ConsumerGroupValue{epoch_, 0}});
  AssignorMembers members;
  known_topics_.clear();
  seen_revision_ = topics.revision();
  for (const auto& [id, member] : members_) {
    AssignorMember& input = members[id];
    input.instance_id = member.described.instance_id;
    for (const auto& name : topic_names(member, topics))
      if (const auto topic = topics.find(name)) {
        input.topics.insert(topic->id);
        known_topics_[topic->id] = topic->partitions;
      }
    if (const auto it = target_.find(id); it != target_.end()) input.current = it->second;
  }
  auto target = chosen_assignor(limits) == "range" ? assign_range(members, known_topics_) : assign_uniform(members, known_topics_);
  for (const auto& [id, assignment] : target)
    if (const auto old = target_.find(id); old == target_.end() || old->second != assignment)
      records.push_back({target_member, id_, id, TargetMemberValue{to_topics(assignment)}});
  target_ = std::move(target);
  target_epoch_ = epoch_;
  records.push_back({target_epoch, id_, "", TargetEpochValue{target_epoch_}});
}

bool ConsumerGroup::owned_by_other(const std::string& member_id, const Uuid& topic, std::int32_t partition) const {
  return std::ranges::any_of(members_, [&](const auto& entry) {
    if (entry.first == member_id) return false;
    for (const auto* held : {&entry.second.assigned, &entry.second.pending_revocation})
      if (const auto it = held->find(topic); it != held->end() && it->second.contains(partition)) return true;
    return false;
  });
}

void ConsumerGroup::reconcile(const std::string& member_id, ConsumerMember& member, const std::optional<Assignment>& owned, TimePoint now, bool write_anyway,
                              std::vector<ConsumerRecord>& records) {
  const ConsumerMember before = member;
  step(member_id, member, owned, now);
  if (write_anyway || member.epoch != before.epoch || member.state != before.state || member.assigned != before.assigned ||
      member.pending_revocation != before.pending_revocation)
    write_current(member_id, member, records);
}

void ConsumerGroup::step(const std::string& member_id, ConsumerMember& member, const std::optional<Assignment>& owned, TimePoint now) {
  if (member.state == MemberState::unrevoked_partitions) {
    // Nothing said, or it still holds something: it has more time.
    if (!owned || overlaps(*owned, member.pending_revocation)) return;
    member.pending_revocation.clear();
    member.act_by = TimePoint::max();
  } else if (member.state == MemberState::stable && member.epoch == target_epoch_) {
    return;
  }
  advance(member_id, member, owned);
  if (member.state == MemberState::unrevoked_partitions) member.act_by = now + std::chrono::milliseconds(std::max(member.described.rebalance_timeout_ms, 0));
}

// The next step of a member towards its target.
void ConsumerGroup::advance(const std::string& member_id, ConsumerMember& member, const std::optional<Assignment>& owned) {
  const Assignment& target = target_[member_id];
  const Assignment to_revoke = difference(member.assigned, target);
  const Assignment kept = difference(member.assigned, to_revoke);
  if (!to_revoke.empty()) {
    member.state = MemberState::unrevoked_partitions;
    member.assigned = kept;
    member.pending_revocation = to_revoke;
    // Who joins again with epoch 0, or says so, owns nothing of it: there is nothing to wait for.
    if (member.epoch != 0 && (!owned || overlaps(*owned, to_revoke))) return;
    member.pending_revocation.clear();
  }
  Assignment free;
  bool unreleased = false;
  for (const auto& [topic, partitions] : difference(target, kept))
    for (const auto n : partitions) {
      if (owned_by_other(member_id, topic, n)) unreleased = true;
      else free[topic].insert(n);
    }
  member.assigned = joined(kept, free);
  member.state = unreleased ? MemberState::unreleased_partitions : MemberState::stable;
  if (member.epoch != target_epoch_) {
    member.previous_epoch = member.epoch;
    member.epoch = target_epoch_;
  }
}

void ConsumerGroup::write_current(const std::string& member_id, const ConsumerMember& member, std::vector<ConsumerRecord>& records) const {
  records.push_back({current_assignment, id_, member_id,
                     CurrentAssignmentValue{member.epoch, member.previous_epoch, static_cast<std::int8_t>(member.state), to_topics(member.assigned),
                                            to_topics(member.pending_revocation)}});
}

void ConsumerGroup::tick(const TopicView& topics, const ConsumerLimits& limits, TimePoint now, std::vector<ConsumerRecord>& records) {
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_)
    if (member.expires <= now || member.act_by <= now) gone.push_back(id);
  for (const auto& id : gone) remove(id, records);
  if (!gone.empty()) rebalance_after_removal(topics, limits, records);
}

TimePoint ConsumerGroup::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [id, member] : members_) next = std::min({next, member.expires, member.act_by});
  return next;
}

ErrorCode ConsumerGroup::check_member(const std::string& member_id, std::int32_t epoch) const {
  if (epoch < 0 && member_id.empty()) return members_.empty() ? ErrorCode::none : ErrorCode::unknown_member_id;
  const auto found = members_.find(member_id);
  if (found == members_.end()) return ErrorCode::unknown_member_id;
  if (found->second.epoch == epoch) return ErrorCode::none;
  return found->second.described.classic ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

ErrorCode ConsumerGroup::check_commit(const std::string& member_id, std::int32_t epoch, std::int16_t version) const {
  constexpr std::int16_t knows_member_epochs = 9;
  const auto found = members_.find(member_id);
  if (found != members_.end() && !found->second.described.classic && version < knows_member_epochs) return ErrorCode::unsupported_version;
  return check_member(member_id, epoch);
}

std::set<std::string> ConsumerGroup::subscribed_topics() const {
  std::set<std::string> topics;
  for (const auto& [id, member] : members_) topics.insert(member.described.topics.begin(), member.described.topics.end());
  return topics;
}

std::vector<ConsumerRecord> ConsumerGroup::tombstones() const {
  std::vector<ConsumerRecord> records;
  for (const auto& [id, member] : members_)
    for (const auto type : {current_assignment, target_member, consumer_member}) records.push_back({type, id_, id, {}});
  records.push_back({target_epoch, id_, "", {}});
  records.push_back({consumer_group, id_, "", {}});
  return records;
}

void ConsumerGroup::replay(const ConsumerRecord& record) {
  const bool tombstone = std::holds_alternative<std::monostate>(record.value);
  if (const auto* group = std::get_if<ConsumerGroupValue>(&record.value)) epoch_ = group->epoch;
  if (const auto* target = std::get_if<TargetEpochValue>(&record.value)) target_epoch_ = target->epoch;
  if (const auto* member = std::get_if<ConsumerMemberValue>(&record.value)) {
    members_[record.member].described = *member;
    if (member->instance_id) static_members_[*member->instance_id] = record.member;
  }
  if (const auto* target = std::get_if<TargetMemberValue>(&record.value)) target_[record.member] = to_assignment(target->topics);
  if (const auto* current = std::get_if<CurrentAssignmentValue>(&record.value)) {
    ConsumerMember& member = members_[record.member];
    member.epoch = current->epoch;
    member.previous_epoch = current->previous_epoch;
    member.state = static_cast<MemberState>(current->state);
    member.assigned = to_assignment(current->assigned);
    member.pending_revocation = to_assignment(current->pending_revocation);
  }
  if (!tombstone) return;
  if (record.type == target_member) target_.erase(record.member);
  if (record.type == consumer_member) {
    const auto found = members_.find(record.member);
    if (found == members_.end()) return;
    const auto& instance = found->second.described.instance_id;
    if (instance && static_members_[*instance] == record.member) static_members_.erase(*instance);
    members_.erase(found);
  }
}

void ConsumerGroup::loaded(const ConsumerLimits& limits, TimePoint now) {
  for (auto& [id, member] : members_) {
    member.expires = now + (member.described.classic ? std::chrono::milliseconds(member.described.classic->session_timeout_ms) : limits.session_timeout);
    if (!member.described.classic && member.state == MemberState::unrevoked_partitions)
      member.act_by = now + std::chrono::milliseconds(std::max(member.described.rebalance_timeout_ms, 0));
  }
}

const char* ConsumerGroup::state_name() const {
  if (members_.empty()) return "Empty";
  if (epoch_ > target_epoch_) return "Assigning";
  const bool settled = std::ranges::all_of(members_, [this](const auto& entry) {
    return entry.second.state == MemberState::stable && (entry.second.epoch == target_epoch_ || entry.second.epoch == leaves_for_a_while);
  });
  return settled ? "Stable" : "Reconciling";
}

void ConsumerGroup::describe(kafka::ConsumerGroupDescribeResponseDescribedGroup& out, const ConsumerLimits& limits, const TopicView& topics) const {
  constexpr std::int8_t classic_type = 0, consumer_type = 1;
  out.group_id = id_;
  out.group_state = state_name();
  out.group_epoch = epoch_;
  out.assignment_epoch = target_epoch_;
  out.assignor_name = chosen_assignor(limits);
  const auto told = [&topics](const Assignment& assignment) {
    kafka::ConsumerGroupDescribeResponseAssignment result;
    for (const auto& [topic, partitions] : assignment)
      if (auto name = topics.name(topic)) result.topic_partitions.push_back({topic, std::move(*name), {partitions.begin(), partitions.end()}});
    return result;
  };
  for (const auto& [id, member] : members_) {
    const auto target = target_.find(id);
    out.members.push_back({.member_id = id,
                           .instance_id = member.described.instance_id,
                           .rack_id = member.described.rack_id,
                           .member_epoch = member.epoch,
                           .client_id = member.described.client_id,
                           .client_host = member.described.client_host,
                           .subscribed_topic_names = member.described.topics,
                           .subscribed_topic_regex = member.described.regex,
                           .assignment = told(member.assigned),
                           .target_assignment = told(target == target_.end() ? Assignment{} : target->second),
                           .member_type = member.described.classic ? classic_type : consumer_type});
  }
}

}  // namespace meridian::coordinator::group
