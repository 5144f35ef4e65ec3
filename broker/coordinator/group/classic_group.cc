#include "broker/coordinator/group/classic_group.h"

#include <algorithm>

#include "common/kafka/consumer_protocol.h"

namespace meridian::coordinator::group {

namespace chrono = std::chrono;

const char* state_name(State state) {
  switch (state) {
    case State::empty: return "Empty";
    case State::preparing_rebalance: return "PreparingRebalance";
    case State::completing_rebalance: return "CompletingRebalance";
    case State::stable: return "Stable";
  }
  return "Unknown";
}

const Bytes* Member::metadata_for(const std::string& protocol) const {
  for (const auto& candidate : protocols)
    if (candidate.name == protocol) return &candidate.metadata.data;
  return nullptr;
}

kafka::JoinGroupResponse join_error(ErrorCode error, const std::string& member_id) {
  kafka::JoinGroupResponse response;
  response.error_code = error;
  response.member_id = member_id;
  response.protocol_name = "";
  return response;
}

kafka::JoinGroupResponse ClassicGroup::join_answer(const Member& member) const {
  kafka::JoinGroupResponse response;
  response.generation_id = generation_;
  response.protocol_type = protocol_type_;
  response.protocol_name = protocol_;
  response.leader = leader_;
  response.member_id = member.id;
  if (member.id != leader_) return response;
  for (const auto& [id, other] : members_) {
    const Bytes* metadata = other.metadata_for(protocol_);
    response.members.push_back({id, other.instance_id, {metadata ? *metadata : Bytes()}});
  }
  return response;
}

ErrorCode ClassicGroup::check_member(const std::string& member_id, const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const auto found = static_members_.find(*instance_id);
    if (found == static_members_.end()) return ErrorCode::unknown_member_id;
    return found->second == member_id ? ErrorCode::none : ErrorCode::fenced_instance_id;
  }
  return members_.contains(member_id) ? ErrorCode::none : ErrorCode::unknown_member_id;
}

bool ClassicGroup::protocols_fit(const kafka::JoinGroupRequest& request) const {
  if (request.protocol_type.empty() || request.protocols.empty()) return false;
  if (members_.empty()) return true;
  if (request.protocol_type != protocol_type_) return false;
  return std::ranges::any_of(request.protocols, [this](const auto& protocol) {
    return std::ranges::all_of(members_, [&](const auto& entry) { return entry.second.metadata_for(protocol.name) != nullptr; });
  });
}

std::variant<std::string, kafka::JoinGroupResponse> ClassicGroup::join(const JoinInput& input, TimePoint now, Effects& effects) {
  const auto& request = input.request;
  const std::string& member_id = request.member_id;
  const chrono::milliseconds session(request.session_timeout_ms);
  if (!limits_.allow_session(request.session_timeout_ms)) return join_error(ErrorCode::invalid_session_timeout, member_id);
  if (!protocols_fit(request)) return join_error(ErrorCode::inconsistent_group_protocol, member_id);
  const auto known = members_.find(member_id);
  if (member_id.empty()) {
    if (static_cast<std::int64_t>(members_.size() + pending_.size()) >= limits_.size_max) return join_error(ErrorCode::group_max_size_reached, member_id);
    if (request.group_instance_id) return replace_static(input, now, effects);
    if (input.member_id_required) {
      pending_[input.new_member_id] = now + session;
      return join_error(ErrorCode::member_id_required, input.new_member_id);
    }
    return add_member(input, input.new_member_id, now, effects);
  }
  if (pending_.erase(member_id)) return add_member(input, member_id, now, effects);
  if (request.group_instance_id || known != members_.end())
    if (const auto error = check_member(member_id, request.group_instance_id); error != ErrorCode::none) return join_error(error, member_id);
  if (known == members_.end()) return join_error(ErrorCode::unknown_member_id, member_id);
  return rejoin(known->second, input, now, effects);
}

std::string ClassicGroup::add_member(const JoinInput& input, const std::string& id, TimePoint now, Effects& effects) {
  Member& member = members_[id];
  member.id = id;
  member.instance_id = input.request.group_instance_id;
  if (member.instance_id) static_members_[*member.instance_id] = id;
  if (members_.size() == 1) protocol_type_ = input.request.protocol_type;
  update_member(member, input, now);
  member.joining = true;
  if (leader_.empty()) leader_ = id;
  prepare_rebalance(now, effects);
  return id;
}

void ClassicGroup::update_member(Member& member, const JoinInput& input, TimePoint now) {
  const auto& request = input.request;
  member.client_id = input.client_id;
  member.client_host = input.client_host;
  member.session_timeout = chrono::milliseconds(request.session_timeout_ms);
  // Version 0 has no rebalance timeout of its own.
  member.rebalance_timeout = chrono::milliseconds(request.rebalance_timeout_ms < 0 ? request.session_timeout_ms : request.rebalance_timeout_ms);
  member.protocols = request.protocols;
  member.expires = now + member.session_timeout;
}

std::variant<std::string, kafka::JoinGroupResponse> ClassicGroup::rejoin(Member& member, const JoinInput& input, TimePoint now, Effects& effects) {
  const bool same = member.protocols == input.request.protocols;
  const bool answer_again = same && (state_ == State::completing_rebalance || (state_ == State::stable && member.id != leader_));
  if (answer_again) {  // the answer was lost on the way
    member.expires = now + member.session_timeout;
    return join_answer(member);
  }
  update_member(member, input, now);
  member.joining = true;
  if (state_ == State::preparing_rebalance) maybe_complete_join(now, effects);
  else prepare_rebalance(now, effects);
  return member.id;
}

// A static member came back without its id (KIP-345): it takes the place of its former self, which is fenced.
std::variant<std::string, kafka::JoinGroupResponse> ClassicGroup::replace_static(const JoinInput& input, TimePoint now, Effects& effects) {
  const auto found = static_members_.find(*input.request.group_instance_id);
  if (found == static_members_.end()) return add_member(input, input.new_member_id, now, effects);
  auto node = members_.extract(found->second);
  const std::string old_id = node.key();
  Member& old = node.mapped();
  if (old.joining) effects.joins.emplace_back(old_id, join_error(ErrorCode::fenced_instance_id, old_id));
  if (old.syncing) {
    kafka::SyncGroupResponse fenced;
    fenced.error_code = ErrorCode::fenced_instance_id;
    effects.syncs.emplace_back(old_id, fenced);
  }
  const auto* before = old.metadata_for(protocol_);
  const std::optional<Bytes> metadata_before = before ? std::optional(*before) : std::nullopt;
  node.key() = input.new_member_id;
  old.id = input.new_member_id;
  old.joining = old.syncing = false;
  Member& member = members_.insert(std::move(node)).position->second;
  found->second = member.id;
  if (leader_ == old_id) leader_ = member.id;
  update_member(member, input, now);
  const auto* after = member.metadata_for(protocol_);
  if (state_ == State::stable && after && metadata_before == *after) {
    // Nothing changed for the others: no rebalance. A leader must not assign again (KIP-814).
    auto answer = join_answer(member);
    answer.skip_assignment = member.id == leader_;
    effects.persist = value();
    return answer;
  }
  member.joining = true;
  if (state_ == State::preparing_rebalance) maybe_complete_join(now, effects);
  else prepare_rebalance(now, effects);
  return member.id;
}

void ClassicGroup::prepare_rebalance(TimePoint now, Effects& effects) {
  if (state_ == State::completing_rebalance)
    for (auto& [id, member] : members_) {
      member.assignment.clear();
      if (!std::exchange(member.syncing, false)) continue;
      kafka::SyncGroupResponse again;
      again.error_code = ErrorCode::rebalance_in_progress;
      effects.syncs.emplace_back(id, again);
    }
  chrono::milliseconds timeout{0};
  for (const auto& [id, member] : members_) timeout = std::max(timeout, member.rebalance_timeout);
  if (state_ == State::empty) {
    // A new group: wait a little for the others, a little more with each newcomer, at most the rebalance timeout.
    initial_delay_ = limits_.initial_rebalance_delay.count() > 0;
    initial_delay_end_ = now + timeout;
    phase_deadline_ = initial_delay_ ? std::min(now + limits_.initial_rebalance_delay, initial_delay_end_) : now + timeout;
  } else if (state_ == State::preparing_rebalance && initial_delay_) {
    phase_deadline_ = std::min(now + limits_.initial_rebalance_delay, initial_delay_end_);
  } else if (state_ != State::preparing_rebalance) {
    initial_delay_ = false;
    phase_deadline_ = now + timeout;
  }
  state_ = State::preparing_rebalance;
  maybe_complete_join(now, effects);
}

void ClassicGroup::maybe_complete_join(TimePoint now, Effects& effects) {
  if (state_ != State::preparing_rebalance || initial_delay_ || !pending_.empty()) return;
  if (std::ranges::all_of(members_, [](const auto& entry) { return entry.second.joining; })) complete_join(now, effects);
}

std::string ClassicGroup::choose_protocol() const {
  // Each member votes for its first choice among those that all support; most votes win.
  std::map<std::string, int> votes;
  for (const auto& [id, member] : members_)
    for (const auto& protocol : member.protocols) {
      const bool common = std::ranges::all_of(members_, [&](const auto& entry) { return entry.second.metadata_for(protocol.name) != nullptr; });
      if (!common) continue;
      ++votes[protocol.name];
      break;
    }
  const auto best = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
  return best == votes.end() ? "" : best->first;
}

void ClassicGroup::complete_join(TimePoint now, Effects& effects) {
  initial_delay_ = false;
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_)
    if (!member.joining && !member.instance_id) gone.push_back(id);
  for (const auto& id : gone) remove_member(id, effects);
  ++generation_;
  if (members_.empty()) {
    state_ = State::empty;
    protocol_.clear();
    leader_.clear();
    phase_deadline_ = TimePoint::max();
    effects.persist = value();
    return;
  }
  if (!members_.contains(leader_) || !members_.at(leader_).joining)
    for (const auto& [id, member] : members_)
      if (member.joining) {
        leader_ = id;
        break;
      }
  protocol_ = choose_protocol();
  state_ = State::completing_rebalance;
  chrono::milliseconds timeout{0};
  for (auto& [id, member] : members_) {
    timeout = std::max(timeout, member.rebalance_timeout);
    member.assignment.clear();
    if (!std::exchange(member.joining, false)) continue;
    member.expires = now + member.session_timeout;
    effects.joins.emplace_back(id, join_answer(member));
  }
  phase_deadline_ = now + timeout;
}

std::optional<kafka::SyncGroupResponse> ClassicGroup::sync(const kafka::SyncGroupRequest& request, TimePoint now, Effects& effects) {
  const auto answer = [this](ErrorCode error, const Bytes& assignment = {}) {
    kafka::SyncGroupResponse response;
    response.error_code = error;
    response.protocol_type = protocol_type_;
    response.protocol_name = protocol_;
    response.assignment.data = assignment;
    return response;
  };
  if (const auto error = check_member(request.member_id, request.group_instance_id); error != ErrorCode::none) return answer(error);
  if (request.generation_id != generation_) return answer(ErrorCode::illegal_generation);
  if ((request.protocol_type && *request.protocol_type != protocol_type_) || (request.protocol_name && *request.protocol_name != protocol_))
    return answer(ErrorCode::inconsistent_group_protocol);
  Member& member = members_.at(request.member_id);
  member.expires = now + member.session_timeout;
  if (state_ == State::preparing_rebalance) return answer(ErrorCode::rebalance_in_progress);
  if (state_ == State::stable) return answer(ErrorCode::none, member.assignment);
  if (state_ != State::completing_rebalance) return answer(ErrorCode::unknown_member_id);
  member.syncing = true;
  if (member.id == leader_ && !persisting_) {
    for (const auto& assignment : request.assignments)
      if (const auto it = members_.find(assignment.member_id); it != members_.end()) it->second.assignment = assignment.assignment.data;
    persisting_ = true;
    effects.persist = value();
  }
  return std::nullopt;
}

void ClassicGroup::persisted(std::int32_t generation, bool ok, TimePoint now, Effects& effects) {
  persisting_ = false;
  if (generation != generation_ || state_ != State::completing_rebalance) return;  // another rebalance began meanwhile
  for (auto& [id, member] : members_) {
    if (!std::exchange(member.syncing, false)) continue;
    kafka::SyncGroupResponse response;
    response.error_code = ok ? ErrorCode::none : ErrorCode::not_coordinator;
    response.protocol_type = protocol_type_;
    response.protocol_name = protocol_;
    if (ok) response.assignment.data = member.assignment;
    effects.syncs.emplace_back(id, std::move(response));
    member.expires = now + member.session_timeout;
  }
  if (!ok) return prepare_rebalance(now, effects);
  state_ = State::stable;
  phase_deadline_ = TimePoint::max();
}

ErrorCode ClassicGroup::heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id, std::int32_t generation, TimePoint now) {
  if (const auto error = check_member(member_id, instance_id); error != ErrorCode::none) return error;
  if (generation != generation_) return ErrorCode::illegal_generation;
  Member& member = members_.at(member_id);
  member.expires = now + member.session_timeout;
  return state_ == State::preparing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

ErrorCode ClassicGroup::check_commit(const std::string& member_id, const std::optional<std::string>& instance_id, std::int32_t generation, TimePoint now) {
  // Offsets of a group without members may be set by anybody (simple consumers, tools, the mirror).
  if (generation < 0 && members_.empty()) return ErrorCode::none;
  if (generation < 0 && member_id.empty() && !instance_id) return ErrorCode::unknown_member_id;
  if (const auto error = check_member(member_id, instance_id); error != ErrorCode::none) return error;
  if (generation != generation_) return ErrorCode::illegal_generation;
  Member& member = members_.at(member_id);
  member.expires = now + member.session_timeout;
  return state_ == State::completing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

std::optional<std::set<std::string>> ClassicGroup::subscribed_topics() const {
  std::set<std::string> topics;
  if (members_.empty()) return topics;
  if (protocol_type_ != "consumer") return std::nullopt;
  for (const auto& [id, member] : members_)
    for (const auto& protocol : member.protocols) {
      const auto subscription = kafka::decode_consumer_protocol<kafka::ConsumerSubscription>(protocol.metadata.data);
      if (!subscription) return std::nullopt;
      topics.insert(subscription->topics.begin(), subscription->topics.end());
    }
  return topics;
}

void ClassicGroup::remove_member(const std::string& id, Effects& effects) {
  const auto it = members_.find(id);
  if (it == members_.end()) return;
  Member& member = it->second;
  if (member.joining) effects.joins.emplace_back(id, join_error(ErrorCode::unknown_member_id, id));
  if (member.syncing) {
    kafka::SyncGroupResponse gone;
    gone.error_code = ErrorCode::unknown_member_id;
    effects.syncs.emplace_back(id, gone);
  }
  if (member.instance_id) static_members_.erase(*member.instance_id);
  members_.erase(it);
  if (leader_ == id) leader_ = members_.empty() ? "" : members_.begin()->first;
}

ErrorCode ClassicGroup::leave(const std::string& member_id, const std::optional<std::string>& instance_id, TimePoint now, Effects& effects) {
  std::string id = member_id;
  if (instance_id) {  // administrators name static members by instance id alone
    const auto found = static_members_.find(*instance_id);
    if (found == static_members_.end()) return ErrorCode::unknown_member_id;
    if (!member_id.empty() && found->second != member_id) return ErrorCode::fenced_instance_id;
    id = found->second;
  }
  if (pending_.erase(id)) {
    maybe_complete_join(now, effects);
    return ErrorCode::none;
  }
  if (!members_.contains(id)) return ErrorCode::unknown_member_id;
  remove_member(id, effects);
  if (state_ == State::preparing_rebalance) maybe_complete_join(now, effects);
  else prepare_rebalance(now, effects);
  return ErrorCode::none;
}

void ClassicGroup::tick(TimePoint now, Effects& effects) {
  const auto pending_gone = std::erase_if(pending_, [now](const auto& entry) { return entry.second <= now; });
  std::vector<std::string> expired;
  for (const auto& [id, member] : members_)
    if (member.expires <= now && !member.joining && !member.syncing) expired.push_back(id);
  for (const auto& id : expired) remove_member(id, effects);
  if (!expired.empty() && state_ != State::preparing_rebalance) prepare_rebalance(now, effects);
  else if (!expired.empty() || pending_gone) maybe_complete_join(now, effects);
  if (now < phase_deadline_) return;
  if (state_ == State::preparing_rebalance) {
    complete_join(now, effects);
  } else if (state_ == State::completing_rebalance && !persisting_) {
    // Whoever did not sync in time is out.
    std::vector<std::string> late;
    for (const auto& [id, member] : members_)
      if (!member.syncing) late.push_back(id);
    for (const auto& id : late) remove_member(id, effects);
    prepare_rebalance(now, effects);
  }
}

TimePoint ClassicGroup::next_deadline() const {
  TimePoint next = state_ == State::preparing_rebalance || (state_ == State::completing_rebalance && !persisting_) ? phase_deadline_ : TimePoint::max();
  for (const auto& [id, member] : members_)
    if (!member.joining && !member.syncing) next = std::min(next, member.expires);
  for (const auto& [id, expires] : pending_) next = std::min(next, expires);
  return next;
}

GroupValue ClassicGroup::value() const {
  GroupValue value;
  value.protocol_type = protocol_type_;
  value.generation = generation_;
  if (!protocol_.empty()) value.protocol = protocol_;
  if (!leader_.empty()) value.leader = leader_;
  for (const auto& [id, member] : members_) {
    const Bytes* metadata = member.metadata_for(protocol_);
    value.members.push_back({.member_id = id,
                             .group_instance_id = member.instance_id,
                             .client_id = member.client_id,
                             .client_host = member.client_host,
                             .rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout.count()),
                             .session_timeout_ms = static_cast<std::int32_t>(member.session_timeout.count()),
                             .subscription = {metadata ? *metadata : Bytes()},
                             .assignment = {member.assignment}});
  }
  return value;
}

void ClassicGroup::take_over(const GroupValue& value, TimePoint now, Effects& effects) {
  load(value, now);
  prepare_rebalance(now, effects);
}

void ClassicGroup::hand_over(TimePoint now, Effects& effects) {
  for (const auto& [id, member] : members_) {
    if (member.joining) effects.joins.emplace_back(id, join_error(ErrorCode::rebalance_in_progress, id));
    if (!member.syncing) continue;
    kafka::SyncGroupResponse again;
    again.error_code = ErrorCode::rebalance_in_progress;
    effects.syncs.emplace_back(id, again);
  }
  load(GroupValue{}, now);
}

void ClassicGroup::load(const GroupValue& value, TimePoint now) {
  members_.clear();
  static_members_.clear();
  pending_.clear();
  generation_ = value.generation;
  protocol_type_ = value.protocol_type;
  protocol_ = value.protocol.value_or("");
  leader_ = value.leader.value_or("");
  for (const auto& stored : value.members) {
    Member& member = members_[stored.member_id];
    member.id = stored.member_id;
    member.instance_id = stored.group_instance_id;
    if (member.instance_id) static_members_[*member.instance_id] = member.id;
    member.client_id = stored.client_id;
    member.client_host = stored.client_host;
    member.session_timeout = chrono::milliseconds(stored.session_timeout_ms);
    member.rebalance_timeout = chrono::milliseconds(stored.rebalance_timeout_ms);
    member.protocols = {{protocol_, stored.subscription}};
    member.assignment = stored.assignment.data;
    member.expires = now + member.session_timeout;
  }
  state_ = members_.empty() ? State::empty : State::stable;
  phase_deadline_ = TimePoint::max();
}

}  // namespace meridian::coordinator::group
