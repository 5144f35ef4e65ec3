// ClassicGroup: membership of one group under the classic protocol (KIP-62, KIP-345, KIP-394). Pure: requests and times go in,
// answers for parked requests and a wish to persist come out through Effects.
//
// States and what moves between them:
//   Empty -> PreparingRebalance           a member joins
//   PreparingRebalance -> CompletingRebalance   everybody has joined, or the rebalance timeout passed; generation + 1
//   PreparingRebalance -> Empty           nobody is left
//   CompletingRebalance -> Stable         the leader's assignment is persisted
//   CompletingRebalance, Stable -> PreparingRebalance   a member joins, leaves, changes or expires
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/coordinator/group/records.h"
#include "common/kafka/messages/11_join_group.h"
#include "common/kafka/messages/14_sync_group.h"

namespace meridian::coordinator::group {

using TimePoint = std::chrono::steady_clock::time_point;
using kafka::ErrorCode;

enum class State { empty, preparing_rebalance, completing_rebalance, stable };
/// Kafka's names: "Empty", "PreparingRebalance", ...
const char* state_name(State state);

struct GroupLimits {
  std::chrono::milliseconds session_timeout_min{6000};
  std::chrono::milliseconds session_timeout_max{1800'000};
  std::chrono::milliseconds initial_rebalance_delay{3000};
  std::int64_t size_max = INT32_MAX;
  bool allow_session(std::int32_t timeout_ms) const {
    const std::chrono::milliseconds timeout(timeout_ms);
    return timeout >= session_timeout_min && timeout <= session_timeout_max;
  }
};

kafka::JoinGroupResponse join_error(ErrorCode error, const std::string& member_id);

struct Member {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::chrono::milliseconds session_timeout{};
  std::chrono::milliseconds rebalance_timeout{};
  std::vector<kafka::JoinGroupRequestProtocol> protocols;
  Bytes assignment;
  TimePoint expires{};
  bool joining = false;  ///< a JoinGroup of it is parked
  bool syncing = false;  ///< a SyncGroup of it is parked
  const Bytes* metadata_for(const std::string& protocol) const;
};

struct JoinInput {
  kafka::JoinGroupRequest request;
  std::string client_id;
  std::string client_host;
  bool member_id_required = false;  ///< version 4 and later, dynamic member
  std::string new_member_id;        ///< taken when the member needs an id
};

/// What a call leads to besides its own answer. Answers are keyed by member id.
struct Effects {
  std::vector<std::pair<std::string, kafka::JoinGroupResponse>> joins;
  std::vector<std::pair<std::string, kafka::SyncGroupResponse>> syncs;
  /// Write this (and answer through persisted()).
  std::optional<GroupValue> persist;
};

class ClassicGroup {
 public:
  ClassicGroup(std::string id, const GroupLimits& limits) : id_(std::move(id)), limits_(limits) {}

  /// The member id under which the answer is parked, or an answer at once.
  std::variant<std::string, kafka::JoinGroupResponse> join(const JoinInput& input, TimePoint now, Effects& effects);
  /// nullopt: parked under the request's member id.
  std::optional<kafka::SyncGroupResponse> sync(const kafka::SyncGroupRequest& request, TimePoint now, Effects& effects);
  ErrorCode heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id, std::int32_t generation, TimePoint now);
  ErrorCode leave(const std::string& member_id, const std::optional<std::string>& instance_id, TimePoint now, Effects& effects);
  /// May these offsets be committed? Refreshes the member's session.
  ErrorCode check_commit(const std::string& member_id, const std::optional<std::string>& instance_id, std::int32_t generation, TimePoint now);
  /// Outcome of Effects::persist of that generation.
  void persisted(std::int32_t generation, bool ok, TimePoint now, Effects& effects);
  /// Lets deadlines act.
  void tick(TimePoint now, Effects& effects);
  /// TimePoint::max() when nothing is due.
  TimePoint next_deadline() const;

  /// Takes over what was persisted; members get a full session to come back.
  void load(const GroupValue& value, TimePoint now);
  /// Goes on with a group that was one of the consumer protocol: its members are to join again.
  void take_over(const GroupValue& value, TimePoint now, Effects& effects);
  /// The group goes on under the consumer protocol: parked requests are told to join again, nothing stays.
  void hand_over(TimePoint now, Effects& effects);

  const std::string& id() const { return id_; }
  State state() const { return state_; }
  std::int32_t generation() const { return generation_; }
  const std::string& protocol_type() const { return protocol_type_; }
  const std::string& protocol() const { return protocol_; }
  const std::map<std::string, Member>& members() const { return members_; }
  /// Topics of the members' subscriptions; nullopt when they cannot be told: another protocol type.
  std::optional<std::set<std::string>> subscribed_topics() const;
  bool has_members() const { return !members_.empty() || !pending_.empty(); }

 private:
  ErrorCode check_member(const std::string& member_id, const std::optional<std::string>& instance_id) const;
  kafka::JoinGroupResponse join_answer(const Member& member) const;
  bool protocols_fit(const kafka::JoinGroupRequest& request) const;
  std::string add_member(const JoinInput& input, const std::string& id, TimePoint now, Effects& effects);
  std::variant<std::string, kafka::JoinGroupResponse> rejoin(Member& member, const JoinInput& input, TimePoint now, Effects& effects);
  std::variant<std::string, kafka::JoinGroupResponse> replace_static(const JoinInput& input, TimePoint now, Effects& effects);
  void update_member(Member& member, const JoinInput& input, TimePoint now);
  void remove_member(const std::string& id, Effects& effects);
  void prepare_rebalance(TimePoint now, Effects& effects);
  void maybe_complete_join(TimePoint now, Effects& effects);
  void complete_join(TimePoint now, Effects& effects);
  std::string choose_protocol() const;
  GroupValue value() const;

  std::string id_;
  const GroupLimits& limits_;
  State state_ = State::empty;
  std::int32_t generation_ = 0;
  std::string protocol_type_;
  std::string protocol_;
  std::string leader_;
  std::map<std::string, Member> members_;
  std::map<std::string, std::string> static_members_;  ///< instance id -> member id
  std::map<std::string, TimePoint> pending_;           ///< ids given out, not joined yet (KIP-394)
  TimePoint phase_deadline_ = TimePoint::max();        ///< end of the join phase, or of the sync phase
  TimePoint initial_delay_end_ = TimePoint::max();     ///< latest end of the initial delay
  bool initial_delay_ = false;
  bool persisting_ = false;
};

}  // namespace meridian::coordinator::group
