// GroupCoordinator, the part about committed offsets: commit, also in transactions, fetch, deletion, expiry.
#include "broker/coordinator/group/group_coordinator.h"
#include "common/base/log.h"

namespace meridian::coordinator::group {

Task<kafka::OffsetCommitResponse> GroupCoordinator::commit(kafka::OffsetCommitRequest request, std::int16_t version) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, commit_home(std::move(request), version));
}

ErrorCode GroupCoordinator::check_commit(const std::shared_ptr<Group>& group, const std::string& member_id, const std::optional<std::string>& instance_id,
                                         std::int32_t generation, std::int16_t version) {
  constexpr std::int16_t knows_member_epochs = 9;
  if (!group && generation >= 0) return version >= knows_member_epochs ? ErrorCode::group_id_not_found : ErrorCode::illegal_generation;
  if (!group) return ErrorCode::none;
  if (group->share) return ErrorCode::group_id_not_found;
  if (!group->consumer) return group->classic.check_commit(member_id, instance_id, generation, per_shard(home(group->classic.id())).shard.clock().now());
  return group->consumer->check_commit(member_id, generation, version);
}

Task<kafka::OffsetCommitResponse> GroupCoordinator::commit_home(kafka::OffsetCommitRequest request, std::int16_t version) {
  PerShard& at = per_shard(home(request.group_id));
  ErrorCode error = co_await ready(request.group_id);
  if (error == ErrorCode::none) error = check_commit(find(request.group_id), request.member_id, request.group_instance_id, request.generation_id, version);
  const auto now_ms = at.shard.clock().wall_ms();
  kafka::OffsetCommitResponse response;
  kafka::BatchBuilder batch;
  std::vector<OffsetRecord> records;
  std::vector<ErrorCode*> written;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());  // `written` points into it
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = error;
      if (error != ErrorCode::none) continue;
      std::string metadata = partition.committed_metadata.value_or("");
      if (static_cast<std::int64_t>(metadata.size()) > options_.offset_metadata_bytes_max) {
        result.error_code = ErrorCode::offset_metadata_too_large;
        continue;
      }
      OffsetRecord record{{request.group_id, topic.name, partition.partition_index},
                          OffsetValue{partition.committed_offset, partition.committed_leader_epoch, std::move(metadata), now_ms, -1}};
      add_offset(batch, now_ms, record.key, record.value);
      records.push_back(std::move(record));
      written.push_back(&result.error_code);
    }
  }
  if (batch.empty()) co_return response;
  const auto order = ++partition(request.group_id).last_order;
  const auto done = co_await writer_.write(index(request.group_id), std::move(batch));
  if (done) {
    for (auto& record : records) apply(index(request.group_id), std::move(record), order, at.shard.clock().now());
  } else {
    log::warn("group {}: offset commit not written: {}", request.group_id, done.error().message);
    // Perhaps it is in the log all the same: the client tries again.
    for (auto* result : written) *result = done.error().code == Errc::timeout ? ErrorCode::request_timed_out : ErrorCode::coordinator_not_available;
  }
  co_return response;
}

Task<kafka::TxnOffsetCommitResponse> GroupCoordinator::commit_in_transaction(kafka::TxnOffsetCommitRequest request, Verify verify) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, commit_in_transaction_home(std::move(request), std::move(verify)));
}

Task<kafka::TxnOffsetCommitResponse> GroupCoordinator::commit_in_transaction_home(kafka::TxnOffsetCommitRequest request, Verify verify) {
  PerShard& at = per_shard(home(request.group_id));
  const auto i = index(request.group_id);
  ErrorCode error = request.group_id.empty() ? ErrorCode::invalid_group_id : co_await ready(request.group_id);
  std::uint64_t ticket = 0;
  if (error == ErrorCode::none) {
    ticket = writer_.begin_verification(i, request.producer_id);
    if (ticket != 0) error = co_await verify();
  }
  // Who commits without being a member (older producers send no group metadata) is fenced by its producer epoch alone.
  const bool member = !request.member_id.empty() || request.generation_id >= 0 || request.group_instance_id;
  if (error == ErrorCode::none && member) {
    constexpr std::int16_t newest = 9;
    error = check_commit(find(request.group_id), request.member_id, request.group_instance_id, request.generation_id, newest);
    if (error == ErrorCode::stale_member_epoch || error == ErrorCode::group_id_not_found) error = ErrorCode::illegal_generation;
  }
  const auto now_ms = at.shard.clock().wall_ms();
  kafka::TxnOffsetCommitResponse response;
  kafka::BatchBuilder batch;
  std::vector<Partition::Pending> pending;
  std::vector<ErrorCode*> written;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());  // `written` points into it
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back(partition.partition_index, error);
      if (error != ErrorCode::none) continue;
      std::string metadata = partition.committed_metadata.value_or("");
      if (static_cast<std::int64_t>(metadata.size()) > options_.offset_metadata_bytes_max) {
        result.error_code = ErrorCode::offset_metadata_too_large;
        continue;
      }
      OffsetKey key{request.group_id, topic.name, partition.partition_index};
      OffsetValue value{partition.committed_offset, partition.committed_leader_epoch, std::move(metadata), now_ms, -1};
      add_offset(batch, now_ms, key, value);
      pending.push_back({std::move(key), {std::move(value), 0}});
      written.push_back(&result.error_code);
    }
  }
  if (!batch.empty()) {
    auto bytes =
        batch.finish({.producer_id = request.producer_id, .producer_epoch = request.producer_epoch, .extra_attributes = kafka::attribute::transactional});
    // Noted before the append: its marker may arrive while the append is still being committed.
    const auto order = ++partitions_[static_cast<std::size_t>(i)].last_order;
    auto& noted = partitions_[static_cast<std::size_t>(i)].pending[request.producer_id];
    for (auto& entry : pending) {
      entry.committed.order = order;
      noted.push_back(std::move(entry));
    }
    const auto done = co_await writer_.append_in_transaction(i, std::move(*bytes), ticket);
    if (!done) {
      for (auto* result : written) *result = done.error();
      auto& all = partitions_[static_cast<std::size_t>(i)].pending;
      if (const auto it = all.find(request.producer_id); it != all.end() && done.error() != ErrorCode::request_timed_out) {
        std::erase_if(it->second, [order](const auto& entry) { return entry.committed.order == order; });
        if (it->second.empty()) all.erase(it);
      }
    }
  }
  if (ticket != 0) writer_.end_verification(i, request.producer_id, ticket);
  co_return response;
}

Task<> GroupCoordinator::transaction_ended(std::int32_t partition, std::int64_t producer_id, bool commit) {
  co_await async::on(writer_.home(partition), [](GroupCoordinator& self, std::int32_t i, std::int64_t producer, bool committed) -> Task<> {
    self.end_pending(i, producer, committed);
    co_return;
  }(*this, partition, producer_id, commit));
}

void GroupCoordinator::end_pending(std::int32_t i, std::int64_t producer_id, bool commit) {
  auto& all = partitions_[static_cast<std::size_t>(i)].pending;
  const auto it = all.find(producer_id);
  if (it == all.end()) return;
  const auto ended = std::move(it->second);
  all.erase(it);
  if (!commit) return;
  for (const auto& [key, committed] : ended) {
    auto& slot = find_or_create(key.group)->offsets[{key.topic, key.partition}];
    // What was committed later, outside of the transaction, stays.
    if (slot.order < committed.order) slot = committed;
  }
}

bool GroupCoordinator::unstable(const OffsetKey& key) {
  for (const auto& [producer, entries] : partition(key.group).pending)
    for (const auto& entry : entries)
      if (entry.key.group == key.group && entry.key.partition == key.partition && entry.key.topic == key.topic) return true;
  return false;
}

Task<kafka::OffsetFetchResponseGroup> GroupCoordinator::fetch(kafka::OffsetFetchRequestGroup request, bool require_stable) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, fetch_home(std::move(request), require_stable));
}

Task<kafka::OffsetFetchResponseGroup> GroupCoordinator::fetch_home(kafka::OffsetFetchRequestGroup request, bool require_stable) {
  kafka::OffsetFetchResponseGroup response;
  response.group_id = request.group_id;
  response.error_code = co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  static const OffsetMap nothing;
  const auto group = find(request.group_id);
  if (request.member_id && (!request.member_id->empty() || request.member_epoch >= 0) && group && group->consumer) {
    response.error_code = group->consumer->check_member(*request.member_id, request.member_epoch);
    if (response.error_code != ErrorCode::none) co_return response;
  }
  if (group && group->share) {
    response.error_code = ErrorCode::group_id_not_found;
    co_return response;
  }
  const OffsetMap& offsets = group ? group->offsets : nothing;
  const auto add = [&](kafka::OffsetFetchResponseTopic& topic, std::int32_t partition, const Committed* committed) {
    kafka::OffsetFetchResponsePartition out;
    out.partition_index = partition;
    out.metadata = "";
    if (require_stable && unstable({request.group_id, topic.name, partition})) {
      out.error_code = ErrorCode::unstable_offset_commit;
    } else if (committed) {
      out.metadata = committed->value.metadata;
      out.committed_offset = committed->value.offset;
      out.committed_leader_epoch = committed->value.leader_epoch;
    }
    topic.partitions.push_back(std::move(out));
  };
  if (!request.topics) {
    for (const auto& [key, value] : offsets) {
      if (response.topics.empty() || response.topics.back().name != key.first) response.topics.emplace_back().name = key.first;
      add(response.topics.back(), key.second, &value);
    }
    co_return response;
  }
  for (const auto& topic : *request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto partition : topic.partition_indexes) {
      const auto it = offsets.find({topic.name, partition});
      add(out, partition, it == offsets.end() ? nullptr : &it->second);
    }
  }
  co_return response;
}

Task<ErrorCode> GroupCoordinator::remove(std::string group) {
  auto& at = home(group);
  co_return co_await async::on(at, remove_home(std::move(group)));
}

Task<ErrorCode> GroupCoordinator::remove_home(std::string id) {
  if (const auto error = co_await ready(id); error != ErrorCode::none) co_return error;
  const auto group = find(id);
  if (!group) co_return ErrorCode::group_id_not_found;
  // Ids that were given out and not joined with (KIP-394) hold nothing back.
  const auto joined = [&group] { return group->share || group->consumer ? group->has_members() : !group->classic.members().empty(); };
  if (joined()) co_return ErrorCode::non_empty_group;
  if (group->share) {
    const auto states = group->share->states();
    for (const auto& [topic, state] : states)
      if (const auto error = co_await end_states(group, topic); error != ErrorCode::none) co_return error;
  }
  PerShard& at = per_shard(home(id));
  const auto now_ms = at.shard.clock().wall_ms();
  kafka::BatchBuilder batch;
  for (const auto& [key, committed] : group->offsets) add_offset(batch, now_ms, {id, key.first, key.second}, std::nullopt);
  add_group(batch, now_ms, id, std::nullopt);
  if (group->consumer)
    for (const auto& record : group->consumer->tombstones()) add_consumer_record(batch, now_ms, record);
  if (group->share)
    for (const auto& record : group->share->tombstones()) add_share_record(batch, now_ms, record);
  const auto done = co_await writer_.write(index(id), std::move(batch));
  if (!done) co_return ErrorCode::coordinator_not_available;
  if (joined()) co_return ErrorCode::non_empty_group;  // somebody joined while the deletion was written
  partition(id).groups.erase(id);
  for (auto& [producer, entries] : partition(id).pending) std::erase_if(entries, [&id](const auto& entry) { return entry.key.group == id; });
  co_return ErrorCode::none;
}

Task<> GroupCoordinator::topics_deleted(std::set<std::string> topics) {
  for (std::int32_t i = 0; i < options_.partition_count; ++i)
    if (!stopped_) co_await async::on(writer_.home(i), topics_deleted_home(i, topics));
}

Task<> GroupCoordinator::topics_deleted_home(std::int32_t i, std::set<std::string> topics) {
  kafka::BatchBuilder batch;
  const auto now_ms = writer_.home(i).clock().wall_ms();
  const auto groups = partitions_[static_cast<std::size_t>(i)].groups;
  for (const auto& [id, group] : groups)
    std::erase_if(group->offsets, [&](const auto& entry) {
      if (!topics.contains(entry.first.first)) return false;
      add_offset(batch, now_ms, {id, entry.first.first, entry.first.second}, std::nullopt);
      return true;
    });
  for (auto& [producer, entries] : partitions_[static_cast<std::size_t>(i)].pending)
    std::erase_if(entries, [&](const auto& entry) { return topics.contains(entry.key.topic); });
  for (const auto& [id, group] : groups)
    if (group->share) co_await end_states_of_deleted_topics(group);
  if (batch.empty()) co_return;
  const auto done = co_await writer_.write(i, std::move(batch));
  if (!done) log::warn("__consumer_offsets-{}: offsets of deleted topics not removed: {}", i, done.error().message);
}

Task<kafka::OffsetDeleteResponse> GroupCoordinator::delete_offsets(kafka::OffsetDeleteRequest request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, delete_offsets_home(std::move(request)));
}

Task<kafka::OffsetDeleteResponse> GroupCoordinator::delete_offsets_home(kafka::OffsetDeleteRequest request) {
  kafka::OffsetDeleteResponse response;
  response.error_code = request.group_id.empty() ? ErrorCode::invalid_group_id : co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  const auto group = find(request.group_id);
  if (!group || group->share) {
    response.error_code = ErrorCode::group_id_not_found;
    co_return response;
  }
  const auto subscribed = group->consumer ? std::optional(group->consumer->subscribed_topics()) : group->classic.subscribed_topics();
  if (!subscribed) {
    response.error_code = ErrorCode::non_empty_group;
    co_return response;
  }
  const auto now_ms = per_shard(home(request.group_id)).shard.clock().wall_ms();
  kafka::BatchBuilder batch;
  std::vector<std::pair<std::string, std::int32_t>> removed;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      const bool in_use = subscribed->contains(topic.name);
      out.partitions.push_back({partition.partition_index, in_use ? ErrorCode::group_subscribed_to_topic : ErrorCode::none});
      if (in_use || !group->offsets.contains({topic.name, partition.partition_index})) continue;
      removed.emplace_back(topic.name, partition.partition_index);
      add_offset(batch, now_ms, {request.group_id, topic.name, partition.partition_index}, std::nullopt);
    }
  }
  if (batch.empty()) co_return response;
  const auto done = co_await writer_.write(index(request.group_id), std::move(batch));
  if (!done) response.error_code = ErrorCode::coordinator_not_available;
  else
    for (const auto& key : removed) group->offsets.erase(key);
  co_return response;
}

Task<> GroupCoordinator::expire_offsets(PerShard& home) {
  async::Waiter waiter(home.shard.context(), home.shard.clock());
  auto& clock = home.shard.clock();
  auto due = clock.now() + options_.expiry_interval;
  while (!home.gate.closed() && !stopped_) {
    // Short waits, so that stopping is not held up.
    co_await waiter.wait(std::min(due, clock.now() + std::chrono::milliseconds(200)));
    if (clock.now() < due) continue;
    due = clock.now() + options_.expiry_interval;
    const auto before_ms = clock.wall_ms() - options_.offsets_retention.count();
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (&writer_.home(static_cast<std::int32_t>(i)) != &home.shard) continue;
      const auto groups = partitions_[i].groups;
      for (const auto& [id, group] : groups) {
        if (group->share || group->has_members() || group->state_since_ms > before_ms) continue;
        std::vector<OffsetRecord> expired;
        kafka::BatchBuilder batch;
        for (const auto& [key, committed] : group->offsets) {
          if (committed.value.commit_timestamp_ms > before_ms || unstable({id, key.first, key.second})) continue;
          expired.push_back({{id, key.first, key.second}, std::nullopt});
          add_offset(batch, clock.wall_ms(), expired.back().key, std::nullopt);
        }
        const bool all = expired.size() == group->offsets.size();
        if (all) add_group(batch, clock.wall_ms(), id, std::nullopt);
        if (all && group->consumer)
          for (const auto& record : group->consumer->tombstones()) add_consumer_record(batch, clock.wall_ms(), record);
        if (batch.empty()) continue;
        if (!co_await writer_.write(static_cast<std::int32_t>(i), std::move(batch))) continue;
        if (group->has_members()) continue;
        for (auto& record : expired) group->offsets.erase({record.key.topic, record.key.partition});
        if (all && group->offsets.empty()) partitions_[i].groups.erase(id);
      }
    }
  }
}

}  // namespace meridian::coordinator::group
