// Link, the data path: source records into batches, batches to the target, acknowledgements into the offset map.
#include <fmt/format.h>

#include "common/base/log.h"
#include "mirror/link.h"

namespace meridian::mirror {
namespace {

using namespace std::chrono_literals;
using kafka::ErrorCode;
constexpr std::size_t poll_events_max = 2000;
constexpr auto produce_timeout = 20s;
constexpr std::int32_t produce_timeout_ms = 15'000;

}  // namespace

Link::Copy* Link::find(const std::string& topic, std::int32_t partition) const {
  const auto it = copies_.find({topic, partition});
  return it == copies_.end() ? nullptr : it->second.get();
}

Task<> Link::pump() {
  while (!stopping_) {
    // Under the same names a failed-over topic is written by its new owners: nothing may be added to it.
    if (config_.policy.identity && state_ == State::failed_over) {
      (void)co_await pause(200ms);
      continue;
    }
    // One full partition holds the others of this link back too: they share the way to the target.
    while (!stopping_ && std::ranges::any_of(copies_, [](const auto& entry) { return entry.second->copier.full(); })) co_await drained_.wait(in(1s));
    const auto n = reader_->poll(poll_events_max, [this](const ReadEvent& event) { take(event); });
    std::vector<CopyPtr> touched;
    for (const auto& key : touched_) touched.push_back(copies_.at(key));
    touched_.clear();
    for (const auto& copy : touched) {
      copy->copier.seal();  // no lingering: whatever one poll brought is a batch
      kick(copy);
    }
    if (n == 0) co_await reader_->wait(in(200ms));
    else co_await async::sleep_for(context_, clock_, 0ms);  // let answers in
  }
}

void Link::take(const ReadEvent& event) {
  const auto it = copies_.find({*event.topic, event.partition});
  if (it == copies_.end()) {
    if (event.kind == ReadEvent::Kind::error) log::debug("link {}: reader: {}", name(), event.message);
    return;
  }
  auto& copier = it->second->copier;
  switch (event.kind) {
    case ReadEvent::Kind::record:
    case ReadEvent::Kind::end:
      if (!copier.read_started) return;
      copier.take(event);
      touched_.insert(it->first);
      if (copier.state() == PartitionCopier::State::halted) {
        log::error("link {}: {}-{} halted: {}", name(), copier.topic(), copier.partition(), copier.problem());
        reader_->remove(copier.topic(), copier.partition());
      }
      return;
    case ReadEvent::Kind::out_of_range:
      if (copier.read_started) gate_.spawn(out_of_range(it->second), "out of range");
      return;
    case ReadEvent::Kind::unknown:
    case ReadEvent::Kind::error: log::debug("link {}: {}-{}: {}", name(), *event.topic, event.partition, event.message); return;
  }
}

void Link::kick(const CopyPtr& copy) {
  auto& copier = copy->copier;
  if (copy->failed || copier.state() != PartitionCopier::State::copying) return;
  for (const auto& batch : copier.batches()) {
    if (copy->in_flight >= static_cast<int>(batches_in_flight_max)) break;
    if (batch->in_flight || batch->acked_base) continue;
    if (batch->bytes.empty()) {
      batch->sequence = copier.next_sequence;
      batch->expected_target = copier.next_expected;
      auto bytes = batch->builder.finish({.compression = config_.compression,
                                          .producer_id = copy->fence.producer_id,
                                          .producer_epoch = copy->fence.producer_epoch,
                                          .base_sequence = batch->sequence});
      if (!bytes) return copier.halt("cannot compress: " + bytes.error().message);
      batch->bytes = std::move(*bytes);
      copier.next_sequence = kafka::next_sequence(copier.next_sequence, batch->records);
      copier.next_expected += batch->records;
    }
    batch->in_flight = true;
    ++copy->in_flight;
    gate_.spawn(send(copy, batch, copy->generation), "send");
  }
}

/// One attempt. `fatal` is set where only a new take-over can tell what happened.
Task<Result<Offset>> Link::write_batch(CopyPtr copy, std::shared_ptr<PartitionCopier::Batch> batch, bool& fatal) {
  const auto& copier = copy->copier;
  auto leader = co_await target_.leader(copier.remote_topic(), copier.partition(), in(produce_timeout));
  if (!leader) co_return fail(leader.error());
  ErrorCode error = ErrorCode::unknown_server_error;
  Offset base = -1;
  std::optional<std::string> message;
  if (copy->fence.kind == FenceKind::append_at) {
    kafka::AppendAtRequest request;
    request.timeout_ms = produce_timeout_ms;
    kafka::AppendAtPartition entry{.index = copier.partition(), .expected_offset = batch->expected_target, .records = {}};
    entry.records.view = batch->bytes;
    request.topics = {{copier.remote_topic(), {entry}}};
    auto response = co_await (*leader)->call(std::move(request), in(produce_timeout));
    if (!response) co_return fail(response.error());
    if (!response->topics.empty() && !response->topics[0].partitions.empty()) {
      auto& result = response->topics[0].partitions[0];
      error = result.error_code, base = result.base_offset, message = std::move(result.error_message);
    }
  } else {
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = produce_timeout_ms;
    kafka::ProduceRequestPartition entry;
    entry.index = copier.partition();
    entry.records.view = batch->bytes;
    request.topics = {{copier.remote_topic(), {}, {entry}}};
    auto response = co_await (*leader)->call(std::move(request), in(produce_timeout), 11);  // 12 and 13: transactions, topic ids
    if (!response) co_return fail(response.error());
    if (!response->topics.empty() && !response->topics[0].partitions.empty()) {
      auto& result = response->topics[0].partitions[0];
      error = result.error_code, base = result.base_offset, message = std::move(result.error_message);
    }
  }
  if (error == ErrorCode::none) co_return base;
  fatal = !kafka::is_retriable(error);
  co_return fail(Errc::refused, std::string(kafka::error_name(error)) + (message ? " (" + *message + ")" : ""));
}

Task<> Link::send(CopyPtr copy, std::shared_ptr<PartitionCopier::Batch> batch, int generation) {
  bool fatal = false;
  const auto base = co_await write_batch(copy, batch, fatal);
  if (generation != copy->generation) co_return;  // another take-over began meanwhile
  --copy->in_flight;
  batch->in_flight = false;
  auto& copier = copy->copier;
  if (base) {
    batch->acked_base = *base;
    while (!copier.batches().empty() && copier.batches().front()->acked_base) {
      const auto front = copier.batches().front();
      records_.add(static_cast<std::uint64_t>(front->records));
      bytes_.add(front->bytes.size());
      copier.acknowledged(*front->acked_base);
    }
  } else {
    if (!copy->failed) log::warn("link {}: writing {}-{}: {}", name(), copier.remote_topic(), copier.partition(), base.error().message);
    copy->failed = true;
    copy->fatal |= fatal;
  }
  if (!copy->failed) kick(copy);
  else if (copy->in_flight == 0) gate_.spawn(recover(copy, generation), "recovery");
  drained_.wake();
}

/// Nothing is in flight any more: send the same bytes again in order, or start over where the target's answer forbids that.
Task<> Link::recover(CopyPtr copy, int generation) {
  if (!co_await pause(100ms) || generation != copy->generation) co_return;
  target_.invalidate();
  retries_.add();
  if (copy->fatal) {
    restart(copy);
    co_return;
  }
  copy->failed = false;
  kick(copy);
}

void Link::restart(const CopyPtr& copy) {
  auto& copier = copy->copier;
  ++copy->generation;
  if (copier.read_started) reader_->remove(copier.topic(), copier.partition());
  copier.restart();
  gate_.spawn(take_over(copier.topic(), {copier.partition()}), "take-over");
}

/// The offset to read is not on the source. Retention overran the mirror: the gap is counted, named, and reading goes on behind it.
/// The source ends before it: it lost records, and nothing is guessed.
Task<> Link::out_of_range(CopyPtr copy) {
  auto& copier = copy->copier;
  const int generation = copy->generation;
  const Offset position = copier.map().next().source;
  const auto start = co_await client::list_offset(source_, copier.topic(), copier.partition(), client::earliest, in(10s));
  const auto end = start ? co_await client::list_offset(source_, copier.topic(), copier.partition(), client::latest, in(10s)) : start;
  if (!end || generation != copy->generation || copier.state() == PartitionCopier::State::halted) co_return;
  if (*start > position) {
    ++gaps_;
    log::error("link {}: {}-{}: source retention removed offsets {} to {} before they were copied", name(), copier.topic(), copier.partition(), position,
               *start - 1);
    copier.map().scanned_to(*start);
    copier.map_dirty = true;
    std::vector<std::pair<std::string, std::optional<Bytes>>> record;
    record.emplace_back(fmt::format("gap/{}/{}/{}/{}", name(), copier.topic(), copier.partition(), position), fmt::format("{}", *start));
    (void)co_await links_topic_.write(std::move(record), in(10s));
    if (generation == copy->generation) restart(copy);
  } else if (*end < position) {
    copier.halt(fmt::format("the source ends at {}, before {} where the mirror had read: it was truncated or restored", *end, position));
    log::error("link {}: {}-{} halted: {}", name(), copier.topic(), copier.partition(), copier.problem());
  } else {
    restart(copy);
  }
}

Task<> Link::persist_loop() {
  while (co_await pause(100ms))
    if (auto done = co_await persist(); !done && !stopping_) log::warn("link {}: offset map: {}", name(), done.error().message);
}

Task<Status> Link::persist() {
  std::vector<std::pair<std::string, std::optional<Bytes>>> records;
  std::vector<std::pair<CopyPtr, std::size_t>> written;
  for (auto& [key, copy] : copies_) {
    if (!copy->copier.map_dirty) continue;
    copy->copier.map_dirty = false;
    const auto& map = copy->copier.map();
    const std::size_t count = std::max<std::size_t>(map.chunk_count(), 1);
    // Chunks before the last are final once the last one was written beside them.
    for (std::size_t i = copy->chunks_written == 0 ? 0 : copy->chunks_written - 1; i < count; ++i)
      records.emplace_back(map_key(key.first, key.second, i), map.encode_chunk(i));
    written.emplace_back(copy, count);
  }
  if (records.empty()) co_return Status{};
  auto done = co_await map_topic_.write(std::move(records), in(10s));
  for (auto& [copy, count] : written) {
    if (done) copy->chunks_written = count;
    else copy->copier.map_dirty = true;
  }
  co_return done;
}

/// Where the source ends, asked apart from reading: the lag, and after its loss the estimate of what had not crossed.
Task<> Link::ends_loop() {
  while (co_await pause(200ms)) {
    std::vector<Key> partitions;
    for (const auto& [key, copy] : copies_) partitions.push_back(key);
    if (partitions.empty()) continue;
    const auto ends = co_await client::end_offsets(source_, std::move(partitions), in(2s));
    source_reachable_ = ends.has_value();
    if (!ends) continue;
    source_seen_ = clock_.now();
    source_seen_wall_ms_ = clock_.wall_ms();
    for (const auto& [key, end] : *ends)
      if (auto* copy = find(key.first, key.second)) copy->copier.source_end_is(end);
  }
}

}  // namespace meridian::mirror
