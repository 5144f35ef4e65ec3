#include "broker/replication/log_move.h"

#include <algorithm>
#include <charconv>

namespace meridian::replication {
namespace {

/// Base offset in a file's name (00000000000000000042.log); nullopt: not a segment's.
std::optional<Offset> base_offset(const std::string& file) {
  Offset base = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), base);
  if (error != std::errc{} || end == file.data() || *end != '.') return std::nullopt;
  return base;
}

}  // namespace

LogMove::LogMove(io::Disk& disk, const LogDirectory& from, const LogDirectory& to, const std::string& name, const std::string& id)
    : disk_(disk),
      from_directory_(from.path()),
      to_directory_(to.path()),
      source_(from.path() + "/" + name),
      moved_(source_ + "." + id + moved_suffix),
      future_(to.path() + "/" + name + "." + id + future_suffix),
      target_(to.path() + "/" + name) {}

Status LogMove::copy(const std::string& file) {
  constexpr std::size_t chunk_bytes = 1u << 20;
  auto from = disk_.open(source_ + "/" + file, io::OpenMode::read);
  if (!from) return fail(from.error());
  auto to = disk_.open(future_ + "/" + file, io::OpenMode::create);
  if (!to) return fail(to.error());
  if (auto done = (*to)->truncate(0); !done) return done;
  Bytes chunk(chunk_bytes, '\0');
  for (std::uint64_t at = 0;;) {
    const auto n = (*from)->read(at, chunk.data(), chunk.size());
    if (!n) return fail(n.error());
    if (*n == 0) break;
    if (auto done = (*to)->write(at, ByteView(chunk).substr(0, *n)); !done) return done;
    at += *n;
    bytes_ += *n;
  }
  return (*to)->sync();
}

Result<bool> LogMove::advance(Offset sealed_end, std::uint64_t bytes_max) {
  if (auto done = disk_.make_directories(future_); !done) return fail(done.error());
  const auto files = disk_.list(source_);
  if (!files) return fail(files.error());
  const std::uint64_t enough = bytes_ + bytes_max;
  for (const auto& file : *files) {
    const auto base = base_offset(file);
    if (!base || *base >= sealed_end || copied_.contains(file)) continue;
    if (bytes_ >= enough) return false;
    if (auto done = copy(file); !done) return fail(done.error());
    copied_.insert(file);
  }
  return true;
}

Status LogMove::finish() {
  const auto files = disk_.list(source_);
  if (!files) return fail(files.error());
  for (const auto& file : *files)
    if (!copied_.contains(file))
      if (auto done = copy(file); !done) return done;
  // Retention may have taken files that were copied before it was held.
  for (const auto& file : copied_)
    if (std::ranges::find(*files, file) == files->end())
      if (auto done = disk_.remove(future_ + "/" + file); !done) return done;
  if (auto done = disk_.sync_directory(future_); !done) return done;
  if (auto done = disk_.sync_directory(to_directory_); !done) return done;
  if (auto done = disk_.rename(source_, moved_); !done) return done;
  auto swapped = disk_.sync_directory(from_directory_);
  if (swapped) swapped = disk_.rename(future_, target_);
  if (!swapped) {
    if (!disk_.rename(moved_, source_)) return fail(Errc::corrupt, "the log is left at " + moved_ + ": " + swapped.error().message);
    return swapped;
  }
  if (auto done = disk_.sync_directory(to_directory_); !done) return fail(Errc::corrupt, done.error().message);
  return {};
}

void LogMove::abandon() { (void)disk_.remove_tree(future_); }

void LogMove::remove_source() { (void)disk_.remove_tree(moved_); }

Status LogMove::settle(io::Disk& disk, const std::vector<std::unique_ptr<LogDirectory>>& directories) {
  for (const auto& directory : directories) {
    const auto names = disk.list(directory->path());
    if (!names) return fail(names.error());
    for (const auto& entry : *names) {
      if (!entry.ends_with(moved_suffix)) continue;
      const std::string name = entry.substr(0, entry.rfind('.'));
      const bool swapped = std::ranges::any_of(directories, [&](const auto& other) { return disk.exists(other->path() + "/" + name); });
      const std::string path = directory->path() + "/" + entry;
      if (auto done = swapped ? disk.remove_tree(path) : disk.rename(path, directory->path() + "/" + name); !done) return done;
      if (auto done = disk.sync_directory(directory->path()); !done) return done;
    }
  }
  return {};
}

}  // namespace meridian::replication
