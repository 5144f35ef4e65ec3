// GroupCoordinator, the part about committed offsets: commit, fetch, deletion, expiry.
#include "broker/coordinator/group/group_coordinator.h"
#include "common/base/log.h"

namespace meridian::coordinator::group {

Task<kafka::OffsetCommitResponse> GroupCoordinator::commit(kafka::OffsetCommitRequest request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, commit_home(std::move(request)));
}

Task<kafka::OffsetCommitResponse> GroupCoordinator::commit_home(kafka::OffsetCommitRequest request) {
  PerShard& at = per_shard(home(request.group_id));
  ErrorCode error = co_await ready(request.group_id);
  const auto existing = error == ErrorCode::none ? find(request.group_id) : nullptr;
  if (error == ErrorCode::none) {
    if (existing) error = existing->classic.check_commit(request.member_id, request.group_instance_id, request.generation_id, at.shard.clock().now());
    else if (request.generation_id >= 0) error = ErrorCode::illegal_generation;
  }
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
  auto bytes = batch.finish({});
  const auto done = bytes ? co_await writer_.append(index(request.group_id), std::move(*bytes)) : fail(bytes.error());
  if (done) {
    for (auto& record : records) apply(index(request.group_id), std::move(record), at.shard.clock().now());
  } else {
    log::warn("group {}: offset commit not written: {}", request.group_id, done.error().message);
    // Perhaps it is in the log all the same: the client tries again.
    for (auto* result : written) *result = done.error().code == Errc::timeout ? ErrorCode::request_timed_out : ErrorCode::coordinator_not_available;
  }
  co_return response;
}

Task<kafka::OffsetFetchResponseGroup> GroupCoordinator::fetch(kafka::OffsetFetchRequestGroup request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, fetch_home(std::move(request)));
}

Task<kafka::OffsetFetchResponseGroup> GroupCoordinator::fetch_home(kafka::OffsetFetchRequestGroup request) {
  kafka::OffsetFetchResponseGroup response;
  response.group_id = request.group_id;
  response.error_code = co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  static const OffsetMap nothing;
  const auto group = find(request.group_id);
  const OffsetMap& offsets = group ? group->offsets : nothing;
  const auto add = [](kafka::OffsetFetchResponseTopic& topic, std::int32_t partition, const OffsetValue* value) {
    kafka::OffsetFetchResponsePartition out;
    out.partition_index = partition;
    out.metadata = value ? value->metadata : "";
    if (value) {
      out.committed_offset = value->offset;
      out.committed_leader_epoch = value->leader_epoch;
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
  if (group->classic.has_members()) co_return ErrorCode::non_empty_group;
  PerShard& at = per_shard(home(id));
  const auto now_ms = at.shard.clock().wall_ms();
  kafka::BatchBuilder batch;
  for (const auto& [key, value] : group->offsets) add_offset(batch, now_ms, {id, key.first, key.second}, std::nullopt);
  add_group(batch, now_ms, id, std::nullopt);
  auto bytes = batch.finish({});
  const auto done = bytes ? co_await writer_.append(index(id), std::move(*bytes)) : fail(bytes.error());
  if (!done) co_return ErrorCode::coordinator_not_available;
  if (group->classic.has_members()) co_return ErrorCode::non_empty_group;  // somebody joined while the deletion was written
  partition(id).groups.erase(id);
  co_return ErrorCode::none;
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
        if (group->classic.has_members() || group->state_since_ms > before_ms) continue;
        std::vector<OffsetRecord> expired;
        kafka::BatchBuilder batch;
        for (const auto& [key, value] : group->offsets) {
          if (value.commit_timestamp_ms > before_ms) continue;
          expired.push_back({{id, key.first, key.second}, std::nullopt});
          add_offset(batch, clock.wall_ms(), expired.back().key, std::nullopt);
        }
        const bool all = expired.size() == group->offsets.size();
        if (all) add_group(batch, clock.wall_ms(), id, std::nullopt);
        if (batch.empty()) continue;
        auto bytes = batch.finish({});
        if (!bytes || !co_await writer_.append(static_cast<std::int32_t>(i), std::move(*bytes))) continue;
        if (group->classic.has_members()) continue;
        for (auto& record : expired) group->offsets.erase({record.key.topic, record.key.partition});
        if (all && group->offsets.empty()) partitions_[i].groups.erase(id);
      }
    }
  }
}

}  // namespace meridian::coordinator::group
