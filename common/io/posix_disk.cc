#include "common/io/posix_disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace meridian::io {
namespace {

std::unexpected<Error> os_error(const std::string& what, int error = errno) {
  return fail(error == ENOENT ? Errc::not_found : Errc::io, what + ": " + std::generic_category().message(error));
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }

  Result<std::size_t> read(std::uint64_t position, char* to, std::size_t n) override {
    std::size_t done = 0;
    while (done < n) {
      const ssize_t got = ::pread(fd_, to + done, n - done, static_cast<off_t>(position + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_error("cannot read " + path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status write(std::uint64_t position, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(position));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return os_error("cannot write " + path_);
      position += static_cast<std::uint64_t>(put);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return os_error("cannot stat " + path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return os_error("cannot truncate " + path_);
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_) != 0) return os_error("cannot sync " + path_);
    return {};
  }

  int descriptor() const override { return fd_; }

 private:
  int fd_;
  std::string path_;
};

Status from_code(const std::error_code& error, const std::string& what) {
  if (error) return os_error(what, error.value());
  return {};
}

}  // namespace

PosixDisk::PosixDisk(int threads) : pool_(static_cast<std::size_t>(threads)) {}
PosixDisk::~PosixDisk() { pool_.join(); }

Result<std::shared_ptr<File>> PosixDisk::open(const std::string& path, OpenMode mode) {
  const int flags = mode == OpenMode::read ? O_RDONLY : mode == OpenMode::read_write ? O_RDWR : O_RDWR | O_CREAT;
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return os_error("cannot open " + path);
  return std::make_shared<PosixFile>(fd, path);
}

Status PosixDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return os_error("cannot rename " + from);
  return {};
}

Status PosixDisk::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return os_error("cannot remove " + path);
  return {};
}

Status PosixDisk::remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return from_code(error, "cannot remove " + path);
}

Status PosixDisk::make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return from_code(error, "cannot create " + path);
}

Result<std::vector<std::string>> PosixDisk::list(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) names.push_back(it->path().filename().string());
  if (error) return os_error("cannot list " + directory, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

bool PosixDisk::exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<Disk::Space> PosixDisk::space(const std::string& path) {
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (error) return fail(Errc::io, path + ": " + error.message());
  return Space{space.capacity, space.available};
}

std::string PosixDisk::absolute(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : absolute.string();
}

Status PosixDisk::sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return os_error("cannot open " + path);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (result != 0) return os_error("cannot sync " + path, error);
  return {};
}

Task<> PosixDisk::offload(std::function<void()> work) {
  // The work runs on the pool; the completion is posted to the awaiting coroutine's executor, so it resumes on its shard.
  auto initiate = [this, &work](auto handler) {
    auto executor = boost::asio::get_associated_executor(handler);
    auto guard = boost::asio::make_work_guard(executor);
    boost::asio::post(pool_, [&work, handler = std::move(handler), guard = std::move(guard), executor]() mutable {
      work();
      boost::asio::post(executor, std::move(handler));
    });
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate, boost::asio::use_awaitable);
}

Result<std::unique_ptr<FileLock>> FileLock::acquire(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return os_error("cannot open " + path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return fail(Errc::refused, path + " is locked: another process uses this directory");
  }
  return std::unique_ptr<FileLock>(new FileLock(fd));
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace meridian::io
