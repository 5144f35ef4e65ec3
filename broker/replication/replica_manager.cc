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
  auto clean = storage::read_checkpoint(disk_, data_directory_ + "/" + storage::cleaner_checkpoint_file);
  if (!clean) return fail(clean.error());
  clean_points_ = std::move(*clean);
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

Task<> ReplicaManager::publish(metadata::ImagePtr image, metadata::MetadataDelta delta) {
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](PerShard& at, std::shared_ptr<const config::Settings> settings) -> Task<> {
      at.settings = std::move(settings);
      co_return;
    }(*home, image->settings));
  if (delta.settings_changed && !first_publish_) {
    delta.changed.clear();
    for (const auto& [name, topic] : image->topics) delta.changed.push_back(topic);
  }
  for (const auto& topic : delta.removed)
    for (auto& home : per_shard_) co_await async::on(home->shard, remove_topic(*home, topic));
  for (const auto& topic : delta.changed) co_await apply_topic(topic);
  if (first_publish_) {
    first_publish_ = false;
    recovery_points_.clear();
    start_offsets_.clear();
    clean_points_.clear();
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
  if (const auto it = clean_points_.find({topic.name, partition}); it != clean_points_.end()) options.clean_point = it->second;
  auto log = storage::Log::open(disk_, std::move(options), shards_[0]->clock().wall_ms());
  // What recovery kept may be in the page cache alone. It becomes stable before anybody is told of it: otherwise the high watermark
  // would start below offsets that clients have seen.
  if (log && config.durability == storage::Durability::fsync && (*log)->needs_flush())
    if (auto done = (*log)->flush_blocking(); !done) return fail(done.error());
  return log;
}

Task<> ReplicaManager::apply_topic(std::shared_ptr<const metadata::TopicImage> topic) {
  for (auto& home : per_shard_) {
    std::vector<std::int32_t> missing;
    for (std::int32_t n = 0; n < static_cast<std::int32_t>(topic->partitions.size()); ++n)
      if (&this->home(topic->name, n) == &home->shard) missing.push_back(n);
    if (missing.empty()) continue;
    co_await async::on(
        home->shard, [](ReplicaManager& manager, PerShard& at, std::shared_ptr<const metadata::TopicImage> image, std::vector<std::int32_t> wanted) -> Task<> {
          const auto config = metadata::log_config(*at.settings, image->configs);
          std::erase_if(wanted, [&](std::int32_t n) { return manager.find(image->name, n) != nullptr; });
          std::vector<Opened> opened;
          if (!wanted.empty())
            co_await manager.disk_.offload([&] {
              for (const auto n : wanted) opened.push_back({n, manager.open_log(*image, n, config)});
              // The new directories' names: before a creation is acknowledged.
              (void)manager.disk_.sync_directory(manager.data_directory_);
            });
          co_await manager.install(at, image, config, std::move(opened));
        }(*this, *home, topic, std::move(missing)));
  }
}

Task<> ReplicaManager::install(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic, const storage::LogConfig& config,
                               std::vector<Opened> opened) {
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
  const config::Settings table(metadata::topic_setting_table());
  const auto min_insync = std::stoll(metadata::topic_value(*home.settings, topic->configs, *table.find("min.insync.replicas")).value_or("1"));
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

Task<std::pair<kafka::ErrorCode, Offset>> ReplicaManager::delete_records(std::string topic, std::int32_t partition, Offset before) {
  using kafka::ErrorCode;
  const auto moved =
      co_await async::on(home(topic, partition), [](ReplicaManager& self, std::string name, std::int32_t n, Offset to) -> Task<std::pair<ErrorCode, Offset>> {
        const auto replica = self.find(name, n);
        if (!replica) co_return std::pair{ErrorCode::unknown_topic_or_partition, Offset{-1}};
        auto& log = replica->log();
        if (log.config().cleanup_compact && !log.config().cleanup_delete) co_return std::pair{ErrorCode::policy_violation, Offset{-1}};
        if (to == -1) to = replica->high_watermark();
        if (to < 0 || to > replica->high_watermark()) co_return std::pair{ErrorCode::offset_out_of_range, Offset{-1}};
        if (!log.delete_records_before(to)) co_return std::pair{ErrorCode::kafka_storage_error, Offset{-1}};
        replica->wake_fetches();
        co_return std::pair{ErrorCode::none, log.start_offset()};
      }(*this, topic, partition, before));
  if (moved.first != kafka::ErrorCode::none) co_return moved;
  // The start offset must not go back after a crash.
  if (auto done = co_await async::on(*shards_[0], write_checkpoints()); !done) co_return std::pair{kafka::ErrorCode::kafka_storage_error, Offset{-1}};
  co_return moved;
}

Task<std::vector<ReplicaManager::Directory>> ReplicaManager::directories() {
  Directory directory{.path = disk_.absolute(data_directory_)};
  if (const auto space = disk_.space(data_directory_)) {
    directory.total_bytes = static_cast<std::int64_t>(space->total);
    directory.usable_bytes = static_cast<std::int64_t>(space->available);
  } else {
    directory.failed = true;
  }
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](PerShard& at, Directory& out) -> Task<> {
      for (auto& [topic, partitions] : at.topics)
        for (auto& [n, replica] : partitions) {
          out.logs.push_back({replica->id(), replica->log().size_bytes()});
          out.failed |= replica->log().offline();
        }
      co_return;
    }(*home, directory));
  std::ranges::sort(directory.logs, {}, &LogSize::id);
  co_return std::vector{std::move(directory)};
}

Task<kafka::ErrorCode> ReplicaManager::move_log(std::string topic, std::int32_t partition, std::string to) {
  if (to != disk_.absolute(data_directory_)) co_return kafka::ErrorCode::log_dir_not_found;
  co_return co_await async::on(home(topic, partition), [](ReplicaManager& self, std::string name, std::int32_t n) -> Task<kafka::ErrorCode> {
    co_return self.find(name, n) ? kafka::ErrorCode::none : kafka::ErrorCode::replica_not_available;
  }(*this, topic, partition));
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
  home.stopping = true;
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
