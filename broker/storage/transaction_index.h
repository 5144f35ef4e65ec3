// TransactionIndex: the aborted transactions whose markers are in one segment (`.txnindex`, KIP-98). Readers with read_committed are told
// of them, so that they leave aborted records out. Kept in memory too: an entry is 34 bytes and aborts are rare.
#pragma once

#include <vector>

#include "common/io/disk.h"

namespace meridian::storage {

struct AbortedTransaction {
  std::int64_t producer_id = 0;
  Offset first_offset = 0;
  Offset last_offset = 0;         ///< of the marker
  Offset last_stable_offset = 0;  ///< after the marker: nothing undecided lies before it
  bool operator==(const AbortedTransaction&) const = default;
};

class TransactionIndex {
 public:
  TransactionIndex(io::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  /// Reads the file of an earlier run; a missing one is empty, a torn last entry is dropped.
  Status load();
  Status append(const AbortedTransaction& entry);
  /// Empties it, for a rebuild.
  Status clear();

  const std::vector<AbortedTransaction>& entries() const { return entries_; }
  /// Null while the index is empty.
  const std::shared_ptr<io::File>& file() const { return file_; }

 private:
  io::Disk& disk_;
  std::string path_;
  std::shared_ptr<io::File> file_;
  std::vector<AbortedTransaction> entries_;
};

}  // namespace meridian::storage
