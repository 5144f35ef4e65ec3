// Disk: the seam for files. Production is PosixDisk; simulation loses and tears what was not synced.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace meridian::io {

/// One open file. Reads and writes go to the page cache and do not wait for the device; sync() does, so it runs in Disk::offload.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `n` bytes at `position`; fewer only at the end of the file.
  virtual Result<std::size_t> read(std::uint64_t position, char* to, std::size_t n) = 0;
  virtual Status write(std::uint64_t position, ByteView bytes) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  /// fdatasync: blocks until what was written is on stable storage. After a failure nothing may be believed to be durable.
  virtual Status sync() = 0;
  /// For sendfile; -1 where there is none.
  virtual int descriptor() const { return -1; }
};

enum class OpenMode { read, read_write, create };

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  /// Removes a directory with what is in it.
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Status make_directories(const std::string& path) = 0;
  /// Names in a directory, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual bool exists(const std::string& path) = 0;
  struct Space {
    std::uint64_t total = 0;
    std::uint64_t available = 0;
  };
  /// Bytes of the volume that holds `path`.
  virtual Result<Space> space(const std::string& path) = 0;
  /// `path` from the root.
  virtual std::string absolute(const std::string& path) = 0;
  /// fsync of a directory: its entries (creations, renames) are on stable storage. Blocks.
  virtual Status sync_directory(const std::string& path) = 0;
  /// Runs blocking work off the shard and resumes on the caller's.
  virtual Task<> offload(std::function<void()> work) = 0;

  Result<Bytes> read_file(const std::string& path);
  /// Write to a temporary name, sync, rename, sync the directory: old or new content, never a mix. Blocks.
  Status replace_file(const std::string& path, ByteView content);
};

/// Part of a file, as a Fetch response sends it.
struct FileSlice {
  std::shared_ptr<File> file;
  std::uint64_t position = 0;
  std::size_t size = 0;
};

}  // namespace meridian::io
