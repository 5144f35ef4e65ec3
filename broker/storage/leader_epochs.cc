#include "broker/storage/leader_epochs.h"

#include <algorithm>
#include <sstream>

namespace meridian::storage {

bool LeaderEpochs::assign(std::int32_t epoch, Offset start_offset) {
  if (epoch < 0 || (!entries_.empty() && epoch <= entries_.back().epoch)) return false;
  // An epoch that wrote nothing leaves no trace: the newer one took its start offset.
  while (!entries_.empty() && entries_.back().start_offset >= start_offset) entries_.pop_back();
  entries_.push_back({epoch, start_offset});
  return true;
}

LeaderEpochs::Entry LeaderEpochs::end_offset_for(std::int32_t epoch, Offset log_end) const {
  const auto next = std::ranges::upper_bound(entries_, epoch, {}, &Entry::epoch);
  if (epoch < 0 || next == entries_.begin()) return {-1, -1};
  // An epoch above every known one: nothing can be said about it.
  if (next == entries_.end() && std::prev(next)->epoch != epoch) return {-1, -1};
  return {std::prev(next)->epoch, next == entries_.end() ? log_end : next->start_offset};
}

std::int32_t LeaderEpochs::epoch_at(Offset offset) const {
  const auto next = std::ranges::upper_bound(entries_, offset, {}, &Entry::start_offset);
  return next == entries_.begin() ? -1 : std::prev(next)->epoch;
}

void LeaderEpochs::truncate_end(Offset end) {
  while (!entries_.empty() && entries_.back().start_offset >= end) entries_.pop_back();
}

void LeaderEpochs::truncate_start(Offset start) {
  auto next = std::ranges::upper_bound(entries_, start, {}, &Entry::start_offset);
  if (next == entries_.begin()) return;
  std::prev(next)->start_offset = start;
  entries_.erase(entries_.begin(), std::prev(next));
}

Bytes LeaderEpochs::encode() const {
  std::ostringstream out;
  out << 0 << '\n' << entries_.size() << '\n';
  for (const auto& entry : entries_) out << entry.epoch << ' ' << entry.start_offset << '\n';
  return out.str();
}

Result<LeaderEpochs> LeaderEpochs::decode(ByteView text) {
  std::istringstream in{std::string(text)};
  int version = -1;
  std::size_t count = 0;
  in >> version >> count;
  LeaderEpochs epochs;
  for (std::size_t i = 0; i < count && in; ++i) {
    Entry entry{};
    in >> entry.epoch >> entry.start_offset;
    if (in) epochs.entries_.push_back(entry);
  }
  if (!in || version != 0) return fail(Errc::corrupt, "leader-epoch-checkpoint does not parse");
  return epochs;
}

}  // namespace meridian::storage
