#include "tests/simulation/shares.h"

namespace meridian::simulation {
namespace {

using kafka::ErrorCode;
const std::string topic = "s", group = "sg";
constexpr std::int32_t partitions = 2;
constexpr std::int8_t accept = 1, give_back = 2, reject = 3, group_resource = 32, set_config = 0;

bool ends(std::int8_t type) { return type == accept || type == reject; }

}  // namespace

Task<> Shares::produce(client::Cluster& at) {
  while (!co_await client::create_topic(at, {.name = topic, .partitions = partitions}, soon())) co_await breath();
  const auto producer = co_await producer_id(at);
  std::int32_t sequences[partitions] = {};
  for (int n = 0; !stopping_; ++n) {
    const auto partition = static_cast<std::int32_t>(random_.below(partitions));
    kafka::BatchBuilder builder;
    std::vector<std::string> values;
    for (std::uint64_t i = 0, count = 1 + random_.below(5); i < count; ++i) {
      values.push_back("s" + std::to_string(n) + "-" + std::to_string(i));
      builder.add(clock_.wall_ms(), std::nullopt, values.back());
    }
    const auto bytes = builder.finish({.producer_id = producer, .producer_epoch = 0, .base_sequence = sequences[partition]});
    for (;;) {
      const auto base = co_await client::append(at, topic, partition, *bytes, soon());
      if (base) {
        for (std::size_t i = 0; i < values.size(); ++i) sent_[{partition, *base + static_cast<Offset>(i)}] = values[i];
        break;
      }
      co_await breath();
    }
    sequences[partition] += static_cast<std::int32_t>(values.size());
    co_await breath();
  }
  co_await at.stop();
}

Task<bool> Shares::beat(client::Cluster& at, Member& member) {
  auto coordinator = co_await at.coordinator(group, 0, soon());
  if (!coordinator) co_return false;
  kafka::ShareGroupHeartbeatRequest request{
      .group_id = group, .member_id = member.id, .member_epoch = member.epoch, .rack_id = {}, .subscribed_topic_names = {}};
  if (member.epoch == 0) request.subscribed_topic_names = {topic};
  const auto answer = co_await (*coordinator)->call(std::move(request), soon());
  if (answer && (answer->error_code == ErrorCode::unknown_member_id || answer->error_code == ErrorCode::fenced_member_epoch ||
                 answer->error_code == ErrorCode::group_id_not_found))
    member.epoch = 0;
  if (!answer || answer->error_code != ErrorCode::none) co_return false;
  member.epoch = answer->member_epoch;
  if (!answer->assignment) co_return true;
  member.assigned.clear();
  for (const auto& assigned : answer->assignment->topic_partitions) {
    member.topic_id = assigned.topic_id;
    member.assigned.insert(assigned.partitions.begin(), assigned.partitions.end());
  }
  // What was to be said of other partitions is forgotten: their locks end.
  member.session = 0;
  member.to_say.clear();
  co_return true;
}

void Shares::said(std::int32_t partition, const std::vector<kafka::AcknowledgementBatch>& batches) {
  for (const auto& batch : batches)
    for (Offset n = batch.first_offset; n <= batch.last_offset; ++n)
      if (ends(batch.acknowledge_types[0])) done_.insert({partition, n});
}

Task<bool> Shares::fetch(client::Cluster& at, Member& member) {
  auto leader = co_await at.leader(topic, *member.assigned.begin(), soon());
  if (!leader) co_return false;
  kafka::ShareFetchRequest request{.group_id = group,
                                   .member_id = member.id,
                                   .share_session_epoch = member.session,
                                   .max_wait_ms = 100,
                                   .min_bytes = 1,
                                   .max_records = static_cast<std::int32_t>(1 + random_.below(20)),
                                   .batch_size = 5,
                                   .share_acquire_mode = static_cast<std::int8_t>(random_.below(2)),
                                   .topics = {},
                                   .forgotten_topics = {}};
  if (member.session == 0) member.to_say.clear();
  auto& wanted = request.topics.emplace_back();
  wanted.topic_id = member.topic_id;
  const auto saying = std::exchange(member.to_say, {});
  for (const auto partition : member.assigned) {
    const auto it = saying.find(partition);
    if (it == saying.end() && member.session > 0) continue;
    wanted.partitions.push_back({partition, it == saying.end() ? std::vector<kafka::AcknowledgementBatch>{} : it->second});
  }
  const auto answer = co_await (*leader)->call(std::move(request), soon());
  if (!answer || answer->error_code != ErrorCode::none) {
    member.session = 0;
    at.invalidate();
    co_return false;
  }
  ++member.session;
  const auto frame = (*leader)->last_frame();
  for (const auto& answered : answer->topics)
    for (const auto& partition : answered.partitions) {
      if (const auto it = saying.find(partition.partition_index); it != saying.end() && partition.acknowledge_error_code == ErrorCode::none)
        said(partition.partition_index, it->second);
      if (partition.error_code == ErrorCode::none) take(member, partition);
      else member.session = 0;
    }
  co_return true;
}

void Shares::take(Member& member, const kafka::ShareFetchResponsePartition& answer) {
  const auto n = answer.partition_index;
  std::map<Offset, std::string> values;
  for (ByteView rest = answer.records.view; !rest.empty();) {
    const auto header = kafka::parse_batch_header(rest);
    if (!header || static_cast<std::size_t>(header->size) > rest.size()) break;
    (void)kafka::for_each_record(rest, [&](const kafka::RecordView& record) {
      values[record.offset] = std::string(*record.value);
      return true;
    });
    rest.remove_prefix(static_cast<std::size_t>(header->size));
  }
  for (const auto& range : answer.acquired_records)
    for (Offset offset = range.first_offset; offset <= range.last_offset; ++offset) {
      const Place place{n, offset};
      const std::string where = std::to_string(n) + ":" + std::to_string(offset);
      if (!values.contains(offset)) problems_.push_back("share group: " + where + " was given without its record");
      if (done_.contains(place)) problems_.push_back("share group: " + where + " was done with, and comes again");
      if (const auto it = sent_.find(place); it != sent_.end() && it->second != values[offset])
        problems_.push_back("share group: " + where + " is " + values[offset] + ", was " + it->second);
      ++came_[place];
      const auto what = member.accepts_all ? 0 : random_.below(8);
      if (what == 7) continue;  // forgotten: its lock ends
      const std::int8_t type = what == 6 ? reject : what == 5 ? give_back : accept;
      member.to_say[n].push_back({offset, offset, {type}});
    }
}

Task<> Shares::consume(client::Cluster& at, int self) {
  // Every group but for this setting begins at the end.
  for (;;) {
    const auto done = co_await at.call_any(
        kafka::IncrementalAlterConfigsRequest{.resources = {{group_resource, group, {{"share.auto.offset.reset", set_config, "earliest"}}}}}, soon());
    if (done && done->results.at(0).error_code == ErrorCode::none) break;
    co_await breath();
  }
  for (int life = 0; !stopping_; ++life) {
    Member member{.id = "member-" + std::to_string(self) + "-" + std::to_string(life), .topic_id = {}, .assigned = {}, .to_say = {}};
    for (std::uint64_t turns = 5 + random_.below(100); turns > 0 && !stopping_; --turns) {
      if (!co_await beat(at, member) || member.assigned.empty()) {
        co_await breath();
        continue;
      }
      if (!co_await fetch(at, member)) co_await breath();
    }
    if (random_.one_in(2)) continue;  // gone without a word
    member.epoch = -1;
    (void)co_await beat(at, member);
  }
  co_await at.stop();
}

Task<std::vector<std::string>> Shares::check(client::Cluster& at) {
  Member member{.id = "last", .topic_id = {}, .assigned = {}, .to_say = {}, .accepts_all = true};
  const auto deadline = clock_.now() + std::chrono::seconds(120);
  for (;;) {
    if (!co_await beat(at, member) || member.assigned.empty() || !co_await fetch(at, member)) co_await breath();
    kafka::DescribeShareGroupOffsetsRequest request{.groups = {{group, std::nullopt}}};
    const auto offsets = co_await at.call_any(std::move(request), soon());
    bool at_end = offsets && offsets->groups.at(0).error_code == ErrorCode::none && !offsets->groups[0].topics.empty() &&
                  offsets->groups[0].topics[0].partitions.size() == partitions;
    if (at_end)
      for (const auto& partition : offsets->groups[0].topics[0].partitions) {
        const auto end = co_await client::list_offset(at, topic, partition.partition_index, client::latest, soon());
        at_end &= end && partition.start_offset == *end && partition.lag == 0;
      }
    if (at_end) break;
    if (clock_.now() > deadline) {
      problems_.push_back("liveness: the share group does not come to the end");
      break;
    }
  }
  for (const auto& [place, value] : sent_)
    if (!came_.contains(place)) problems_.push_back("share group: " + value + " never came");
  co_return problems_;
}

}  // namespace meridian::simulation
