#include "mirror/partition_copier.h"

namespace meridian::mirror {

void PartitionCopier::begin(std::vector<TailMatcher::TailRecord> tail, Offset target_end) {
  target_end_ = target_end;
  state_ = tail.empty() ? State::copying : State::matching;
  if (tail.empty()) map_.target_end_is(target_end);
  else matcher_.emplace(std::move(tail), map_.next());
  next_expected = target_end;
}

void PartitionCopier::restart() {
  state_ = State::starting;
  matcher_.reset();
  filling_.reset();
  batches_.clear();
  read_started = false;
}

void PartitionCopier::halt(std::string problem) {
  state_ = State::halted;
  problem_ = std::move(problem);
  filling_.reset();
  batches_.clear();
}

void PartitionCopier::add_run(std::vector<Run>& runs, Offset source, Offset target) const {
  if (!runs.empty() && runs.back().source_end() == source && runs.back().target_end() == target) ++runs.back().count;
  else runs.push_back({source, target, 1});
}

void PartitionCopier::take(const ReadEvent& event) {
  if (event.kind == ReadEvent::Kind::end) {
    source_end_is(event.offset);
    // Everything before the end was seen; behind unacknowledged batches this goes into the map with the last of them.
    if (state_ == State::copying && idle()) {
      if (event.offset > map_.next().source) map_.scanned_to(event.offset), map_dirty = true;
    } else if (state_ == State::copying) {
      (filling_ ? filling_ : batches_.back())->scanned = event.offset;
    }
    return;
  }
  if (state_ != State::matching && state_ != State::copying) return;
  source_end_is(event.offset + 1);
  if (state_ == State::matching) {
    switch (matcher_->take(event.offset, fingerprint(event.timestamp_ms, event.key, event.value, event.headers))) {
      case TailMatcher::Verdict::matched:
        map_.add({event.offset, matcher_->matched_at(), 1});
        map_dirty = true;
        newest_timestamp_ms_ = std::max(newest_timestamp_ms_, event.timestamp_ms);
        if (!matcher_->exhausted()) return;
        map_.target_end_is(target_end_);
        matcher_.reset();
        state_ = State::copying;
        return;
      case TailMatcher::Verdict::foreign:
        return halt("the target holds records behind offset " + std::to_string(map_.next().target) +
                    " that are not from the source: somebody else wrote to it");
      case TailMatcher::Verdict::first_new:
        map_.target_end_is(target_end_);
        matcher_.reset();
        state_ = State::copying;
    }
  }
  const std::size_t size = (event.key ? event.key->size() : 0) + (event.value ? event.value->size() : 0) + event.headers.size() + 32;
  if (filling_ && filling_->builder.body_bytes() + size > batch_body_bytes_max) seal();
  if (!filling_) filling_ = std::make_shared<Batch>();
  add_run(filling_->runs, event.offset, filling_->records);
  ++filling_->records;
  filling_->scanned = event.offset + 1;
  filling_->newest_timestamp_ms = std::max(filling_->newest_timestamp_ms, event.timestamp_ms);
  filling_->builder.add(event.timestamp_ms, event.key, event.value, event.headers);
}

void PartitionCopier::seal() {
  if (!filling_) return;
  batches_.push_back(std::move(filling_));
  filling_.reset();
}

void PartitionCopier::acknowledged(Offset base) {
  const auto batch = batches_.front();
  batches_.pop_front();
  for (const auto& run : batch->runs) map_.add({run.source, base + run.target, run.count});
  map_.scanned_to(batch->scanned);
  map_dirty = true;
  newest_timestamp_ms_ = std::max(newest_timestamp_ms_, batch->newest_timestamp_ms);
  records_copied += static_cast<std::uint64_t>(batch->records);
  bytes_copied += batch->bytes.size();
}

}  // namespace meridian::mirror
