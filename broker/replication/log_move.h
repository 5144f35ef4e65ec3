// LogMove: the files of one log on their way to another directory (AlterReplicaLogDirs, KIP-113). While the log goes on being written, files that do
// not change any more are copied to NAME.ID-future; when it stands still, finish() copies the rest and swaps the names.
//
// The names at each moment tell a start after a crash where the log is (settle()):
//   NAME in the old directory, perhaps NAME.ID-future in the new one       nothing happened yet
//   NAME.ID-moved in the old one, NAME.ID-future in the new one            not swapped: the old one gets its name back
//   NAME.ID-moved in the old one, NAME in the new one                      swapped: the old one goes
// Everything here blocks.
#pragma once

#include <set>

#include "broker/replication/log_directory.h"

namespace meridian::replication {

class LogMove {
 public:
  /// `name`: TOPIC-PARTITION; `id`: of the topic.
  LogMove(io::Disk& disk, const LogDirectory& from, const LogDirectory& to, const std::string& name, const std::string& id);

  /// Copies files of segments that begin below `sealed_end`, at most about `bytes_max`; true when all of them are there.
  Result<bool> advance(Offset sealed_end, std::uint64_t bytes_max);
  /// The log is closed: copies the rest and swaps. After an error the log is where it was, unless Errc::corrupt says that it is not.
  Status finish();
  /// Removes what was copied, or after finish() what it was copied from.
  void abandon();
  void remove_source();
  std::uint64_t bytes() const { return bytes_; }

  /// At start, all directories work: carries out or takes back what a crash cut short.
  static Status settle(io::Disk& disk, const std::vector<std::unique_ptr<LogDirectory>>& directories);

 private:
  Status copy(const std::string& file);

  io::Disk& disk_;
  std::string from_directory_, to_directory_;
  std::string source_, moved_, future_, target_;
  std::set<std::string> copied_;
  std::uint64_t bytes_ = 0;
};

}  // namespace meridian::replication
