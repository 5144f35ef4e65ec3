// Compaction: rewrites the older segments of a log so that of each key the last record stays (Kafka's log cleaner).
//
//     start            clean point            uncleanable           end
//       |---- clean ----|------- dirty --------|---- active ... ----|
//
// A run reads the dirty part into a map key -> newest offset and then rewrites everything before its end without the records that the map
// outdates, without records of aborted transactions, and without tombstones and markers whose delete horizon has passed (KIP-534). The last
// batch of each rewritten group stays, empty if need be, so that a file always ends where its group ended.
#pragma once

#include <array>

#include "broker/storage/log.h"

namespace meridian::storage {

/// Key digest -> newest offset. 24 bytes an entry; grows up to a limit.
class KeyMap {
 public:
  using Digest = std::array<std::uint64_t, 2>;
  static Digest digest(ByteView key);

  explicit KeyMap(std::size_t entries_max) : entries_max_(entries_max), slots_(1024) {}
  /// False when the map is full and the key is not in it.
  bool put(const Digest& key, Offset offset);
  /// -1: not in the map.
  Offset find(const Digest& key) const;
  std::size_t size() const { return used_; }

 private:
  struct Slot {
    Digest key{};
    Offset offset = -1;  ///< -1: free
  };
  std::size_t place(const Digest& key) const;
  std::size_t entries_max_;
  std::size_t used_ = 0;
  std::vector<Slot> slots_;
};

struct CompactionStats {
  Offset clean_to = 0;  ///< everything before is clean now
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::uint64_t records_dropped = 0;
};

/// Segments that one new segment replaces.
struct CompactionGroup {
  std::vector<Segment*> old;
  std::unique_ptr<Segment> made;  ///< its files end in ".cleaned"
};

/// What a run works on. Made on the log's shard; the work itself touches sealed segments alone and runs in the pool.
class Compaction {
 public:
  struct Source {
    std::vector<Segment*> segments;  ///< from the log's start to the end of the dirty part
    Offset start = 0;
    Offset clean_point = 0;
    Offset end = 0;
    LogConfig config;
    std::int64_t now_ms = 0;
    std::string directory;
    std::vector<AbortedTransaction> aborted;
    /// Where each producer's last batch ends: it stays, if only as an empty batch that carries the sequence.
    std::unordered_map<std::int64_t, Offset> last_batches;
  };
  using Group = CompactionGroup;

  Compaction(io::Disk& disk, Source source, std::size_t map_entries_max) : disk_(disk), source_(std::move(source)), map_(map_entries_max) {}

  /// Blocks. Reads the dirty part; afterwards end() says how far the map reaches.
  Status build_map();
  Offset end() const { return source_.end; }
  /// Segments by the group that will replace them.
  std::vector<Group> groups() const;
  /// Blocks. Writes and syncs the group's new segment.
  Status rewrite(Group& group);
  const CompactionStats& stats() const { return stats_; }

 private:
  bool aborted(const kafka::BatchHeader& header) const;
  bool keep(const kafka::RecordView& record, std::optional<std::int64_t> horizon) const;
  Status copy_batch(const kafka::BatchHeader& header, ByteView batch, bool last, Segment& to);
  Status copy_marker(const kafka::BatchHeader& header, ByteView batch, bool last, Segment& to);
  Status write(Segment& to, Bytes batch);

  io::Disk& disk_;
  Source source_;
  KeyMap map_;
  CompactionStats stats_;
  /// Producers with batches of the transaction that is open at the point the rewriting has reached.
  std::unordered_map<std::int64_t, bool> seen_;
};

/// Puts a rewritten segment in the place of the old ones; every step can be repeated after a crash (finish_swap).
Status commit_swap(io::Disk& disk, const std::string& directory, Offset base_offset, const std::vector<Segment*>& old);
/// After a crash: completes or undoes swaps. The base offsets of segments whose indexes must be rebuilt. `names`: the directory's files, made
/// true again where some were changed.
Result<std::vector<Offset>> finish_swaps(io::Disk& disk, const std::string& directory, std::vector<std::string>& names);

}  // namespace meridian::storage
