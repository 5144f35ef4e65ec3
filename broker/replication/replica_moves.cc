// ReplicaManager, the part that moves logs between directories (AlterReplicaLogDirs, KIP-113).
#include <algorithm>

#include "broker/replication/replica_manager.h"
#include "common/base/log.h"

namespace meridian::replication {

namespace chrono = std::chrono;
using kafka::ErrorCode;

Task<ErrorCode> ReplicaManager::move_log(std::string topic, std::int32_t partition, std::string to) {
  const auto target = std::ranges::find_if(directories_, [&to](const auto& directory) { return directory->absolute() == to; });
  if (target == directories_.end()) co_return ErrorCode::log_dir_not_found;
  auto& home = per_shard(this->home(topic, partition));
  co_return co_await async::on(home.shard, start_move(home, {topic, partition}, target->get()));
}

Task<ErrorCode> ReplicaManager::start_move(PerShard& home, TopicPartition id, LogDirectory* to) {
  const auto replica = find(id.topic, id.partition);
  if (!replica) co_return home.failed.contains(id) ? ErrorCode::kafka_storage_error : ErrorCode::replica_not_available;
  if (to->failed() || replica->log().offline()) co_return ErrorCode::kafka_storage_error;
  // A running move is turned to the new target; to where the log is, it ends.
  if (const auto running = home.moves.find(id); running != home.moves.end()) {
    running->second.to = to;
  } else if (directory_of(replica->log()) != to) {
    home.moves[id].to = to;
    home.gate.spawn(move(home, id), "log move");
  }
  co_return ErrorCode::none;
}

Task<> ReplicaManager::move(PerShard& home, TopicPartition id) {
  for (;;) {
    const auto replica = find(id.topic, id.partition);
    LogDirectory* to = home.moves.at(id).to;
    if (!replica || home.stopping || directory_of(replica->log()) == to) break;
    const std::string name = id.topic + "-" + std::to_string(id.partition);
    LogMove work(disk_, *directory_of(replica->log()), *to, name, replica->topic_id().to_string());
    replica->log().hold_files(true);
    const auto ready = co_await copy_sealed(home, id, replica, work);
    Status done = ready ? Status{} : fail(ready.error());
    if (ready && *ready) done = co_await swap(home, id, replica, work);
    replica->log().hold_files(false);
    if (ready && *ready && done) log::info("{} is in {} now", name, to->path());
    else co_await disk_.offload([&work] { work.abandon(); });
    if (!done) log::error("{} was not moved to {}: {}", name, to->path(), done.error().message);
    if (!done) break;
  }
  home.moves.erase(id);
  // A topic that was made again meanwhile.
  if (const auto image = home.images.find(id.topic); image != home.images.end() && !home.stopping) co_await open_missing(home, image->second);
}

// True once all but a short rest is copied; false when the move is to end or goes elsewhere now.
Task<Result<bool>> ReplicaManager::copy_sealed(PerShard& home, TopicPartition id, std::shared_ptr<Replica> replica, LogMove& work) {
  constexpr std::uint64_t short_rest_bytes = 32u << 20, slice_bytes = 64u << 20;
  constexpr auto pause = chrono::milliseconds(10);
  auto& log = replica->log();
  const LogDirectory* to = home.moves.at(id).to;
  for (;;) {
    if (log.active_bytes() > 0)
      if (auto done = log.roll(); !done) co_return fail(done.error());
    const Offset sealed_end = log.end_offset();
    for (bool complete = false;;) {
      // Also after the last slice: the topic may have been deleted meanwhile.
      if (replica->is_shut() || home.stopping || home.moves.at(id).to != to) co_return false;
      if (complete) break;
      if (log.offline()) co_return fail(Errc::io, "the log directory has failed");
      // What is rolled may be in memory in part until it is flushed, and a compaction may be at its end still.
      if (log.recovery_point() < sealed_end || log.compacting()) {
        replica->request_flush();
        co_await async::sleep_for(home.shard.context(), home.shard.clock(), pause);
        continue;
      }
      Result<bool> copied = false;
      co_await disk_.offload([&] { copied = work.advance(sealed_end, slice_bytes); });
      if (!copied) co_return fail(copied.error());
      complete = *copied;
      home.moves.at(id).bytes = work.bytes();
    }
    if (log.active_bytes() <= short_rest_bytes) co_return true;
  }
}

// The log stands still: clients are told of a storage error, which they try again after.
Task<Status> ReplicaManager::swap(PerShard& home, TopicPartition id, std::shared_ptr<Replica> replica, LogMove& work) {
  auto& log = replica->log();
  LogDirectory* from = directory_of(log);
  LogDirectory* to = home.moves.at(id).to;
  home.topics.at(id.topic).erase(id.partition);
  home.failed[id] = {from, log.recovery_point(), log.start_offset(), log.clean_point()};
  // What is appended already is acknowledged first: a producer that is told otherwise sends it again, and only its last batch would be known.
  while (log.needs_flush() && !log.offline()) {
    replica->request_flush();
    co_await async::sleep_for(home.shard.context(), home.shard.clock(), chrono::milliseconds(1));
  }
  replica->shut();
  co_await replica->idle();
  // Before a crash can find the log in its new place: its start offset must be known there.
  if (auto done = co_await async::on(*shards_[0], write_checkpoints()); !done) log::warn("{}", done.error().message);
  const auto options_in = [&](const LogDirectory& place) {  // closed, it is known exactly
    auto options = place.log_options(id.topic, id.partition, log.config());
    options.clean = true;
    options.recovery_point = log.recovery_point();
    options.start_offset = log.start_offset();
    options.clean_point = log.clean_point();
    return options;
  };
  Status done;
  Opened opened{id.partition, from, nullptr};
  co_await disk_.offload([&] {
    done = log.close();
    if (done) done = work.finish();
    if (done) opened.directory = to;
    if (done || done.error().code != Errc::corrupt) opened.log = storage::Log::open(disk_, options_in(*opened.directory), shards_[0]->clock().wall_ms());
    else opened.log = fail(done.error());
  });
  const auto image = home.images.find(id.topic);
  if (image == home.images.end() || image->second->id != replica->topic_id()) {  // deleted meanwhile
    --from->log_count;
    co_await disk_.offload([&] {
      work.remove_source();
      (void)disk_.remove_tree(opened.directory->log_path(id.topic, id.partition));
    });
    co_return Status{};
  }
  if (done) --from->log_count, ++to->log_count;
  const auto config = metadata::log_config(*home.settings, image->second->configs);
  std::vector<Opened> back;
  back.push_back(std::move(opened));
  co_await install(home, image->second, config, std::move(back));
  if (done) co_await disk_.offload([&] { work.remove_source(); });
  co_return done;
}

}  // namespace meridian::replication
