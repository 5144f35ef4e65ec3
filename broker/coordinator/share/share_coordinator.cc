#include "broker/coordinator/share/share_coordinator.h"

#include <boost/asio/post.hpp>

#include "common/base/log.h"

namespace meridian::coordinator::share {

ShareCoordinator::ShareCoordinator(PartitionWriter& writer, std::vector<async::Shard*> shards, ShareCoordinatorOptions options)
    : writer_(writer), options_(options), partitions_(static_cast<std::size_t>(options.partition_count)) {
  for (auto* shard : shards) per_shard_.push_back(std::make_unique<PerShard>(*shard));
}

void ShareCoordinator::start() {
  for (auto& home : per_shard_) boost::asio::post(home->shard.context(), [this, &at = *home] { at.gate.spawn(prune_loop(at), "share group state pruning"); });
}

Task<> ShareCoordinator::stop() {
  stopped_ = true;
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](PerShard& at) -> Task<> {
      at.stop.wake();
      co_await at.gate.close();
    }(*home));
}

Task<ErrorCode> ShareCoordinator::ready(std::int32_t i) {
  if (stopped_) co_return ErrorCode::coordinator_not_available;
  Partition& at = partitions_[static_cast<std::size_t>(i)];
  if (at.load == Partition::Load::none) co_await load_partition(i);
  if (at.load == Partition::Load::loading) co_return ErrorCode::coordinator_load_in_progress;
  co_return at.load == Partition::Load::loaded ? ErrorCode::none : ErrorCode::not_coordinator;
}

Task<> ShareCoordinator::load_partition(std::int32_t i) {
  Partition& at = partitions_[static_cast<std::size_t>(i)];
  at.load = Partition::Load::loading;
  const auto visit = [this, &at, i](const kafka::BatchHeader&, const kafka::RecordView& view) {
    const auto record = decode_share_record(view);
    at.end = view.offset + 1;
    if (record) {
      apply(at, *record);
      if (std::holds_alternative<ShareSnapshotValue>(record->value)) at.states.at(record->key).snapshot_at = view.offset;
      return;
    }
    log::warn("__share_group_state-{} offset {}: {}", i, view.offset, record.error().message);
  };
  const auto done = co_await writer_.replay(i, visit, [](const kafka::BatchHeader&, const kafka::TransactionMarker&) {});
  if (done) {
    at.load = Partition::Load::loaded;
    co_return;
  }
  if (done.error().code != Errc::not_found) log::warn("__share_group_state-{} cannot be loaded: {}", i, done.error().message);
  at = Partition{};
}

void ShareCoordinator::apply(Partition& at, const ShareStateRecord& record) {
  if (const auto* snapshot = std::get_if<ShareSnapshotValue>(&record.value)) {
    const auto [it, fresh] = at.states.try_emplace(record.key, *snapshot);
    if (!fresh) it->second.replace(*snapshot);
  } else if (const auto* update = std::get_if<ShareUpdateValue>(&record.value)) {
    const auto found = at.states.find(record.key);
    // An update of another snapshot is one that was pruned in part.
    if (found != at.states.end() && found->second.snapshot_epoch() == update->snapshot_epoch) found->second.apply(*update);
  } else {
    at.states.erase(record.key);
  }
}

Task<ErrorCode> ShareCoordinator::append(std::int32_t i, ShareStateRecord record) {
  Partition& at = partitions_[static_cast<std::size_t>(i)];
  kafka::BatchBuilder batch;
  add_share_record(batch, writer_.home(i).clock().wall_ms(), record);
  const bool snapshot = std::holds_alternative<ShareSnapshotValue>(record.value);
  // In memory first: a snapshot that is decided meanwhile has to hold it. A removal only when it is certain.
  if (!std::holds_alternative<std::monostate>(record.value)) apply(at, record);
  const auto done = co_await writer_.write(i, std::move(batch));
  if (done) at.end = std::max(at.end, *done + 1);
  const auto found = at.states.find(record.key);
  if (!done) {
    log::warn("__share_group_state-{}: not written: {}", i, done.error().message);
    if (found != at.states.end()) found->second.not_written();
    co_return ErrorCode::coordinator_not_available;
  }
  if (std::holds_alternative<std::monostate>(record.value)) apply(at, record);
  else if (snapshot && found != at.states.end()) found->second.snapshot_at = std::max(found->second.snapshot_at, *done);
  co_return ErrorCode::none;
}

Task<ErrorCode> ShareCoordinator::begin(SharePartitionKey key) {
  auto& at = writer_.home(index(key));
  co_return co_await async::on(at, begin_home(std::move(key)));
}

Task<ErrorCode> ShareCoordinator::begin_home(SharePartitionKey key) {
  const auto i = index(key);
  if (const auto error = co_await ready(i); error != ErrorCode::none) co_return error;
  const auto& states = partitions_[static_cast<std::size_t>(i)].states;
  const auto found = states.find(key);
  if (found == states.end()) co_return co_await initialize_home(std::move(key), 0, -1);
  if (found->second.certain()) co_return ErrorCode::none;
  auto snapshot = found->second.next_snapshot(writer_.home(i).clock().wall_ms());
  co_return co_await append(i, {std::move(key), std::move(snapshot)});
}

Task<ErrorCode> ShareCoordinator::initialize(SharePartitionKey key, std::int32_t state_epoch, Offset start_offset) {
  auto& at = writer_.home(index(key));
  co_return co_await async::on(at, initialize_home(std::move(key), state_epoch, start_offset));
}

Task<ErrorCode> ShareCoordinator::initialize_home(SharePartitionKey key, std::int32_t state_epoch, Offset start_offset) {
  const auto i = index(key);
  if (const auto error = co_await ready(i); error != ErrorCode::none) co_return error;
  auto& states = partitions_[static_cast<std::size_t>(i)].states;
  const auto found = states.find(key);
  if (found != states.end() && found->second.state_epoch() > state_epoch) co_return ErrorCode::fenced_state_epoch;
  const auto now_ms = writer_.home(i).clock().wall_ms();
  ShareSnapshotValue snapshot{.snapshot_epoch = found == states.end() ? 0 : found->second.snapshot_epoch() + 1,
                              .state_epoch = state_epoch,
                              .start_offset = start_offset,
                              .delivery_complete_count = start_offset < 0 ? -1 : 0,
                              .create_timestamp_ms = now_ms,
                              .write_timestamp_ms = now_ms,
                              .batches = {}};
  co_return co_await append(i, {std::move(key), std::move(snapshot)});
}

Task<ShareCoordinator::Summary> ShareCoordinator::read(SharePartitionKey key, std::optional<std::int32_t> leader_epoch) {
  auto& at = writer_.home(index(key));
  co_return co_await async::on(at, read_home(std::move(key), leader_epoch));
}

Task<ShareCoordinator::Summary> ShareCoordinator::read_home(SharePartitionKey key, std::optional<std::int32_t> leader_epoch) {
  const auto i = index(key);
  Summary out;
  out.error = co_await ready(i);
  if (out.error != ErrorCode::none) co_return out;
  auto& states = partitions_[static_cast<std::size_t>(i)].states;
  const auto found = states.find(key);
  if (found == states.end()) {
    if (leader_epoch) out.error = ErrorCode::invalid_request;
    co_return out;
  }
  const ShareState& state = found->second;
  if (leader_epoch && *leader_epoch >= 0 && *leader_epoch < state.leader_epoch()) {
    out.error = ErrorCode::fenced_leader_epoch;
    co_return out;
  }
  out = {.state_epoch = state.state_epoch(),
         .leader_epoch = state.leader_epoch(),
         .start_offset = state.start_offset(),
         .complete_count = state.complete_count(),
         .batches = state.batches()};
  if (leader_epoch && *leader_epoch > state.leader_epoch()) {
    ShareUpdateValue update{
        .snapshot_epoch = state.snapshot_epoch(), .leader_epoch = *leader_epoch, .delivery_complete_count = state.complete_count(), .batches = {}};
    out.error = co_await append(i, {std::move(key), std::move(update)});
  }
  co_return out;
}

Task<ErrorCode> ShareCoordinator::write(SharePartitionKey key, kafka::WriteShareGroupStateRequestPartition change) {
  auto& at = writer_.home(index(key));
  co_return co_await async::on(at, write_home(std::move(key), std::move(change)));
}

Task<ErrorCode> ShareCoordinator::write_home(SharePartitionKey key, kafka::WriteShareGroupStateRequestPartition change) {
  const auto i = index(key);
  if (const auto error = co_await ready(i); error != ErrorCode::none) co_return error;
  auto& states = partitions_[static_cast<std::size_t>(i)].states;
  const auto found = states.find(key);
  if (found == states.end()) co_return ErrorCode::invalid_request;
  ShareState& state = found->second;
  if (change.leader_epoch >= 0 && change.leader_epoch < state.leader_epoch()) co_return ErrorCode::fenced_leader_epoch;
  if (change.state_epoch >= 0 && change.state_epoch < state.state_epoch()) co_return ErrorCode::fenced_state_epoch;
  ShareUpdateValue update{.snapshot_epoch = state.snapshot_epoch(),
                          .leader_epoch = change.leader_epoch,
                          .start_offset = change.start_offset,
                          .delivery_complete_count = change.delivery_complete_count,
                          .batches = std::move(change.state_batches)};
  if (!state.wants_snapshot(options_.updates_per_snapshot)) co_return co_await append(i, {std::move(key), std::move(update)});
  ShareState next = state;
  next.apply(update);
  auto snapshot = next.next_snapshot(writer_.home(i).clock().wall_ms());
  co_return co_await append(i, {std::move(key), std::move(snapshot)});
}

Task<ErrorCode> ShareCoordinator::remove(SharePartitionKey key) {
  auto& at = writer_.home(index(key));
  co_return co_await async::on(at, remove_home(std::move(key)));
}

Task<ErrorCode> ShareCoordinator::remove_home(SharePartitionKey key) {
  const auto i = index(key);
  if (const auto error = co_await ready(i); error != ErrorCode::none) co_return error;
  if (!partitions_[static_cast<std::size_t>(i)].states.contains(key)) co_return ErrorCode::none;
  co_return co_await append(i, {std::move(key), {}});
}

Task<> ShareCoordinator::prune_loop(PerShard& home) {
  while (!stopped_) {
    if (co_await home.stop.wait(home.shard.clock().now() + options_.prune_interval)) break;
    for (std::int32_t i = 0; i < options_.partition_count && !stopped_; ++i)
      if (&writer_.home(i) == &home.shard) co_await prune(i);
  }
}

// Removes what no state needs. A state that has not changed for a whole interval gets a new snapshot, so that it holds nothing back.
Task<> ShareCoordinator::prune(std::int32_t i) {
  Partition& at = partitions_[static_cast<std::size_t>(i)];
  if (at.load != Partition::Load::loaded || at.end == at.pruned_end) co_return;
  std::vector<SharePartitionKey> cold;
  for (const auto& [key, state] : at.states)
    if (state.snapshot_at < at.pruned_end) cold.push_back(key);
  for (const auto& key : cold)
    if (const auto found = at.states.find(key); found != at.states.end())
      if (co_await append(i, {key, found->second.next_snapshot(writer_.home(i).clock().wall_ms())}) != ErrorCode::none) co_return;
  Offset needed = at.end;
  for (const auto& [key, state] : at.states) needed = std::min(needed, state.snapshot_at);
  at.pruned_end = at.end;
  if (const auto done = co_await writer_.remove_before(i, needed); !done) log::warn("__share_group_state-{} cannot be pruned: {}", i, done.error().message);
}

}  // namespace meridian::coordinator::share
