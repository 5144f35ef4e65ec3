// OffsetMap: which source offset of a partition is which target offset, for every record, both ways. Pure.
//
// Runs (source base, target base, count) of consecutive offsets; a gap in the source (transaction marker, compaction, filter) or in
// the target (abort marker of a fence) starts a new run. A typical partition has one run. Stored delta-coded in chunks: the last
// chunk is written again while it grows, the others are final (docs/formats/offset-map.md).
#pragma once

#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace meridian::mirror {

struct Run {
  Offset source = 0;
  Offset target = 0;
  std::int64_t count = 0;
  Offset source_end() const { return source + count; }
  Offset target_end() const { return target + count; }
  bool operator==(const Run&) const = default;
};

/// Where reading and writing go on: the first offsets that are not mapped.
struct Position {
  Offset source = 0;
  Offset target = 0;
  bool operator==(const Position&) const = default;
};

class OffsetMap {
 public:
  static constexpr std::size_t runs_per_chunk = 1024;

  /// Appends a run behind the last one; joins it where both offsets continue.
  void add(Run run);
  /// Source offsets below `source` without a run are known to hold no record (end of a read, trailing markers).
  void scanned_to(Offset source);
  /// The target's end moved without a record of ours (a fence's marker).
  void target_end_is(Offset target);

  bool empty() const { return runs_.empty(); }
  const std::vector<Run>& runs() const { return runs_; }
  Position next() const { return {scanned_, target_next_}; }

  /// Target position for a source position (the next offset to read): the first record at or after it.
  /// nullopt: beyond what is replicated, so not known yet.
  std::optional<Offset> to_target(Offset source) const;
  /// Source position for a target position; nullopt beyond the replicated end.
  std::optional<Offset> to_source(Offset target) const;
  /// Mapped records at or after a source position.
  std::int64_t records_from(Offset source) const;

  std::size_t chunk_count() const { return (runs_.size() + runs_per_chunk - 1) / runs_per_chunk; }
  /// Chunk `i`, with the position that follows it.
  Bytes encode_chunk(std::size_t i) const;
  /// Chunks in order of their numbers.
  static Result<OffsetMap> decode(const std::vector<Bytes>& chunks);

 private:
  std::vector<Run> runs_;
  Offset scanned_ = 0;
  Offset target_next_ = 0;
};

}  // namespace meridian::mirror
