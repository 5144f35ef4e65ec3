// Which log directory is which, as in KIP-858: an empty one where another was (a volume that is not mounted) is noticed, and no log begins
// anew whose records may lie in a directory that is away.
#pragma once

#include <map>

#include "broker/replication/log_directory.h"
#include "common/base/random.h"

namespace meridian::replication {

inline constexpr const char* directory_metadata_file = "directory.metadata";

/// What directory.metadata says (docs/formats/checkpoints.md).
struct DirectoryMetadata {
  Uuid id;
  Uuid metadata_directory;             ///< the first of log.dirs, which holds the broker's metadata
  std::map<Uuid, std::string> others;  ///< in that one alone: every other log directory, with the path where it was last seen

  bool operator==(const DirectoryMetadata&) const = default;
};

Bytes encode_directory_metadata(const DirectoryMetadata& metadata);
/// Errc::corrupt where a line is not understood.
Result<DirectoryMetadata> decode_directory_metadata(ByteView text);

using LogDirectories = std::vector<std::unique_ptr<LogDirectory>>;

/// Reads which directory each is and gives new ones an id; one that cannot be read, or has none where another was, has failed afterwards. Says
/// whether a directory is away, in which a log may be that is found nowhere. Errc::refused: these are not the directories of one broker,
/// and nothing was changed in them. Blocks.
Result<bool> identify(io::Disk& disk, base::Random& random, const LogDirectories& directories);

}  // namespace meridian::replication
