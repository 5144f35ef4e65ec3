// ReplicaManager: every partition of this broker. Follows the metadata: opens, re-configures, deletes. Runs retention, flush.ms
// and checkpoints. A partition's home shard is a hash of its name; find() works there only.
#pragma once

#include <unordered_map>

#include "broker/metadata/metadata_service.h"
#include "broker/replication/replica.h"
#include "broker/storage/checkpoints.h"

namespace meridian::replication {

class ReplicaManager final : public metadata::MetadataPublisher {
 public:
  ReplicaManager(std::vector<async::Shard*> shards, io::Disk& disk, const config::Settings& settings, std::string data_directory, std::int32_t self);
  ~ReplicaManager() override;

  /// Reads the checkpoints and the clean-shutdown mark (and takes it away). Blocks. Before the first publish().
  Status prepare();
  bool was_clean() const { return clean_; }
  void start_maintenance();
  /// Flushes and closes every log, writes checkpoints and the clean-shutdown mark.
  Task<Status> stop();

  Task<> publish(metadata::ImagePtr image, metadata::MetadataDelta delta) override;

  async::Shard& home(std::string_view topic, std::int32_t partition);
  /// On the home shard only; nullptr when this broker does not have it.
  std::shared_ptr<Replica> find(const std::string& topic, std::int32_t partition);
  /// The partition exists, but its log could not be opened.
  bool failed(const std::string& topic, std::int32_t partition);
  /// Moves a partition's start offset (DeleteRecords); returns when that is on stable storage. -1: to the high watermark.
  Task<std::pair<kafka::ErrorCode, Offset>> delete_records(std::string topic, std::int32_t partition, Offset before);
  struct LogSize {
    TopicPartition id;
    std::uint64_t bytes;
  };
  struct Directory {
    std::string path;
    bool failed = false;
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;
    std::vector<LogSize> logs;  ///< by topic and partition
  };
  Task<std::vector<Directory>> directories();
  /// AlterReplicaLogDirs: to where it is already, or an error.
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
    /// Logs that could not be opened, with the recovery points that their damage was judged by.
    std::map<TopicPartition, Offset> failed;
  };
  struct Opened {
    std::int32_t partition;
    Result<std::unique_ptr<storage::Log>> log;
  };

  PerShard& per_shard(const async::Shard& shard) { return *per_shard_[static_cast<std::size_t>(shard.id())]; }
  Task<> apply_topic(std::shared_ptr<const metadata::TopicImage> topic);
  Task<> install(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic, const storage::LogConfig& config, std::vector<Opened> opened);
  Task<> remove_topic(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic);
  Result<std::unique_ptr<storage::Log>> open_log(const metadata::TopicImage& topic, std::int32_t partition, const storage::LogConfig& config);
  Task<> maintain(PerShard& home);
  Task<Status> close_logs(PerShard& home);
  Task<> clean(PerShard& home);
  Task<bool> throttle_cleaning(PerShard& home, std::shared_ptr<Replica> replica, async::TimePoint began, double seconds);
  struct Checkpoints {
    storage::OffsetCheckpoint recovery, start, clean;
  };
  Task<> collect(PerShard& home, Checkpoints& points);
  Task<Status> write_checkpoints();
  std::string directory(std::string_view topic, std::int32_t partition) const;

  std::vector<async::Shard*> shards_;
  io::Disk& disk_;
  const config::Settings& settings_;
  std::string data_directory_;
  std::int32_t self_;
  bool clean_ = false;
  bool first_publish_ = true;
  bool writing_checkpoints_ = false;
  std::vector<async::Waiter*> checkpoint_waiters_;
  storage::OffsetCheckpoint recovery_points_;  ///< of the last run; used while the first image is opened
  storage::OffsetCheckpoint start_offsets_;
  storage::OffsetCheckpoint clean_points_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
};

}  // namespace meridian::replication
