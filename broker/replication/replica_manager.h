// ReplicaManager: every partition of this broker. Follows the metadata: opens, re-configures, deletes. Runs retention, flush.ms
// and checkpoints. A partition's home shard is a hash of its name; find() works there only.
#pragma once

#include <mutex>

#include "broker/metadata/metadata_service.h"
#include "broker/replication/directory_identity.h"
#include "broker/replication/log_move.h"
#include "broker/replication/replica.h"

namespace meridian::replication {

class ReplicaManager final : public metadata::MetadataPublisher {
 public:
  ReplicaManager(std::vector<async::Shard*> shards, io::Disk& disk, const config::Settings& settings, const std::vector<std::string>& log_directories,
                 std::int32_t self);
  ~ReplicaManager() override;

  /// Reads what the last run left in the log directories. Blocks. Before the first publish(). A directory that cannot be used is left out, with
  /// the partitions in it; an error where none can, or they are not those of one broker. `random` names new directories.
  Status prepare(base::Random& random);
  bool was_clean() const;
  /// `on_all_failed` is called, on the control shard, when no directory works any more.
  void start_maintenance(std::function<void()> on_all_failed);
  /// Flushes and closes every log, writes checkpoints and the clean-shutdown mark.
  Task<Status> stop();

  Task<> publish(metadata::ImagePtr image, metadata::MetadataDelta delta) override;

  async::Shard& home(std::string_view topic, std::int32_t partition);
  /// On the home shard only; nullptr when this broker does not have it.
  std::shared_ptr<Replica> find(const std::string& topic, std::int32_t partition);
  /// The partition exists, but its log could not be opened.
  bool failed(const std::string& topic, std::int32_t partition);
  /// From any shard: a log directory has failed or is missing, so partitions may be offline.
  bool any_directory_away() const;
  /// On the home shard: the partition's log directory has failed, and nobody can lead it.
  bool offline(const std::string& topic, std::int32_t partition);
  /// Moves a partition's start offset (DeleteRecords); returns when that is on stable storage. -1: to the high watermark.
  Task<std::pair<kafka::ErrorCode, Offset>> delete_records(std::string topic, std::int32_t partition, Offset before);
  struct LogSize {
    TopicPartition id;
    std::uint64_t bytes;
    bool future = false;  ///< on its way into this directory
  };
  struct Directory {
    std::string path;
    bool failed = false;
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;
    std::vector<LogSize> logs;  ///< by topic and partition
  };
  Task<std::vector<Directory>> directories();
  /// AlterReplicaLogDirs: starts to move a log; directories() tells how far it is.
  Task<kafka::ErrorCode> move_log(std::string topic, std::int32_t partition, std::string directory);
  /// Sum over all logs, for metrics. Any shard.
  Task<std::uint64_t> size_bytes();

 private:
  struct PerShard {
    explicit PerShard(async::Shard& home) : shard(home), gate(home.context(), home.clock()), stop(home.context(), home.clock()) {}
    async::Shard& shard;
    async::Gate gate;
    async::Waiter stop;
    bool stopping = false;
    std::shared_ptr<const config::Settings> settings;  ///< of the newest image
    std::map<std::string, std::map<std::int32_t, std::shared_ptr<Replica>>, std::less<>> topics;
    /// Logs that could not be opened, or are being swapped, with the checkpoints that stay true of them.
    struct Failed {
      LogDirectory* directory;  ///< nullptr: in one that does not work
      Offset recovery_point = 0;
      Offset start_offset = 0;
      Offset clean_point = 0;
    };
    std::map<TopicPartition, Failed> failed;
    struct Move {
      LogDirectory* to = nullptr;
      std::uint64_t bytes = 0;  ///< copied so far
    };
    std::map<TopicPartition, Move> moves;
    std::map<std::string, std::shared_ptr<const metadata::TopicImage>, std::less<>> images;  ///< newest, of the topics above
  };
  struct Opened {
    std::int32_t partition;
    LogDirectory* directory;
    Result<std::unique_ptr<storage::Log>> log;
  };

  PerShard& per_shard(const async::Shard& shard) { return *per_shard_[static_cast<std::size_t>(shard.id())]; }
  Task<> apply(PerShard& home, metadata::ImagePtr image, const metadata::MetadataDelta& delta);
  Task<> open_missing(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic);
  Task<> install(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic, const storage::LogConfig& config, std::vector<Opened> opened);
  Task<> remove_topic(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic);
  Result<LogDirectory*> find_directory(const metadata::TopicImage& topic, std::int32_t partition);
  /// Where a log begins that is nowhere: where the fewest are. Counts it. nullptr: no directory works.
  LogDirectory* place_new();
  bool all_failed() const;
  Opened open_log(const metadata::TopicImage& topic, std::int32_t partition, const storage::LogConfig& config, bool may_create);
  LogDirectory* directory_of(const storage::Log& log);
  Task<kafka::ErrorCode> start_move(PerShard& home, TopicPartition id, LogDirectory* to);
  Task<> move(PerShard& home, TopicPartition id);
  Task<Result<bool>> copy_sealed(PerShard& home, TopicPartition id, std::shared_ptr<Replica> replica, LogMove& work);
  Task<Status> swap(PerShard& home, TopicPartition id, std::shared_ptr<Replica> replica, LogMove& work);
  Task<> maintain(PerShard& home);
  Task<Status> close_logs(PerShard& home);
  Task<> clean(PerShard& home);
  Task<bool> throttle_cleaning(PerShard& home, std::shared_ptr<Replica> replica, async::TimePoint began, double seconds);
  using Points = std::map<LogDirectory*, LogDirectory::Points>;
  Task<> collect(PerShard& home, Points& points);
  Task<Status> write_checkpoints();

  std::vector<async::Shard*> shards_;
  io::Disk& disk_;
  const config::Settings& settings_;
  std::vector<std::unique_ptr<LogDirectory>> directories_;
  std::mutex placing_;  ///< of new logs, which shards open side by side
  std::int32_t self_;
  bool first_publish_ = true;
  bool directory_missing_ = false;  ///< at start, one that there was could not be used or was not named
  bool writing_checkpoints_ = false;
  std::vector<async::Waiter*> checkpoint_waiters_;
  std::function<void()> on_all_failed_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
};

}  // namespace meridian::replication
