#include "common/kafka/record_batch.h"

#include "common/base/crc32c.h"
#include "common/kafka/codec.h"

namespace meridian::kafka {
namespace {

// Field positions within a batch.
constexpr std::size_t at_length = 8, at_leader_epoch = 12, at_magic = 16, at_crc = 17, at_attributes = 21, at_last_offset_delta = 23, at_base_timestamp = 27,
                      at_max_timestamp = 35, at_producer_id = 43, at_producer_epoch = 51, at_base_sequence = 53, at_count = 57;
static_assert(at_attributes == batch_crc_start && at_count + 4 == batch_header_bytes);

/// Fast path of read_varint for one byte.
bool varint(ByteView bytes, std::size_t& at, std::int64_t& value) {
  if (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) [[likely]] {
    const auto raw = static_cast<unsigned char>(bytes[at++]);
    value = static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
    return true;
  }
  const auto read = read_varint(bytes, at);
  value = read.value_or(0);
  return read.has_value();
}

std::int64_t wrapping_add(std::int64_t a, std::int64_t b) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b)); }

bool nullable_bytes(ByteView bytes, std::size_t& at, std::optional<ByteView>& out) {
  std::int64_t n = 0;
  if (!varint(bytes, at, n) || n < -1 || n > static_cast<std::int64_t>(bytes.size() - at)) return false;
  if (n < 0) {
    out.reset();
  } else {
    out = bytes.substr(at, static_cast<std::size_t>(n));
    at += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::int32_t next_sequence(std::int32_t sequence, std::int32_t count) {
  return static_cast<std::int32_t>((static_cast<std::int64_t>(sequence) + count) & 0x7fffffff);
}

std::int32_t BatchHeader::last_sequence() const { return base_sequence < 0 ? -1 : next_sequence(base_sequence, last_offset_delta); }

Result<BatchHeader> parse_batch_header(ByteView bytes) {
  if (bytes.size() < batch_header_bytes) return fail(Errc::out_of_range, "batch header is cut short");
  const char* p = bytes.data();
  BatchHeader h;
  h.base_offset = base::load_be<std::int64_t>(p);
  const auto length = base::load_be<std::int32_t>(p + at_length);
  h.magic = static_cast<std::int8_t>(p[at_magic]);
  if (h.magic != 2) return fail(Errc::corrupt, "record batch magic is not 2");
  if (length < static_cast<std::int32_t>(batch_header_bytes - batch_prefix_bytes) || length > INT32_MAX - static_cast<std::int32_t>(batch_prefix_bytes))
    return fail(Errc::corrupt, "impossible record batch length");
  h.size = length + static_cast<std::int32_t>(batch_prefix_bytes);
  h.leader_epoch = base::load_be<std::int32_t>(p + at_leader_epoch);
  h.crc = base::load_be<std::uint32_t>(p + at_crc);
  h.attributes = base::load_be<std::int16_t>(p + at_attributes);
  h.last_offset_delta = base::load_be<std::int32_t>(p + at_last_offset_delta);
  h.base_timestamp_ms = base::load_be<std::int64_t>(p + at_base_timestamp);
  h.max_timestamp_ms = base::load_be<std::int64_t>(p + at_max_timestamp);
  h.producer_id = base::load_be<std::int64_t>(p + at_producer_id);
  h.producer_epoch = base::load_be<std::int16_t>(p + at_producer_epoch);
  h.base_sequence = base::load_be<std::int32_t>(p + at_base_sequence);
  h.record_count = base::load_be<std::int32_t>(p + at_count);
  return h;
}

Status validate_envelope(const BatchHeader& h, ByteView batch) {
  if (static_cast<std::size_t>(h.size) != batch.size()) return fail(Errc::corrupt, "record batch is cut short");
  if (base::crc32c(batch.substr(batch_crc_start)) != h.crc) return fail(Errc::corrupt, "record batch CRC does not match");
  if (h.last_offset_delta < 0 || h.record_count < 0) return fail(Errc::corrupt, "negative count in record batch");
  if ((h.attributes & 7) > 4) return fail(Errc::invalid, "unknown compression type");
  return {};
}

Status validate_batch(const BatchHeader& h, ByteView batch) {
  if (auto good = validate_envelope(h, batch); !good || h.compression() != Compression::none) return good;
  return for_all_records(h, batch, [](std::int32_t, const RecordView&) {});
}

void stamp_batch(char* batch, Offset base_offset, std::int32_t leader_epoch) {
  base::store_be(batch, base_offset);
  base::store_be(batch + at_leader_epoch, leader_epoch);
}

void set_log_append_time(char* batch, std::size_t size, std::int64_t now_ms) {
  const auto attributes = base::load_be<std::int16_t>(batch + at_attributes);
  base::store_be(batch + at_attributes, static_cast<std::int16_t>(attributes | attribute::log_append_time));
  base::store_be(batch + at_max_timestamp, now_ms);
  base::store_be(batch + at_crc, base::crc32c(ByteView(batch, size).substr(batch_crc_start)));
}

void set_max_timestamp(char* batch, std::size_t size, std::int64_t max_timestamp_ms) {
  base::store_be(batch + at_max_timestamp, max_timestamp_ms);
  base::store_be(batch + at_crc, base::crc32c(ByteView(batch, size).substr(batch_crc_start)));
}

Result<Bytes> with_body(ByteView batch, Compression codec, ByteView plain, std::optional<int> level) {
  auto packed = compress(codec, plain, level);
  if (!packed) return packed;
  Bytes out = Bytes(batch.substr(0, batch_header_bytes)) + *packed;
  char* p = out.data();
  base::store_be(p + at_length, static_cast<std::int32_t>(out.size() - batch_prefix_bytes));
  const auto attributes = base::load_be<std::int16_t>(p + at_attributes);
  base::store_be(p + at_attributes, static_cast<std::int16_t>((attributes & ~attribute::codec_mask) | static_cast<int>(codec)));
  base::store_be(p + at_crc, base::crc32c(ByteView(out).substr(batch_crc_start)));
  return out;
}

bool detail::parse_record(ByteView body, std::size_t& at, const BatchHeader& header, RecordView& record) {
  std::int64_t length = 0, timestamp_delta = 0, offset_delta = 0, header_count = 0;
  if (!varint(body, at, length) || length < 0 || length > static_cast<std::int64_t>(body.size() - at)) return false;
  const ByteView bytes = body.substr(0, at + static_cast<std::size_t>(length));
  if (at >= bytes.size()) return false;
  ++at;  // attributes: unused
  if (!varint(bytes, at, timestamp_delta) || !varint(bytes, at, offset_delta)) return false;
  // A hostile delta may wrap; it must not be undefined behaviour.
  record.timestamp_ms = header.log_append_time() ? header.max_timestamp_ms : wrapping_add(header.base_timestamp_ms, timestamp_delta);
  record.offset = wrapping_add(header.base_offset, offset_delta);
  if (!nullable_bytes(bytes, at, record.key) || !nullable_bytes(bytes, at, record.value)) return false;
  const std::size_t headers_at = at;
  if (!varint(bytes, at, header_count) || header_count < 0) return false;
  std::optional<ByteView> part;
  for (std::int64_t i = 0; i < header_count; ++i)
    if (!nullable_bytes(bytes, at, part) || !part || !nullable_bytes(bytes, at, part)) return false;
  record.headers = bytes.substr(headers_at);
  return at == bytes.size();
}

Result<ByteView> detail::batch_body(const BatchHeader& header, ByteView batch, Bytes& storage) {
  const ByteView body = batch.substr(batch_header_bytes);
  if (header.compression() == Compression::none) return body;
  auto unfolded = decompress(header.compression(), body, batch_unfolded_bytes_max);
  if (!unfolded) return fail(unfolded.error());
  storage = std::move(*unfolded);
  return ByteView(storage);
}

Result<std::vector<Header>> parse_headers(ByteView encoded) {
  std::size_t at = 0;
  std::int64_t count = 0;
  if (!varint(encoded, at, count) || count < 0 || count > static_cast<std::int64_t>(encoded.size())) return fail(Errc::corrupt, "bad record headers");
  std::vector<Header> headers;
  for (std::int64_t i = 0; i < count; ++i) {
    std::optional<ByteView> key, value;
    if (!nullable_bytes(encoded, at, key) || !key || !nullable_bytes(encoded, at, value)) return fail(Errc::corrupt, "bad record headers");
    headers.push_back({std::string(*key), value ? std::optional<Bytes>(*value) : std::nullopt});
  }
  return headers;
}

Bytes encode_headers(const std::vector<Header>& headers) {
  Bytes out;
  append_varint(out, static_cast<std::int64_t>(headers.size()));
  for (const auto& header : headers) {
    append_varint(out, static_cast<std::int64_t>(header.key.size()));
    out += header.key;
    append_varint(out, header.value ? static_cast<std::int64_t>(header.value->size()) : -1);
    if (header.value) out += *header.value;
  }
  return out;
}

void BatchBuilder::add(std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value, ByteView encoded_headers) {
  add_at(count_, timestamp_ms, key, value, encoded_headers);
}

void BatchBuilder::set_base_timestamp(std::int64_t base_ms) { base_timestamp_ms_ = base_ms; }

void BatchBuilder::add_at(std::int32_t offset_delta, std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value,
                          ByteView encoded_headers) {
  if (!base_timestamp_ms_) base_timestamp_ms_ = timestamp_ms;
  max_timestamp_ms_ = count_ == 0 ? timestamp_ms : std::max(max_timestamp_ms_, timestamp_ms);
  scratch_.clear();
  scratch_ += '\0';  // attributes
  append_varint(scratch_, wrapping_add(timestamp_ms, -*base_timestamp_ms_));
  append_varint(scratch_, offset_delta);
  append_varint(scratch_, key ? static_cast<std::int64_t>(key->size()) : -1);
  if (key) scratch_ += *key;
  append_varint(scratch_, value ? static_cast<std::int64_t>(value->size()) : -1);
  if (value) scratch_ += *value;
  scratch_ += encoded_headers;
  append_varint(body_, static_cast<std::int64_t>(scratch_.size()));
  body_ += scratch_;
  last_delta_ = offset_delta;
  ++count_;
}

Result<Bytes> BatchBuilder::finish_like(const BatchHeader& like, bool has_delete_horizon) {
  const auto attributes = static_cast<std::int16_t>((like.attributes & ~(attribute::codec_mask | attribute::delete_horizon)) |
                                                    (has_delete_horizon ? attribute::delete_horizon : 0));
  last_delta_ = like.last_offset_delta;
  if (like.log_append_time()) max_timestamp_ms_ = like.max_timestamp_ms;
  return finish({.compression = like.compression(),
                 .producer_id = like.producer_id,
                 .producer_epoch = like.producer_epoch,
                 .base_sequence = like.base_sequence,
                 .extra_attributes = attributes,
                 .base_offset = like.base_offset,
                 .leader_epoch = like.leader_epoch});
}

Bytes empty_batch(const BatchHeader& like) {
  BatchBuilder builder;
  BatchHeader plain = like;
  plain.attributes = static_cast<std::int16_t>(like.attributes & ~(attribute::codec_mask | attribute::delete_horizon));  // nothing to unfold, nothing to delete
  builder.set_base_timestamp(like.max_timestamp_ms);
  Bytes batch = std::move(*builder.finish_like(plain, false));
  set_max_timestamp(batch.data(), batch.size(), like.max_timestamp_ms);
  return batch;
}

Result<Bytes> BatchBuilder::finish(const Options& options) {
  Bytes batch(batch_header_bytes, '\0');
  if (options.compression == Compression::none) {
    batch += body_;
  } else {
    auto packed = compress(options.compression, body_);
    if (!packed) return packed;
    batch += *packed;
  }
  char* p = batch.data();
  base::store_be(p + at_length, static_cast<std::int32_t>(batch.size() - batch_prefix_bytes));
  p[at_magic] = 2;
  base::store_be(p + at_attributes, static_cast<std::int16_t>(static_cast<int>(options.compression) | options.extra_attributes));
  base::store_be(p + at_last_offset_delta, last_delta_);
  base::store_be(p + at_base_timestamp, base_timestamp_ms_.value_or(-1));
  base::store_be(p + at_max_timestamp, max_timestamp_ms_);
  base::store_be(p + at_producer_id, options.producer_id);
  base::store_be(p + at_producer_epoch, options.producer_epoch);
  base::store_be(p + at_base_sequence, options.base_sequence);
  base::store_be(p + at_count, count_);
  stamp_batch(p, options.base_offset, options.leader_epoch);
  base::store_be(p + at_crc, base::crc32c(ByteView(batch).substr(batch_crc_start)));
  body_.clear();
  count_ = 0;
  last_delta_ = -1;
  base_timestamp_ms_.reset();
  return batch;
}

}  // namespace meridian::kafka
