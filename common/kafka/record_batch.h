// Record batches, magic 2 (KIP-98): header, checks, iteration, building. Layout: docs/formats/record-batch.md.
#pragma once

#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/kafka/compression.h"

namespace meridian::kafka {

inline constexpr std::size_t batch_header_bytes = 61;
/// base offset and batch length: what precedes the bytes that batch length counts.
inline constexpr std::size_t batch_prefix_bytes = 12;
/// CRC covers everything from the attributes on.
inline constexpr std::size_t batch_crc_start = 21;
/// Largest size that one compressed batch may unfold to.
inline constexpr std::size_t batch_unfolded_bytes_max = 256u << 20;

inline constexpr std::int64_t no_producer_id = -1;

/// Bits of a batch's attributes.
namespace attribute {
inline constexpr std::int16_t codec_mask = 7, log_append_time = 8, transactional = 16, control = 32, delete_horizon = 64;
}

struct BatchHeader {
  Offset base_offset = 0;
  std::int32_t size = 0;  ///< whole batch in bytes, prefix included
  std::int32_t leader_epoch = -1;
  std::int8_t magic = 2;
  std::uint32_t crc = 0;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp_ms = -1;
  std::int64_t max_timestamp_ms = -1;
  std::int64_t producer_id = no_producer_id;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 0;

  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return last_offset() + 1; }
  Compression compression() const { return static_cast<Compression>(attributes & attribute::codec_mask); }
  bool log_append_time() const { return attributes & attribute::log_append_time; }
  bool transactional() const { return attributes & attribute::transactional; }
  bool control() const { return attributes & attribute::control; }
  /// Compaction notes in a batch from when on its tombstones may go; the base timestamp's field holds it then (KIP-534).
  std::optional<std::int64_t> delete_horizon_ms() const { return attributes & attribute::delete_horizon ? std::optional(base_timestamp_ms) : std::nullopt; }
  bool idempotent() const { return producer_id != no_producer_id; }
  /// Sequences wrap from INT32_MAX to 0.
  std::int32_t last_sequence() const;
};

/// Reads the header at the start of `bytes` (which may hold more). Errc::out_of_range when `bytes` ends before the header does,
/// Errc::corrupt when the length is impossible or the magic is not 2.
Result<BatchHeader> parse_batch_header(ByteView bytes);

/// Checks one whole batch without looking at its records: header, CRC, counts. `batch` must be exactly header.size bytes.
Status validate_envelope(const BatchHeader& header, ByteView batch);
/// The same and, for uncompressed bodies, the framing of each record.
Status validate_batch(const BatchHeader& header, ByteView batch);

/// Sets base offset and leader epoch in place; neither is covered by the CRC.
void stamp_batch(char* batch, Offset base_offset, std::int32_t leader_epoch);

/// Turns a batch to LogAppendTime: attribute bit, max timestamp and the CRC, in place.
void set_log_append_time(char* batch, std::size_t size, std::int64_t now_ms);

/// Sets the largest timestamp, which is covered by the CRC, in place.
void set_max_timestamp(char* batch, std::size_t size, std::int64_t max_timestamp_ms);
/// The batch with another body: `plain` in `codec`. Counts, offsets and producer fields stay.
Result<Bytes> with_body(ByteView batch, Compression codec, ByteView plain, std::optional<int> level = std::nullopt);

struct Header {
  std::string key;
  std::optional<Bytes> value;
  bool operator==(const Header&) const = default;
};

/// One record; key and value view into the batch (or into the unfolded body) for as long as the visit lasts.
struct RecordView {
  Offset offset = 0;
  std::int64_t timestamp_ms = -1;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  ByteView headers;  ///< encoded: varint count, then per header varint-length key and nullable value
};

/// Visits the records of one validated batch; stops when `visit` returns false.
template <class Visit>
Status for_each_record(ByteView batch, Visit&& visit);

/// Encoded headers of a RecordView to structs.
Result<std::vector<Header>> parse_headers(ByteView encoded);
Bytes encode_headers(const std::vector<Header>& headers);
inline constexpr ByteView no_headers("\0", 1);

/// A batch without records that keeps the offsets, producer and sequence of `like`.
Bytes empty_batch(const BatchHeader& like);

/// Builds one batch. Offsets are consecutive from the base offset that the log assigns.
class BatchBuilder {
 public:
  void add(std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value, ByteView encoded_headers = no_headers);
  /// The same at a place of its own; deltas must grow.
  void add_at(std::int32_t offset_delta, std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value, ByteView encoded_headers);
  /// What timestamps are relative to; unset, the first record's. Before the first record.
  void set_base_timestamp(std::int64_t base_ms);
  bool empty() const { return count_ == 0; }
  std::int32_t count() const { return count_; }
  /// Bytes of the records so far, before compression.
  std::size_t body_bytes() const { return body_.size(); }

  struct Options {
    Compression compression = Compression::none;
    std::int64_t producer_id = no_producer_id;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int16_t extra_attributes = 0;
    Offset base_offset = 0;
    std::int32_t leader_epoch = -1;
  };
  /// The finished batch; the builder is empty again.
  Result<Bytes> finish(const Options& options);
  /// A batch that takes the place of `like`: its offsets, codec, attributes, producer and sequences.
  Result<Bytes> finish_like(const BatchHeader& like, bool has_delete_horizon);

 private:
  Bytes body_;
  Bytes scratch_;
  std::int32_t count_ = 0;
  std::int32_t last_delta_ = -1;
  std::optional<std::int64_t> base_timestamp_ms_;
  std::int64_t max_timestamp_ms_ = 0;
};

/// Sequence arithmetic: wraps after INT32_MAX to 0.
std::int32_t next_sequence(std::int32_t sequence, std::int32_t count);

namespace detail {
/// Parses the record at `at` (advanced); false when its framing is wrong.
bool parse_record(ByteView body, std::size_t& at, const BatchHeader& header, RecordView& record);
/// The body of a batch, unfolded into `storage` where it is compressed.
Result<ByteView> batch_body(const BatchHeader& header, ByteView batch, Bytes& storage);
}  // namespace detail

/// Visits the records of a batch; nothing may follow the last one.
template <class Visit>
Status for_all_records(const BatchHeader& header, ByteView batch, Visit&& visit) {
  Bytes storage;
  const auto body = detail::batch_body(header, batch, storage);
  if (!body) return fail(body.error());
  std::size_t at = 0;
  RecordView record;
  for (std::int32_t i = 0; i < header.record_count; ++i) {
    if (!detail::parse_record(*body, at, header, record)) return fail(Errc::corrupt, "record framing is wrong");
    visit(i, static_cast<const RecordView&>(record));
  }
  if (at != body->size()) return fail(Errc::corrupt, "bytes after the last record of a batch");
  return {};
}

template <class Visit>
Status for_each_record(ByteView batch, Visit&& visit) {
  const auto header = parse_batch_header(batch);
  if (!header) return fail(header.error());
  if (static_cast<std::size_t>(header->size) > batch.size()) return fail(Errc::corrupt, "batch is cut short");
  Bytes storage;
  const auto body = detail::batch_body(*header, batch.substr(0, static_cast<std::size_t>(header->size)), storage);
  if (!body) return fail(body.error());
  std::size_t at = 0;
  RecordView record;
  for (std::int32_t i = 0; i < header->record_count; ++i) {
    if (!detail::parse_record(*body, at, *header, record)) return fail(Errc::corrupt, "record framing is wrong");
    if (!visit(static_cast<const RecordView&>(record))) break;
  }
  return {};
}

}  // namespace meridian::kafka
