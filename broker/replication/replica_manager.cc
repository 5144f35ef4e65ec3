#include "broker/replication/replica_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/async/on_all.h"
#include "common/base/log.h"

namespace meridian::replication {

namespace chrono = std::chrono;

constexpr std::size_t opening_threads_max = 4, logs_a_thread_min = 16;

ReplicaManager::ReplicaManager(std::vector<async::Shard*> shards, io::Disk& disk, const config::Settings& settings,
                               const std::vector<std::string>& log_directories, std::int32_t self)
    : shards_(std::move(shards)), disk_(disk), settings_(settings), self_(self) {
  for (auto* shard : shards_) per_shard_.push_back(std::make_unique<PerShard>(*shard));
  for (const auto& path : log_directories) directories_.push_back(std::make_unique<LogDirectory>(disk, path));
}

ReplicaManager::~ReplicaManager() = default;

Status ReplicaManager::prepare(base::Random& random) {
  const auto away = identify(disk_, random, directories_);
  if (!away) return fail(away.error());
  directory_missing_ = *away;
  for (auto& directory : directories_)
    if (!directory->failed()) (void)directory->prepare();  // one that fails says so, and is left out
  if (all_failed()) return fail(Errc::io, fmt::format("no log directory works, of {}", settings_.string("log.dirs")));
  // Where a directory is away it cannot be told how far a move was: what is not whole here stays as it is.
  return any_directory_away() ? Status{} : LogMove::settle(disk_, directories_);
}

bool ReplicaManager::all_failed() const {
  return std::ranges::all_of(directories_, [](const auto& directory) { return directory->failed(); });
}

bool ReplicaManager::was_clean() const {
  return std::ranges::all_of(directories_, [](const auto& directory) { return directory->was_clean(); });
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

bool ReplicaManager::any_directory_away() const {
  return directory_missing_ || std::ranges::any_of(directories_, [](const auto& directory) { return directory->failed(); });
}

bool ReplicaManager::offline(const std::string& topic, std::int32_t partition) {
  const auto replica = find(topic, partition);
  return replica ? replica->log().offline() : failed(topic, partition);
}

Task<> ReplicaManager::publish(metadata::ImagePtr image, metadata::MetadataDelta delta) {
  if (delta.settings_changed && !first_publish_) {
    delta.changed.clear();
    for (const auto& [name, topic] : image->topics) delta.changed.push_back(topic);
  }
  std::vector<async::ShardTask> work;
  for (auto& home : per_shard_) work.push_back({&home->shard, apply(*home, image, delta)});
  co_await async::on(*shards_[0], async::on_all(*shards_[0], std::move(work)));
  if (first_publish_) {
    first_publish_ = false;
    for (auto& directory : directories_) directory->forget_last_run();
    co_await disk_.offload([&] {
      const auto wanted = [&image](const std::string& name, std::int32_t partition) {
        const auto* topic = image->topic(name);
        return topic && partition < static_cast<std::int32_t>(topic->partitions.size());
      };
      for (auto& directory : directories_)
        if (!directory->failed())
          if (auto done = directory->set_strays_aside(wanted); !done) log::warn("{}", done.error().message);
    });
  }
}

// One shard's part; the shards do theirs side by side, so that a start takes what the slowest takes.
Task<> ReplicaManager::apply(PerShard& home, metadata::ImagePtr image, const metadata::MetadataDelta& delta) {
  home.settings = image->settings;
  for (const auto& topic : delta.removed) co_await remove_topic(home, topic);
  for (const auto& topic : delta.changed) co_await open_missing(home, topic);
}

// Where the partition's log is; what else has its name belongs to a topic that was deleted, or whose creation was cut short.
Result<LogDirectory*> ReplicaManager::find_directory(const metadata::TopicImage& topic, std::int32_t partition) {
  LogDirectory* found = nullptr;
  for (auto& directory : directories_) {
    const std::string path = directory->log_path(topic.name, partition);
    if (directory->failed() || !disk_.exists(path)) continue;
    const auto owner = directory->owner(topic.name, partition);
    if (!found && owner == topic.id) {
      found = directory.get();
      continue;
    }
    if (auto done = owner ? directory->set_aside(topic.name, partition, *owner) : disk_.remove_tree(path); !done) return fail(done.error());
  }
  return found;
}

LogDirectory* ReplicaManager::place_new() {
  const std::lock_guard lock(placing_);
  LogDirectory* best = nullptr;
  for (auto& directory : directories_)
    if (!directory->failed() && (!best || directory->log_count < best->log_count)) best = directory.get();
  if (best) ++best->log_count;
  return best;
}

ReplicaManager::Opened ReplicaManager::open_log(const metadata::TopicImage& topic, std::int32_t partition, const storage::LogConfig& config, bool may_create) {
  const auto failed = [&](LogDirectory* directory, Error error) { return Opened{partition, directory, std::unexpected(std::move(error))}; };
  const auto found = find_directory(topic, partition);
  if (!found) return failed(nullptr, found.error());
  LogDirectory* directory = *found;
  // At start it may well lie in a directory that is away or does not work, and must not begin anew in another.
  if (!directory && (!may_create || (first_publish_ && any_directory_away()))) return failed(nullptr, {Errc::io, "it is in no log directory that works"});
  const bool fresh = !directory;
  if (fresh) directory = place_new();
  else ++directory->log_count;
  if (!directory) return failed(nullptr, {Errc::io, "no log directory works"});
  if (fresh) {
    const std::string path = directory->log_path(topic.name, partition);
    if (auto done = disk_.make_directories(path); !done) return failed(directory, done.error());
    if (auto done = disk_.replace_file(path + "/" + storage::partition_metadata_file, storage::encode_partition_metadata(topic.id)); !done)
      return failed(directory, done.error());
  }
  auto log = storage::Log::open(disk_, directory->log_options(topic.name, partition, config), shards_[0]->clock().wall_ms());
  // What recovery kept may be in the page cache alone. It becomes stable before anybody is told of it: otherwise the high watermark
  // would start below offsets that clients have seen.
  if (log && config.durability == storage::Durability::fsync && (*log)->needs_flush())
    if (auto done = (*log)->flush_blocking(); !done) return failed(directory, done.error());
  return {partition, directory, std::move(log)};
}

Task<> ReplicaManager::open_missing(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic) {
  std::vector<std::int32_t> here;
  std::vector<std::pair<std::int32_t, bool>> missing;  ///< and whether it could not be opened before
  for (std::int32_t n = 0; n < static_cast<std::int32_t>(topic->partitions.size()); ++n)
    if (&this->home(topic->name, n) == &home.shard) here.push_back(n);
  if (here.empty()) co_return;
  const auto config = metadata::log_config(*home.settings, topic->configs);
  for (const auto n : here)
    if (!find(topic->name, n) && !home.moves.contains({topic->name, n})) missing.emplace_back(n, home.failed.contains({topic->name, n}));
  // Reading them is work for more than one thread where there are many.
  std::vector<std::vector<Opened>> parts(std::clamp<std::size_t>(missing.size() / logs_a_thread_min, 1, opening_threads_max));
  std::vector<async::ShardTask> work;
  for (std::size_t i = 0; i < parts.size() && !missing.empty(); ++i)
    work.push_back({&home.shard, disk_.offload([&, i] {
                      // What could not be opened before is looked for again, but never begun anew.
                      for (std::size_t at = i; at < missing.size(); at += parts.size())
                        parts[i].push_back(open_log(*topic, missing[at].first, config, !missing[at].second));
                    })});
  co_await async::on_all(home.shard, std::move(work));
  std::vector<Opened> opened;
  std::set<LogDirectory*> touched;
  for (auto& part : parts)
    for (auto& each : part) {
      if (each.log) touched.insert(each.directory);
      opened.push_back(std::move(each));
    }
  // The new directories' names: before a creation is acknowledged.
  if (!touched.empty())
    co_await disk_.offload([&] {
      for (auto* directory : touched) directory->sync_names();
    });
  co_await install(home, topic, config, std::move(opened));
}

Task<> ReplicaManager::install(PerShard& home, std::shared_ptr<const metadata::TopicImage> topic, const storage::LogConfig& config,
                               std::vector<Opened> opened) {
  auto& partitions = home.topics[topic->name];
  home.images[topic->name] = topic;
  for (auto& [n, directory, log] : opened) {
    if (!log) {
      log::error("partition {}-{} is offline: {}", topic->name, n, log.error().message);
      auto& failed = home.failed[{topic->name, n}] = {directory};
      if (!directory) continue;
      const auto noted = directory->log_options(topic->name, n, config);
      failed = {directory, noted.recovery_point, noted.start_offset, noted.clean_point};
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
  home.images.erase(topic->name);
  std::erase_if(home.failed, [&](const auto& entry) { return entry.first.topic == topic->name; });
  std::vector<std::pair<std::string, std::string>> renames;
  for (auto& [n, replica] : partitions) {
    replica->shut();
    co_await replica->idle();
    const std::string path = replica->log().directory();
    --directory_of(replica->log())->log_count;
    renames.emplace_back(path, path + "." + topic->id.to_string() + deleted_suffix);
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
  // Nothing was written where the directory has failed meanwhile.
  const bool kept = co_await async::on(home(topic, partition), [](ReplicaManager& self, std::string name, std::int32_t n) -> Task<bool> {
    const auto replica = self.find(name, n);
    co_return replica && !replica->log().offline();
  }(*this, topic, partition));
  if (!kept) co_return std::pair{kafka::ErrorCode::kafka_storage_error, Offset{-1}};
  co_return moved;
}

LogDirectory* ReplicaManager::directory_of(const storage::Log& log) {
  const auto holds = [&log](const auto& directory) { return log.directory().substr(0, log.directory().rfind('/')) == directory->path(); };
  return std::ranges::find_if(directories_, holds)->get();
}

Task<std::vector<ReplicaManager::Directory>> ReplicaManager::directories() {
  std::vector<Directory> all;
  for (auto& directory : directories_) {
    auto& out = all.emplace_back();
    out.path = directory->absolute();
    out.failed = directory->failed();
    if (const auto space = disk_.space(directory->path())) {
      out.total_bytes = static_cast<std::int64_t>(space->total);
      out.usable_bytes = static_cast<std::int64_t>(space->available);
    }
    if (out.failed) continue;
    for (auto& home : per_shard_)
      co_await async::on(home->shard, [](ReplicaManager& self, PerShard& at, LogDirectory* wanted, std::vector<LogSize>& logs) -> Task<> {
        for (auto& [topic, partitions] : at.topics)
          for (auto& [n, replica] : partitions)
            if (self.directory_of(replica->log()) == wanted) logs.push_back({replica->id(), replica->log().size_bytes()});
        for (auto& [id, move] : at.moves)
          if (move.to == wanted) logs.push_back({id, move.bytes, true});
        co_return;
      }(*this, *home, directory.get(), out.logs));
    std::ranges::sort(out.logs, {}, &LogSize::id);
  }
  co_return all;
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
        if (auto done = replica->log().close(); !done && !replica->log().offline()) result = done;
  });
  co_return result;
}

Task<Status> ReplicaManager::stop() {
  Status result;
  // A start that failed before the logs were opened knows nothing about them: neither checkpoints nor the mark may say otherwise.
  if (first_publish_) co_return result;
  for (auto& home : per_shard_)
    if (auto done = co_await async::on(home->shard, close_logs(*home)); !done) result = done;
  if (auto done = co_await write_checkpoints(); !done) co_return done;
  if (!result) co_return result;
  // A directory with a log that is damaged gets no mark: the next start recovers it.
  std::set<LogDirectory*> damaged;
  for (auto& home : per_shard_)
    for (const auto& [id, failed] : home->failed) damaged.insert(failed.directory);
  co_await disk_.offload([&] {
    for (auto& directory : directories_)
      if (!directory->failed() && !damaged.contains(directory.get()))
        if (auto done = directory->mark_clean(); !done) result = done;
  });
  co_return result;
}

}  // namespace meridian::replication
