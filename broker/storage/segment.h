// Segment: one `.log` file of consecutive record batches with its two sparse indexes.
#pragma once

#include <functional>

#include "broker/storage/log_config.h"
#include "broker/storage/segment_index.h"
#include "broker/storage/transaction_index.h"
#include "common/kafka/record_batch.h"

namespace meridian::storage {

/// A batch header and where it stands in its segment.
struct BatchPosition {
  kafka::BatchHeader header;
  std::uint64_t position = 0;
  std::uint64_t end() const { return position + static_cast<std::uint64_t>(header.size); }
};

/// A record found by its timestamp.
struct TimestampHit {
  std::int64_t timestamp_ms = -1;
  Offset offset = -1;
  std::int32_t leader_epoch = -1;
};

/// Belongs to one Log. Offsets in it are >= base_offset() and grow.
class Segment {
 public:
  /// `suffix`: of a segment that is not part of the log yet (compaction.h).
  static Result<std::unique_ptr<Segment>> open(io::Disk& disk, const std::string& directory, Offset base_offset, const std::string& suffix = "");

  /// Appends one stamped batch. On failure the file is cut back to its former size.
  Status append(const kafka::BatchHeader& header, ByteView batch, const LogConfig& config, std::int64_t now_ms);

  /// First batch whose last offset is >= `offset`; nullopt at the end. `from`: a position known to be at or before it.
  Result<std::optional<BatchPosition>> find(Offset offset, std::uint64_t from = 0);
  /// The batch at `position`; nullopt at the end of the segment.
  Result<std::optional<BatchPosition>> batch_at(std::uint64_t position);
  /// First record with a timestamp >= `timestamp_ms`.
  Result<std::optional<TimestampHit>> find_timestamp(std::int64_t timestamp_ms);

  /// Visits batches from `position` on; `visit` gets each with its bytes only when `with_bytes`.
  Status scan(std::uint64_t position, bool with_bytes, const std::function<bool(const BatchPosition&, ByteView)>& visit);

  /// What a scan or the indexes say about the content; set by recovery.
  void restore(std::uint64_t size, Offset next_offset, std::int64_t max_timestamp_ms, Offset max_timestamp_offset);
  Status truncate_to(std::uint64_t size);

  Offset base_offset() const { return base_offset_; }
  Offset next_offset() const { return next_offset_; }
  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t max_timestamp_ms() const { return max_timestamp_ms_; }
  Offset max_timestamp_offset() const { return max_timestamp_offset_; }
  /// Wall time of the first append in this process or, reopened, the first batch's timestamp; -1 while empty.
  std::int64_t started_ms() const { return started_ms_; }
  void set_started_ms(std::int64_t at) { started_ms_ = at; }
  const std::shared_ptr<io::File>& file() const { return file_; }
  SegmentIndex& offset_index() { return offset_index_; }
  SegmentIndex& time_index() { return time_index_; }
  TransactionIndex& transaction_index() { return transaction_index_; }
  /// The log and its indexes, written out: what a sync must cover.
  Result<std::vector<std::shared_ptr<io::File>>> files();
  std::string path(const char* kind) const;

  /// Final time index entry, so that time look-ups see the whole segment. Called when the log rolls.
  Status seal();
  /// Names of the segment's files, for deletion.
  std::vector<std::string> paths() const { return {path(".log"), path(".index"), path(".timeindex"), path(".txnindex"), path(".snapshot")}; }
  /// Indexes the batch that starts at `position`, if the interval since the last entry says so.
  Status index_batch(const kafka::BatchHeader& header, std::uint64_t position, std::int64_t interval_bytes);

 private:
  Segment(io::Disk& disk, std::string prefix, std::string suffix, Offset base_offset, std::shared_ptr<io::File> file);

  std::string prefix_;  ///< directory and 20-digit base offset
  std::string suffix_;
  Offset base_offset_;
  std::shared_ptr<io::File> file_;
  SegmentIndex offset_index_;
  SegmentIndex time_index_;
  TransactionIndex transaction_index_;
  std::uint64_t size_ = 0;
  Offset next_offset_;
  std::int64_t max_timestamp_ms_ = -1;
  Offset max_timestamp_offset_ = -1;
  std::int64_t started_ms_ = -1;
  std::int64_t bytes_since_index_ = 0;
};

/// "00000000000000000042"
std::string segment_name(Offset base_offset);
/// Of the producer state as of an offset.
std::string snapshot_name(Offset offset);

}  // namespace meridian::storage
