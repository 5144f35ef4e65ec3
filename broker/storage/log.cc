#include "broker/storage/log.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/storage/record_validation.h"
#include "common/base/check.h"
#include "common/base/log.h"

namespace meridian::storage {
namespace {

std::unexpected<AppendFailure> reject(AppendError code, std::string message) { return std::unexpected(AppendFailure{code, std::move(message)}); }

}  // namespace

Log::Log(io::Disk& disk, Options options)
    : disk_(disk),
      directory_(std::move(options.directory)),
      health_(std::move(options.health)),
      config_(options.config),
      start_offset_(options.start_offset),
      clean_point_(options.clean_point) {}

std::uint64_t Log::size_bytes() const {
  std::uint64_t total = 0;
  for (const auto& [base, segment] : segments_) total += segment->size();
  return total;
}

void Log::take_offline(const std::string& why) {
  if (!health_->failed.exchange(true)) log::error("{}: {}: its log directory is offline", directory_, why);
}

// The largest timestamp of the batch's records, or why it must not be appended.
std::expected<std::int64_t, AppendFailure> Log::check(const kafka::BatchHeader& header, ByteView batch, std::int64_t now_ms) const {
  if (offline()) return reject(AppendError::offline, "the log directory has failed");
  if (static_cast<std::int64_t>(batch.size()) > config_.max_message_bytes)
    return reject(AppendError::too_large, fmt::format("batch of {} bytes is over max.message.bytes={}", batch.size(), config_.max_message_bytes));
  if (const auto valid = kafka::validate_envelope(header, batch); !valid)
    return reject(valid.error().code == Errc::invalid ? AppendError::unsupported_compression : AppendError::corrupt, valid.error().message);
  if (header.record_count <= 0 || header.last_offset_delta != header.record_count - 1)
    return reject(AppendError::invalid_record, "record count and offsets of the batch do not agree");
  return validate_records(config_, header, batch, now_ms);
}

// A producer's snapshot holds its last batch alone, and a client that had several requests in flight may send one again that lies before it.
std::optional<Appended> Log::find_forgotten(const kafka::BatchHeader& header) {
  // Requests in flight at a time lie this close together, whatever other producers have written in between.
  constexpr Offset records_between_max = 10'000;
  const auto& producer = producers_.producers().at(header.producer_id);
  if (producer.epoch != header.producer_epoch || producer.count == 0 || producer.count == producer_batches_kept) return std::nullopt;
  const auto& oldest = producer.batches[0];
  const Offset from = std::max(start_offset_, oldest.first_offset - records_between_max);
  for (auto it = segment_for(from); it != segments_.end() && it->first < oldest.first_offset; ++it)
    for (auto at = it->second->find(from); at && *at && (*at)->header.base_offset < oldest.first_offset; at = it->second->batch_at((*at)->end())) {
      const auto& batch = (*at)->header;
      if (batch.producer_id == header.producer_id && batch.producer_epoch == header.producer_epoch && !batch.control() &&
          batch.base_sequence == header.base_sequence && batch.last_sequence() == header.last_sequence())
        return Appended{.base_offset = batch.base_offset, .last_offset = batch.last_offset(), .duplicate = true};
    }
  return std::nullopt;
}

std::expected<Appended, AppendFailure> Log::append(char* bytes, std::size_t size, std::int32_t leader_epoch, std::int64_t now_ms,
                                                   const AppendRequest& request) {
  ByteView batch(bytes, size);
  auto header = kafka::parse_batch_header(batch);
  if (!header) return reject(AppendError::corrupt, header.error().message);
  const auto max_timestamp_ms = check(*header, batch, now_ms);
  if (!max_timestamp_ms) return std::unexpected(max_timestamp_ms.error());

  const bool elsewhere = request.expected && *request.expected != end_offset_;
  if (header->idempotent()) {
    ProducerState::Batch first;
    switch (producers_.check(*header, &first, request.ticket)) {
      case ProducerState::Verdict::append: break;
      case ProducerState::Verdict::duplicate: return Appended{.base_offset = first.first_offset, .last_offset = first.last_offset, .duplicate = true};
      case ProducerState::Verdict::out_of_order_sequence:
        if (const auto known = find_forgotten(*header)) return *known;
        if (elsewhere) break;
        return reject(AppendError::out_of_order_sequence,
                      fmt::format("sequence {} of producer {} is out of order", header->base_sequence, header->producer_id));
      case ProducerState::Verdict::invalid_epoch:
        return reject(AppendError::invalid_producer_epoch, fmt::format("producer {} has a newer epoch than {}", header->producer_id, header->producer_epoch));
      case ProducerState::Verdict::invalid_txn_state:
        return reject(AppendError::invalid_txn_state, fmt::format("the batch does not belong to an open transaction of producer {}", header->producer_id));
    }
  }

  if (elsewhere) return reject(AppendError::unexpected_offset, fmt::format("the log ends at {}, not at {}", end_offset_, *request.expected));
  Bytes recompressed;
  if (config_.compression && *config_.compression != header->compression()) {
    auto packed = recompress(*header, batch, *config_.compression, config_.compression_level);
    if (!packed) return reject(AppendError::corrupt, packed.error().message);
    recompressed = std::move(*packed);
    bytes = recompressed.data();
    size = recompressed.size();
    header = kafka::parse_batch_header(recompressed);
  }
  Appended done{.base_offset = end_offset_, .last_offset = end_offset_ + header->last_offset_delta};
  if (config_.log_append_time) {
    kafka::set_log_append_time(bytes, size, now_ms);
    header->attributes |= kafka::attribute::log_append_time;
    header->max_timestamp_ms = done.log_append_time_ms = now_ms;
  } else if (*max_timestamp_ms != header->max_timestamp_ms) {
    kafka::set_max_timestamp(bytes, size, *max_timestamp_ms);
    header->max_timestamp_ms = *max_timestamp_ms;
  }
  if (auto written = write(*header, bytes, size, leader_epoch, now_ms); !written) return std::unexpected(written.error());
  producers_.update(*header);
  return done;
}

std::expected<Appended, AppendFailure> Log::append_marker(const kafka::TransactionMarker& marker, kafka::MarkerProducer producer, std::int32_t leader_epoch,
                                                          std::int64_t now_ms) {
  if (offline()) return reject(AppendError::offline, "the log directory has failed");
  if (!producers_.accepts_marker(producer.id, producer.epoch))
    return reject(AppendError::invalid_producer_epoch, fmt::format("producer {} has a newer epoch than {}", producer.id, producer.epoch));
  Bytes batch = kafka::encode_marker(marker, producer, now_ms);
  auto header = kafka::parse_batch_header(batch);
  if (auto written = write(*header, batch.data(), batch.size(), leader_epoch, now_ms); !written) return std::unexpected(written.error());
  if (const auto ended = producers_.update_marker(*header, marker); ended && !ended->commit)
    if (auto done = active().transaction_index().append({ended->producer_id, ended->first_offset, ended->last_offset, ended->stable_offset}); !done) {
      // The marker is in the log; a reader that is not told of the abort would see aborted records.
      take_offline(done.error().message);
      return reject(AppendError::offline, done.error().message);
    }
  return Appended{.base_offset = header->base_offset, .last_offset = header->last_offset()};
}

// Stamps a batch with its offset and writes it at the end of the log.
std::expected<void, AppendFailure> Log::write(kafka::BatchHeader& header, char* bytes, std::size_t size, std::int32_t leader_epoch, std::int64_t now_ms) {
  header.base_offset = end_offset_;
  header.leader_epoch = leader_epoch;
  kafka::stamp_batch(bytes, end_offset_, leader_epoch);
  auto ready = touched_ ? Status{} : touch();
  if (ready) ready = roll_if_needed(header, size, now_ms);
  if (!ready) {
    take_offline(ready.error().message);
    return reject(AppendError::offline, ready.error().message);
  }
  if (epochs_.assign(leader_epoch, end_offset_)) {
    if (auto written = write_epochs(); !written) {
      take_offline(written.error().message);
      return reject(AppendError::offline, written.error().message);
    }
  }
  if (auto written = active().append(header, ByteView(bytes, size), config_, now_ms); !written) {
    if (written.error().code != Errc::io || active().next_offset() != end_offset_) take_offline(written.error().message);
    return reject(AppendError::offline, written.error().message);
  }
  end_offset_ = header.next_offset();
  return {};
}

// Before the first append: the snapshot at the end says to a later start that there was none.
Status Log::touch() {
  const std::string snapshot = directory_ + "/" + snapshot_name(end_offset_);
  if (disk_.exists(snapshot))
    if (auto done = disk_.remove(snapshot); !done) return done;
  touched_ = true;
  return {};
}

Status Log::roll_if_needed(const kafka::BatchHeader& header, std::size_t size, std::int64_t now_ms) {
  Segment& segment = active();
  if (segment.empty()) return {};
  const bool full = static_cast<std::int64_t>(segment.size() + size) > config_.segment_bytes;
  const bool old = segment.started_ms() >= 0 && now_ms - segment.started_ms() > config_.segment_ms;
  // Relative offsets and positions in the indexes are INT32.
  const bool wide = header.last_offset() - segment.base_offset() > INT32_MAX || segment.size() + size > INT32_MAX;
  return full || old || wide ? roll() : Status{};
}

Status Log::roll() {
  if (auto done = active().seal(); !done) return done;
  auto files = active().files();
  if (!files) return fail(files.error());
  unsynced_.push_back({active().base_offset(), std::move(*files)});
  if (auto done = write_snapshot(end_offset_); !done) return done;
  auto segment = Segment::open(disk_, directory_, end_offset_);
  if (!segment) return fail(segment.error());
  directory_dirty_ = true;
  segments_.emplace(end_offset_, std::move(*segment));
  return {};
}

// A snapshot and the epoch file speed recovery up; both can be rebuilt from the batches, so a torn one costs time, not data. An empty
// snapshot says that there were no producers: without it the next start would look for them from the log's beginning.
Status Log::write_snapshot(Offset offset) {
  auto file = disk_.open(directory_ + "/" + snapshot_name(offset), io::OpenMode::create);
  if (!file) return fail(file.error());
  if (auto done = (*file)->truncate(0); !done) return done;
  return (*file)->write(0, producers_.encode());
}

Status Log::write_epochs() {
  auto file = disk_.open(directory_ + "/leader-epoch-checkpoint", io::OpenMode::create);
  if (!file) return fail(file.error());
  if (auto done = (*file)->truncate(0); !done) return done;
  return (*file)->write(0, epochs_.encode());
}

std::map<Offset, std::unique_ptr<Segment>>::iterator Log::segment_for(Offset offset) {
  auto next = segments_.upper_bound(offset);
  return next == segments_.begin() ? next : std::prev(next);
}

Result<ReadResult> Log::read(Offset from, Offset limit, std::size_t bytes_max, bool at_least_one) {
  if (offline()) return fail(Errc::io, "the log directory has failed");
  if (from < start_offset_ || from > end_offset_)
    return fail(Errc::out_of_range, fmt::format("offset {} is outside of [{}, {}]", from, start_offset_, end_offset_));
  ReadResult result;
  result.next_offset = from;
  auto it = segment_for(from);
  std::uint64_t start = 0;
  for (const Hint& hint : hints_)
    if (hint.offset == from && hint.segment == it->first) start = hint.position;
  for (; it != segments_.end() && result.next_offset < limit; ++it, start = 0) {
    Segment& segment = *it->second;
    const auto first = segment.find(result.next_offset, start);
    if (!first) return fail(first.error());
    if (!*first) continue;
    std::uint64_t end = (*first)->position;
    std::optional<BatchPosition> batch = **first;
    while (batch && batch->header.base_offset < limit) {
      const auto taken = result.size + (batch->end() - (*first)->position);
      if (taken > bytes_max && !(at_least_one && result.size == 0 && end == (*first)->position)) break;
      end = batch->end();
      result.next_offset = batch->header.next_offset();
      const auto next = segment.batch_at(end);
      if (!next) return fail(next.error());
      batch = *next;
    }
    const std::size_t size = end - (*first)->position;
    if (size == 0) break;
    result.slices.push_back({segment.file(), (*first)->position, size});
    result.size += size;
    hints_[next_hint_++ % hints_max] = {result.next_offset, it->first, end};
    if (batch) break;  // stopped inside the segment: full, or at the limit
  }
  return result;
}

Task<Status> Log::flush() {
  if (offline()) co_return fail(Errc::io, "the log directory has failed");
  const Offset target = end_offset_;
  const auto files = with_rolled({active().file()});
  const Offset newest_rolled = unsynced_.empty() ? -1 : unsynced_.back().base_offset;
  const bool sync_directory = std::exchange(directory_dirty_, false);
  Status status;
  // Captured references live in this frame, which outlives the offloaded call.
  co_await disk_.offload([&] {
    for (const auto& file : files)
      if (status) status = file->sync();
    if (status && sync_directory) status = disk_.sync_directory(directory_);
  });
  if (!status) take_offline(status.error().message);  // never tried again: the kernel may have dropped the dirty pages
  if (!status) co_return status;
  synced_end_ = std::max(synced_end_, target);
  std::erase_if(unsynced_, [newest_rolled](const Rolled& rolled) { return rolled.base_offset <= newest_rolled; });
  co_return status;
}

Result<std::optional<TimestampHit>> Log::find_timestamp(std::int64_t timestamp_ms, Offset limit) {
  for (auto& [base, segment] : segments_) {
    if (segment->max_timestamp_ms() < timestamp_ms) continue;
    auto hit = segment->find_timestamp(timestamp_ms);
    if (!hit) return hit;
    if (!*hit) continue;
    if ((*hit)->offset >= limit) return std::nullopt;
    if ((*hit)->offset >= start_offset_) return hit;
    // The hit is below the start offset (records deleted in front): look on from there.
    std::optional<TimestampHit> first_kept;
    Status inner;
    auto done = segment->scan(0, true, [&](const BatchPosition& at, ByteView bytes) {
      if (at.header.last_offset() < start_offset_ || at.header.max_timestamp_ms < timestamp_ms) return true;
      inner = kafka::for_each_record(bytes, [&](const kafka::RecordView& record) {
        if (record.offset < start_offset_ || record.timestamp_ms < timestamp_ms) return true;
        first_kept = TimestampHit{record.timestamp_ms, record.offset, at.header.leader_epoch};
        return false;
      });
      return inner.has_value() && !first_kept;
    });
    if (!done) return fail(done.error());
    if (!inner) return fail(inner.error());
    if (first_kept) return first_kept->offset < limit ? first_kept : std::nullopt;
  }
  return std::nullopt;
}

Result<std::optional<TimestampHit>> Log::find_max_timestamp(Offset limit) {
  std::int64_t best = -1;
  for (auto& [base, segment] : segments_) best = std::max(best, segment->max_timestamp_ms());
  if (best < 0) return std::nullopt;
  return find_timestamp(best, limit);
}

std::vector<AbortedTransaction> Log::aborted_transactions(Offset from, Offset to) {
  std::vector<AbortedTransaction> found;
  for (auto it = segment_for(from); it != segments_.end(); ++it)
    for (const auto& entry : it->second->transaction_index().entries()) {
      if (entry.last_offset >= from && entry.first_offset < to) found.push_back(entry);
      // Every transaction that began before this point is in the entries so far.
      if (entry.last_stable_offset >= to) return found;
    }
  return found;
}

Status Log::delete_records_before(Offset offset) {
  if (offline()) return fail(Errc::io, "the log directory has failed");
  start_offset_ = std::max(start_offset_, offset);
  return {};
}

Task<Status> Log::enforce_retention(std::int64_t now_ms, Offset limit) {
  if (offline() || compacting_ || held_) co_return Status{};
  std::vector<std::string> doomed;
  std::uint64_t total = size_bytes();
  while (segments_.size() > 1) {
    auto oldest = segments_.begin();
    Segment& segment = *oldest->second;
    if (std::next(oldest)->first > limit) break;
    const bool too_old = config_.cleanup_delete && config_.retention_ms >= 0 && now_ms - segment.max_timestamp_ms() > config_.retention_ms;
    const bool too_much =
        config_.cleanup_delete && config_.retention_bytes >= 0 && total - segment.size() >= static_cast<std::uint64_t>(config_.retention_bytes);
    if (!too_old && !too_much && std::next(oldest)->first > start_offset_) break;
    total -= segment.size();
    for (auto& path : segment.paths()) doomed.push_back(path);
    std::erase_if(unsynced_, [&](const Rolled& rolled) { return rolled.base_offset == segment.base_offset(); });
    start_offset_ = std::max(start_offset_, std::next(oldest)->first);
    segments_.erase(oldest);  // readers in flight hold the file open
  }
  if (doomed.empty()) co_return Status{};
  epochs_.truncate_start(start_offset_);
  if (auto done = write_epochs(); !done) co_return done;
  co_await disk_.offload([&] {
    for (const auto& path : doomed)
      if (disk_.exists(path)) (void)disk_.remove(path);
  });
  log::info("{}: retention moved the log start offset to {}", directory_, start_offset_);
  co_return Status{};
}

// What is to be synced: rolled segments first.
Log::Files Log::with_rolled(Files of_active) const {
  Files files;
  for (const auto& rolled : unsynced_) files.insert(files.end(), rolled.files.begin(), rolled.files.end());
  files.insert(files.end(), of_active.begin(), of_active.end());
  return files;
}

// Without the active segment's indexes, which nobody trusts before it is rolled or the log is closed.
Status Log::flush_blocking() { return make_stable(with_rolled({active().file()})); }

Status Log::make_stable(const Files& files) {
  for (const auto& file : files)
    if (auto done = file->sync(); !done) return done;
  unsynced_.clear();
  synced_end_ = end_offset_;
  return {};
}

Status Log::close() {
  if (offline()) return fail(Errc::io, "the log directory has failed");
  if (!touched_) return {};
  if (auto done = active().seal(); !done) return done;
  const auto files = active().files();
  if (!files) return fail(files.error());
  if (auto done = make_stable(with_rolled(*files)); !done) return done;
  return write_snapshot(end_offset_);
}

}  // namespace meridian::storage
