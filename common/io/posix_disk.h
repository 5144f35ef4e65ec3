// PosixDisk: Disk on the operating system, with a small pool for blocking calls.
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "common/io/disk.h"

namespace meridian::io {

class PosixDisk final : public Disk {
 public:
  explicit PosixDisk(int threads);
  ~PosixDisk() override;

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  bool exists(const std::string& path) override;
  Result<Space> space(const std::string& path) override;
  std::string absolute(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Task<> offload(std::function<void()> work) override;

 private:
  boost::asio::thread_pool pool_;
};

/// Exclusive lock on a file (flock) for the life of the object: one process per data directory.
class FileLock {
 public:
  static Result<std::unique_ptr<FileLock>> acquire(const std::string& path);
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace meridian::io
