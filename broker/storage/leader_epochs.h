// LeaderEpochs: which leader epoch began at which offset (KIP-101). Pure; stored in `leader-epoch-checkpoint`.
#pragma once

#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace meridian::storage {

class LeaderEpochs {
 public:
  struct Entry {
    std::int32_t epoch;
    Offset start_offset;
    bool operator==(const Entry&) const = default;
  };

  /// Notes that `epoch` begins at `start_offset`; true when that is news. Epochs never go back.
  bool assign(std::int32_t epoch, Offset start_offset);
  /// Largest known epoch <= `epoch` and the offset at which the next epoch starts (`log_end` for the latest).
  /// (-1, -1) when nothing is known about it.
  Entry end_offset_for(std::int32_t epoch, Offset log_end) const;
  /// Epoch of the record at `offset`; -1 when unknown.
  std::int32_t epoch_at(Offset offset) const;
  std::int32_t latest() const { return entries_.empty() ? -1 : entries_.back().epoch; }
  void truncate_end(Offset end);
  void truncate_start(Offset start);
  const std::vector<Entry>& entries() const { return entries_; }

  /// Kafka's text format: version, count, then "epoch offset" lines.
  Bytes encode() const;
  static Result<LeaderEpochs> decode(ByteView text);

 private:
  std::vector<Entry> entries_;
};

}  // namespace meridian::storage
