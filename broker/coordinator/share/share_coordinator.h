// ShareCoordinator: keeps what share groups have done with their partitions (KIP-932). In memory, and in __share_group_state through
// PartitionWriter: updates, and after so many of them a snapshot, behind which a partition's older records are removed.
//
// The state of a share-partition lives on the home shard of its partition of that topic; every public call may come from any shard. A change
// is in memory when it is appended, and told when it is committed; an error means: perhaps.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "broker/coordinator/partition_writer.h"
#include "broker/coordinator/share/share_state.h"
#include "common/async/gate.h"
#include "common/kafka/messages/all.h"

namespace meridian::coordinator::share {

using kafka::ErrorCode;

struct ShareCoordinatorOptions {
  std::int32_t partition_count = 50;
  std::int64_t updates_per_snapshot = 500;
  std::chrono::milliseconds prune_interval{std::chrono::minutes(5)};
};

class ShareCoordinator {
 public:
  ShareCoordinator(PartitionWriter& writer, std::vector<async::Shard*> shards, ShareCoordinatorOptions options);

  void start();
  Task<> stop();

  struct Summary {
    ErrorCode error = ErrorCode::none;
    std::int32_t state_epoch = 0;
    std::int32_t leader_epoch = 0;
    Offset start_offset = -1;  ///< -1: nobody has read there yet
    std::int32_t complete_count = -1;
    std::vector<kafka::ShareStateBatch> batches;
  };
  /// Begins a state where there is none: nobody knows yet where to start.
  Task<ErrorCode> begin(SharePartitionKey key);
  /// Begins a state, or begins it anew under a higher state epoch. FENCED_STATE_EPOCH: there is a higher one.
  Task<ErrorCode> initialize(SharePartitionKey key, std::int32_t state_epoch, Offset start_offset);
  /// By the partition's leader; an older leader is fenced from then on. Without `leader_epoch`: by anybody, who is told -1 where there is no
  /// state. INVALID_REQUEST: a leader reads or writes what was not begun, or has ended.
  Task<Summary> read(SharePartitionKey key, std::optional<std::int32_t> leader_epoch);
  Task<ErrorCode> write(SharePartitionKey key, kafka::WriteShareGroupStateRequestPartition change);
  Task<ErrorCode> remove(SharePartitionKey key);

 private:
  struct Partition {
    enum class Load { none, loading, loaded } load = Load::none;
    std::map<SharePartitionKey, ShareState> states;
    Offset end = 0;         ///< behind the last record
    Offset pruned_end = 0;  ///< the end, when it was pruned last
  };
  struct PerShard {
    explicit PerShard(async::Shard& home) : shard(home), gate(home.context(), home.clock()), stop(home.context(), home.clock()) {}
    async::Shard& shard;
    async::Gate gate;
    async::Waiter stop;
  };

  std::int32_t index(const SharePartitionKey& key) const { return partition_of(key.coordinator_key(), options_.partition_count); }
  Task<ErrorCode> ready(std::int32_t index);
  Task<> load_partition(std::int32_t index);
  void apply(Partition& at, const ShareStateRecord& record);
  Task<ErrorCode> append(std::int32_t index, ShareStateRecord record);
  Task<> prune_loop(PerShard& home);
  Task<> prune(std::int32_t index);

  Task<ErrorCode> begin_home(SharePartitionKey key);
  Task<ErrorCode> initialize_home(SharePartitionKey key, std::int32_t state_epoch, Offset start_offset);
  Task<Summary> read_home(SharePartitionKey key, std::optional<std::int32_t> leader_epoch);
  Task<ErrorCode> write_home(SharePartitionKey key, kafka::WriteShareGroupStateRequestPartition change);
  Task<ErrorCode> remove_home(SharePartitionKey key);

  PartitionWriter& writer_;
  ShareCoordinatorOptions options_;
  std::vector<Partition> partitions_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
  std::atomic<bool> stopped_{false};  ///< read on every shard
};

}  // namespace meridian::coordinator::share
