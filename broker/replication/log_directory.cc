#include "broker/replication/log_directory.h"

#include <fmt/format.h>

#include <charconv>

#include "common/base/log.h"

namespace meridian::replication {

std::string LogDirectory::log_path(std::string_view topic, std::int32_t partition) const { return fmt::format("{}/{}-{}", path_, topic, partition); }

Status LogDirectory::prepare() {
  auto done = read_last_run();
  if (!done) mark_failed(done.error().message);
  return done;
}

void LogDirectory::mark_failed(std::string_view why) {
  if (!health_->failed.exchange(true)) log::error("log directory {} has failed: {}", path_, why);
}

Status LogDirectory::read_last_run() {
  if (auto done = disk_.make_directories(path_); !done) return done;
  clean_ = disk_.exists(file(storage::clean_shutdown_file));
  if (clean_) {
    if (auto done = disk_.remove(file(storage::clean_shutdown_file)); !done) return done;
    if (auto done = disk_.sync_directory(path_); !done) return done;
  }
  const std::pair<const char*, storage::OffsetCheckpoint*> files[] = {{storage::recovery_checkpoint_file, &last_run_.recovery},
                                                                      {storage::start_checkpoint_file, &last_run_.start},
                                                                      {storage::cleaner_checkpoint_file, &last_run_.clean}};
  for (const auto& [name, points] : files) {
    auto read = storage::read_checkpoint(disk_, file(name));
    if (!read) return fail(read.error());
    *points = std::move(*read);
  }
  const auto names = disk_.list(path_);
  if (!names) return fail(names.error());
  for (const auto& name : *names)
    if (name.ends_with(deleted_suffix) || name.ends_with(future_suffix))
      if (auto done = disk_.remove_tree(path_ + "/" + name); !done) return done;
  return {};
}

storage::Log::Options LogDirectory::log_options(const std::string& topic, std::int32_t partition, const storage::LogConfig& config) const {
  storage::Log::Options options{.directory = log_path(topic, partition), .config = config, .clean = clean_ && last_run_counts_, .health = health_};
  const auto point = [&](const storage::OffsetCheckpoint& points) {
    const auto it = points.find({topic, partition});
    return it == points.end() ? Offset{0} : it->second;
  };
  options.recovery_point = point(last_run_.recovery);
  options.start_offset = point(last_run_.start);
  options.clean_point = point(last_run_.clean);
  return options;
}

void LogDirectory::forget_last_run() {
  last_run_counts_ = false;
  last_run_ = {};
}

Status LogDirectory::write_checkpoints(const Points& points) {
  if (auto done = disk_.replace_file(file(storage::recovery_checkpoint_file), storage::encode_checkpoint(points.recovery)); !done) return done;
  if (auto done = disk_.replace_file(file(storage::start_checkpoint_file), storage::encode_checkpoint(points.start)); !done) return done;
  return disk_.replace_file(file(storage::cleaner_checkpoint_file), storage::encode_checkpoint(points.clean));
}

std::optional<Uuid> LogDirectory::owner(std::string_view topic, std::int32_t partition) const {
  const auto text = disk_.read_file(log_path(topic, partition) + "/" + storage::partition_metadata_file);
  return text ? storage::decode_partition_metadata(*text) : std::nullopt;
}

Status LogDirectory::set_aside(std::string_view topic, std::int32_t partition, Uuid owner) {
  const std::string path = log_path(topic, partition), stray = fmt::format("{}.{}{}", path, owner.to_string(), stray_suffix);
  log::warn("{} belongs to no topic that there is: kept as {}", path, stray);
  return disk_.rename(path, stray);
}

Status LogDirectory::set_strays_aside(const std::function<bool(const std::string&, std::int32_t)>& wanted) {
  const auto names = disk_.list(path_);
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    const auto dash = name.rfind('-');
    if (dash == std::string::npos || dash == 0) continue;
    std::int32_t partition = -1;
    const char* end = name.data() + name.size();
    if (const auto read = std::from_chars(name.data() + dash + 1, end, partition); read.ec != std::errc() || read.ptr != end || partition < 0) continue;
    const std::string topic = name.substr(0, dash);
    if (wanted(topic, partition)) continue;
    if (const auto id = owner(topic, partition))
      if (auto done = set_aside(topic, partition, *id); !done) return done;
  }
  return {};
}

void LogDirectory::sync_names() {
  if (const auto done = disk_.sync_directory(path_); !done) mark_failed(done.error().message);
}

Status LogDirectory::mark_clean() { return disk_.replace_file(file(storage::clean_shutdown_file), "{\"version\":0}"); }

}  // namespace meridian::replication
