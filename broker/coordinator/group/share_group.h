// ShareGroup: membership and assignment of one share group (KIP-932). Pure: heartbeats, topics and times go in; answers and records come out.
// Members share partitions, so nobody waits for anybody: a member has what the assignor gave as soon as it asks. What is delivered to whom
// is not known here: that is SharePartition's.
#pragma once

#include "broker/coordinator/group/consumer_group.h"
#include "broker/coordinator/group/share_records.h"
#include "common/kafka/messages/76_share_group_heartbeat.h"
#include "common/kafka/messages/77_share_group_describe.h"

namespace meridian::coordinator::group {

struct ShareGroupLimits {
  std::chrono::milliseconds heartbeat_interval{5000};
  std::chrono::milliseconds session_timeout{45000};
  std::int64_t size_max = 200;
};

class ShareGroup {
 public:
  explicit ShareGroup(std::string id) : id_(std::move(id)) {}

  /// What is wrong with a heartbeat whatever the group is like; before heartbeat().
  static std::optional<kafka::ShareGroupHeartbeatResponse> check_request(const kafka::ShareGroupHeartbeatRequest& request);

  struct Input {
    const kafka::ShareGroupHeartbeatRequest& request;
    std::string client_id;
    std::string client_host;
  };
  /// Records are to be appended in order before the answer is given.
  kafka::ShareGroupHeartbeatResponse heartbeat(const Input& input, const TopicView& topics, const ShareGroupLimits& limits, TimePoint now,
                                               std::vector<ShareRecord>& records);
  /// Removes members that are silent.
  void tick(const TopicView& topics, TimePoint now, std::vector<ShareRecord>& records);
  TimePoint next_deadline() const;

  /// It is in the log: it has had a member, or been given offsets.
  bool known() const { return epoch_ > 0; }
  void make_known(const TopicView& topics, std::vector<ShareRecord>& records) {
    if (!known()) rebalance(topics, records);
  }

  /// Topic id -> name and the partitions that have a state with the share coordinator.
  struct StateTopic {
    std::string name;
    std::set<std::int32_t> partitions;
  };
  using States = std::map<Uuid, StateTopic>;
  const States& states() const { return states_; }
  /// Partitions that a member is assigned and that have no state yet: they need one before it is told.
  Assignment without_state(const std::string& member_id) const;
  ShareRecord add_states(const Assignment& partitions, const TopicView& topics);
  /// The states of a topic are gone.
  ShareRecord remove_states(const Uuid& topic);

  std::vector<ShareRecord> tombstones() const;
  /// Takes over what was persisted.
  void replay(const ShareRecord& record);
  /// After the last replay: members get a full session to come back.
  void loaded(const ShareGroupLimits& limits, TimePoint now);

  void describe(kafka::ShareGroupDescribeResponseDescribedGroup& out, const TopicView& topics) const;
  const char* state_name() const { return members_.empty() ? "Empty" : "Stable"; }
  bool has_members() const { return !members_.empty(); }

 private:
  struct Member {
    ShareMemberValue described;
    std::int32_t epoch = 0;
    std::int32_t previous_epoch = 0;
    Assignment assigned;
    TimePoint expires = TimePoint::max();
  };
  using Response = kafka::ShareGroupHeartbeatResponse;
  static Response refuse(ErrorCode error, std::string message);
  std::optional<Response> find_or_join(const kafka::ShareGroupHeartbeatRequest& request, const ShareGroupLimits& limits);
  void remove(const std::string& member_id, std::vector<ShareRecord>& records);
  void rebalance(const TopicView& topics, std::vector<ShareRecord>& records);
  std::set<std::string> subscribed_topics() const;
  bool topics_changed(const TopicView& topics);
  ShareRecord states_record() const;

  std::string id_;
  std::int32_t epoch_ = 0;
  std::int32_t target_epoch_ = 0;
  std::map<std::string, Member> members_;
  TargetAssignment target_;
  PartitionCounts known_topics_;  ///< of the last target assignment
  std::int64_t seen_revision_ = -1;
  States states_;
};

}  // namespace meridian::coordinator::group
