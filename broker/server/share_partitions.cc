#include "broker/server/share_partitions.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "broker/metadata/offset_reset.h"
#include "broker/server/request_context.h"
#include "common/base/log.h"

namespace meridian::server {
namespace {

using coordinator::share::LogBatch;
using coordinator::share::ShareChange;
using coordinator::share::ShareLimits;
using kafka::ErrorCode;

/// A batch of what was read, and where in it the batch ends.
struct ReadBatch {
  LogBatch batch;
  std::int64_t producer_id;
  bool transactional;
  bool control;
  std::size_t end;
};

/// Headers of the batches in `slices`, until they hold `records_max` offsets from `from` on.
Result<std::vector<ReadBatch>> scan(const std::vector<io::FileSlice>& slices, Offset from, std::int64_t records_max) {
  constexpr std::size_t chunk_bytes = 32 * 1024;
  std::vector<ReadBatch> found;
  Bytes chunk;
  std::size_t total = 0;
  for (const auto& slice : slices) {
    std::size_t chunk_at = 0;
    chunk.clear();
    for (std::size_t at = 0; at < slice.size;) {
      if (at + kafka::batch_header_bytes > chunk_at + chunk.size()) {
        chunk.resize(std::min(chunk_bytes, slice.size - at));
        chunk_at = at;
        if (const auto n = slice.file->read(slice.position + at, chunk.data(), chunk.size()); !n) return fail(n.error());
      }
      const auto header = kafka::parse_batch_header(ByteView(chunk).substr(at - chunk_at));
      if (!header) return fail(header.error());
      at += static_cast<std::size_t>(header->size);
      found.push_back({{header->base_offset, header->last_offset()}, header->producer_id, header->transactional(), header->control(), total + at});
      if (header->last_offset() - from + 1 >= records_max) return found;
    }
    total += slice.size;
  }
  return found;
}

/// Under read_committed nobody sees markers, nor batches of aborted transactions.
void leave_out_aborted(std::vector<ReadBatch>& batches, storage::Log& log) {
  if (batches.empty()) return;
  for (const auto& aborted : log.aborted_transactions(batches.front().batch.first, batches.back().batch.last + 1))
    for (auto& [batch, producer_id, transactional, control, end] : batches)
      if (transactional && producer_id == aborted.producer_id && batch.first >= aborted.first_offset && batch.last <= aborted.last_offset)
        batch.deliverable = false;
  for (auto& read : batches)
    if (read.control) read.batch.deliverable = false;
}

void cut(std::vector<io::FileSlice>& slices, std::size_t size) {
  for (auto& slice : slices) {
    slice.size = std::min(slice.size, size);
    size -= slice.size;
  }
  std::erase_if(slices, [](const auto& slice) { return slice.size == 0; });
}

/// What the share coordinator says, as members are told it.
ErrorCode told(ErrorCode error) {
  switch (error) {
    case ErrorCode::none: return error;
    case ErrorCode::invalid_request: return ErrorCode::unknown_topic_or_partition;
    case ErrorCode::fenced_state_epoch:
    case ErrorCode::fenced_leader_epoch: return ErrorCode::not_leader_or_follower;
    default: return ErrorCode::coordinator_not_available;
  }
}

}  // namespace

SharePartitions::SharePartitions(replication::ReplicaManager& replicas, coordinator::share::ShareCoordinator& coordinator, const MetadataCache& cache,
                                 std::vector<async::Shard*> shards)
    : replicas_(replicas), coordinator_(coordinator), cache_(cache) {
  for (auto* shard : shards) per_shard_.push_back(std::make_unique<PerShard>(*shard));
}

void SharePartitions::start() {
  for (auto& home : per_shard_)
    boost::asio::post(home->shard.context(), [this, &at = *home] { at.gate.spawn(expire_loop(at), "acquisition locks of share groups"); });
}

Task<> SharePartitions::stop() {
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](PerShard& at) -> Task<> {
      at.stopping = true;
      at.timer.wake();
      co_await at.gate.close();
    }(*home));
}

ShareLimits SharePartitions::limits(const async::Shard& shard, const std::string& group) const {
  const auto& image = *cache_.image(shard);
  return {.lock_duration = std::chrono::milliseconds(metadata::group_integer(image, group, "share.record.lock.duration.ms")),
          .delivery_count_max = static_cast<std::int16_t>(metadata::group_integer(image, group, "share.delivery.count.limit")),
          .record_locks_max = metadata::group_integer(image, group, "share.partition.max.record.locks"),
          .renew = metadata::group_value(image, group, "share.renew.acknowledge.enable") == "true"};
}

Task<std::expected<SharePartitions::EntryPtr, ErrorCode>> SharePartitions::find_or_load(PerShard& at, Key key, std::string topic) {
  for (;;) {
    const auto replica = replicas_.find(topic, key.partition);
    const auto found = at.entries.find(key);
    if (!replica || replica->topic_id() != key.topic_id || !replica->partition().leads()) {
      if (found != at.entries.end()) at.entries.erase(found);
      co_return std::unexpected(replicas_.failed(topic, key.partition) ? ErrorCode::kafka_storage_error : ErrorCode::unknown_topic_or_partition);
    }
    if (found == at.entries.end()) break;
    const EntryPtr entry = found->second;
    if (entry->partition) co_return entry;
    auto waiter = std::make_shared<async::Waiter>(at.shard.context(), at.shard.clock());
    entry->waiting.push_back(waiter);
    co_await waiter->wait();
  }
  auto entry = std::make_shared<Entry>();
  entry->key = key;
  entry->topic = std::move(topic);
  at.entries[key] = entry;
  const auto error = co_await load(at, entry);
  if (const auto found = at.entries.find(key); error != ErrorCode::none && found != at.entries.end() && found->second == entry) at.entries.erase(found);
  for (const auto& waiter : std::exchange(entry->waiting, {})) waiter->wake();
  if (error != ErrorCode::none) co_return std::unexpected(error);
  co_return entry;
}

Task<> SharePartitions::load_ahead(PerShard& at, Key key, std::string topic) {
  (void)co_await find_or_load(at, std::move(key), std::move(topic));  // what is wrong is told to who asks next
}

Task<ErrorCode> SharePartitions::load(PerShard& at, EntryPtr entry) {
  const auto replica = replicas_.find(entry->topic, entry->key.partition);
  entry->leader_epoch = replica->partition().leader_epoch();
  const auto known = co_await coordinator_.read(entry->key, entry->leader_epoch);
  if (known.error != ErrorCode::none) co_return told(known.error);
  entry->state_epoch = known.state_epoch;
  if (known.start_offset >= 0) {
    entry->partition = std::make_unique<coordinator::share::SharePartition>(known.start_offset, known.batches);
    co_return ErrorCode::none;
  }
  const auto first = co_await first_offset(at, replica, entry->key.group);
  if (!first) co_return first.error();
  // Written at once: a group that begins at the end has not missed what comes before its first acknowledgement.
  const auto error = co_await coordinator_.write(entry->key, {.partition = entry->key.partition,
                                                              .state_epoch = entry->state_epoch,
                                                              .leader_epoch = entry->leader_epoch,
                                                              .start_offset = *first,
                                                              .delivery_complete_count = 0,
                                                              .state_batches = {}});
  if (error == ErrorCode::none) entry->partition = std::make_unique<coordinator::share::SharePartition>(*first, std::vector<kafka::ShareStateBatch>{});
  co_return told(error);
}

Task<std::expected<Offset, ErrorCode>> SharePartitions::first_offset(PerShard& at, std::shared_ptr<replication::Replica> replica, std::string group) {
  using metadata::OffsetReset;
  const auto reset = OffsetReset::parse(metadata::group_value(*cache_.image(at.shard), group, "share.auto.offset.reset"));
  const Offset end = replica->high_watermark();
  if (!reset || reset->where == OffsetReset::Where::latest) co_return end;
  if (reset->where == OffsetReset::Where::earliest) co_return replica->log().start_offset();
  const auto hit = replica->log().find_timestamp(at.shard.clock().wall_ms() - reset->duration_ms, end);
  if (!hit) co_return std::unexpected(ErrorCode::kafka_storage_error);
  co_return *hit ? (*hit)->offset : end;
}

void SharePartitions::wake(const Entry& entry) {
  if (const auto replica = replicas_.find(entry.topic, entry.key.partition)) replica->wake_fetches();
}

Task<ErrorCode> SharePartitions::write(PerShard& at, EntryPtr entry, ShareChange change) {
  const auto error = co_await coordinator_.write(entry->key, {.partition = entry->key.partition,
                                                              .state_epoch = entry->state_epoch,
                                                              .leader_epoch = entry->leader_epoch,
                                                              .start_offset = change.start_offset,
                                                              .delivery_complete_count = change.complete_count,
                                                              .state_batches = std::move(change.batches)});
  if (error == ErrorCode::none) entry->partition->done(change.id);
  else entry->partition->failed(change.id);
  // Somebody else has changed or ended the state: it is read again.
  if (error == ErrorCode::fenced_state_epoch || error == ErrorCode::fenced_leader_epoch || error == ErrorCode::invalid_request)
    if (const auto found = at.entries.find(entry->key); found != at.entries.end() && found->second == entry) at.entries.erase(found);
  at.timer.wake();
  wake(*entry);
  co_return told(error);
}

Task<> SharePartitions::write_back(PerShard& at, EntryPtr entry, ShareChange change) {
  const auto error = co_await write(at, entry, std::move(change));
  if (error != ErrorCode::none)
    log::warn("share group {}: records of {}-{} that came back are not written: {}", entry->key.group, entry->topic, entry->key.partition,
              kafka::error_name(error));
}

Task<SharePartitions::Fetched> SharePartitions::fetch(Key key, std::string topic, Wanted wanted) {
  auto& home = replicas_.home(topic, key.partition);
  co_return co_await async::on(home, fetch_home(per_shard(home), std::move(key), std::move(topic), std::move(wanted)));
}

Task<SharePartitions::Fetched> SharePartitions::fetch_home(PerShard& at, Key key, std::string topic, Wanted wanted) {
  Fetched out;
  if (const auto known = at.entries.find(key); !wanted.wait && (known == at.entries.end() || !known->second->partition)) {
    at.gate.spawn(load_ahead(at, std::move(key), std::move(topic)), "share group state read");
    co_return out;
  }
  const auto entry = co_await find_or_load(at, std::move(key), std::move(topic));
  if (!entry) {
    out.error = entry.error();
    co_return out;
  }
  const auto replica = replicas_.find((*entry)->topic, (*entry)->key.partition);
  if (!replica) {  // deleted while its state was read
    out.error = ErrorCode::unknown_topic_or_partition;
    co_return out;
  }
  out = read(at, **entry, *replica, wanted);
  out.leader_epoch = (*entry)->leader_epoch;
  if (!out.acquired.empty()) at.timer.wake();
  co_return out;
}

// From the log to the member, without a pause: nobody else acquires in between.
SharePartitions::Fetched SharePartitions::read(PerShard& at, Entry& entry, replication::Replica& replica, const Wanted& wanted) {
  Fetched out;
  auto& partition = *entry.partition;
  auto& log = replica.log();
  partition.log_starts_at(log.start_offset());
  const auto limit = limits(at.shard, entry.key.group);
  const bool committed = metadata::group_value(*cache_.image(at.shard), entry.key.group, "share.isolation.level") == "read_committed";
  const Offset end = committed ? replica.last_stable_offset() : replica.high_watermark();
  for (;;) {
    const auto from = partition.next_offset(limit);
    if (!from || *from >= end) return out;
    auto found = log.read(*from, end, wanted.bytes_max, wanted.at_least_one);
    if (!found) {
      out.error = ErrorCode::kafka_storage_error;
      return out;
    }
    out.bytes = found->size;
    if (!wanted.acquire || found->size == 0) return out;
    auto batches = scan(found->slices, *from, wanted.records_max);
    if (!batches) {
      log::error("{}-{}: {}", entry.topic, entry.key.partition, batches.error().message);
      out.error = ErrorCode::kafka_storage_error;
      return out;
    }
    if (committed) leave_out_aborted(*batches, log);
    std::vector<LogBatch> of_log;
    for (const auto& read : *batches) of_log.push_back(read.batch);
    out.acquired = partition.acquire({.member = wanted.member, .records_max = wanted.records_max, .batch_size = wanted.batch_size, .strict = wanted.strict},
                                     of_log, limit, at.shard.clock().now());
    if (out.acquired.empty()) {
      if (partition.next_offset(limit) == from) return out;
      continue;  // nothing of it was to be delivered: further on
    }
    for (const auto& read : *batches) {
      out.bytes = read.end;
      if (read.batch.last >= out.acquired.back().last_offset) break;
    }
    cut(found->slices, out.bytes);
    out.records.body_size = out.bytes;
    out.records.body = std::make_shared<std::vector<io::FileSlice>>(std::move(found->slices));
    return out;
  }
}

Task<ErrorCode> SharePartitions::acknowledge(Key key, std::string topic, std::string member, std::vector<kafka::AcknowledgementBatch> batches) {
  auto& home = replicas_.home(topic, key.partition);
  co_return co_await async::on(home, acknowledge_home(per_shard(home), std::move(key), std::move(topic), std::move(member), std::move(batches)));
}

Task<ErrorCode> SharePartitions::acknowledge_home(PerShard& at, Key key, std::string topic, std::string member,
                                                  std::vector<kafka::AcknowledgementBatch> batches) {
  const auto entry = co_await find_or_load(at, std::move(key), std::move(topic));
  if (!entry) co_return entry.error();
  auto change = (*entry)->partition->acknowledge(member, batches, limits(at.shard, (*entry)->key.group), at.shard.clock().now());
  if (!change) co_return change.error();
  if (!*change) co_return ErrorCode::none;
  co_return co_await write(at, *entry, std::move(**change));
}

Task<> SharePartitions::release(std::string group, std::string member) {
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](SharePartitions& self, PerShard& at, std::string id, std::string who) -> Task<> {
      std::vector<EntryPtr> entries;
      for (auto it = at.entries.lower_bound(Key{id, {}, INT32_MIN}); it != at.entries.end() && it->first.group == id; ++it)
        if (it->second->partition) entries.push_back(it->second);
      for (const auto& entry : entries)
        if (auto change = entry->partition->release(who)) co_await self.write_back(at, entry, std::move(*change));
    }(*this, *home, group, member));
}

Task<> SharePartitions::forget(std::string group) {
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](PerShard& at, std::string id) -> Task<> {
      std::erase_if(at.entries, [&id](const auto& entry) { return entry.first.group == id && entry.second->partition; });
      co_return;
    }(*home, group));
}

Task<> SharePartitions::expire_loop(PerShard& at) {
  while (!at.stopping) {
    const auto now = at.shard.clock().now();
    auto next = async::never;
    const auto entries = at.entries;  // a write may take one out
    for (const auto& [key, entry] : entries) {
      if (!entry->partition) continue;
      const bool due = entry->partition->next_deadline() <= now;
      if (auto change = due ? entry->partition->expire(limits(at.shard, key.group), now) : std::nullopt)
        at.gate.spawn(write_back(at, entry, std::move(*change)), "share group locks");
      next = std::min(next, entry->partition->next_deadline());
    }
    co_await at.timer.wait(next);
  }
}

}  // namespace meridian::server
