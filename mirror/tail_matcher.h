// TailMatcher: finds the first source record that the target does not have yet, after a crash. Pure.
//
// The tail is what the target holds behind the last persisted pair: records that an earlier owner copied, in source order, without a
// gap. Meanwhile the source may have lost some of them (compaction, retention), never the other way round. So source records are
// taken in order, and each is looked for at or behind the tail's current place; the first that is not found there is new.
#pragma once

#include <vector>

#include "mirror/offset_map.h"

namespace meridian::mirror {

/// What a record is recognised by: timestamp, key, value and headers, as one hash.
struct Fingerprint {
  std::uint64_t value = 0;
  bool operator==(const Fingerprint&) const = default;
};

Fingerprint fingerprint(std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value, ByteView headers);

class TailMatcher {
 public:
  struct TailRecord {
    Offset target = 0;
    Fingerprint print;
  };

  TailMatcher(std::vector<TailRecord> tail, Position pair) : tail_(std::move(tail)), pair_(pair) {}

  enum class Verdict {
    matched,    ///< the target has it, at matched_at()
    first_new,  ///< reading goes on here
    foreign,    ///< the tail matches nothing although it should: somebody else wrote to the target
  };
  Verdict take(Offset source, const Fingerprint& print);
  Offset matched_at() const { return tail_[next_ - 1].target; }
  /// Every tail record was passed; the next source record is new.
  bool exhausted() const { return next_ == tail_.size(); }
  std::size_t left() const { return tail_.size() - next_; }

 private:
  std::vector<TailRecord> tail_;
  Position pair_;
  std::size_t next_ = 0;
  bool any_ = false;
};

}  // namespace meridian::mirror
