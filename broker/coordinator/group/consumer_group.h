// ConsumerGroup: one group under the consumer protocol (KIP-848). Pure: heartbeats, topics and times go in; answers and records come out.
//
// The group epoch rises when members or subscriptions or subscribed topics change; then the assignor makes a new target assignment. Each
// member moves towards its target by itself, heartbeat by heartbeat: it first gives up what is not its any more, and takes what nobody else
// holds. Its own epoch is the group's once it owns nothing that it should not.
//
// A classic group that a member of this protocol joins becomes a group of this protocol. Its members go on with JoinGroup, SyncGroup and
// Heartbeat; the member epoch is what they call generation, and nobody of them is a leader (consumer_group_classic.cc).
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "broker/coordinator/group/classic_group.h"
#include "broker/coordinator/group/consumer_records.h"
#include "common/kafka/messages/13_leave_group.h"
#include "common/kafka/messages/68_consumer_group_heartbeat.h"
#include "common/kafka/messages/69_consumer_group_describe.h"

namespace meridian::coordinator::group {

/// What the group needs to know of the cluster's topics.
class TopicView {
 public:
  virtual ~TopicView() = default;
  struct Topic {
    Uuid id;
    std::int32_t partitions = 0;
  };
  virtual std::optional<Topic> find(const std::string& name) const = 0;
  virtual std::optional<std::string> name(const Uuid& id) const = 0;
  /// Names that match a whole regular expression; Errc::invalid where it is none.
  virtual Result<std::set<std::string>> matching(const std::string& regex) const = 0;
  /// Changes whenever the answers above may.
  virtual std::int64_t revision() const = 0;
};

struct ConsumerLimits {
  std::chrono::milliseconds heartbeat_interval{5000};
  std::chrono::milliseconds session_timeout{45000};
  std::int64_t size_max = INT32_MAX;
  std::vector<std::string> assignors{"uniform", "range"};  ///< the first is the default
  bool upgrade = true;                                     ///< classic groups become groups of this protocol while members are in them
  bool downgrade = true;                                   ///< and the other way when only classic members are left
  std::int64_t classic_size_max = INT32_MAX;
};

enum class MemberState : std::int8_t { stable = 0, unrevoked_partitions = 1, unreleased_partitions = 2 };

struct ConsumerMember {
  ConsumerMemberValue described;
  std::int32_t epoch = 0;  ///< -2: static, away for a while
  std::int32_t previous_epoch = 0;
  MemberState state = MemberState::stable;
  Assignment assigned;
  Assignment pending_revocation;
  TimePoint expires = TimePoint::max();
  TimePoint act_by = TimePoint::max();  ///< when it has to have given up partitions; a classic member: to have joined, or synced
};

/// Why a member of a consumer or share group (`kind`) that says it is at epoch `said` is fenced, as Kafka words it.
std::string wrong_epoch(std::string_view kind, std::int32_t said, std::int32_t known);

class ConsumerGroup {
 public:
  explicit ConsumerGroup(std::string id) : id_(std::move(id)) {}

  /// What is wrong with a heartbeat whatever the group is like; before heartbeat().
  static std::optional<kafka::ConsumerGroupHeartbeatResponse> check_request(const kafka::ConsumerGroupHeartbeatRequest& request, const ConsumerLimits& limits);

  struct Input {
    const kafka::ConsumerGroupHeartbeatRequest& request;
    std::string client_id;
    std::string client_host;
  };
  /// Records are to be appended in order before the answer is given.
  kafka::ConsumerGroupHeartbeatResponse heartbeat(const Input& input, const TopicView& topics, const ConsumerLimits& limits, TimePoint now,
                                                  std::vector<ConsumerRecord>& records);
  /// Removes members that are silent or slow to give partitions up.
  void tick(const TopicView& topics, const ConsumerLimits& limits, TimePoint now, std::vector<ConsumerRecord>& records);
  TimePoint next_deadline() const;

  /// A running classic group as one of this protocol: everybody keeps what it has. Errc::invalid where its members are no consumers.
  static Result<std::unique_ptr<ConsumerGroup>> upgraded(const ClassicGroup& classic, const TopicView& topics, TimePoint now,
                                                         std::vector<ConsumerRecord>& records);
  /// Only classic members are left, and the group may become theirs: what it is as a classic group.
  bool wants_downgrade(const ConsumerLimits& limits) const;
  GroupValue downgraded(const TopicView& topics) const;
  kafka::JoinGroupResponse classic_join(const JoinInput& input, const TopicView& topics, const ConsumerLimits& limits, TimePoint now,
                                        std::vector<ConsumerRecord>& records);
  kafka::SyncGroupResponse classic_sync(const kafka::SyncGroupRequest& request, const TopicView& topics, TimePoint now);
  ErrorCode classic_heartbeat(const std::string& member_id, const std::optional<std::string>& instance_id, std::int32_t generation, TimePoint now);
  std::vector<kafka::LeaveGroupResponseMember> classic_leave(const std::vector<kafka::LeaveGroupRequestMember>& leaving, const TopicView& topics,
                                                             const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);

  /// May offsets be read with these? `epoch` below 0 with an empty id: by somebody who is no member.
  ErrorCode check_member(const std::string& member_id, std::int32_t epoch) const;
  /// May they be committed, by an OffsetCommit of `version`?
  ErrorCode check_commit(const std::string& member_id, std::int32_t epoch, std::int16_t version) const;
  std::set<std::string> subscribed_topics() const;
  /// Tombstones for everything that the group has written.
  std::vector<ConsumerRecord> tombstones() const;
  /// Takes over what was persisted.
  void replay(const ConsumerRecord& record);
  /// After the last replay: members get a full session to come back.
  void loaded(const ConsumerLimits& limits, TimePoint now);

  void describe(kafka::ConsumerGroupDescribeResponseDescribedGroup& out, const ConsumerLimits& limits, const TopicView& topics) const;
  const char* state_name() const;
  bool has_members() const { return !members_.empty(); }
  std::int32_t epoch() const { return epoch_; }
  const std::string& id() const { return id_; }
  const std::map<std::string, ConsumerMember>& members() const { return members_; }

 private:
  using Response = kafka::ConsumerGroupHeartbeatResponse;
  static Response refuse(ErrorCode error, std::string message);
  std::optional<Response> find_or_join(const Input& input, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);
  Response leave(const Input& input, const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);
  void succeed(const std::string& old_id, const std::string& id, std::vector<ConsumerRecord>& records);
  void remove(const std::string& member_id, std::vector<ConsumerRecord>& records);
  void rebalance_after_removal(const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);
  bool describe_member(ConsumerMember& member, const Input& input) const;
  void rebalance(const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);
  bool topics_changed(const TopicView& topics);
  std::set<std::string> topic_names(const ConsumerMember& member, const TopicView& topics) const;
  std::string chosen_assignor(const ConsumerLimits& limits) const;
  void reconcile(const std::string& member_id, ConsumerMember& member, const std::optional<Assignment>& owned, TimePoint now, bool write_anyway,
                 std::vector<ConsumerRecord>& records);
  void step(const std::string& member_id, ConsumerMember& member, const std::optional<Assignment>& owned, TimePoint now);
  void advance(const std::string& member_id, ConsumerMember& member, const std::optional<Assignment>& owned);
  bool owned_by_other(const std::string& member_id, const Uuid& topic, std::int32_t partition) const;
  void write_current(const std::string& member_id, const ConsumerMember& member, std::vector<ConsumerRecord>& records) const;
  bool classic_protocols_fit(const kafka::JoinGroupRequest& request) const;
  ErrorCode check_classic(const std::string& member_id, const std::optional<std::string>& instance_id) const;
  bool waits_for_others(const std::string& member_id, const ConsumerMember& member) const;

  std::string id_;
  std::int32_t epoch_ = 0;
  std::int32_t target_epoch_ = 0;
  std::map<std::string, ConsumerMember> members_;
  std::map<std::string, std::string> static_members_;  ///< instance id -> member id
  TargetAssignment target_;
  PartitionCounts known_topics_;  ///< of the last target assignment
  std::int64_t seen_revision_ = -1;
};

}  // namespace meridian::coordinator::group
