#include "mirror/tail_matcher.h"

#include <algorithm>
#include <functional>

namespace meridian::mirror {

Fingerprint fingerprint(std::int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value, ByteView headers) {
  constexpr std::uint64_t multiplier = 0x9e3779b97f4a7c15;
  std::uint64_t hash = static_cast<std::uint64_t>(timestamp_ms);
  const auto mix = [&hash](std::uint64_t part) { hash = (hash ^ part) * multiplier ^ (hash >> 29); };
  for (const auto& part : {key, value, std::optional(headers)}) {
    mix(part ? part->size() + 1 : 0);
    if (part) mix(std::hash<ByteView>{}(*part));
  }
  return {hash};
}

TailMatcher::Verdict TailMatcher::take(Offset source, const Fingerprint& print) {
  if (exhausted()) return Verdict::first_new;
  // Each tail record stands for at least one source offset, so index i can only be a source record at pair + i or behind.
  const auto reachable = static_cast<std::size_t>(std::max<Offset>(0, source - pair_.source)) + 1;
  const auto end = tail_.begin() + static_cast<std::ptrdiff_t>(std::min(tail_.size(), reachable));
  const auto begin = tail_.begin() + static_cast<std::ptrdiff_t>(next_);
  const auto found = begin < end ? std::find_if(begin, end, [&print](const TailRecord& record) { return record.print == print; }) : end;
  if (found != end) {
    next_ = static_cast<std::size_t>(found - tail_.begin()) + 1;
    any_ = true;
    return Verdict::matched;
  }
  // Nothing matched at all, and nothing can be missing from the source: the tail is not a copy of it.
  if (!any_ && source == pair_.source) return Verdict::foreign;
  // The source lost what the rest of the tail came from only if its offsets reach past it; otherwise the tail is foreign.
  if (source - pair_.source < static_cast<Offset>(tail_.size())) return Verdict::foreign;
  next_ = tail_.size();
  return Verdict::first_new;
}

}  // namespace meridian::mirror
