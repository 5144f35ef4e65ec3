#include "broker/replication/replica_manager.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "common/base/log.h"

namespace meridian::replication {

namespace chrono = std::chrono;

ReplicaManager::ReplicaManager(std::vector<async::Shard*> shards, io::Disk& disk, const config::Settings& settings, std::string data_directory,
                               std::int32_t self)
    : shards_(std::move(shards)), disk_(disk), settings_(settings), data_directory_(std::move(data_directory)), self_(self) {
  for (auto* shard : shards_) per_shard_.push_back(std::make_unique<PerShard>(*shard));
}

ReplicaManager::~ReplicaManager() = default;

std::string ReplicaManager::directory(std::string_view topic, std::int32_t partition) const {
  return fmt::format("{}/{}-{}", data_directory_, topic, partition);
}

Status ReplicaManager::prepare() {
  if (auto done = disk_.make_directories(data_directory_); !done) return done;
  const std::string mark = data_directory_ + "/" + storage::clean_shutdown_file;
  clean_ = disk_.exists(mark);
  if (clean_) {
    if (auto done = disk_.remove(mark); !done) return done;
    if (auto done = disk_.sync_directory(data_directory_); !done) return done;
  }
  auto recovery = storage::read_checkpoint(disk_, data_directory_ + "/" + storage::recovery_checkpoint_file);
  if (!recovery) return fail(recovery.error());
  auto start = storage::read_checkpoint(disk_, data_directory_ + "/" + storage::start_checkpoint_file);
  if (!start) return fail(start.error());
  recovery_points_ = std::move(*recovery);
  start_offsets_ = std::move(*start);
  const auto names = disk_.list(data_directory_);
  if (!names) return fail(names.error());
  for (const auto& name : *names)
    if (name.ends_with("-delete"))
      if (auto done = disk_.remove_tree(data_directory_ + "/" + name); !done) return done;
  return {};
}

async::Shard& ReplicaManager::home(std::string_view topic, std::int32_t partition) {
  if (shards_.size() == 1) return *shards_[0];
  return *shards_[(std::hash<std::string_view>{}(topic) + static_cast<std::size_t>(partition)) % shards_.size()];
}

std::shared_ptr<Replica> ReplicaManager::find(const std::string& topic, std::int32_t partition) {
  auto& topics = per_shard(home(topic, partition)).topics;
  const auto found = topics.find(topic);
  if (found == topics.end()) return nullptr;
  const auto replica = found->second.find(partition);
  return replica == found->second.end() ? nullptr : replica->second;
}

bool ReplicaManager::failed(const std::string& topic, std::int32_t partition) { return per_shard(home(topic, partition)).failed.contains({topic, partition}); }

Task<> ReplicaManager::publish(metadata::ImagePtr, metadata::MetadataDelta delta) {
  for (const auto& topic : delta.removed)
    for (auto& home : per_shard_) co_await async::on(home->shard, remove_topic(*home, topic));
  for (const auto& topic : delta.changed) co_await apply_topic(topic);
  if (first_publish_) {
    first_publish_ = false;
    recovery_points_.clear();
    start_offsets_.clear();
  }
}

Result<std::unique_ptr<storage::Log>> ReplicaManager::open_log(const metadata::TopicImage& topic, std::int32_t partition, const storage::LogConfig& config) {
  const std::string path = directory(topic.name, partition);
  const std::string id_path = path + "/" + storage::partition_metadata_file;
  if (disk_.exists(path)) {
    const auto text = disk_.read_file(id_path);
    const auto id = text ? storage::decode_partition_metadata(*text) : std::nullopt;
    // A topic of this name was deleted, or its creation was cut short before the identity was written: not this topic's data.
    if (id != topic.id) {
      log::warn("{} belongs to another topic: removed", path);
      if (auto done = disk_.remove_tree(path); !done) return fail(done.error());
    }
  }
  if (!disk_.exists(path)) {
    if (auto done = disk_.make_directories(path); !done) return fail(done.error());
    if (auto done = disk_.replace_file(id_path, storage::encode_partition_metadata(topic.id)); !done) return fail(done.error());
  }
  storage::Log::Options options{.directory = path, .config = config, .clean = clean_ && first_publish_};
  if (const auto it = recovery_points_.find({topic.name, partition}); it != recovery_points_.end()) options.recovery_point = it->second;
  if (const auto it = start_offsets_.find({topic.name, partition}); it != start_offsets_.end()) options.start_offset = it->second;
  auto log = storage::Log::open(disk_, std::move(options), shards_[0]->clock().wall_ms());
  // What recovery kept may be in the page cache alone. It becomes stable before anybody is told of it: otherwise the high watermark
  // would start below offsets that clients have seen.
  if (log && config.durability == storage::Durability::fsync && (*log)->needs_flush())
    if (auto done = (*log)->flush_blocking(); !done) return fail(done.error());
  return log;
}

Task<> ReplicaManager::apply_topic(std::shared_ptr<const metadata::TopicImage> topic) {
  const auto config = metadata::log_config(settings_, topic->configs);
  for (auto& home : per_shard_) {
    std::vector<std::int32_t> missing;
    for (std::int32_t n = 0; n < static_cast<std::int32_t>(topic->partitions.size()); ++n)
      if (&this->home(topic->name, n) == &home->shard) missing.push_back(n);
    if (missing.empty()) continue;
    co_await async::on(home->shard,
                       [](ReplicaManager& manager, PerShard& at, std::shared_ptr<const metadata::TopicImage> image, storage::LogConfig log_config,
                          std::vector<std::int32_t> wanted) -> Task<> {
                         std::erase_if(wanted, [&](std::int32_t n) { return manager.find(image->name, n) != nullptr; });
                         std::vector<Opened> opened;
                         if (!wanted.empty())
                           co_await manager.disk_.offload([&] {
                             for (const auto n : wanted) opened.push_back({n, manager.open_log(*image, n, log_config)});
                             // The new directories' names: before a creation is acknowledged.
                             (void)manager.disk_.sync_directory(manager.data_directory_);
                           });
                         co_await manager.install(at, image, std::move(opened));
                       }(*this, *home, topic, config, std::move(missing)));
  }
}

Task<> ReplicaManager::install(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic, std::vector<Opened> opened) {
  auto& partitions = home.topics[topic->name];
  for (auto& [n, log] : opened) {
    if (!log) {
      log::error("partition {}-{} is offline: {}", topic->name, n, log.error().message);
      const auto point = recovery_points_.find({topic->name, n});
      home.failed[{topic->name, n}] = point == recovery_points_.end() ? 0 : point->second;
      continue;
    }
    home.failed.erase({topic->name, n});
    partitions[n] = std::make_shared<Replica>(TopicPartition{topic->name, n}, topic->id, self_, std::move(*log), home.shard, home.gate);
  }
  const auto config = metadata::log_config(settings_, topic->configs);
  const config::Settings table(metadata::topic_setting_table());
  const auto min_insync = std::stoll(metadata::topic_value(settings_, topic->configs, *table.find("min.insync.replicas")).value_or("1"));
  for (auto& [n, replica] : partitions)
    if (n < static_cast<std::int32_t>(topic->partitions.size())) replica->apply(topic->partitions[static_cast<std::size_t>(n)], config, min_insync);
  co_return;
}

Task<> ReplicaManager::remove_topic(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic) {
  const auto found = home.topics.find(topic->name);
  if (found == home.topics.end()) co_return;
  auto partitions = std::move(found->second);
  home.topics.erase(found);
  std::erase_if(home.failed, [&](const auto& entry) { return entry.first.topic == topic->name; });
  std::vector<std::pair<std::string, std::string>> renames;
  for (auto& [n, replica] : partitions) {
    replica->shut();
    co_await replica->idle();
    const std::string path = directory(topic->name, n);
    renames.emplace_back(path, path + "." + topic->id.to_string() + "-delete");
  }
  co_await disk_.offload([&] {
    for (const auto& [from, to] : renames) {
      if (auto done = disk_.rename(from, to); !done) log::warn("{}", done.error().message);
      else if (auto gone = disk_.remove_tree(to); !gone) log::warn("{}", gone.error().message);
    }
  });
}

void ReplicaManager::start_maintenance() {
  // A gate belongs to its shard, so each loop is started there.
  for (auto& home : per_shard_) boost::asio::post(home->shard.context(), [this, &at = *home] { at.gate.spawn(maintain(at), "log maintenance"); });
}

Task<> ReplicaManager::maintain(PerShard& home) {
  constexpr auto tick = chrono::milliseconds(500);  // resolution of flush.ms
  const auto retention_every = chrono::milliseconds(settings_.integer("log.retention.check.interval.ms"));
  const auto checkpoint_every = chrono::milliseconds(settings_.integer("log.flush.offset.checkpoint.interval.ms"));
  const auto producer_expiry_ms = settings_.integer("producer.id.expiration.ms");
  auto& clock = home.shard.clock();
  auto retention_at = clock.now() + retention_every, checkpoint_at = clock.now() + checkpoint_every;
  std::map<TopicPartition, async::TimePoint> dirty_since;
  while (!home.gate.closed() && !co_await home.stop.wait(clock.now() + tick)) {
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
      log.expire_producers(clock.wall_ms() - producer_expiry_ms);
      if (auto done = co_await log.enforce_retention(clock.wall_ms(), replica->high_watermark()); !done)
        log::warn("retention of {}-{}: {}", replica->id().topic, replica->id().partition, done.error().message);
    }
    if (retention_due) retention_at = clock.now() + retention_every;
    if (home.shard.id() == 0 && clock.now() >= checkpoint_at) {
      if (auto done = co_await write_checkpoints(); !done) log::warn("{}", done.error().message);
      checkpoint_at = clock.now() + checkpoint_every;
    }
  }
}

Task<> ReplicaManager::collect(PerShard& home, storage::OffsetCheckpoint& recovery, storage::OffsetCheckpoint& start) {
  for (auto& [topic, partitions] : home.topics)
    for (auto& [n, replica] : partitions) {
      recovery[{topic, n}] = replica->log().recovery_point();
      if (replica->log().start_offset() > 0) start[{topic, n}] = replica->log().start_offset();
    }
  for (const auto& [id, point] : home.failed) recovery[{id.topic, id.partition}] = point;
  co_return;
}

Task<Status> ReplicaManager::write_checkpoints() {
  storage::OffsetCheckpoint recovery, start;
  for (auto& home : per_shard_) co_await async::on(home->shard, collect(*home, recovery, start));
  Status done;
  co_await disk_.offload([&] {
    done = disk_.replace_file(data_directory_ + "/" + storage::recovery_checkpoint_file, storage::encode_checkpoint(recovery));
    if (done) done = disk_.replace_file(data_directory_ + "/" + storage::start_checkpoint_file, storage::encode_checkpoint(start));
  });
  co_return done;
}

Task<std::uint64_t> ReplicaManager::size_bytes() {
  std::uint64_t total = 0;
  for (auto& home : per_shard_)
    total += co_await async::on(home->shard, [](PerShard& at) -> Task<std::uint64_t> {
      std::uint64_t sum = 0;
      for (auto& [topic, partitions] : at.topics)
        for (auto& [n, replica] : partitions) sum += replica->log().size_bytes();
      co_return sum;
    }(*home));
  co_return total;
}

Task<Status> ReplicaManager::close_logs(PerShard& home) {
  home.stop.wake();
  for (auto& [topic, partitions] : home.topics)
    for (auto& [n, replica] : partitions) replica->shut();
  co_await home.gate.close();
  Status result;
  co_await disk_.offload([&] {
    for (auto& [topic, partitions] : home.topics)
      for (auto& [n, replica] : partitions)
        if (auto done = replica->log().close(); !done) result = done;
  });
  co_return result;
}

Task<Status> ReplicaManager::stop() {
  Status result;
  // A start that failed before the logs were opened knows nothing about them: neither checkpoints nor the mark may say otherwise.
  if (first_publish_) co_return result;
  for (auto& home : per_shard_)
    if (auto done = co_await async::on(home->shard, close_logs(*home)); !done) result = done;
  const bool damaged = std::ranges::any_of(per_shard_, [](const auto& home) { return !home->failed.empty(); });
  if (auto done = co_await write_checkpoints(); !done) co_return done;
  if (!result || damaged) co_return result;  // no mark: the next start recovers
  co_await disk_.offload([&] { result = disk_.replace_file(data_directory_ + "/" + storage::clean_shutdown_file, "{\"version\":0}"); });
  co_return result;
}

}  // namespace meridian::replication
