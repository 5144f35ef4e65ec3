// Log: the records of one partition: an ordered list of segments, the last of which takes appends.
//
//     log start          recovery point     synced end     end
//        |---- segment ----|---- segment ----|--- active ----|
//
// Offsets below `synced_end` are on stable storage. What lies above may be lost or torn by a crash; recovery cuts it at the first
// batch that does not check. Belongs to one shard. A failed write that cannot be undone, or a failed sync, takes the log offline, with all
// others of its directory: they then refuse everything, because what the device holds is unknown.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>

#include "broker/storage/leader_epochs.h"
#include "broker/storage/producer_state.h"
#include "broker/storage/segment.h"
#include "common/async/task.h"

namespace meridian::storage {

enum class AppendError {
  corrupt,
  too_large,
  out_of_order_sequence,
  invalid_producer_epoch,
  invalid_txn_state,  ///< the batch does not fit the producer's transaction, or nobody proved that there is one
  invalid_timestamp,
  invalid_record,
  unsupported_compression,
  unexpected_offset,  ///< the log does not end where the caller said
  offline,            ///< the log or its directory has failed
};

/// A record that broke a rule: its place in the batch and why.
struct RecordError {
  std::int32_t index = 0;
  std::string message;
};

struct AppendFailure {
  AppendError code;
  std::string message;
  std::vector<RecordError> records = {};
};

struct AppendRequest {
  /// Append only if the log ends there (a known retry is still answered as one).
  std::optional<Offset> expected = {};
  /// Of a transactional batch: see ProducerState.
  VerificationTicket ticket = 0;
};

struct Appended {
  Offset base_offset = -1;
  Offset last_offset = -1;
  std::int64_t log_append_time_ms = -1;  ///< -1 under CreateTime
  bool duplicate = false;                ///< an idempotent producer's retry: nothing was appended
};

/// What a read found: whole batches; the first may begin below the offset that was asked for.
struct ReadResult {
  std::vector<io::FileSlice> slices;
  std::size_t size = 0;
  Offset next_offset = -1;  ///< first offset after what was found
};

struct CompactionStats;
struct CompactionGroup;

/// Shared by the logs of one directory: what one of them finds out about the device holds for all.
struct DirectoryHealth {
  std::atomic<bool> failed{false};
};

class Log {
 public:
  struct Options {
    std::string directory;
    LogConfig config;
    /// Everything below was on stable storage when this was noted; damage there is reported, never cut.
    Offset recovery_point = 0;
    /// Lower bound for the log start offset, from the checkpoint.
    Offset start_offset = 0;
    /// Compaction has been up to here, from the checkpoint.
    Offset clean_point = 0;
    /// The last shutdown was clean: no scan is needed.
    bool clean = false;
    std::shared_ptr<DirectoryHealth> health = std::make_shared<DirectoryHealth>();
  };
  /// Opens or creates a log; after an unclean end it recovers it first (log_recovery.cc). Blocks.
  static Result<std::unique_ptr<Log>> open(io::Disk& disk, Options options, std::int64_t now_ms);

  /// Appends one batch from a client. Checks it, assigns offsets and `leader_epoch` in place, and writes it to the page cache.
  std::expected<Appended, AppendFailure> append(char* batch, std::size_t size, std::int32_t leader_epoch, std::int64_t now_ms,
                                                const AppendRequest& request = {});
  /// Ends a producer's transaction here, whether or not one is open: the marker raises the producer's epoch either way.
  std::expected<Appended, AppendFailure> append_marker(const kafka::TransactionMarker& marker, kafka::MarkerProducer producer, std::int32_t leader_epoch,
                                                       std::int64_t now_ms);

  /// Whole batches from the one that contains `from` on, below `limit`, up to `bytes_max` but at least one when `at_least_one`.
  Result<ReadResult> read(Offset from, Offset limit, std::size_t bytes_max, bool at_least_one);

  Offset start_offset() const { return start_offset_; }
  Offset end_offset() const { return end_offset_; }
  Offset synced_end_offset() const { return synced_end_; }
  /// Below it data and indexes are stable: recovery trusts whole segments there.
  Offset recovery_point() const { return unsynced_.empty() ? synced_end_ : std::min(synced_end_, unsynced_.front().base_offset); }
  std::uint64_t size_bytes() const;
  bool offline() const { return health_->failed; }

  /// Makes everything appended so far stable. One call at a time; an error takes the log offline.
  Task<Status> flush();
  /// The same at once, for start and stop. Blocks.
  Status flush_blocking();
  /// Also where only what belongs to rolled segments is not stable yet.
  bool needs_flush() const { return synced_end_ < end_offset_ || !unsynced_.empty(); }

  /// First record with a timestamp >= `timestamp_ms`, below `limit`.
  Result<std::optional<TimestampHit>> find_timestamp(std::int64_t timestamp_ms, Offset limit);
  /// The record with the largest timestamp, below `limit`.
  Result<std::optional<TimestampHit>> find_max_timestamp(Offset limit);

  /// Drops segments that retention no longer keeps, all below `limit`; moves the start offset. Removes files in the background.
  Task<Status> enforce_retention(std::int64_t now_ms, Offset limit);
  /// How much of the log compaction has not seen (log.cleaner.*, min.cleanable.dirty.ratio and the lags).
  struct Dirtiness {
    std::uint64_t clean_bytes = 0;
    std::uint64_t dirty_bytes = 0;
    Offset end = 0;  ///< up to here it may go
    double ratio = 0;
    bool due = false;
    bool roll = false;  ///< the active segment holds records that max.compaction.lag.ms wants compacted
  };
  Dirtiness dirtiness(std::int64_t now_ms, Offset high_watermark);
  /// One compaction run. `pause` is awaited between groups of segments with the bytes read so far; false
  /// ends the run. One run at a time; retention waits.
  Task<Result<CompactionStats>> compact(std::int64_t now_ms, Offset high_watermark, std::size_t map_entries_max,
                                        std::function<Task<bool>(std::uint64_t)> pause);
  bool compacting() const { return compacting_; }
  /// Held, no file goes or is replaced: retention and compaction wait.
  void hold_files(bool on) { held_ = on; }
  std::uint64_t active_bytes() const { return segments_.rbegin()->second->size(); }
  Offset clean_point() const { return clean_point_; }
  Status roll();

  void set_config(const LogConfig& config) { config_ = config; }
  const LogConfig& config() const { return config_; }

  /// Leader epoch cache, kept in step with appends; written out when it changes.
  const LeaderEpochs& leader_epochs() const { return epochs_; }
  ProducerState& producer_state() { return producers_; }
  /// See ProducerState; not below the start offset.
  Offset last_stable_offset(Offset high_watermark) { return std::max(start_offset_, producers_.last_stable_offset(high_watermark)); }
  /// Aborted transactions with records in [from, to), by marker.
  std::vector<AbortedTransaction> aborted_transactions(Offset from, Offset to);
  /// Moves the start offset to `offset`, which is inside the log; the files go with the next retention run.
  Status delete_records_before(Offset offset);
  void expire_producers(std::int64_t before_ms) { producers_.expire(before_ms); }

  /// Syncs everything and writes a producer snapshot. Blocks.
  Status close();
  const std::string& directory() const { return directory_; }
  std::size_t segment_count() const { return segments_.size(); }

 private:
  friend class LogRecovery;
  Log(io::Disk& disk, Options options);

  Segment& active() { return *segments_.rbegin()->second; }
  std::expected<void, AppendFailure> write(kafka::BatchHeader& header, char* bytes, std::size_t size, std::int32_t leader_epoch, std::int64_t now_ms);
  std::expected<std::int64_t, AppendFailure> check(const kafka::BatchHeader& header, ByteView batch, std::int64_t now_ms) const;
  std::optional<Appended> find_forgotten(const kafka::BatchHeader& header);
  Status touch();
  Status roll_if_needed(const kafka::BatchHeader& header, std::size_t size, std::int64_t now_ms);
  Status replace(CompactionGroup& group);
  Status write_epochs();
  using Files = std::vector<std::shared_ptr<io::File>>;
  Files with_rolled(Files of_active) const;
  Status make_stable(const Files& files);
  Status write_snapshot(Offset offset);
  void take_offline(const std::string& why);
  /// The segment that holds `offset`, or the first one after it.
  std::map<Offset, std::unique_ptr<Segment>>::iterator segment_for(Offset offset);

  io::Disk& disk_;
  std::string directory_;
  std::shared_ptr<DirectoryHealth> health_;
  LogConfig config_;
  std::map<Offset, std::unique_ptr<Segment>> segments_;
  Offset start_offset_ = 0;
  Offset end_offset_ = 0;
  Offset synced_end_ = 0;
  /// Rolled segments whose data or indexes are not stable yet, oldest first.
  struct Rolled {
    Offset base_offset;
    std::vector<std::shared_ptr<io::File>> files;
  };
  std::vector<Rolled> unsynced_;
  bool directory_dirty_ = true;  ///< a file was created since the directory was synced
  bool compacting_ = false;
  bool held_ = false;
  Offset clean_point_ = 0;
  bool touched_ = false;  ///< something was appended or recovered since the files were last known to be stable
  ProducerState producers_;
  LeaderEpochs epochs_;
  /// Where the last reads ended: sequential readers need no index.
  struct Hint {
    Offset offset = -1;
    Offset segment = 0;
    std::uint64_t position = 0;
  };
  static constexpr std::size_t hints_max = 4;
  std::array<Hint, hints_max> hints_{};
  std::size_t next_hint_ = 0;
};

}  // namespace meridian::storage
