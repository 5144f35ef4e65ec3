// SharePartitions: the partitions of this broker as share groups see them (KIP-932). Each is a coordinator::share::SharePartition on the home
// shard of its partition; here it is joined to the log that it reads and to the share coordinator that keeps it. What a member says counts, and
// is answered, once it is written there.
#pragma once

#include <map>
#include <memory>

#include "broker/coordinator/share/share_coordinator.h"
#include "broker/coordinator/share/share_partition.h"
#include "broker/replication/replica_manager.h"

namespace meridian::server {

class MetadataCache;

class SharePartitions {
 public:
  using Key = coordinator::share::SharePartitionKey;
  using ErrorCode = kafka::ErrorCode;

  SharePartitions(replication::ReplicaManager& replicas, coordinator::share::ShareCoordinator& coordinator, const MetadataCache& cache,
                  std::vector<async::Shard*> shards);

  void start();
  Task<> stop();

  struct Wanted {
    std::string member;
    std::int64_t records_max = 0;
    std::int64_t batch_size = 0;
    bool strict = false;
    std::size_t bytes_max = 0;
    bool at_least_one = false;
    bool acquire = true;  ///< false: only says how many bytes there are
    bool wait = true;     ///< false: nothing from a partition whose state has to be read first; the next time there is
  };
  struct Fetched {
    ErrorCode error = ErrorCode::none;
    std::size_t bytes = 0;
    std::vector<kafka::AcquiredRecords> acquired;
    kafka::Records records;
    std::int32_t leader_epoch = -1;
  };
  /// These may be called from any shard. `topic` is the name of the key's topic.
  Task<Fetched> fetch(Key key, std::string topic, Wanted wanted);
  /// `batches` are in order, and each has one type or one for every offset.
  Task<ErrorCode> acknowledge(Key key, std::string topic, std::string member, std::vector<kafka::AcknowledgementBatch> batches);
  /// Gives back everything that a member holds.
  Task<> release(std::string group, std::string member);
  /// The group's state was changed from outside: it is read again on the next use.
  Task<> forget(std::string group);

 private:
  struct Entry {
    Key key;
    std::string topic;
    std::unique_ptr<coordinator::share::SharePartition> partition;  ///< null while it is being read
    std::int32_t state_epoch = 0;
    std::int32_t leader_epoch = 0;
    std::vector<std::shared_ptr<async::Waiter>> waiting;
  };
  using EntryPtr = std::shared_ptr<Entry>;
  struct PerShard {
    explicit PerShard(async::Shard& home) : shard(home), gate(home.context(), home.clock()), timer(home.context(), home.clock()) {}
    async::Shard& shard;
    async::Gate gate;
    async::Waiter timer;
    bool stopping = false;
    std::map<Key, EntryPtr> entries;
  };

  PerShard& per_shard(const async::Shard& shard) { return *per_shard_[static_cast<std::size_t>(shard.id())]; }
  coordinator::share::ShareLimits limits(const async::Shard& shard, const std::string& group) const;
  Task<std::expected<EntryPtr, ErrorCode>> find_or_load(PerShard& at, Key key, std::string topic);
  Task<ErrorCode> load(PerShard& at, EntryPtr entry);
  Task<> load_ahead(PerShard& at, Key key, std::string topic);
  Task<std::expected<Offset, ErrorCode>> first_offset(PerShard& at, std::shared_ptr<replication::Replica> replica, std::string group);
  Task<ErrorCode> write(PerShard& at, EntryPtr entry, coordinator::share::ShareChange change);
  Task<> write_back(PerShard& at, EntryPtr entry, coordinator::share::ShareChange change);
  void wake(const Entry& entry);
  Fetched read(PerShard& at, Entry& entry, replication::Replica& replica, const Wanted& wanted);
  Task<> expire_loop(PerShard& at);

  Task<Fetched> fetch_home(PerShard& at, Key key, std::string topic, Wanted wanted);
  Task<ErrorCode> acknowledge_home(PerShard& at, Key key, std::string topic, std::string member, std::vector<kafka::AcknowledgementBatch> batches);

  replication::ReplicaManager& replicas_;
  coordinator::share::ShareCoordinator& coordinator_;
  const MetadataCache& cache_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
};

}  // namespace meridian::server
