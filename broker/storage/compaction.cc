#include "broker/storage/compaction.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <set>

#include "common/base/check.h"

namespace meridian::storage {
namespace {

constexpr const char* cleaned_suffix = ".cleaned";
constexpr const char* swap_suffix = ".swap";
constexpr std::array file_kinds = {".index", ".timeindex", ".txnindex", ".log"};  // the log last: it decides

}  // namespace

KeyMap::Digest KeyMap::digest(ByteView key) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(key.data(), key.size(), out, &size, EVP_sha256(), nullptr) == 1);
  Digest digest;
  std::memcpy(digest.data(), out, sizeof digest);
  return digest;
}

std::size_t KeyMap::place(const Digest& key) const {
  std::size_t at = key[0] & (slots_.size() - 1);
  while (slots_[at].offset >= 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
  return at;
}

bool KeyMap::put(const Digest& key, Offset offset) {
  std::size_t at = place(key);
  if (slots_[at].offset < 0) {
    if (used_ >= entries_max_) return false;
    if ((used_ + 1) * 4 > slots_.size() * 3) {
      auto old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
      for (const auto& slot : old)
        if (slot.offset >= 0) slots_[place(slot.key)] = slot;
      at = place(key);
    }
    ++used_;
    slots_[at].key = key;
  }
  slots_[at].offset = std::max(slots_[at].offset, offset);
  return true;
}

Offset KeyMap::find(const Digest& key) const { return slots_[place(key)].offset; }

bool Compaction::aborted(const kafka::BatchHeader& header) const {
  if (!header.transactional()) return false;
  return std::ranges::any_of(source_.aborted, [&](const AbortedTransaction& entry) {
    return entry.producer_id == header.producer_id && entry.first_offset <= header.base_offset && header.base_offset < entry.last_offset;
  });
}

Status Compaction::build_map() {
  for (Segment* segment : source_.segments) {
    if (segment->next_offset() <= source_.clean_point) continue;
    Status inner;
    bool full = false;
    auto done = segment->scan(0, true, [&](const BatchPosition& at, ByteView batch) {
      if (at.header.last_offset() < source_.clean_point || at.header.control() || aborted(at.header)) return true;
      if (at.header.base_offset >= source_.end) return false;
      inner = kafka::for_each_record(batch, [&](const kafka::RecordView& record) {
        if (record.offset < source_.start || !record.key) return true;
        full = !map_.put(KeyMap::digest(*record.key), record.offset);
        // Records from here on are left for the next run.
        if (full) source_.end = record.offset;
        return !full;
      });
      return inner.has_value() && !full;
    });
    if (!done) return done;
    if (!inner) return inner;
    if (full) break;
  }
  stats_.clean_to = source_.end;
  return {};
}

std::vector<Compaction::Group> Compaction::groups() const {
  std::vector<Group> groups;
  std::uint64_t size = 0;
  for (Segment* segment : source_.segments) {
    if (segment->base_offset() >= source_.end) break;
    const bool fits = !groups.empty() && size + segment->size() <= static_cast<std::uint64_t>(source_.config.segment_bytes) &&
                      segment->next_offset() - groups.back().old.front()->base_offset() <= INT32_MAX;
    if (!fits) {
      groups.emplace_back();
      size = 0;
    }
    groups.back().old.push_back(segment);
    size += segment->size();
  }
  return groups;
}

Status Compaction::rewrite(Group& group) {
  const Offset base = group.old.front()->base_offset();
  for (const char* kind : file_kinds) {  // of a run that was cut short
    const std::string path = source_.directory + "/" + segment_name(base) + kind + cleaned_suffix;
    if (disk_.exists(path))
      if (auto done = disk_.remove(path); !done) return done;
  }
  auto made = Segment::open(disk_, source_.directory, base, cleaned_suffix);
  if (!made) return fail(made.error());
  group.made = std::move(*made);
  Segment& to = *group.made;
  for (Segment* from : group.old) {
    stats_.bytes_before += from->size();
    Status inner;
    auto done = from->scan(0, true, [&](const BatchPosition& at, ByteView batch) {
      const bool last = from == group.old.back() && at.end() == from->size();
      inner = at.header.control() ? copy_marker(at.header, batch, last, to) : copy_batch(at.header, batch, last, to);
      return inner.has_value();
    });
    if (!done) return done;
    if (!inner) return inner;
    // Aborted transactions whose marker stays may have records that later runs drop.
    for (const auto& entry : from->transaction_index().entries())
      if (auto added = to.transaction_index().append(entry); !added) return added;
  }
  stats_.bytes_after += to.size();
  if (auto done = to.seal(); !done) return done;
  const auto files = to.files();
  if (!files) return fail(files.error());
  for (const auto& file : *files)
    if (auto done = file->sync(); !done) return done;
  return {};
}

bool Compaction::keep(const kafka::RecordView& record, std::optional<std::int64_t> horizon) const {
  if (record.offset < source_.start) return false;
  if (record.offset >= source_.end) return true;
  if (!record.key) return false;  // of a time when the topic was not compacted
  if (!record.value && horizon && source_.now_ms >= *horizon) return false;
  return record.offset >= map_.find(KeyMap::digest(*record.key));
}

Status Compaction::copy_batch(const kafka::BatchHeader& header, ByteView batch, bool last, Segment& to) {
  const bool drop_all = aborted(header);
  if (header.transactional()) seen_[header.producer_id] = true;
  const auto horizon = header.delete_horizon_ms();
  kafka::BatchBuilder builder;
  bool tombstones = false;
  std::int32_t kept = 0;
  const auto visit = [&](auto&& use) {
    return kafka::for_each_record(batch, [&](const kafka::RecordView& record) {
      if (!drop_all && keep(record, horizon)) use(record);
      return true;
    });
  };
  if (auto done = visit([&](const kafka::RecordView& record) {
        ++kept;
        tombstones |= !record.value && record.offset < source_.end;
      });
      !done)
    return done;
  stats_.records_dropped += static_cast<std::uint64_t>(header.record_count - kept);
  const bool set_horizon = tombstones && !horizon;
  if (kept == header.record_count && !set_horizon && kept > 0) return write(to, Bytes(batch));
  if (kept == 0) {
    const auto newest = source_.last_batches.find(header.producer_id);
    const bool carries_sequence = header.idempotent() && newest != source_.last_batches.end() && newest->second == header.last_offset();
    return last || carries_sequence ? write(to, kafka::empty_batch(header)) : Status{};
  }
  const auto new_horizon = horizon ? horizon : set_horizon ? std::optional(source_.now_ms + source_.config.delete_retention_ms) : std::nullopt;
  if (new_horizon) builder.set_base_timestamp(*new_horizon);
  if (auto done = visit([&](const kafka::RecordView& record) {
        builder.add_at(static_cast<std::int32_t>(record.offset - header.base_offset), record.timestamp_ms, record.key, record.value, record.headers);
      });
      !done)
    return done;
  auto rewritten = builder.finish_like(header, new_horizon.has_value());
  if (!rewritten) return fail(rewritten.error());
  return write(to, std::move(*rewritten));
}

// A marker stays as long as batches of its transaction were found before it; once there were none, until its delete horizon has passed.
Status Compaction::copy_marker(const kafka::BatchHeader& header, ByteView batch, bool last, Segment& to) {
  const bool needed = std::exchange(seen_[header.producer_id], false);
  const auto horizon = header.delete_horizon_ms();
  const bool old = header.last_offset() < source_.clean_point;
  if (needed || header.base_offset >= source_.end || !old) return write(to, Bytes(batch));
  if (horizon && source_.now_ms >= *horizon) {
    ++stats_.records_dropped;
    return last ? write(to, kafka::empty_batch(header)) : Status{};
  }
  if (horizon) return write(to, Bytes(batch));
  kafka::BatchBuilder builder;
  builder.set_base_timestamp(source_.now_ms + source_.config.delete_retention_ms);
  if (auto done = kafka::for_each_record(batch,
                                         [&](const kafka::RecordView& record) {
                                           builder.add_at(0, record.timestamp_ms, record.key, record.value, record.headers);
                                           return true;
                                         });
      !done)
    return done;
  auto rewritten = builder.finish_like(header, true);
  if (!rewritten) return fail(rewritten.error());
  return write(to, std::move(*rewritten));
}

Status Compaction::write(Segment& to, Bytes batch) {
  const auto header = kafka::parse_batch_header(batch);
  if (!header) return fail(header.error());
  return to.append(*header, batch, source_.config, source_.now_ms);
}

namespace {

/// ".swap" files take their final names; the log last, so that it is found as long as anything is left to do.
Status finish_swap(io::Disk& disk, const std::string& prefix) {
  for (const char* kind : file_kinds)
    if (disk.exists(prefix + kind + swap_suffix))
      if (auto done = disk.rename(prefix + kind + swap_suffix, prefix + kind); !done) return done;
  return {};
}

}  // namespace

Status commit_swap(io::Disk& disk, const std::string& directory, Offset base_offset, const std::vector<Segment*>& old) {
  const std::string prefix = directory + "/" + segment_name(base_offset);
  for (const char* kind : file_kinds)
    if (disk.exists(prefix + kind + cleaned_suffix))
      if (auto done = disk.rename(prefix + kind + cleaned_suffix, prefix + kind + swap_suffix); !done) return done;
  for (Segment* segment : old)
    for (const char* kind : file_kinds)
      if (disk.exists(segment->path(kind)))
        if (auto done = disk.remove(segment->path(kind)); !done) return done;
  return finish_swap(disk, prefix);
}

Result<std::vector<Offset>> finish_swaps(io::Disk& disk, const std::string& directory, std::vector<std::string>& names) {
  std::vector<Offset> rebuilt;
  const auto of_swap = [](const std::string& name) { return name.ends_with(swap_suffix); };
  if (std::ranges::none_of(names, of_swap)) return rebuilt;
  const std::string complete = std::string(".log") + swap_suffix;
  for (const auto& name : names) {
    if (!name.ends_with(complete)) continue;
    const Offset base = std::stoll(name.substr(0, 20));
    auto segment = Segment::open(disk, directory, base, swap_suffix);
    if (!segment) return fail(segment.error());
    const auto size = (*segment)->file()->size();
    if (!size) return fail(size.error());
    (*segment)->restore(*size, base, -1, -1);
    Offset next = base;
    if (auto done = (*segment)->scan(0, false,
                                     [&next](const BatchPosition& at, ByteView) {
                                       next = at.header.next_offset();
                                       return true;
                                     });
        !done)
      return fail(done.error());
    for (const auto& other : names)
      if (other.size() == 24 && other.ends_with(".log") && std::stoll(other.substr(0, 20)) >= base && std::stoll(other.substr(0, 20)) < next)
        for (const char* kind : file_kinds) {
          const std::string path = directory + "/" + other.substr(0, 20) + kind;
          if (disk.exists(path))
            if (auto done = disk.remove(path); !done) return fail(done.error());
        }
    if (auto done = finish_swap(disk, directory + "/" + segment_name(base)); !done) return fail(done.error());
    rebuilt.push_back(base);
  }
  auto left = disk.list(directory);
  if (!left) return fail(left.error());
  names = std::move(*left);
  for (const auto& name : names)  // indexes whose log did not get that far
    if (of_swap(name))
      if (auto done = disk.remove(directory + "/" + name); !done) return fail(done.error());
  std::erase_if(names, of_swap);
  return rebuilt;
}

// --- Log's part -------------------------------------------------------------------------------------------------------------------------

Log::Dirtiness Log::dirtiness(std::int64_t now_ms, Offset high_watermark) {
  Dirtiness dirt;
  if (offline() || !config_.cleanup_compact || compacting_ || held_) return dirt;
  clean_point_ = std::clamp(clean_point_, start_offset_, end_offset_);
  const Offset stable = last_stable_offset(high_watermark);
  dirt.end = clean_point_;
  for (const auto& [base, segment] : segments_) {
    if (segment.get() == &active() || segment->next_offset() > stable) break;
    if (segment->next_offset() <= clean_point_) {
      dirt.clean_bytes += segment->size();
      continue;
    }
    if (config_.min_compaction_lag_ms > 0 && now_ms - segment->max_timestamp_ms() < config_.min_compaction_lag_ms) break;
    dirt.dirty_bytes += segment->size();
    dirt.end = segment->next_offset();
  }
  const auto total = static_cast<double>(dirt.clean_bytes + dirt.dirty_bytes);
  dirt.ratio = dirt.dirty_bytes == 0 ? 0 : static_cast<double>(dirt.dirty_bytes) / total;
  dirt.due = dirt.dirty_bytes > 0 && (dirt.ratio > config_.min_cleanable_dirty_ratio || dirt.ratio >= 1.0);
  if (config_.max_compaction_lag_ms < INT64_MAX && clean_point_ < end_offset_) {
    const auto first = segment_for(clean_point_)->second->batch_at(0);
    const bool overdue = first && *first && now_ms - (*first)->header.max_timestamp_ms > config_.max_compaction_lag_ms;
    dirt.due |= overdue && dirt.dirty_bytes > 0;
    dirt.roll = overdue && dirt.dirty_bytes == 0 && &*segment_for(clean_point_)->second == &active() && !active().empty();
  }
  return dirt;
}

Task<Result<CompactionStats>> Log::compact(std::int64_t now_ms, Offset high_watermark, std::size_t map_entries_max,
                                           std::function<Task<bool>(std::uint64_t)> pause) {
  const Dirtiness dirt = dirtiness(now_ms, high_watermark);
  if (dirt.dirty_bytes == 0) co_return CompactionStats{};
  compacting_ = true;
  Compaction::Source source{.start = start_offset_,
                            .clean_point = clean_point_,
                            .end = dirt.end,
                            .config = config_,
                            .now_ms = now_ms,
                            .directory = directory_,
                            .aborted = {},
                            .last_batches = {}};
  for (const auto& [base, segment] : segments_) {
    if (base < dirt.end) source.segments.push_back(segment.get());
    for (const auto& entry : segment->transaction_index().entries()) source.aborted.push_back(entry);
  }
  for (const auto& [id, producer] : producers_.producers())
    if (producer.count > 0) source.last_batches[id] = producer.newest().last_offset;
  Compaction compaction(disk_, std::move(source), map_entries_max);
  Status status;
  co_await disk_.offload([&] { status = compaction.build_map(); });
  auto groups = status ? compaction.groups() : std::vector<Compaction::Group>{};
  for (auto& group : groups) {
    if (offline() || !status) break;
    co_await disk_.offload([&] { status = compaction.rewrite(group); });
    if (status && !offline()) status = replace(group);
    // Stopped early, the segments behind are as they were: the next run begins where this one did.
    if (status && !co_await pause(compaction.stats().bytes_before)) {
      compacting_ = false;
      co_return compaction.stats();
    }
  }
  compacting_ = false;
  if (!status) co_return fail(status.error());
  if (offline()) co_return fail(Errc::io, "the log directory has failed");
  clean_point_ = compaction.end();
  co_await disk_.offload([&] { status = disk_.sync_directory(directory_); });
  if (!status) co_return fail(status.error());
  co_return compaction.stats();
}

// On the shard, in one go: readers see the old segments or the new one.
Status Log::replace(Compaction::Group& group) {
  const Offset base = group.made->base_offset();
  if (auto done = commit_swap(disk_, directory_, base, group.old); !done) {
    take_offline(done.error().message);  // some of the files may be gone
    return done;
  }
  auto segment = Segment::open(disk_, directory_, base);
  if (!segment) return fail(segment.error());
  if (auto done = (*segment)->transaction_index().load(); !done) return done;
  (*segment)->restore(group.made->size(), group.made->next_offset(), group.made->max_timestamp_ms(), group.made->max_timestamp_offset());
  (*segment)->set_started_ms(group.old.front()->started_ms());
  std::vector<Offset> bases;
  for (Segment* old : group.old) bases.push_back(old->base_offset());
  for (const Offset old : bases) {
    segments_.erase(old);
    std::erase_if(unsynced_, [old](const Rolled& rolled) { return rolled.base_offset == old; });
  }
  segments_.emplace(base, std::move(*segment));
  group.old.clear();
  hints_.fill({});
  return {};
}

}  // namespace meridian::storage
