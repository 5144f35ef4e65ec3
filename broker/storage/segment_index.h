// Sparse indexes of a segment: `.index` (offset -> position) and `.timeindex` (timestamp -> offset).
// Entries are fixed-size and big-endian; look-ups are binary searches that read the file, so idle partitions cost no memory.
// Layout: docs/formats/segment.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/io/disk.h"

namespace meridian::storage {

/// `key` and `value` of the two kinds: (relative offset INT32, position INT32), (timestamp INT64, relative offset INT32).
struct IndexEntry {
  std::int64_t key = 0;
  std::int64_t value = 0;
};

class SegmentIndex {
 public:
  enum class Kind { offset, time };
  SegmentIndex(io::Disk& disk, std::string path, Kind kind) : disk_(disk), path_(std::move(path)), kind_(kind) {}

  /// Keys must grow; an entry whose key does not is ignored.
  Status append(IndexEntry entry);
  /// Last entry with key <= `key`; nullopt when there is none.
  Result<std::optional<IndexEntry>> floor(std::int64_t key);
  Result<std::optional<IndexEntry>> last();
  Result<std::int64_t> count();
  /// Drops every entry; what follows is a rebuild.
  Status clear();
  /// Drops entries from the first one on whose position (offset index) or offset (time index) is `value` or more.
  Status truncate_values(std::int64_t value);
  Status sync();
  /// Null before the first use.
  const std::shared_ptr<io::File>& file() const { return file_; }
  const std::string& path() const { return path_; }

 private:
  std::size_t entry_bytes() const { return kind_ == Kind::offset ? 8 : 12; }
  Status open();
  Result<IndexEntry> at(std::int64_t i);

  io::Disk& disk_;
  std::string path_;
  Kind kind_;
  std::shared_ptr<io::File> file_;  ///< opened at first use
  std::int64_t count_ = 0;
  std::optional<IndexEntry> last_;
};

}  // namespace meridian::storage
