#include "mirror/offset_map.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/kafka/codec.h"

namespace meridian::mirror {
namespace {
constexpr char chunk_version = 0;
/// No offset is near this; what claims to be is damage, and must not overflow on the way to being found out.
constexpr std::uint64_t offset_max = 1ull << 60;
}  // namespace

void OffsetMap::add(Run run) {
  CHECK(run.count > 0 && run.source >= scanned_ && run.target >= target_next_);
  if (!runs_.empty() && runs_.back().source_end() == run.source && runs_.back().target_end() == run.target) runs_.back().count += run.count;
  else runs_.push_back(run);
  scanned_ = run.source_end();
  target_next_ = run.target_end();
}

void OffsetMap::scanned_to(Offset source) { scanned_ = std::max(scanned_, source); }
void OffsetMap::target_end_is(Offset target) { target_next_ = std::max(target_next_, target); }

std::optional<Offset> OffsetMap::to_target(Offset source) const {
  if (source > scanned_) return std::nullopt;
  const auto next = std::ranges::upper_bound(runs_, source, {}, &Run::source);
  if (next != runs_.begin() && source < std::prev(next)->source_end()) return std::prev(next)->target + (source - std::prev(next)->source);
  return next == runs_.end() ? target_next_ : next->target;
}

std::optional<Offset> OffsetMap::to_source(Offset target) const {
  if (target > target_next_) return std::nullopt;
  const auto next = std::ranges::upper_bound(runs_, target, {}, &Run::target);
  if (next != runs_.begin() && target < std::prev(next)->target_end()) return std::prev(next)->source + (target - std::prev(next)->target);
  return next == runs_.end() ? scanned_ : next->source;
}

std::int64_t OffsetMap::records_from(Offset source) const {
  std::int64_t count = 0;
  for (auto run = runs_.rbegin(); run != runs_.rend() && run->source_end() > source; ++run) count += run->source_end() - std::max(run->source, source);
  return count;
}

Bytes OffsetMap::encode_chunk(std::size_t i) const {
  const std::size_t first = i * runs_per_chunk, end = std::min(first + runs_per_chunk, runs_.size());
  Bytes out(1, chunk_version);
  kafka::append_unsigned_varint(out, end - std::min(first, end));
  Offset source = 0, target = 0;
  for (std::size_t n = first; n < end; ++n) {
    kafka::append_unsigned_varint(out, static_cast<std::uint64_t>(runs_[n].source - source));
    kafka::append_unsigned_varint(out, static_cast<std::uint64_t>(runs_[n].target - target));
    kafka::append_unsigned_varint(out, static_cast<std::uint64_t>(runs_[n].count));
    source = runs_[n].source_end();
    target = runs_[n].target_end();
  }
  const bool last = end == runs_.size();
  kafka::append_unsigned_varint(out, static_cast<std::uint64_t>((last ? scanned_ : source) - source));
  kafka::append_unsigned_varint(out, static_cast<std::uint64_t>((last ? target_next_ : target) - target));
  return out;
}

Result<OffsetMap> OffsetMap::decode(const std::vector<Bytes>& chunks) {
  OffsetMap map;
  const auto damaged = [] { return fail(Errc::corrupt, "offset map chunk does not parse"); };
  for (const auto& chunk : chunks) {
    if (chunk.empty() || chunk[0] != chunk_version) return damaged();
    std::size_t at = 1;
    const auto number = [&]() -> std::optional<std::uint64_t> {
      const auto value = kafka::read_unsigned_varint(chunk, at);
      return value && *value <= offset_max ? value : std::nullopt;
    };
    const auto count = number();
    if (!count || *count > runs_per_chunk) return damaged();
    Offset source = 0, target = 0;
    for (std::uint64_t n = 0; n < *count; ++n) {
      const auto ds = number(), dt = number(), length = number();
      if (!ds || !dt || !length || *length == 0) return damaged();
      const Run run{source + static_cast<Offset>(*ds), target + static_cast<Offset>(*dt), static_cast<std::int64_t>(*length)};
      if (run.source < map.scanned_ || run.target < map.target_next_ || run.source_end() > static_cast<Offset>(offset_max) ||
          run.target_end() > static_cast<Offset>(offset_max))
        return damaged();
      map.add(run);
      source = run.source_end();
      target = run.target_end();
    }
    const auto ds = number(), dt = number();
    if (!ds || !dt || at != chunk.size()) return damaged();
    map.scanned_to(source + static_cast<Offset>(*ds));
    map.target_end_is(target + static_cast<Offset>(*dt));
  }
  return map;
}

}  // namespace meridian::mirror
