#include "broker/replication/directory_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/base/log.h"

namespace meridian::replication {

namespace {

constexpr std::size_t id_length = 22;

std::string file_of(const LogDirectory& directory) { return directory.path() + "/" + directory_metadata_file; }

Result<std::optional<DirectoryMetadata>> read(io::Disk& disk, const LogDirectory& directory) {
  if (auto done = disk.make_directories(directory.path()); !done) return fail(done.error());
  if (!disk.exists(file_of(directory))) return std::nullopt;
  const auto text = disk.read_file(file_of(directory));
  if (!text) return fail(text.error());
  auto metadata = decode_directory_metadata(*text);
  if (!metadata) return fail(metadata.error().code, file_of(directory) + ": " + metadata.error().message);
  return std::move(*metadata);
}

Status write(io::Disk& disk, const LogDirectory& directory, const DirectoryMetadata& metadata) {
  return disk.replace_file(file_of(directory), encode_directory_metadata(metadata));
}

using Found = std::vector<std::optional<DirectoryMetadata>>;  ///< of each directory, in the order of log.dirs

/// Of directories that were used before: are they those of one broker, in an order that puts its metadata first?
Status belong_together(const LogDirectories& directories, const Found& found) {
  const std::string& first = directories.front()->path();
  if (found.front() && found.front()->id != found.front()->metadata_directory)
    return fail(Errc::refused, first + " is not the log directory that holds the broker's metadata: name that one first in log.dirs");
  std::map<Uuid, std::string> seen;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) continue;
    const std::string& path = directories[i]->path();
    if (const auto [other, is_new] = seen.emplace(found[i]->id, path); !is_new)
      return fail(Errc::refused,
                  fmt::format("{} and {} are one log directory and a copy of it: both say that they are {}", other->second, path, found[i]->id.to_string()));
    if (!found.front() || found[i]->metadata_directory != found.front()->id)
      return fail(
          Errc::refused,
          fmt::format("{} is a log directory of a broker whose metadata is not in {}, which log.dirs names first: is a volume not mounted?", path, first));
  }
  return {};
}

/// Gives a directory that has none an id, unless another was here.
std::optional<DirectoryMetadata> begin(io::Disk& disk, base::Random& random, const LogDirectory& first, LogDirectory& directory, DirectoryMetadata& known) {
  const std::string path = directory.absolute();
  if (const auto was = std::ranges::find(known.others, path, [](const auto& other) { return other.second; }); was != known.others.end()) {
    directory.mark_failed(fmt::format("it has no {}, and {} was here: is its volume not mounted? To give up what that held, remove its line from {}",
                                      directory_metadata_file, was->first.to_string(), file_of(first)));
    return std::nullopt;
  }
  const DirectoryMetadata metadata{random.uuid(), known.id, {}};
  // Before it is known: what is known was there.
  if (auto done = write(disk, directory, metadata); !done) {
    directory.mark_failed(done.error().message);
    return std::nullopt;
  }
  known.others[metadata.id] = path;
  return metadata;
}

}  // namespace

Bytes encode_directory_metadata(const DirectoryMetadata& metadata) {
  Bytes text = fmt::format("version: 0\ndirectory_id: {}\nmetadata_directory_id: {}\n", metadata.id.to_string(), metadata.metadata_directory.to_string());
  for (const auto& [id, path] : metadata.others) text += fmt::format("log_directory: {} {}\n", id.to_string(), path);
  return text;
}

Result<DirectoryMetadata> decode_directory_metadata(ByteView text) {
  DirectoryMetadata metadata;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto misread = [line](const char* what) { return fail(Errc::corrupt, fmt::format("line {}: {}", line, what)); };
    const ByteView whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const auto colon = whole.find(": ");
    if (colon == ByteView::npos) return misread("no \"key: value\"");
    const ByteView key = whole.substr(0, colon), value = whole.substr(colon + 2);
    if (key == "version") {
      if (value != "0") return misread("a version that this broker does not know");
      continue;
    }
    const auto id = Uuid::parse(value.substr(0, id_length));
    if (!id || id->is_zero()) return misread("no id of a directory");
    if (key == "directory_id") metadata.id = *id;
    else if (key == "metadata_directory_id") metadata.metadata_directory = *id;
    else if (key == "log_directory" && value.size() > id_length + 1) metadata.others[*id] = value.substr(id_length + 1);
    else return misread("not understood");
  }
  if (metadata.id.is_zero() || metadata.metadata_directory.is_zero()) return fail(Errc::corrupt, "directory_id or metadata_directory_id is missing");
  return metadata;
}

Result<bool> identify(io::Disk& disk, base::Random& random, const LogDirectories& directories) {
  Found found(directories.size());
  for (std::size_t i = 0; i < directories.size(); ++i) {
    auto metadata = read(disk, *directories[i]);
    if (metadata) found[i] = std::move(*metadata);
    else directories[i]->mark_failed(metadata.error().message);
  }
  LogDirectory& first = *directories.front();
  if (first.failed()) return true;
  if (auto done = belong_together(directories, found); !done) return fail(done.error());

  if (!found.front()) {
    const Uuid id = random.uuid();
    found.front() = DirectoryMetadata{id, id, {}};
    if (auto done = write(disk, first, *found.front()); !done) return fail(done.error());
  }
  const DirectoryMetadata before = *found.front();
  DirectoryMetadata& known = *found.front();
  for (std::size_t i = 1; i < directories.size(); ++i)
    if (found[i]) known.others[found[i]->id] = directories[i]->absolute();
  for (std::size_t i = 1; i < directories.size(); ++i)
    if (!found[i] && !directories[i]->failed()) found[i] = begin(disk, random, first, *directories[i], known);
  if (known != before)
    if (auto done = write(disk, first, known); !done) return fail(done.error());
  bool away = false;
  for (const auto& [id, path] : known.others) {
    if (std::ranges::any_of(found, [&](const auto& metadata) { return metadata && metadata->id == id; })) continue;
    away = true;
    if (std::ranges::none_of(directories, [&](const auto& directory) { return directory->failed() && directory->absolute() == path; }))
      log::error("log directory {}, last seen at {}, is none of log.dirs: the partitions in it are offline. To give up what it held, remove its line from {}",
                 id.to_string(), path, file_of(first));
  }
  return away;
}

}  // namespace meridian::replication
