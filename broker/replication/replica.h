// Replica: one partition on its home shard: its log, its replication state, and those who wait for it.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "broker/replication/partition.h"
#include "broker/storage/compaction.h"
#include "common/async/gate.h"
#include "common/async/shard.h"

namespace meridian::replication {

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// A fetch that waits for more data. Lives on the shard of its connection; replicas of any shard wake it.
struct FetchWaiter {
  explicit FetchWaiter(async::Shard& home) : shard(home), waiter(home.context(), home.clock()) {}
  async::Shard& shard;
  async::Waiter waiter;
};

class Replica : public std::enable_shared_from_this<Replica> {
 public:
  Replica(TopicPartition id, Uuid topic_id, std::int32_t self, std::unique_ptr<storage::Log> log, async::Shard& shard, async::Gate& gate);

  const TopicPartition& id() const { return id_; }
  const Uuid& topic_id() const { return topic_id_; }
  storage::Log& log() { return *log_; }
  const Partition& partition() const { return partition_; }
  Offset high_watermark() const { return partition_.high_watermark(); }

  void apply(const metadata::PartitionRecord& record, const storage::LogConfig& config, std::int64_t min_insync);
  std::int64_t min_insync() const { return min_insync_; }

  /// Appends a client's batch and starts making it count; returns before it does.
  std::expected<storage::Appended, storage::AppendFailure> append(char* batch, std::size_t size, const storage::AppendRequest& request = {});
  /// The same for a transaction marker.
  std::expected<storage::Appended, storage::AppendFailure> append_marker(const kafka::TransactionMarker& marker, kafka::MarkerProducer producer);
  Offset last_stable_offset() { return log_->last_stable_offset(high_watermark()); }
  /// Wakes those who wait for data: also when the start offset moved.
  void wake_fetches();
  /// True once the high watermark is at or past `end`; false at the deadline, or when the log fails or the partition goes.
  Task<bool> wait_committed(Offset end, async::TimePoint deadline);

  void add_waiter(const std::shared_ptr<FetchWaiter>& waiter) { fetch_waiters_.push_back(waiter); }
  void remove_waiter(const std::shared_ptr<FetchWaiter>& waiter) { std::erase(fetch_waiters_, waiter); }

  /// One compaction run (storage::Log::compact); idle() waits for it.
  Task<Result<storage::CompactionStats>> compact(std::size_t map_entries_max, std::function<Task<bool>(std::uint64_t)> pause);

  /// Starts a flush if anything is unsynced.
  void request_flush();
  /// The partition is deleted or the broker stops: everybody who waits is let go.
  void shut();
  bool is_shut() const { return shut_; }
  /// Waits for a running flush and compaction; after shut() none starts again.
  Task<> idle();

 private:
  Task<> flush_loop(std::shared_ptr<Replica> self);
  void count_progress();
  void wake_all();

  TopicPartition id_;
  Uuid topic_id_;
  std::unique_ptr<storage::Log> log_;
  Partition partition_;
  async::Shard& shard_;
  async::Gate& gate_;
  std::int64_t min_insync_ = 1;
  bool flushing_ = false;
  bool compacting_ = false;
  bool shut_ = false;
  std::multimap<Offset, async::Waiter*> commit_waiters_;
  std::vector<std::shared_ptr<FetchWaiter>> fetch_waiters_;
  async::Waiter idle_;
};

}  // namespace meridian::replication
