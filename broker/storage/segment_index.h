// Sparse indexes of a segment: `.index` (offset -> position) and `.timeindex` (timestamp -> offset).
// Entries are fixed-size and big-endian; look-ups are binary searches that read the file, so idle partitions cost no memory.
// Layout: docs/formats/segment.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

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

  /// Keys must grow; an entry whose key does not is ignored. Entries gather in memory and are written together.
  Status append(IndexEntry entry);
  /// Last entry with key <= `key`; nullopt when there is none.
  Result<std::optional<IndexEntry>> floor(std::int64_t key);
  Result<std::optional<IndexEntry>> last();
  /// Drops every entry; what follows is a rebuild.
  Status clear();
  /// Writes what is still in memory. The file, to be synced; null for an index without entries.
  Result<std::shared_ptr<io::File>> write_out();
  const std::string& path() const { return path_; }

 private:
  /// Entries that are kept in memory at most: an index is written once in a while, not with every batch.
  static constexpr std::size_t buffered_max = 128;
  std::size_t entry_bytes() const { return kind_ == Kind::offset ? 8 : 12; }
  Status load();
  Result<std::shared_ptr<io::File>> open();
  Result<IndexEntry> read(io::File& file, std::int64_t i) const;

  io::Disk& disk_;
  std::string path_;
  Kind kind_;
  bool loaded_ = false;       ///< written_ and last_ are known
  std::int64_t written_ = 0;  ///< entries in the file
  std::vector<IndexEntry> buffered_;
  std::optional<IndexEntry> last_;
};

}  // namespace meridian::storage
