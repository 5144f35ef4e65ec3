// Log recovery, apart from the running log: what to believe of the files that the last process left.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "broker/storage/compaction.h"
#include "common/base/log.h"

namespace meridian::storage {

class LogRecovery {
 public:
  LogRecovery(io::Disk& disk, Log& log, const Log::Options& options) : disk_(disk), log_(log), options_(options) {}

  Status run(std::int64_t now_ms) {
    if (auto done = disk_.make_directories(log_.directory_); !done) return done;
    if (auto done = list_files(); !done) return done;
    auto rebuilt = finish_swaps(disk_, log_.directory_, names_);
    if (!rebuilt) return fail(rebuilt.error());
    if (auto done = open_segments(); !done) return done;
    if (auto done = load_epochs(); !done) return done;
    for (auto it = log_.segments_.begin(); it != log_.segments_.end(); ++it) {
      const auto next = std::next(it);
      const bool last = next == log_.segments_.end();
      const Offset segment_end = last ? INT64_MAX : next->first;
      const bool swapped = std::ranges::find(*rebuilt, it->first) != rebuilt->end();
      const bool trusted = !swapped && (options_.clean || segment_end <= options_.recovery_point);
      untouched_ = !swapped && !trusted && last && restore_unchanged(*it->second);
      if (untouched_) break;
      if (auto done = trusted ? restore(*it->second, last, segment_end) : rescan(*it->second, last, segment_end); !done) return done;
      if (cut_) {
        if (auto done = drop_after(it); !done) return done;
        break;
      }
    }
    if (log_.segments_.empty()) {
      auto segment = Segment::open(disk_, log_.directory_, log_.start_offset_);
      if (!segment) return fail(segment.error());
      log_.segments_.emplace(log_.start_offset_, std::move(*segment));
    }
    log_.end_offset_ = log_.active().next_offset();
    log_.start_offset_ = std::min(std::max(log_.start_offset_, log_.segments_.begin()->first), log_.end_offset_);
    log_.synced_end_ = options_.clean ? log_.end_offset_ : std::min(options_.recovery_point, log_.end_offset_);
    if (!log_.active().empty()) log_.active().set_started_ms(now_ms);
    log_.touched_ = !options_.clean && !untouched_;
    log_.epochs_.truncate_end(log_.end_offset_);
    if (auto done = load_producers(); !done) return done;
    for (auto& rolled : log_.unsynced_) {  // again: with transaction indexes
      auto files = log_.segments_.at(rolled.base_offset)->files();
      if (!files) return fail(files.error());
      rolled.files = std::move(*files);
    }
    return {};
  }

 private:
  Status list_files() {
    auto names = disk_.list(log_.directory_);
    if (!names) return fail(names.error());
    names_ = std::move(*names);
    return {};
  }

  Status open_segments() {
    for (const auto& name : names_) {
      if (name.ends_with(".tmp") || name.ends_with(".deleted") || name.ends_with(".cleaned")) {
        if (auto done = disk_.remove(log_.directory_ + "/" + name); !done) return done;
        continue;
      }
      if (name.size() != 24 || !name.ends_with(".log") || !std::all_of(name.begin(), name.begin() + 20, ::isdigit)) continue;
      const Offset base = std::stoll(name.substr(0, 20));
      auto segment = Segment::open(disk_, log_.directory_, base);
      if (!segment) return fail(segment.error());
      const auto size = (*segment)->file()->size();
      if (!size) return fail(size.error());
      (*segment)->restore(*size, base, -1, -1);
      log_.segments_.emplace(base, std::move(*segment));
    }
    return {};
  }

  Status load_epochs() {
    const std::string path = log_.directory_ + "/leader-epoch-checkpoint";
    if (!disk_.exists(path)) return {};
    const auto text = disk_.read_file(path);
    if (!text) return fail(text.error());
    if (auto epochs = LeaderEpochs::decode(*text)) log_.epochs_ = std::move(*epochs);
    else log::warn("{}: {}; rebuilt from the batches", path, epochs.error().message);
    return {};
  }

  /// After a close everything is stable, indexes too, and there is a snapshot at the end, which goes before the next append. So where it still
  /// is, inside of the last segment, a broker that was killed had not written here.
  bool restore_unchanged(Segment& segment) {
    const Offset closed_at = options_.recovery_point;
    if (segment.base_offset() >= closed_at || std::ranges::find(names_, snapshot_name(closed_at)) == names_.end()) return false;
    const auto size = segment.size();
    if (restore(segment, true, INT64_MAX) && segment.next_offset() == closed_at) return true;
    segment.restore(size, segment.base_offset(), -1, -1);
    return false;
  }

  /// A segment that was synced: its indexes and the next segment's name say all that is needed.
  Status restore(Segment& segment, bool last, Offset segment_end) {
    if (auto done = segment.transaction_index().load(); !done) return done;
    const auto newest = segment.time_index().last();
    if (!newest) return fail(newest.error());
    std::int64_t timestamp = -1;
    Offset timestamp_offset = -1;
    if (*newest) {
      timestamp = (*newest)->key;
      timestamp_offset = segment.base_offset() + (*newest)->value;
    }
    Offset next = last ? segment.base_offset() : segment_end;
    const auto entry = segment.offset_index().last();
    if (!entry) return fail(entry.error());
    // Only the tail behind the last index entry is read: for the end offset, and for timestamps where no final entry was written.
    const auto from = *entry ? static_cast<std::uint64_t>((*entry)->value) : 0;
    std::uint64_t size = segment.size();
    auto done = segment.scan(from, false, [&](const BatchPosition& at, ByteView) {
      if (last) next = at.header.next_offset();
      if (at.header.max_timestamp_ms > timestamp) timestamp = at.header.max_timestamp_ms, timestamp_offset = at.header.base_offset;
      return true;
    });
    if (!done) return done;
    segment.restore(size, next, timestamp, timestamp_offset);
    return {};
  }

  /// A segment that may have an unsynced part: every batch is checked, indexes and epochs are rebuilt, a torn tail is cut.
  Status rescan(Segment& segment, bool last, Offset segment_end) {
    rescanned_.insert(segment.base_offset());
    if (auto done = segment.offset_index().clear(); !done) return done;
    if (auto done = segment.transaction_index().clear(); !done) return done;
    if (auto done = segment.time_index().clear(); !done) return done;
    const std::uint64_t size = segment.size();
    Offset next = segment.base_offset();
    std::uint64_t good = 0;
    Bytes bytes;
    std::string problem;
    while (good < size) {
      const auto batch = read_batch(segment, good, next, bytes);
      if (!batch) {
        problem = batch.error().message;
        break;
      }
      next = batch->next_offset();
      log_.epochs_.assign(batch->leader_epoch, batch->base_offset);
      if (auto done = segment.index_batch(*batch, good, log_.config_.index_interval_bytes); !done) return done;
      good += static_cast<std::uint64_t>(batch->size);
    }
    segment.restore(size, next, segment.max_timestamp_ms(), segment.max_timestamp_offset());
    // Lost at a batch boundary: nothing torn to see, but the next segment does not continue this one.
    if (problem.empty() && !last && next < segment_end) problem = "the next segment starts at offset " + std::to_string(segment_end);
    if (problem.empty() && last) return {};
    if (problem.empty()) {
      if (auto done = segment.seal(); !done) return done;
      log_.unsynced_.push_back({segment.base_offset(), {}});  // rebuilt indexes: not to be trusted before they are stable
      return {};
    }
    if (next < options_.recovery_point)
      return fail(Errc::corrupt, fmt::format("{}: damaged at position {} (offset {}), below the recovery point {}: {}", segment.path(".log"), good, next,
                                             options_.recovery_point, problem));
    log::warn("{}: cut from {} to {} bytes after an unclean end (offset {}): {}", segment.path(".log"), size, good, next, problem);
    cut_ = true;
    return segment.truncate_to(good);
  }

  Result<kafka::BatchHeader> read_batch(Segment& segment, std::uint64_t position, Offset expected, Bytes& bytes) {
    const auto at = segment.batch_at(position);
    if (!at) return fail(at.error());
    bytes.resize(static_cast<std::size_t>((*at)->header.size));
    const auto n = segment.file()->read(position, bytes.data(), bytes.size());
    if (!n) return fail(n.error());
    if (const auto valid = kafka::validate_batch((*at)->header, bytes); !valid) return fail(valid.error());
    // The base offset is outside of the CRC. Compaction leaves gaps, but none as wide as a segment's offsets can be.
    if ((*at)->header.base_offset < expected) return fail(Errc::corrupt, "offsets go back");
    if ((*at)->header.base_offset - expected > INT32_MAX) return fail(Errc::corrupt, "offsets jump");
    return (*at)->header;
  }

  /// After a cut nothing behind it can be trusted: what follows was written later.
  Status drop_after(std::map<Offset, std::unique_ptr<Segment>>::iterator it) {
    for (++it; it != log_.segments_.end();) {
      log::warn("{}: removed, it follows a cut", it->second->path(".log"));
      for (const auto& path : it->second->paths())
        if (disk_.exists(path))
          if (auto done = disk_.remove(path); !done) return done;
      it = log_.segments_.erase(it);
    }
    return list_files();
  }

  /// Latest usable snapshot, then every batch header after it.
  Status load_producers() {
    Offset from = log_.segments_.begin()->first;
    for (const auto& name : names_) {
      if (name.size() != 29 || !name.ends_with(".snapshot")) continue;
      const Offset at = std::stoll(name.substr(0, 20));
      const std::string path = log_.directory_ + "/" + name;
      // Also where the batches behind it must be read anyhow, to rebuild the transaction index.
      if (at > log_.end_offset_ || (!rescanned_.empty() && at > *rescanned_.begin())) {
        if (auto done = disk_.remove(path); !done) return done;
        continue;
      }
      const auto bytes = disk_.read_file(path);
      if (!bytes) return fail(bytes.error());
      auto state = ProducerState::decode(*bytes);
      if (!state) continue;  // torn: an older one, or the batches themselves
      log_.producers_ = std::move(*state);
      from = at;
    }
    for (auto it = log_.segment_for(from); it != log_.segments_.end(); ++it) {
      Segment& segment = *it->second;
      const auto start = segment.find(from);
      if (!start) return fail(start.error());
      if (!*start) continue;
      Status inner;
      auto done = segment.scan((*start)->position, false, [&](const BatchPosition& at, ByteView) {
        if (at.header.base_offset < from) return true;
        if (at.header.control()) inner = replay_marker(segment, at);
        else log_.producers_.update(at.header);
        return inner.has_value();
      });
      if (!done) return done;
      if (!inner) return inner;
    }
    return {};
  }

  Status replay_marker(Segment& segment, const BatchPosition& at) {
    Bytes bytes(static_cast<std::size_t>(at.header.size), '\0');
    if (const auto n = segment.file()->read(at.position, bytes.data(), bytes.size()); !n) return fail(n.error());
    const auto marker = kafka::parse_marker(bytes);
    if (!marker) return fail(marker.error());
    if (!*marker) return {};
    const auto ended = log_.producers_.update_marker(at.header, **marker);
    // Segments that were trusted have their index.
    if (!ended || ended->commit || !rescanned_.contains(segment.base_offset())) return {};
    return segment.transaction_index().append({ended->producer_id, ended->first_offset, ended->last_offset, ended->stable_offset});
  }

  io::Disk& disk_;
  Log& log_;
  const Log::Options& options_;
  std::vector<std::string> names_;  ///< of the files in the directory
  bool untouched_ = false;
  bool cut_ = false;
  std::set<Offset> rescanned_;  ///< segments whose indexes are made anew
};

Result<std::unique_ptr<Log>> Log::open(io::Disk& disk, Options options, std::int64_t now_ms) {
  std::unique_ptr<Log> log(new Log(disk, options));
  if (auto done = LogRecovery(disk, *log, options).run(now_ms); !done) return fail(done.error());
  return log;
}

}  // namespace meridian::storage
