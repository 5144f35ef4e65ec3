// GroupCoordinator: the groups of this broker. Holds their state in memory, keeps it in __consumer_offsets through PartitionWriter,
// parks JoinGroup and SyncGroup until the group's state machine answers them.
//
// A group lives on the home shard of its partition; every public call may come from any shard. A write is: decide, append, wait
// until it is committed, apply, answer; replay at start applies the same records through the same function.
#pragma once

#include <atomic>
#include <memory>

#include "broker/coordinator/group/classic_group.h"
#include "broker/coordinator/group/consumer_group.h"
#include "broker/coordinator/group/share_group.h"
#include "broker/coordinator/group/unwritten.h"
#include "broker/coordinator/partition_writer.h"
#include "broker/coordinator/share/share_coordinator.h"
#include "broker/metadata/image.h"
#include "common/async/gate.h"
#include "common/base/random.h"
#include "common/kafka/messages/all.h"

namespace meridian::coordinator::group {

struct CoordinatorOptions {
  GroupLimits limits;
  std::int32_t partition_count = 50;
  std::int64_t offset_metadata_bytes_max = 4096;
  std::chrono::milliseconds offsets_retention{std::chrono::hours(24 * 7)};
  std::chrono::milliseconds expiry_interval{std::chrono::minutes(10)};
};

class GroupCoordinator {
 public:
  /// Newest metadata, as a shard sees it.
  using Image = std::function<metadata::ImagePtr(const async::Shard&)>;
  GroupCoordinator(PartitionWriter& writer, share::ShareCoordinator& share, std::vector<async::Shard*> shards, CoordinatorOptions options, Image image,
                   std::uint64_t seed);
  ~GroupCoordinator();

  void start();
  Task<> stop();
  /// Reads every partition of the topic; called once it exists.
  Task<> load();

  Task<kafka::JoinGroupResponse> join(JoinInput input);
  Task<kafka::SyncGroupResponse> sync(kafka::SyncGroupRequest request);
  Task<ErrorCode> heartbeat(kafka::HeartbeatRequest request);
  Task<kafka::LeaveGroupResponse> leave(kafka::LeaveGroupRequest request, std::int16_t version);
  Task<kafka::ConsumerGroupHeartbeatResponse> consumer_heartbeat(kafka::ConsumerGroupHeartbeatRequest request, std::string client_id, std::string client_host);
  Task<kafka::ConsumerGroupDescribeResponseDescribedGroup> consumer_describe(std::string group);
  Task<kafka::ShareGroupHeartbeatResponse> share_heartbeat(kafka::ShareGroupHeartbeatRequest request, std::string client_id, std::string client_host);
  Task<kafka::ShareGroupDescribeResponseDescribedGroup> share_describe(std::string group);
  struct ShareOffsets {
    ErrorCode error = ErrorCode::none;
    struct Row {
      std::string topic;
      Uuid topic_id;
      std::int32_t partition;
      share::ShareCoordinator::Summary summary;
    };
    std::vector<Row> rows;
  };
  /// Of all topics that a share group has a state for, or of these.
  Task<ShareOffsets> share_offsets(std::string group, std::optional<std::vector<kafka::DescribeShareGroupOffsetsRequestTopic>> topics);
  Task<kafka::AlterShareGroupOffsetsResponse> alter_share_offsets(kafka::AlterShareGroupOffsetsRequest request);
  Task<kafka::DeleteShareGroupOffsetsResponse> delete_share_offsets(kafka::DeleteShareGroupOffsetsRequest request);
  /// Answers every partition of the request.
  Task<kafka::OffsetCommitResponse> commit(kafka::OffsetCommitRequest request, std::int16_t version);
  /// Asks the transaction coordinator whether the group's partition is part of the transaction (or makes it so).
  using Verify = std::function<Task<ErrorCode>()>;
  Task<kafka::TxnOffsetCommitResponse> commit_in_transaction(kafka::TxnOffsetCommitRequest request, Verify verify);
  /// A marker is committed in a partition of __consumer_offsets: the offsets of that transaction count now, or never.
  Task<> transaction_ended(std::int32_t partition, std::int64_t producer_id, bool commit);
  /// Committed offsets of deleted topics go with them: a topic that is made again begins without any.
  Task<> topics_deleted(std::set<std::string> topics);
  std::int32_t partition_of_group(std::string_view group) const { return index(group); }
  /// `require_stable`: offsets that an open transaction is about to change are answered UNSTABLE_OFFSET_COMMIT (KIP-447).
  Task<kafka::OffsetFetchResponseGroup> fetch(kafka::OffsetFetchRequestGroup request, bool require_stable);
  Task<kafka::OffsetDeleteResponse> delete_offsets(kafka::OffsetDeleteRequest request);
  Task<kafka::DescribeGroupsResponseGroup> describe(std::string group);
  Task<ErrorCode> remove(std::string group);
  Task<std::vector<kafka::ListGroupsResponseGroup>> list();

 private:
  template <class Response>
  struct Parked {
    Parked(boost::asio::io_context& context, async::Clock& clock) : waiter(context, clock) {}
    async::Waiter waiter;
    std::optional<Response> response;
  };
  struct Committed {
    OffsetValue value;
    std::uint64_t order = 0;  ///< place among the commits of this partition of __consumer_offsets
  };
  using OffsetMap = std::map<std::pair<std::string, std::int32_t>, Committed>;
  struct Group {
    Group(const std::string& id, const GroupLimits& limits) : classic(id, limits) {}
    ClassicGroup classic;
    std::unique_ptr<ConsumerGroup> consumer;  ///< set: the group is under the consumer protocol, and `classic` is empty
    std::unique_ptr<ShareGroup> share;        ///< set: a share group, which stays one
    Unwritten<ConsumerRecord> unwritten;
    Unwritten<ShareRecord> unwritten_share;
    bool has_members() const { return share ? share->has_members() : consumer ? consumer->has_members() : classic.has_members(); }
    TimePoint next_deadline() const { return share ? share->next_deadline() : consumer ? consumer->next_deadline() : classic.next_deadline(); }
    bool unused() const { return !share && !consumer && offsets.empty() && classic.generation() == 0 && !classic.has_members(); }
    OffsetMap offsets;
    std::int64_t state_since_ms = -1;
    std::map<std::string, std::shared_ptr<Parked<kafka::JoinGroupResponse>>> joins;
    std::map<std::string, std::shared_ptr<Parked<kafka::SyncGroupResponse>>> syncs;
  };
  struct Partition {
    enum class Load { none, loading, loaded } load = Load::none;
    std::map<std::string, std::shared_ptr<Group>, std::less<>> groups;
    struct Pending {
      OffsetKey key;
      Committed committed;
    };
    std::map<std::int64_t, std::vector<Pending>> pending;  ///< offsets of open transactions, by producer id
    std::uint64_t last_order = 0;
  };
  struct PerShard {
    explicit PerShard(async::Shard& home, std::uint64_t seed)
        : shard(home), gate(home.context(), home.clock()), timer(home.context(), home.clock()), random(seed + static_cast<std::uint64_t>(home.id())) {}
    async::Shard& shard;
    async::Gate gate;
    async::Waiter timer;
    base::Random random;
    std::map<std::string, std::shared_ptr<Group>> timed;  ///< groups with members
  };

  std::int32_t index(std::string_view group) const { return partition_of(group, options_.partition_count); }
  async::Shard& home(std::string_view group) { return writer_.home(index(group)); }
  PerShard& per_shard(const async::Shard& shard) { return *per_shard_[static_cast<std::size_t>(shard.id())]; }
  Partition& partition(std::string_view group) { return partitions_[static_cast<std::size_t>(index(group))]; }

  Task<ErrorCode> ready(std::string group);
  std::shared_ptr<Group> find(std::string_view group);
  std::shared_ptr<Group> find_or_create(const std::string& group);
  void forget_if_dead(const std::shared_ptr<Group>& group);
  void carry_out(const std::shared_ptr<Group>& group, Effects effects);
  Task<> persist(std::shared_ptr<Group> group, GroupValue value);
  Task<> timer_loop(PerShard& home);
  Task<> expire_offsets(PerShard& home);
  Task<> load_partition(std::int32_t index);
  void apply(std::int32_t index, Record record, std::uint64_t order, async::TimePoint now);
  template <class Kind, class Record>
  void replay(Partition& at, std::unique_ptr<Kind> Group::* kind, std::int16_t group_type, const Record& record);
  void end_pending(std::int32_t index, std::int64_t producer_id, bool commit);
  bool unstable(const OffsetKey& key);
  /// May this member commit? Refreshes its session.
  ErrorCode check_commit(const std::shared_ptr<Group>& group, const std::string& member_id, const std::optional<std::string>& instance_id,
                         std::int32_t generation, std::int16_t version);

  Task<kafka::JoinGroupResponse> join_home(JoinInput input);
  Task<kafka::SyncGroupResponse> sync_home(kafka::SyncGroupRequest request);
  Task<ErrorCode> heartbeat_home(kafka::HeartbeatRequest request);
  Task<kafka::LeaveGroupResponse> leave_home(kafka::LeaveGroupRequest request, std::int16_t version);
  Task<kafka::OffsetCommitResponse> commit_home(kafka::OffsetCommitRequest request, std::int16_t version);
  Task<kafka::TxnOffsetCommitResponse> commit_in_transaction_home(kafka::TxnOffsetCommitRequest request, Verify verify);
  Task<kafka::OffsetFetchResponseGroup> fetch_home(kafka::OffsetFetchRequestGroup request, bool require_stable);
  Task<> topics_deleted_home(std::int32_t index, std::set<std::string> topics);
  Task<kafka::OffsetDeleteResponse> delete_offsets_home(kafka::OffsetDeleteRequest request);
  Task<kafka::ConsumerGroupHeartbeatResponse> consumer_heartbeat_home(kafka::ConsumerGroupHeartbeatRequest request, std::string client_id,
                                                                      std::string client_host);
  Task<kafka::ConsumerGroupDescribeResponseDescribedGroup> consumer_describe_home(std::string group);
  template <class Record>
  Task<ErrorCode> write(std::shared_ptr<Group> group, Unwritten<Record>& unwritten, std::vector<Record> records, std::string told,
                        void (*add)(kafka::BatchBuilder&, std::int64_t, const Record&));
  /// In one batch, after what could not be written before; see Unwritten for `told`.
  Task<ErrorCode> write_group(std::shared_ptr<Group> group, std::vector<ConsumerRecord> records, std::string told = {});
  Task<> tick_consumer(std::shared_ptr<Group> group);
  std::shared_ptr<const TopicView> topic_view(const async::Shard& shard) const;
  ConsumerLimits consumer_limits(const metadata::MetadataImage& image, const std::string& group) const;
  Task<ErrorCode> to_consumer(std::shared_ptr<Group> group);
  Task<ErrorCode> to_classic(std::shared_ptr<Group> group);
  kafka::ConsumerGroupHeartbeatResponse upgrade(const std::shared_ptr<Group>& group, const ConsumerGroup::Input& input, const TopicView& topics,
                                                const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);
  void downgrade(const std::shared_ptr<Group>& group, const TopicView& topics, const ConsumerLimits& limits, std::vector<ConsumerRecord>& records);
  Task<ErrorCode> changed(std::shared_ptr<Group> group, std::shared_ptr<const TopicView> topics, ConsumerLimits limits, std::vector<ConsumerRecord> records,
                          std::string told = {});
  Task<kafka::JoinGroupResponse> join_consumer_group(std::shared_ptr<Group> group, JoinInput input);
  Task<kafka::LeaveGroupResponse> leave_consumer_group(std::shared_ptr<Group> group, std::vector<kafka::LeaveGroupRequestMember> members);
  void watch_timers(const std::shared_ptr<Group>& group);
  ShareGroupLimits share_limits(const metadata::MetadataImage& image, const std::string& group) const;
  Task<kafka::ShareGroupHeartbeatResponse> share_heartbeat_home(kafka::ShareGroupHeartbeatRequest request, std::string client_id, std::string client_host);
  Task<kafka::ShareGroupDescribeResponseDescribedGroup> share_describe_home(std::string group);
  Task<ShareOffsets> share_offsets_home(std::string group, std::optional<std::vector<kafka::DescribeShareGroupOffsetsRequestTopic>> topics);
  Task<kafka::AlterShareGroupOffsetsResponse> alter_share_offsets_home(kafka::AlterShareGroupOffsetsRequest request);
  Task<kafka::DeleteShareGroupOffsetsResponse> delete_share_offsets_home(kafka::DeleteShareGroupOffsetsRequest request);
  /// A share group whose offsets may be changed: it exists, and is empty.
  Task<ErrorCode> ready_empty_share_group(std::string group);
  Task<ErrorCode> begin_states(std::shared_ptr<Group> group, std::string member);
  Task<ErrorCode> end_states(std::shared_ptr<Group> group, Uuid topic);
  Task<> end_states_of_deleted_topics(std::shared_ptr<Group> group);
  Task<ErrorCode> write_share(std::shared_ptr<Group> group, std::vector<ShareRecord> records, std::string told = {});
  Task<> tick_share(std::shared_ptr<Group> group);
  Task<kafka::DescribeGroupsResponseGroup> describe_home(std::string group);
  Task<ErrorCode> remove_home(std::string group);
  Task<> list_home(std::int32_t index, std::vector<kafka::ListGroupsResponseGroup>& out);

  PartitionWriter& writer_;
  share::ShareCoordinator& share_;
  std::vector<async::Shard*> shards_;
  CoordinatorOptions options_;
  Image image_;
  std::vector<Partition> partitions_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
  std::atomic<bool> stopped_{false};  ///< read on every shard
};

}  // namespace meridian::coordinator::group
