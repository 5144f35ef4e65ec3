// LogDirectory: one of log.dirs: its checkpoints, its clean-shutdown mark, and whether it works. When one fails, the logs in it are offline
// and the others go on (KIP-112).
#pragma once

#include <atomic>

#include "broker/storage/checkpoints.h"
#include "broker/storage/log.h"

namespace meridian::replication {

/// Behind a log's directory name, after the topic's id: it goes; it is being copied to here; it was moved from here (log_move.h).
inline constexpr const char* deleted_suffix = "-delete";
inline constexpr const char* future_suffix = "-future";
inline constexpr const char* moved_suffix = "-moved";
/// No topic owns it, since its directory was away when the topic was deleted: kept for whoever runs the broker, never read again.
inline constexpr const char* stray_suffix = "-stray";

class LogDirectory {
 public:
  LogDirectory(io::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  /// Reads the checkpoints and the clean-shutdown mark (and takes it away); removes what deletions and unfinished moves left behind. Blocks. After an error the
  /// directory has failed.
  Status prepare();
  /// From now on it has, and the logs in it are offline; says why, the first time.
  void mark_failed(std::string_view why);
  const std::string& path() const { return path_; }
  std::string absolute() const { return disk_.absolute(path_); }
  std::string log_path(std::string_view topic, std::int32_t partition) const;
  bool was_clean() const { return clean_; }
  bool failed() const { return health_->failed; }

  /// How a log in here is opened: with what the last run noted of it, until forget_last_run().
  storage::Log::Options log_options(const std::string& topic, std::int32_t partition, const storage::LogConfig& config) const;
  void forget_last_run();

  struct Points {
    storage::OffsetCheckpoint recovery, start, clean;
  };
  /// Topic id of the log that is here under this name; what has no readable id holds no records. Blocks.
  std::optional<Uuid> owner(std::string_view topic, std::int32_t partition) const;
  /// Renames a log so that no topic takes it for its own. Blocks.
  Status set_aside(std::string_view topic, std::int32_t partition, Uuid owner);
  /// The same for every log that `wanted` knows nothing of.
  Status set_strays_aside(const std::function<bool(const std::string& topic, std::int32_t partition)>& wanted);
  /// Both block.
  Status write_checkpoints(const Points& points);
  Status mark_clean();
  /// Entries of the directory itself are on stable storage afterwards, or it has failed. Blocks.
  void sync_names();

  std::atomic<std::int64_t> log_count{0};  ///< new logs go where the fewest are

 private:
  std::string file(const char* name) const { return path_ + "/" + name; }
  Status read_last_run();

  io::Disk& disk_;
  std::string path_;
  std::shared_ptr<storage::DirectoryHealth> health_ = std::make_shared<storage::DirectoryHealth>();
  bool clean_ = false;
  bool last_run_counts_ = true;
  Points last_run_;
};

}  // namespace meridian::replication
