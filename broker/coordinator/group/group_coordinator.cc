#include "broker/coordinator/group/group_coordinator.h"

#include <boost/asio/post.hpp>

#include "common/base/log.h"

namespace meridian::coordinator::group {

GroupCoordinator::GroupCoordinator(PartitionWriter& writer, share::ShareCoordinator& share, std::vector<async::Shard*> shards, CoordinatorOptions options,
                                   Image image, std::uint64_t seed)
    : writer_(writer),
      share_(share),
      shards_(std::move(shards)),
      options_(options),
      image_(std::move(image)),
      partitions_(static_cast<std::size_t>(options.partition_count)) {
  for (auto* shard : shards_) per_shard_.push_back(std::make_unique<PerShard>(*shard, seed));
}

GroupCoordinator::~GroupCoordinator() = default;

void GroupCoordinator::start() {
  for (auto& home : per_shard_)
    boost::asio::post(home->shard.context(), [this, &at = *home] {
      at.gate.spawn(timer_loop(at), "group timers");
      at.gate.spawn(expire_offsets(at), "offset expiry");
    });
}

Task<> GroupCoordinator::stop() {
  stopped_ = true;
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](GroupCoordinator& self, PerShard& at) -> Task<> {
      for (std::size_t i = 0; i < self.partitions_.size(); ++i) {
        if (&self.writer_.home(static_cast<std::int32_t>(i)) != &at.shard) continue;
        for (auto& [id, group] : self.partitions_[i].groups) {
          for (auto& [member, parked] : group->joins) parked->waiter.wake();
          for (auto& [member, parked] : group->syncs) parked->waiter.wake();
        }
      }
      at.timer.wake();
      co_await at.gate.close();
    }(*this, *home));
}

Task<> GroupCoordinator::load() {
  for (std::int32_t i = 0; i < options_.partition_count; ++i) co_await async::on(writer_.home(i), load_partition(i));
}

// Of a record of the kind of group that `kind` is; `group_type` is that of the group itself.
template <class Kind, class Record>
void GroupCoordinator::replay(Partition& at, std::unique_ptr<Kind> Group::* kind, std::int16_t group_type, const Record& record) {
  auto& group = at.groups[record.group];
  if (!group) group = std::make_shared<Group>(record.group, options_.limits);
  auto& state = (*group).*kind;
  const bool tombstone = std::holds_alternative<std::monostate>(record.value);
  if (tombstone && record.type == group_type) state.reset();
  if (tombstone && !state) return;
  if (!state) state = std::make_unique<Kind>(record.group);
  state->replay(record);
}

Task<> GroupCoordinator::load_partition(std::int32_t i) {
  Partition& at = partitions_[static_cast<std::size_t>(i)];
  if (at.load != Partition::Load::none) co_return;
  at.load = Partition::Load::loading;
  const auto now = per_shard(writer_.home(i)).shard.clock().now();
  const auto visit = [this, &at, i, now](const kafka::BatchHeader& header, const kafka::RecordView& view) {
    if (view.key && view.key->size() >= 2 && is_consumer_record(base::load_be<std::int16_t>(view.key->data()))) {
      const auto record = decode_consumer_record(view);
      if (!record) return log::warn("__consumer_offsets-{} offset {}: {}", i, view.offset, record.error().message);
      return replay(at, &Group::consumer, consumer_group, *record);
    }
    if (view.key && view.key->size() >= 2 && is_share_record(base::load_be<std::int16_t>(view.key->data()))) {
      const auto record = decode_share_record(view);
      if (!record) return log::warn("__consumer_offsets-{} offset {}: {}", i, view.offset, record.error().message);
      return replay(at, &Group::share, share_group, *record);
    }
    auto record = decode_record(view);
    if (!record) return log::warn("__consumer_offsets-{} offset {}: {}", i, view.offset, record.error().message);
    const auto order = ++at.last_order;
    auto* offset = std::get_if<OffsetRecord>(&*record);
    if (header.transactional() && offset && offset->value) at.pending[header.producer_id].push_back({offset->key, {*offset->value, order}});
    else apply(i, std::move(*record), order, now);
  };
  const auto done = co_await writer_.replay(
      i, visit, [this, i](const kafka::BatchHeader& header, const kafka::TransactionMarker& marker) { end_pending(i, header.producer_id, marker.commit); });
  if (!done) {
    at.load = Partition::Load::none;
    at.groups.clear();
    if (done.error().code != Errc::not_found) log::warn("__consumer_offsets-{} cannot be loaded: {}", i, done.error().message);
    co_return;
  }
  at.load = Partition::Load::loaded;
  PerShard& shard = per_shard(writer_.home(i));
  for (auto it = at.groups.begin(); it != at.groups.end();) {
    const auto group = (it++)->second;
    if (group->consumer) group->consumer->loaded(consumer_limits(*image_(shard.shard), group->classic.id()), now);
    if (group->share) group->share->loaded(share_limits(*image_(shard.shard), group->classic.id()), now);
    if (group->has_members()) shard.timed[group->classic.id()] = group;
    forget_if_dead(group);
  }
  shard.timer.wake();
}

void GroupCoordinator::apply(std::int32_t, Record record, std::uint64_t order, async::TimePoint now) {
  if (auto* offset = std::get_if<OffsetRecord>(&record)) {
    const auto group = find_or_create(offset->key.group);
    if (offset->value) group->offsets[{offset->key.topic, offset->key.partition}] = {std::move(*offset->value), order};
    else group->offsets.erase({offset->key.topic, offset->key.partition});
  } else if (auto* state = std::get_if<GroupRecord>(&record)) {
    const auto group = find_or_create(state->key.group);
    group->classic.load(state->value.value_or(GroupValue{}), now);
    group->state_since_ms = state->value ? state->value->current_state_timestamp_ms : -1;
  }
}

std::shared_ptr<GroupCoordinator::Group> GroupCoordinator::find(std::string_view group) {
  auto& groups = partition(group).groups;
  const auto it = groups.find(group);
  return it == groups.end() ? nullptr : it->second;
}

std::shared_ptr<GroupCoordinator::Group> GroupCoordinator::find_or_create(const std::string& group) {
  auto& slot = partition(group).groups[group];
  if (!slot) slot = std::make_shared<Group>(group, options_.limits);
  return slot;
}

void GroupCoordinator::forget_if_dead(const std::shared_ptr<Group>& group) {
  if (group->has_members() || group->consumer || group->share || !group->offsets.empty() || group->classic.generation() > 0) return;
  partition(group->classic.id()).groups.erase(group->classic.id());
}

// On the group's home shard. Loads the partition on first use.
Task<ErrorCode> GroupCoordinator::ready(std::string group) {
  if (stopped_) co_return ErrorCode::coordinator_not_available;
  Partition& at = partition(group);
  if (at.load == Partition::Load::none) co_await load_partition(index(group));
  if (at.load == Partition::Load::loading) co_return ErrorCode::coordinator_load_in_progress;
  co_return at.load == Partition::Load::loaded ? ErrorCode::none : ErrorCode::not_coordinator;
}

void GroupCoordinator::carry_out(const std::shared_ptr<Group>& group, Effects effects) {
  const auto answer = [](auto& parked, auto& answers) {
    for (auto& [member, response] : answers) {
      const auto it = parked.find(member);
      if (it == parked.end()) continue;
      it->second->response = std::move(response);
      it->second->waiter.wake();
      parked.erase(it);
    }
  };
  answer(group->joins, effects.joins);
  answer(group->syncs, effects.syncs);
  PerShard& at = per_shard(home(group->classic.id()));
  if (effects.persist) at.gate.spawn(persist(group, std::move(*effects.persist)), "group metadata write");
  watch_timers(group);
}

void GroupCoordinator::watch_timers(const std::shared_ptr<Group>& group) {
  PerShard& at = per_shard(home(group->classic.id()));
  if (group->has_members()) at.timed[group->classic.id()] = group;
  else at.timed.erase(group->classic.id());
  at.timer.wake();
}

template <class Record>
Task<ErrorCode> GroupCoordinator::write(std::shared_ptr<Group> group, Unwritten<Record>& unwritten, std::vector<Record> records, std::string told,
                                        void (*add)(kafka::BatchBuilder&, std::int64_t, const Record&)) {
  const std::string& id = group->classic.id();
  const auto write = unwritten.begin(std::move(records), told);
  if (write.records.empty()) co_return ErrorCode::none;
  kafka::BatchBuilder batch;
  const auto now_ms = per_shard(home(id)).shard.clock().wall_ms();
  for (const auto& record : write.records) add(batch, now_ms, record);
  const auto done = co_await writer_.write(index(id), std::move(batch));
  unwritten.end(write, done.has_value());
  if (done) co_return ErrorCode::none;
  log::warn("group {}: not written: {}", id, done.error().message);
  co_return ErrorCode::coordinator_not_available;
}

Task<ErrorCode> GroupCoordinator::write_group(std::shared_ptr<Group> group, std::vector<ConsumerRecord> records, std::string told) {
  return write(group, group->unwritten, std::move(records), std::move(told), &add_consumer_record);
}

Task<ErrorCode> GroupCoordinator::write_share(std::shared_ptr<Group> group, std::vector<ShareRecord> records, std::string told) {
  return write(group, group->unwritten_share, std::move(records), std::move(told), &add_share_record);
}

Task<> GroupCoordinator::persist(std::shared_ptr<Group> group, GroupValue value) {
  PerShard& at = per_shard(home(group->classic.id()));
  value.current_state_timestamp_ms = group->state_since_ms = at.shard.clock().wall_ms();
  const auto generation = value.generation;
  std::vector<ConsumerRecord> records;
  records.push_back({classic_group, group->classic.id(), {}, std::move(value)});
  const auto error = co_await write_group(group, std::move(records));
  Effects effects;
  group->classic.persisted(generation, error == ErrorCode::none, at.shard.clock().now(), effects);
  carry_out(group, std::move(effects));
}

Task<> GroupCoordinator::timer_loop(PerShard& home) {
  while (!home.gate.closed() && !stopped_) {
    const auto now = home.shard.clock().now();
    auto next = async::never;
    const auto groups = home.timed;  // carry_out() changes the set
    for (const auto& [id, group] : groups) {
      if (group->next_deadline() <= now && group->share) {
        co_await tick_share(group);
      } else if (group->next_deadline() <= now && group->consumer) {
        co_await tick_consumer(group);
      } else if (group->next_deadline() <= now) {
        Effects effects;
        group->classic.tick(now, effects);
        carry_out(group, std::move(effects));
      }
      next = std::min(next, group->next_deadline());
    }
    co_await home.timer.wait(next);
  }
}

Task<kafka::JoinGroupResponse> GroupCoordinator::join(JoinInput input) {
  auto& at = home(input.request.group_id);
  co_return co_await async::on(at, join_home(std::move(input)));
}

Task<kafka::JoinGroupResponse> GroupCoordinator::join_home(JoinInput input) {
  kafka::JoinGroupResponse failed;
  failed.protocol_name = "";
  failed.member_id = input.request.member_id;
  failed.error_code = input.request.group_id.empty() ? ErrorCode::invalid_group_id : co_await ready(input.request.group_id);
  if (failed.error_code != ErrorCode::none) co_return failed;
  PerShard& at = per_shard(home(input.request.group_id));
  if (input.request.member_id.empty() && find(input.request.group_id) == nullptr && input.request.protocols.empty()) {
    failed.error_code = ErrorCode::inconsistent_group_protocol;
    co_return failed;
  }
  const auto group = find_or_create(input.request.group_id);
  if (group->share) {
    failed.error_code = ErrorCode::inconsistent_group_protocol;
    co_return failed;
  }
  input.new_member_id = input.request.group_instance_id.value_or(input.client_id) + "-" + at.random.uuid().to_string();
  if (group->consumer && group->has_members()) co_return co_await join_consumer_group(group, std::move(input));
  if (group->consumer) failed.error_code = co_await to_classic(group);
  if (failed.error_code != ErrorCode::none) co_return failed;
  Effects effects;
  auto outcome = group->classic.join(input, at.shard.clock().now(), effects);
  if (auto* response = std::get_if<kafka::JoinGroupResponse>(&outcome)) {
    carry_out(group, std::move(effects));
    forget_if_dead(group);
    co_return std::move(*response);
  }
  const std::string member_id = std::get<std::string>(outcome);
  auto parked = std::make_shared<Parked<kafka::JoinGroupResponse>>(at.shard.context(), at.shard.clock());
  auto& slot = group->joins[member_id];
  if (slot) {  // the client asked again on another connection
    slot->response = failed;
    slot->response->error_code = ErrorCode::rebalance_in_progress;
    slot->waiter.wake();
  }
  slot = parked;
  carry_out(group, std::move(effects));
  co_await parked->waiter.wait();
  if (parked->response) co_return std::move(*parked->response);
  failed.error_code = ErrorCode::not_coordinator;  // stopping
  co_return failed;
}

Task<kafka::SyncGroupResponse> GroupCoordinator::sync(kafka::SyncGroupRequest request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, sync_home(std::move(request)));
}

Task<kafka::SyncGroupResponse> GroupCoordinator::sync_home(kafka::SyncGroupRequest request) {
  kafka::SyncGroupResponse failed;
  failed.error_code = request.group_id.empty() ? ErrorCode::invalid_group_id : co_await ready(request.group_id);
  if (failed.error_code != ErrorCode::none) co_return failed;
  const auto group = find(request.group_id);
  failed.error_code = ErrorCode::unknown_member_id;
  if (!group || group->share) co_return failed;
  PerShard& at = per_shard(home(request.group_id));
  if (group->consumer) {
    auto response = group->consumer->classic_sync(request, *topic_view(at.shard), at.shard.clock().now());
    watch_timers(group);
    co_return response;
  }
  Effects effects;
  if (auto response = group->classic.sync(request, at.shard.clock().now(), effects)) {
    carry_out(group, std::move(effects));
    co_return std::move(*response);
  }
  auto parked = std::make_shared<Parked<kafka::SyncGroupResponse>>(at.shard.context(), at.shard.clock());
  auto& slot = group->syncs[request.member_id];
  if (slot) {
    slot->response = failed;
    slot->response->error_code = ErrorCode::rebalance_in_progress;
    slot->waiter.wake();
  }
  slot = parked;
  carry_out(group, std::move(effects));
  co_await parked->waiter.wait();
  if (parked->response) co_return std::move(*parked->response);
  failed.error_code = ErrorCode::not_coordinator;
  co_return failed;
}

Task<ErrorCode> GroupCoordinator::heartbeat(kafka::HeartbeatRequest request) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, heartbeat_home(std::move(request)));
}

Task<ErrorCode> GroupCoordinator::heartbeat_home(kafka::HeartbeatRequest request) {
  if (request.group_id.empty()) co_return ErrorCode::invalid_group_id;
  if (const auto error = co_await ready(request.group_id); error != ErrorCode::none) co_return error;
  const auto group = find(request.group_id);
  if (!group || group->share) co_return ErrorCode::unknown_member_id;
  const auto now = per_shard(home(request.group_id)).shard.clock().now();
  if (!group->consumer) co_return group->classic.heartbeat(request.member_id, request.group_instance_id, request.generation_id, now);
  const auto error = group->consumer->classic_heartbeat(request.member_id, request.group_instance_id, request.generation_id, now);
  watch_timers(group);
  co_return error;
}

Task<kafka::LeaveGroupResponse> GroupCoordinator::leave(kafka::LeaveGroupRequest request, std::int16_t version) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, leave_home(std::move(request), version));
}

Task<kafka::LeaveGroupResponse> GroupCoordinator::leave_home(kafka::LeaveGroupRequest request, std::int16_t version) {
  kafka::LeaveGroupResponse response;
  response.error_code = request.group_id.empty() ? ErrorCode::invalid_group_id : co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  if (version < 3) request.members = {{.member_id = request.member_id, .group_instance_id = {}, .reason = {}}};
  auto group = find(request.group_id);
  if (group && group->share) group = nullptr;  // nobody of this protocol is in there
  if (group && group->consumer) {
    response = co_await leave_consumer_group(group, request.members);
  } else {
    const auto now = per_shard(home(request.group_id)).shard.clock().now();
    Effects effects;
    for (const auto& member : request.members) {
      const auto error = group ? group->classic.leave(member.member_id, member.group_instance_id, now, effects) : ErrorCode::unknown_member_id;
      response.members.push_back({member.member_id, member.group_instance_id, error});
    }
    if (group) carry_out(group, std::move(effects));
  }
  if (version < 3) {
    if (response.error_code == ErrorCode::none) response.error_code = response.members[0].error_code;
    response.members.clear();
  }
  co_return response;
}

Task<kafka::DescribeGroupsResponseGroup> GroupCoordinator::describe(std::string group) {
  auto& at = home(group);
  co_return co_await async::on(at, describe_home(std::move(group)));
}

Task<kafka::DescribeGroupsResponseGroup> GroupCoordinator::describe_home(std::string id) {
  kafka::DescribeGroupsResponseGroup out;
  out.group_id = id;
  out.error_code = co_await ready(id);
  if (out.error_code != ErrorCode::none) co_return out;
  const auto group = find(id);
  if (!group || group->consumer || group->share) {
    out.group_state = "Dead";
    co_return out;
  }
  const auto& classic = group->classic;
  out.group_state = state_name(classic.state());
  out.protocol_type = classic.protocol_type();
  if (classic.state() == State::stable) out.protocol_data = classic.protocol();
  for (const auto& [member_id, member] : classic.members()) {
    const Bytes* metadata = member.metadata_for(classic.protocol());
    const bool settled = classic.state() == State::stable;
    out.members.push_back({.member_id = member_id,
                           .group_instance_id = member.instance_id,
                           .client_id = member.client_id,
                           .client_host = member.client_host,
                           .member_metadata = {settled && metadata ? *metadata : Bytes()},
                           .member_assignment = {settled ? member.assignment : Bytes()}});
  }
  co_return out;
}

Task<std::vector<kafka::ListGroupsResponseGroup>> GroupCoordinator::list() {
  std::vector<kafka::ListGroupsResponseGroup> out;
  for (std::int32_t i = 0; i < options_.partition_count; ++i) co_await async::on(writer_.home(i), list_home(i, out));
  co_return out;
}

Task<> GroupCoordinator::list_home(std::int32_t i, std::vector<kafka::ListGroupsResponseGroup>& out) {
  for (const auto& [id, group] : partitions_[static_cast<std::size_t>(i)].groups) {
    if (group->share) out.push_back({id, "share", group->share->state_name(), "share"});
    else if (group->consumer) out.push_back({id, "consumer", group->consumer->state_name(), "consumer"});
    else out.push_back({id, group->classic.protocol_type(), state_name(group->classic.state()), "classic"});
  }
  co_return;
}

}  // namespace meridian::coordinator::group
