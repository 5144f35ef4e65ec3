#include "broker/storage/segment.h"

#include <fmt/format.h>

#include "common/base/check.h"

namespace meridian::storage {

std::string segment_name(Offset base_offset) { return fmt::format("{:020}", base_offset); }

std::string snapshot_name(Offset offset) { return segment_name(offset) + ".snapshot"; }

Segment::Segment(io::Disk& disk, std::string prefix, std::string suffix, Offset base_offset, std::shared_ptr<io::File> file)
    : prefix_(std::move(prefix)),
      suffix_(std::move(suffix)),
      base_offset_(base_offset),
      file_(std::move(file)),
      offset_index_(disk, path(".index"), SegmentIndex::Kind::offset),
      time_index_(disk, path(".timeindex"), SegmentIndex::Kind::time),
      transaction_index_(disk, path(".txnindex")),
      next_offset_(base_offset) {}

std::string Segment::path(const char* kind) const { return prefix_ + kind + suffix_; }

Result<std::vector<std::shared_ptr<io::File>>> Segment::files() {
  std::vector<std::shared_ptr<io::File>> out{file_};
  for (auto* index : {&offset_index_, &time_index_}) {
    auto file = index->write_out();
    if (!file) return fail(file.error());
    if (*file) out.push_back(std::move(*file));
  }
  if (transaction_index_.file()) out.push_back(transaction_index_.file());
  return out;
}

Result<std::unique_ptr<Segment>> Segment::open(io::Disk& disk, const std::string& directory, Offset base_offset, const std::string& suffix) {
  std::string prefix = directory + "/" + segment_name(base_offset);
  auto file = disk.open(prefix + ".log" + suffix, io::OpenMode::create);
  if (!file) return fail(file.error());
  return std::unique_ptr<Segment>(new Segment(disk, std::move(prefix), suffix, base_offset, std::move(*file)));
}

void Segment::restore(std::uint64_t size, Offset next_offset, std::int64_t max_timestamp_ms, Offset max_timestamp_offset) {
  size_ = size;
  next_offset_ = next_offset;
  max_timestamp_ms_ = max_timestamp_ms;
  max_timestamp_offset_ = max_timestamp_offset;
}

Status Segment::append(const kafka::BatchHeader& header, ByteView batch, const LogConfig& config, std::int64_t now_ms) {
  CHECK(header.base_offset >= next_offset_);
  if (auto written = file_->write(size_, batch); !written) {
    // A partial batch must not be followed by others; if cutting fails too, the caller takes the log offline.
    if (auto cut = file_->truncate(size_); !cut) return fail(Errc::corrupt, written.error().message + "; " + cut.error().message);
    return written;
  }
  const std::uint64_t position = size_;
  size_ += batch.size();
  next_offset_ = header.next_offset();
  if (started_ms_ < 0) started_ms_ = now_ms;
  return index_batch(header, position, config.index_interval_bytes);
}

Status Segment::index_batch(const kafka::BatchHeader& header, std::uint64_t position, std::int64_t interval_bytes) {
  if (bytes_since_index_ > interval_bytes) {
    bytes_since_index_ = 0;
    const auto relative = header.base_offset - base_offset_;
    if (auto done = offset_index_.append({relative, static_cast<std::int64_t>(position)}); !done) return done;
    if (max_timestamp_ms_ >= 0)
      if (auto done = time_index_.append({max_timestamp_ms_, max_timestamp_offset_ - base_offset_}); !done) return done;
  }
  bytes_since_index_ += header.size;
  if (header.max_timestamp_ms > max_timestamp_ms_) {
    max_timestamp_ms_ = header.max_timestamp_ms;
    max_timestamp_offset_ = header.base_offset;
  }
  return {};
}

Status Segment::seal() {
  if (max_timestamp_ms_ < 0) return {};
  return time_index_.append({max_timestamp_ms_, max_timestamp_offset_ - base_offset_});
}

Result<std::optional<BatchPosition>> Segment::batch_at(std::uint64_t position) {
  if (position >= size_) return std::nullopt;
  char raw[kafka::batch_header_bytes];
  const auto n = file_->read(position, raw, sizeof raw);
  if (!n) return fail(n.error());
  const auto header = kafka::parse_batch_header(ByteView(raw, *n));
  if (!header || position + static_cast<std::uint64_t>(header->size) > size_)
    return fail(Errc::corrupt,
                fmt::format("{}.log: no record batch at position {}: {}", prefix_, position, header ? "it runs past the end" : header.error().message));
  return BatchPosition{*header, position};
}

Result<std::optional<BatchPosition>> Segment::find(Offset offset, std::uint64_t from) {
  if (from == 0) {
    const auto entry = offset_index_.floor(offset - base_offset_);
    if (!entry) return fail(entry.error());
    if (*entry) from = static_cast<std::uint64_t>((*entry)->value);
  }
  for (;;) {
    const auto batch = batch_at(from);
    if (!batch) return fail(batch.error());
    if (!*batch || (*batch)->header.last_offset() >= offset) return *batch;
    from = (*batch)->end();
  }
}

Status Segment::scan(std::uint64_t position, bool with_bytes, const std::function<bool(const BatchPosition&, ByteView)>& visit) {
  Bytes bytes;
  for (;;) {
    const auto batch = batch_at(position);
    if (!batch) return fail(batch.error());
    if (!*batch) return {};
    if (with_bytes) {
      bytes.resize(static_cast<std::size_t>((*batch)->header.size));
      const auto n = file_->read(position, bytes.data(), bytes.size());
      if (!n) return fail(n.error());
    }
    if (!visit(**batch, bytes)) return {};
    position = (*batch)->end();
  }
}

Result<std::optional<TimestampHit>> Segment::find_timestamp(std::int64_t timestamp_ms) {
  std::uint64_t from = 0;
  const auto entry = time_index_.floor(timestamp_ms - 1);
  if (!entry) return fail(entry.error());
  if (*entry) {
    const auto start = find(base_offset_ + (*entry)->value);
    if (!start) return fail(start.error());
    if (*start) from = (*start)->position;
  }
  std::optional<TimestampHit> hit;
  Status inner;
  const auto done = scan(from, false, [&](const BatchPosition& at, ByteView) {
    if (at.header.max_timestamp_ms < timestamp_ms || at.header.control()) return true;
    Bytes bytes(static_cast<std::size_t>(at.header.size), '\0');
    if (const auto n = file_->read(at.position, bytes.data(), bytes.size()); !n) inner = fail(n.error());
    else
      inner = kafka::for_each_record(bytes, [&](const kafka::RecordView& record) {
        if (record.timestamp_ms < timestamp_ms) return true;
        hit = TimestampHit{record.timestamp_ms, record.offset, at.header.leader_epoch};
        return false;
      });
    return inner.has_value() && !hit;
  });
  if (!done) return fail(done.error());
  if (!inner) return fail(inner.error());
  return hit;
}

Status Segment::truncate_to(std::uint64_t size) {
  if (auto done = file_->truncate(size); !done) return done;
  size_ = size;
  return {};
}

}  // namespace meridian::storage
