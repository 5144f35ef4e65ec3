#include "broker/replication/replica.h"

#include <boost/asio/post.hpp>

namespace meridian::replication {

Replica::Replica(TopicPartition id, Uuid topic_id, std::int32_t self, std::unique_ptr<storage::Log> log, async::Shard& shard, async::Gate& gate)
    : id_(std::move(id)), topic_id_(topic_id), log_(std::move(log)), partition_(self), shard_(shard), gate_(gate), idle_(shard.context(), shard.clock()) {}

void Replica::apply(const metadata::PartitionRecord& record, const storage::LogConfig& config, std::int64_t min_insync) {
  log_->set_config(config);
  min_insync_ = min_insync;
  partition_.apply(record);
  count_progress();
  if (log_->config().durability == storage::Durability::fsync) request_flush();
}

std::expected<storage::Appended, storage::AppendFailure> Replica::append(char* batch, std::size_t size, const storage::AppendRequest& request) {
  auto appended = log_->append(batch, size, partition_.leader_epoch(), shard_.clock().wall_ms(), request);
  if (appended && !appended->duplicate) count_progress();
  return appended;
}

std::expected<storage::Appended, storage::AppendFailure> Replica::append_marker(const kafka::TransactionMarker& marker, kafka::MarkerProducer producer) {
  auto appended = log_->append_marker(marker, producer, partition_.leader_epoch(), shard_.clock().wall_ms());
  if (appended) count_progress();
  return appended;
}

// What counts depends on the durability setting; where it waits for a sync, one is on its way.
void Replica::count_progress() {
  const auto& config = log_->config();
  const bool wait_for_sync = config.durability == storage::Durability::fsync || log_->end_offset() - log_->synced_end_offset() >= config.flush_messages;
  if (partition_.counted_here(wait_for_sync ? log_->synced_end_offset() : log_->end_offset())) wake_all();
  if (wait_for_sync) request_flush();
}

void Replica::request_flush() {
  if (flushing_ || shut_ || log_->offline() || !log_->needs_flush()) return;
  flushing_ = true;
  gate_.spawn(flush_loop(shared_from_this()), "log flush");
}

// One sync serves every append that was made before it began; those made meanwhile share the next.
Task<> Replica::flush_loop(std::shared_ptr<Replica> self) {
  while (!self->shut_ && self->log_->needs_flush()) {
    const Offset before = self->log_->end_offset();
    if (auto done = co_await self->log_->flush(); !done) {
      self->wake_all();
      break;
    }
    if (self->partition_.counted_here(before)) self->wake_all();
    if (self->log_->config().durability == storage::Durability::page_cache) break;
  }
  self->flushing_ = false;
  self->idle_.wake();
}

Task<Result<storage::CompactionStats>> Replica::compact(std::size_t map_entries_max, std::function<Task<bool>(std::uint64_t)> pause) {
  const auto self = shared_from_this();
  compacting_ = true;
  auto done = co_await log_->compact(shard_.clock().wall_ms(), high_watermark(), map_entries_max, std::move(pause));
  compacting_ = false;
  idle_.wake();
  co_return done;
}

Task<bool> Replica::wait_committed(Offset end, async::TimePoint deadline) {
  const auto self = shared_from_this();
  if (high_watermark() >= end) co_return true;
  async::Waiter waiter(shard_.context(), shard_.clock());
  const auto entry = commit_waiters_.emplace(end, &waiter);
  while (!shut_ && !log_->offline() && high_watermark() < end)
    if (!co_await waiter.wait(deadline)) break;
  commit_waiters_.erase(entry);
  co_return high_watermark() >= end;
}

void Replica::wake_all() {
  const bool failed = shut_ || log_->offline();
  for (auto& [end, waiter] : commit_waiters_) {
    if (end > high_watermark() && !failed) break;
    waiter->wake();
  }
  wake_fetches();
}

void Replica::wake_fetches() {
  for (const auto& waiter : fetch_waiters_) {
    if (waiter->shard.is_current()) waiter->waiter.wake();
    else boost::asio::post(waiter->shard.context(), [waiter] { waiter->waiter.wake(); });
  }
}

void Replica::shut() {
  shut_ = true;
  wake_all();
}

Task<> Replica::idle() {
  const auto self = shared_from_this();
  while (flushing_ || compacting_) co_await idle_.wait();
}

}  // namespace meridian::replication
