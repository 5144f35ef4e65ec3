// ReplicaManager, the part that runs in the background: flush.ms, retention, compaction, checkpoints.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "broker/replication/replica_manager.h"
#include "broker/storage/compaction.h"
#include "common/base/log.h"

namespace meridian::replication {

namespace chrono = std::chrono;

void ReplicaManager::start_maintenance(std::function<void()> on_all_failed) {
  on_all_failed_ = std::move(on_all_failed);
  // A gate belongs to its shard, so each loop is started there.
  for (auto& home : per_shard_)
    boost::asio::post(home->shard.context(), [this, &at = *home] {
      at.gate.spawn(maintain(at), "log maintenance");
      if (settings_.boolean("log.cleaner.enable")) at.gate.spawn(clean(at), "log cleaner");
    });
}

Task<> ReplicaManager::maintain(PerShard& home) {
  constexpr auto tick = chrono::milliseconds(500);  // resolution of flush.ms
  const auto retention_every = [&home] { return chrono::milliseconds(home.settings->integer("log.retention.check.interval.ms")); };
  const auto checkpoint_every = chrono::milliseconds(settings_.integer("log.flush.offset.checkpoint.interval.ms"));
  auto& clock = home.shard.clock();
  auto retention_at = clock.now() + retention_every(), checkpoint_at = clock.now() + checkpoint_every;
  std::map<TopicPartition, async::TimePoint> dirty_since;
  while (!home.gate.closed() && !co_await home.stop.wait(clock.now() + tick)) {
    if (home.shard.id() == 0 && on_all_failed_ && all_failed()) std::exchange(on_all_failed_, nullptr)();
    std::vector<std::shared_ptr<Replica>> replicas;
    for (auto& [topic, partitions] : home.topics)
      for (auto& [n, replica] : partitions) replicas.push_back(replica);
    const bool retention_due = clock.now() >= retention_at;
    for (const auto& replica : replicas) {
      storage::Log& log = replica->log();
      if (!log.needs_flush()) dirty_since.erase(replica->id());
      else if (log.config().flush_ms < INT64_MAX) {
        const auto since = dirty_since.emplace(replica->id(), clock.now()).first->second;
        if (clock.now() - since >= chrono::milliseconds(log.config().flush_ms)) replica->request_flush();
      }
      if (!retention_due || replica->is_shut()) continue;
      log.expire_producers(clock.wall_ms() - home.settings->integer("producer.id.expiration.ms"));
      if (auto done = co_await log.enforce_retention(clock.wall_ms(), replica->high_watermark()); !done)
        log::warn("retention of {}-{}: {}", replica->id().topic, replica->id().partition, done.error().message);
    }
    if (retention_due) retention_at = clock.now() + retention_every();
    if (home.shard.id() == 0 && clock.now() >= checkpoint_at) {
      if (auto done = co_await write_checkpoints(); !done) log::warn("{}", done.error().message);
      checkpoint_at = clock.now() + checkpoint_every;
    }
  }
}

// Waits until a run that has read for `seconds` at its permitted rate may go on; false when it is to end.
Task<bool> ReplicaManager::throttle_cleaning(PerShard& home, std::shared_ptr<Replica> replica, async::TimePoint began, double seconds) {
  auto& clock = home.shard.clock();
  const auto allowed_at = began + chrono::duration_cast<async::Duration>(chrono::duration<double>(seconds));
  while (clock.now() < allowed_at && !home.stopping && !replica->is_shut())
    co_await async::sleep_for(home.shard.context(), clock, std::min<async::Duration>(chrono::milliseconds(100), allowed_at - clock.now()));
  co_return !home.stopping && !replica->is_shut();
}

// Compacts the log with the largest dirty share, one at a time, until none is due; then waits log.cleaner.backoff.ms.
Task<> ReplicaManager::clean(PerShard& home) {
  constexpr std::size_t map_entry_bytes = 24;
  auto& clock = home.shard.clock();
  auto due = clock.now();
  while (!home.gate.closed() && !home.stopping) {
    // Short waits, so that stopping is not held up.
    co_await async::sleep_for(home.shard.context(), clock, chrono::milliseconds(100));
    if (clock.now() < due || home.stopping) continue;
    const auto backoff = chrono::milliseconds(home.settings->integer("log.cleaner.backoff.ms"));
    const auto map_entries = static_cast<std::size_t>(home.settings->integer("log.cleaner.dedupe.buffer.size")) / map_entry_bytes;
    const double rate = std::stod(home.settings->string("log.cleaner.io.max.bytes.per.second"));
    std::shared_ptr<Replica> dirtiest;
    double ratio = -1;
    for (auto& [topic, partitions] : home.topics)
      for (auto& [n, replica] : partitions) {
        auto dirt = replica->log().dirtiness(clock.wall_ms(), replica->high_watermark());
        if (dirt.roll && !replica->is_shut() && replica->log().roll()) dirt = replica->log().dirtiness(clock.wall_ms(), replica->high_watermark());
        if (dirt.due && dirt.ratio > ratio && !replica->is_shut()) dirtiest = replica, ratio = dirt.ratio;
      }
    if (!dirtiest) {
      due = clock.now() + backoff;
      continue;
    }
    const auto began = clock.now();
    const auto pause = [&](std::uint64_t read) { return throttle_cleaning(home, dirtiest, began, static_cast<double>(read) / rate); };
    const Offset before = dirtiest->log().clean_point();
    const auto done = co_await dirtiest->compact(map_entries, pause);
    if (done && dirtiest->log().clean_point() == before) due = clock.now() + backoff;  // no progress: not at once again
    const auto& id = dirtiest->id();
    if (!done) {
      log::warn("compaction of {}-{}: {}", id.topic, id.partition, done.error().message);
      due = clock.now() + backoff;
    } else if (done->records_dropped > 0) {
      log::info("compacted {}-{} up to offset {}: {} to {} bytes, {} records gone", id.topic, id.partition, done->clean_to, done->bytes_before,
                done->bytes_after, done->records_dropped);
    }
  }
}

Task<> ReplicaManager::collect(PerShard& home, Points& points) {
  const auto note = [&points](LogDirectory* directory, const TopicPartition& id, Offset recovery, Offset start, Offset clean) {
    auto& of = points[directory];
    const std::pair key{id.topic, id.partition};
    of.recovery[key] = recovery;
    if (start > 0) of.start[key] = start;
    if (clean > 0) of.clean[key] = clean;
  };
  for (auto& [topic, partitions] : home.topics)
    for (auto& [n, replica] : partitions) {
      const auto& log = replica->log();
      note(directory_of(log), replica->id(), log.recovery_point(), log.start_offset(), log.clean_point());
    }
  for (const auto& [id, failed] : home.failed) {
    if (failed.directory) note(failed.directory, id, failed.recovery_point, failed.start_offset, failed.clean_point);
    // Being swapped: whichever directory it is found in after a crash.
    if (const auto move = home.moves.find(id); move != home.moves.end()) note(move->second.to, id, 0, failed.start_offset, failed.clean_point);
  }
  co_return;
}

// On the control shard; one at a time, since each writes the same files.
Task<Status> ReplicaManager::write_checkpoints() {
  while (writing_checkpoints_) {
    async::Waiter waiter(shards_[0]->context(), shards_[0]->clock());
    checkpoint_waiters_.push_back(&waiter);
    co_await waiter.wait();
  }
  writing_checkpoints_ = true;
  Points points;
  for (auto& home : per_shard_) co_await async::on(home->shard, collect(*home, points));
  Status result;
  co_await disk_.offload([&] {
    for (auto& directory : directories_)
      if (!directory->failed())
        if (auto done = directory->write_checkpoints(points[directory.get()]); !done) result = std::move(done);
  });
  writing_checkpoints_ = false;
  for (auto* waiter : std::exchange(checkpoint_waiters_, {})) waiter->wake();
  co_return result;
}

}  // namespace meridian::replication
