#include "mirror/link.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "common/base/log.h"

namespace meridian::mirror {
namespace {

using namespace std::chrono_literals;
constexpr auto call_timeout = 10s;
constexpr auto take_over_timeout = 30s;
/// Records behind the persisted pair that are read and matched at a take-over; more means that the map was lost.
constexpr std::int64_t tail_records_max = 20'000'000;
// As in MirrorMaker 2: these say how a cluster is run, not what the topic is. Timestamps must arrive unchanged.
constexpr const char* configs_not_copied[] = {"follower.replication.throttled.replicas", "leader.replication.throttled.replicas",
                                              "message.timestamp.difference.max.ms",     "message.timestamp.type",
                                              "unclean.leader.election.enable",          "min.insync.replicas",
                                              "message.timestamp.before.max.ms",         "message.timestamp.after.max.ms"};

std::vector<io::Endpoint> bootstrap_of(const ClusterConfig& cluster) {
  return client::Cluster::parse_bootstrap(cluster.bootstrap).value_or(std::vector<io::Endpoint>{});
}

}  // namespace

Link::Link(LinkConfig config, const MirrorConfig& mirror, io::Network& network, boost::asio::io_context& context, async::Clock& clock,
           metrics::Registry& registry)
    : config_(std::move(config)),
      source_config_(mirror.clusters.at(config_.source)),
      context_(context),
      clock_(clock),
      source_(network, context, clock, bootstrap_of(source_config_), "meridian-mirror-" + config_.name),
      target_(network, context, clock, bootstrap_of(mirror.clusters.at(config_.target)), "meridian-mirror-" + config_.name),
      map_topic_(target_, offset_map_topic(config_.source)),
      links_topic_(target_, links_topic),
      source_links_(source_, links_topic),
      gate_(context, clock),
      stop_(context, clock),
      drained_(context, clock),
      records_(registry.counter("meridian_mirror_records_total", "Records acknowledged by the target", metrics::label("link", config_.name))),
      bytes_(registry.counter("meridian_mirror_bytes_total", "Compressed bytes acknowledged by the target", metrics::label("link", config_.name))),
      retries_(registry.counter("meridian_mirror_retries_total", "Batches sent again", metrics::label("link", config_.name))) {
  for (int i = 0; i < config_.lanes; ++i)
    lanes_.push_back(std::make_unique<Lane>(fmt::format("meridian-mirror.{}.{}", config_.name, i), target_, config_.append_at));
}

Link::~Link() = default;

void Link::start() { gate_.spawn(run(), "link"); }

Task<> Link::stop() {
  stopping_ = true;
  stop_.wake();
  drained_.wake();
  if (reader_) reader_->wake();
  if (state_ != State::connecting)
    if (auto done = co_await persist(); !done) log::warn("link {}: {}", name(), done.error().message);
  co_await source_.stop();
  co_await target_.stop();
  co_await gate_.close();
}

/// False when the link stops.
Task<bool> Link::pause(std::chrono::milliseconds duration) {
  const auto until = clock_.now() + duration;
  // Several coroutines pause; short waits of their own keep stopping quick without a shared waiter.
  while (!stopping_ && clock_.now() < until) co_await async::sleep_for(context_, clock_, std::min<async::Duration>(100ms, until - clock_.now()));
  co_return !stopping_;
}

Task<> Link::run() {
  while (!stopping_) {
    const auto done = co_await connect();
    if (done) break;
    if (last_error_ != done.error().message) log::warn("link {}: {}", name(), done.error().message);
    last_error_ = done.error().message;
    if (!co_await pause(500ms)) co_return;
  }
  if (stopping_) co_return;
  auto reader = make_reader(source_config_, "meridian-mirror-" + config_.name, context_, clock_);
  if (!reader) {
    last_error_ = reader.error().message;
    log::error("link {}: {}", name(), last_error_);
    co_return;
  }
  reader_ = std::move(*reader);
  last_error_.clear();
  gate_.spawn(discovery_loop(), "topic discovery");
  gate_.spawn(pump(), "copying");
  gate_.spawn(persist_loop(), "offset map");
  gate_.spawn(ends_loop(), "source ends");
  if (config_.follow_groups) gate_.spawn(follow_loop(), "group follow");
  if (config_.heartbeats) gate_.spawn(heartbeat_loop(), "heartbeats");
}

/// The target must be there; the source may be away (that is what a mirror is for).
Task<Status> Link::connect() {
  auto known = co_await target_.metadata(std::vector<std::string>{}, in(call_timeout));
  if (!known) co_return fail(known.error().code, "target " + config_.target + ": " + known.error().message);
  target_cluster_id_ = known->cluster_id.value_or("");
  if (auto done = co_await map_topic_.ensure(in(call_timeout)); !done) co_return done;
  if (auto done = co_await links_topic_.ensure(in(call_timeout)); !done) co_return done;
  KeyedRecords records;
  if (auto done = co_await map_topic_.read(records, in(60s)); !done) co_return done;
  std::vector<std::string> problems;
  loaded_maps_ = decode_maps(records, problems);
  for (const auto& problem : problems) log::error("link {}: offset map of {}", name(), problem);
  KeyedRecords links;
  if (auto done = co_await links_topic_.read(links, in(60s)); !done) co_return done;
  state_ = State::active;
  load_state(links);
  target_reachable_ = true;
  log::info("link {}: target {} ready, {} offset maps, state {}", name(), config_.target, loaded_maps_.size(),
            state_ == State::active ? "active" : "failed-over");
  co_return Status{};
}

Task<> Link::discovery_loop() {
  std::string told;
  while (!stopping_) {
    const auto done = co_await discover();
    if (stopping_) break;
    source_reachable_ = done || done.error().code == Errc::refused;
    if (!done && done.error().message != told) log::warn("link {}: {}", name(), done.error().message);
    told = done ? "" : done.error().message;
    last_error_ = told;
    if (!co_await pause(config_.refresh_topics)) break;
  }
}

bool Link::wanted(const std::string& topic) const {
  if (ReplicationPolicy::is_internal(topic) || config_.policy.is_cycle(topic)) return false;
  if (config_.heartbeats && topic == heartbeats_topic) return true;
  if (!config_.topics.takes(topic)) return false;
  // Same name on both sides: what the source itself mirrors from our target must not go back. Told by cluster id, not by name.
  if (config_.policy.identity) {
    const auto it = source_links_records_.find("topic/" + topic);
    if (it != source_links_records_.end() && it->second == target_cluster_id_) return false;
  }
  return true;
}

Task<Status> Link::discover() {
  auto source = co_await source_.metadata(std::nullopt, in(call_timeout));
  if (!source) co_return fail(source.error().code, "source " + config_.source + ": " + source.error().message);
  source_seen_ = clock_.now();
  source_seen_wall_ms_ = clock_.wall_ms();
  source_cluster_id_ = source->cluster_id.value_or("");
  if (!source_cluster_id_.empty() && source_cluster_id_ == target_cluster_id_)
    co_return fail(Errc::refused, "source and target are the same cluster: nothing is copied");
  if (config_.policy.identity && std::ranges::any_of(source->topics, [](const auto& topic) { return topic.name == links_topic; }))
    if (auto done = co_await source_links_.read(source_links_records_, in(call_timeout)); !done) co_return done;
  auto target = co_await target_.metadata(std::nullopt, in(call_timeout));
  if (!target) {
    target_reachable_ = false;
    co_return fail(Errc::refused, "target " + config_.target + ": " + target.error().message);
  }
  target_reachable_ = true;
  std::set<std::string> seen;
  for (const auto& topic : source->topics) {
    if (!topic.name || topic.error_code != kafka::ErrorCode::none || topic.is_internal || !wanted(*topic.name)) continue;
    const std::string& name = *topic.name;
    seen.insert(name);
    watch_incarnation(name, topic.topic_id);
    const auto remote = std::ranges::find_if(target->topics, [&](const auto& candidate) { return candidate.name == config_.policy.remote_topic(name); });
    if (auto done = co_await ensure_target_topic(name, topic, remote == target->topics.end() ? nullptr : &*remote); !done) co_return done;
    std::vector<std::int32_t> fresh;
    for (const auto& partition : topic.partitions)
      if (!copies_.contains({name, partition.partition_index})) fresh.push_back(partition.partition_index);
    if (fresh.empty()) continue;
    for (const auto partition : fresh) {
      auto copy = std::make_shared<Copy>(name, partition, config_.policy.remote_topic(name));
      if (const auto map = loaded_maps_.find({name, partition}); map != loaded_maps_.end()) {
        copy->copier.map() = map->second;
        copy->chunks_written = map->second.chunk_count();
      }
      copies_[{name, partition}] = copy;
    }
    gate_.spawn(take_over(name, fresh), "take-over");
  }
  for (auto& [key, copy] : copies_)
    if (!seen.contains(key.first) && copy->copier.state() != PartitionCopier::State::halted) {
      log::error("link {}: topic {} is gone on the source; its copy stays as it is", name(), key.first);
      copy->copier.halt("the topic was deleted on the source");
      ++copy->generation;
    }
  if (clock_.now() - configs_synced_ > 10s) configs_synced_ = clock_.now();
  co_return Status{};
}

/// A topic that was deleted and created again is another topic: its offsets mean something else.
void Link::watch_incarnation(const std::string& topic, const Uuid& id) {
  Uuid& first_seen = source_ids_[topic];
  if (first_seen.is_zero()) first_seen = id;
  if (id.is_zero() || first_seen == id) return;
  for (auto& [key, copy] : copies_)
    if (key.first == topic && copy->copier.state() != PartitionCopier::State::halted) {
      log::error("link {}: topic {} was created again on the source", name(), topic);
      copy->copier.halt("the topic was deleted and created again on the source (new topic id)");
      ++copy->generation;
    }
}

Task<Status> Link::ensure_target_topic(std::string topic, const kafka::MetadataResponseTopic& source, const kafka::MetadataResponseTopic* target) {
  const std::string remote = config_.policy.remote_topic(topic);
  const auto count = static_cast<std::int32_t>(source.partitions.size());
  if (target && target->partitions.size() < source.partitions.size()) {
    if (auto done = co_await client::create_partitions(target_, remote, count, in(call_timeout)); !done) co_return fail(Errc::refused, done.error().message);
    log::info("link {}: {} grown to {} partitions", name(), remote, count);
  }
  const bool sync_due = clock_.now() - configs_synced_ > 10s;
  if (target && !sync_due) co_return Status{};
  auto configs = co_await client::topic_configs(source_, topic, in(call_timeout));
  if (!configs) co_return fail(configs.error());
  for (const auto* excluded : configs_not_copied) configs->erase(excluded);
  if (!target) {
    client::NewTopic made{.name = remote, .partitions = count, .replication_factor = config_.replication_factor, .configs = {configs->begin(), configs->end()}};
    if (auto done = co_await client::create_topic(target_, made, in(call_timeout)); !done) co_return fail(Errc::refused, done.error().message);
    target_.invalidate();
    log::info("link {}: created {} with {} partitions", name(), remote, count);
    // What is a mirror of what, by cluster id: a link in the other direction reads this.
    std::vector<std::pair<std::string, std::optional<Bytes>>> record;
    record.emplace_back("topic/" + remote, source_cluster_id_);
    co_return co_await links_topic_.write(std::move(record), in(call_timeout));
  }
  auto have = co_await client::topic_configs(target_, remote, in(call_timeout));
  if (!have) co_return fail(Errc::refused, have.error().message);
  std::map<std::string, std::optional<std::string>> changes;
  for (const auto& [key, value] : *configs)
    if (const auto it = have->find(key); it == have->end() || it->second != value) changes[key] = value;
  for (const auto& [key, value] : *have)
    if (!configs->contains(key) && std::ranges::find(configs_not_copied, key) == std::end(configs_not_copied)) changes[key] = std::nullopt;
  if (changes.empty()) co_return Status{};
  if (auto done = co_await client::alter_topic_configs(target_, remote, std::move(changes), in(call_timeout)); !done)
    co_return fail(Errc::refused, done.error().message);
  log::info("link {}: configuration of {} brought in step", name(), remote);
  co_return Status{};
}

// ---- Taking partitions over: fence, end offset, tail, reading.

Task<> Link::take_over(std::string topic, std::vector<std::int32_t> partitions) {
  std::string told;
  while (!stopping_) {
    const auto done = co_await take_over_once(topic, partitions);
    if (done || stopping_) co_return;
    if (told != done.error().message) log::warn("link {}: taking over {}: {}", name(), topic, done.error().message);
    told = done.error().message;
    target_.invalidate();
    if (!co_await pause(500ms)) co_return;
  }
}

Task<Status> Link::take_over_once(std::string topic, std::vector<std::int32_t> partitions) {
  std::erase_if(partitions, [&](std::int32_t n) { return copies_.at({topic, n})->copier.state() != PartitionCopier::State::starting; });
  if (partitions.empty()) co_return Status{};
  Lane& lane = *lanes_[std::hash<std::string>{}(topic) % lanes_.size()];
  const auto fence = co_await lane.take(config_.policy.remote_topic(topic), partitions, in(take_over_timeout));
  if (!fence) co_return fail(fence.error());
  for (const auto partition : partitions)
    if (auto done = co_await prepare(copies_.at({topic, partition}), *fence); !done) co_return done;
  co_return Status{};
}

Task<Status> Link::prepare(CopyPtr copy, Fence fence) {
  auto& copier = copy->copier;
  const auto& remote = copier.remote_topic();
  const auto end = co_await client::list_offset(target_, remote, copier.partition(), client::latest, in(call_timeout));
  if (!end) co_return fail(end.error());
  const auto start = co_await client::list_offset(target_, remote, copier.partition(), client::earliest, in(call_timeout));
  if (!start) co_return fail(start.error());
  if (copier.map().next().target > *end) {
    if (*end != 0) {
      copier.halt(fmt::format("the target ends at {}, before {} where the mirror had written: it lost records", *end, copier.map().next().target));
      co_return Status{};
    }
    log::warn("link {}: {}-{} is empty on the target: copied anew", name(), remote, copier.partition());
    copier.map() = OffsetMap{};
    copy->chunks_written = 0;
  }
  if (copier.map().empty() && copier.map().next().source == 0) {
    const auto earliest = co_await client::list_offset(source_, copier.topic(), copier.partition(), client::earliest, in(call_timeout));
    if (!earliest) co_return fail(earliest.error());
    copier.map().scanned_to(*earliest);
  }
  const Offset from = std::max(copier.map().next().target, *start);
  if (*end - from > tail_records_max) {
    copier.halt(fmt::format("{} records on the target are not in the offset map: more than a take-over compares", *end - from));
    co_return Status{};
  }
  std::vector<TailMatcher::TailRecord> tail;
  const auto tail_end = co_await read_tail(copier, fence, from, *end, tail);
  if (!tail_end) co_return fail(tail_end.error());
  if (stopping_ || copier.state() != PartitionCopier::State::starting) co_return Status{};
  copy->fence = fence;
  copy->failed = copy->fatal = false;
  copy->in_flight = 0;
  copier.next_sequence = 0;
  if (!tail.empty()) log::info("link {}: {}-{}: {} records behind the map are compared with the source", name(), remote, copier.partition(), tail.size());
  copier.begin(std::move(tail), *tail_end);
  reader_->add(copier.topic(), copier.partition(), copier.map().next().source);
  copier.read_started = true;
  co_return Status{};
}

// What the target holds behind the map's pair, and where that ends. With a marker it ends there: what an earlier owner appended just before the
// marker is behind the end offset until it is committed.
Task<Result<Offset>> Link::read_tail(const PartitionCopier& copier, Fence fence, Offset from, Offset end, std::vector<TailMatcher::TailRecord>& tail) {
  const auto visit = [&tail](const kafka::RecordView& record) {
    tail.push_back({record.offset, fingerprint(record.timestamp_ms, record.key, record.value, record.headers)});
    return true;
  };
  std::function<bool(const kafka::BatchHeader&)> until_marker;
  if (fence.kind == FenceKind::transactional) {
    end = INT64_MAX;
    until_marker = [&end, fence](const kafka::BatchHeader& header) {
      if (header.producer_id != fence.producer_id || header.producer_epoch < fence.producer_epoch) return true;
      end = header.next_offset();
      return false;
    };
  }
  const auto read = co_await client::read_range(target_, copier.remote_topic(), copier.partition(), from, end, visit, in(60s), until_marker);
  if (!read) co_return fail(read.error());
  co_return end;
}

// ---- Heartbeats, in MirrorMaker 2's format: written to the source, copied like data.

Task<> Link::heartbeat_loop() {
  Bytes key;
  for (const auto& alias : {config_.target, config_.source}) {
    base::append_be(key, static_cast<std::int16_t>(alias.size()));
    key += alias;
  }
  bool created = false;
  while (!stopping_) {
    if (!created && source_reachable_) {
      client::NewTopic topic{.name = heartbeats_topic, .partitions = 1, .replication_factor = -1, .configs = {{"cleanup.policy", "compact"}}};
      created = (co_await client::create_topic(source_, topic, in(call_timeout))).has_value();
    }
    if (created) {
      Bytes value;
      base::append_be<std::int16_t>(value, 0);
      base::append_be(value, clock_.wall_ms());
      kafka::BatchBuilder batch;
      batch.add(clock_.wall_ms(), key, value);
      auto bytes = batch.finish({});
      if (bytes) (void)co_await client::append(source_, heartbeats_topic, 0, std::move(*bytes), in(2s));
    }
    if (!co_await pause(1s)) break;
  }
}

}  // namespace meridian::mirror
