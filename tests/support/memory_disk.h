// MemoryDisk: Disk in memory with the failure model of a real one. What was written is visible at once; what was not synced may be
// lost or torn by crash(). Faults are drawn from the seed. Used by storage tests and the simulator.
//
// Model of a crash with `lose_unsynced`: each file keeps its synced content; of what was written since, a random prefix of the
// writes survives, the next may survive in part or as garbage. Names (creations, renames) survive only once their directory is
// synced, or with their file's sync (as ext4 does for new files), the oldest first. Without it (process death) everything written survives.
#pragma once

#include <map>
#include <set>

#include "common/async/waiter.h"
#include "common/base/random.h"
#include "common/io/disk.h"

namespace meridian::testing {

class MemoryDisk final : public io::Disk {
 public:
  MemoryDisk(boost::asio::io_context& context, async::Clock& clock, base::Random& random) : context_(&context), clock_(clock), random_(random) {}

  struct Node {
    Bytes content;  ///< as processes see it
    Bytes stable;   ///< as of the last sync
    bool ever_synced = false;
    std::uint64_t created = 0;  ///< order of creation
    struct Write {
      std::uint64_t position;
      Bytes bytes;
      bool truncate;  ///< to `position`
    };
    std::vector<Write> since;
  };

  Result<std::shared_ptr<io::File>> open(const std::string& path, io::OpenMode mode) override {
    if (broken(path)) return failure("open: input/output error");
    auto& node = nodes_[path];
    if (!node && mode != io::OpenMode::create) {
      nodes_.erase(path);
      return fail(Errc::not_found, "no file " + path);
    }
    if (!node) {
      node = std::make_shared<Node>();
      node->created = ++creations_;
    }
    return std::make_shared<MemoryFile>(*this, node, path);
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (name_budget_ == 0 || broken(from)) return failure("rename: input/output error");
    if (name_budget_ > 0) --name_budget_;
    const auto inside = [&](const std::string& path) { return path == from || path.starts_with(from + "/"); };
    const auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
    std::map<std::string, std::shared_ptr<Node>> nodes;
    for (const auto& [path, node] : nodes_)
      if (inside(path)) nodes[moved(path)] = node;
    std::set<std::string> directories;
    for (const auto& path : directories_)
      if (inside(path)) directories.insert(moved(path));
    if (nodes.empty() && directories.empty()) return fail(Errc::not_found, "no file " + from);
    std::erase_if(nodes_, [&](const auto& entry) { return inside(entry.first); });
    std::erase_if(directories_, inside);
    for (auto& [path, node] : nodes) nodes_[path] = node;  // in the place of what was there
    directories_.merge(directories);
    return {};
  }
  Status remove(const std::string& path) override {
    if (name_budget_ == 0 || broken(path)) return failure("remove: input/output error");
    if (name_budget_ > 0) --name_budget_;
    if (!nodes_.erase(path)) return fail(Errc::not_found, "no file " + path);
    return {};
  }
  Status remove_tree(const std::string& path) override {
    if (broken(path)) return failure("remove: input/output error");
    std::erase_if(nodes_, [&](const auto& entry) { return entry.first.starts_with(path + "/"); });
    std::erase_if(directories_, [&](const auto& entry) { return entry == path || entry.starts_with(path + "/"); });
    return {};
  }
  Status make_directories(const std::string& path) override {
    if (broken(path)) return failure("mkdir: input/output error");
    for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) directories_.insert(path.substr(0, at));
    directories_.insert(path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    if (broken(directory)) return failure("list: input/output error");
    std::set<std::string> names;
    const auto add = [&](const std::string& path) {
      if (path.starts_with(directory + "/")) names.insert(path.substr(directory.size() + 1, path.find('/', directory.size() + 1) - directory.size() - 1));
    };
    for (const auto& [path, node] : nodes_) add(path);
    for (const auto& path : directories_) add(path);
    return std::vector<std::string>(names.begin(), names.end());
  }
  bool exists(const std::string& path) override { return !broken(path) && (nodes_.contains(path) || directories_.contains(path)); }
  Result<Space> space(const std::string&) override { return Space{1u << 30, 1u << 29}; }
  std::string absolute(const std::string& path) override { return path; }
  Status sync_directory(const std::string& path) override { return fail_sync_ || broken(path) ? failure("sync of a directory") : Status{}; }
  Task<> offload(std::function<void()> work) override {
    co_await async::sleep_for(*context_, clock_, std::chrono::microseconds(random_.below(2000)));
    work();
  }

  /// After a crash the disk serves a new process on a new context.
  void crash(bool lose_unsynced, boost::asio::io_context& next) {
    context_ = &next;
    if (!lose_unsynced) return;
    for (auto& [path, shared] : nodes_) {
      Node& node = *shared;
      node.content = node.stable;
      const std::size_t kept = random_.below(node.since.size() + 1);
      for (std::size_t i = 0; i < kept; ++i) apply(node, node.since[i], node.since[i].bytes.size());
      if (kept < node.since.size() && random_.one_in(2)) {  // the next write, torn
        const auto& torn = node.since[kept];
        const std::size_t n = random_.below(torn.bytes.size() + 1);
        apply(node, torn, n);
        if (n > 0 && random_.one_in(3)) node.content[torn.position + random_.below(n)] ^= static_cast<char>(1 + random_.below(255));
      }
      node.since.clear();
      node.stable = node.content;
    }
    // The newest files may have no name yet; a journal keeps the order, so an older one is not lost before a newer one.
    std::map<std::uint64_t, std::string> by_age;
    for (const auto& [path, node] : nodes_) by_age[node->created] = path;
    for (auto it = by_age.rbegin(); it != by_age.rend(); ++it) {
      const Node& node = *nodes_.at(it->second);
      if (node.ever_synced || !node.content.empty() || random_.one_in(2)) break;
      nodes_.erase(it->second);
    }
  }

  void fail_writes(std::int64_t after_bytes) { write_budget_ = after_bytes; }
  /// After so many more renames and removals each fails; -1: none does.
  void fail_names(std::int64_t after) { name_budget_ = after; }
  void fail_syncs(bool on) { fail_sync_ = on; }
  /// Everything under this path fails from now on; empty: nothing does.
  void break_under(std::string path) { broken_ = std::move(path); }
  std::map<std::string, std::shared_ptr<Node>>& nodes() { return nodes_; }

 private:
  class MemoryFile final : public io::File {
   public:
    MemoryFile(MemoryDisk& disk, std::shared_ptr<Node> node, std::string path) : disk_(disk), node_(std::move(node)), path_(std::move(path)) {}
    Result<std::size_t> read(std::uint64_t position, char* to, std::size_t n) override {
      if (disk_.broken(path_)) return failure("read: input/output error");
      if (position >= node_->content.size()) return 0;
      n = std::min(n, node_->content.size() - position);
      std::memcpy(to, node_->content.data() + position, n);
      return n;
    }
    Status write(std::uint64_t position, ByteView bytes) override {
      if (disk_.broken(path_)) return failure("write: input/output error");
      std::size_t n = bytes.size();
      if (disk_.write_budget_ >= 0) n = std::min<std::size_t>(n, static_cast<std::size_t>(disk_.write_budget_));
      const Node::Write write{position, Bytes(bytes.substr(0, n)), false};
      apply(*node_, write, n);
      node_->since.push_back(write);
      if (disk_.write_budget_ < 0) return {};
      disk_.write_budget_ -= static_cast<std::int64_t>(n);
      return n < bytes.size() ? failure("write: no space left on device") : Status{};
    }
    Result<std::uint64_t> size() override { return node_->content.size(); }
    Status truncate(std::uint64_t size) override {
      if (disk_.broken(path_)) return failure("truncate: input/output error");
      const Node::Write write{size, {}, true};
      apply(*node_, write, 0);
      node_->since.push_back(write);
      return {};
    }
    Status sync() override {
      if (disk_.fail_sync_ || disk_.broken(path_)) return failure("sync: input/output error");
      node_->stable = node_->content;
      node_->since.clear();
      node_->ever_synced = true;
      return {};
    }

   private:
    MemoryDisk& disk_;
    std::shared_ptr<Node> node_;
    std::string path_;
  };
  bool broken(const std::string& path) const { return !broken_.empty() && (path == broken_ || path.starts_with(broken_ + "/")); }

  static void apply(Node& node, const Node::Write& write, std::size_t n) {
    if (write.truncate) {
      node.content.resize(write.position);
      return;
    }
    if (node.content.size() < write.position + n) node.content.resize(write.position + n);
    node.content.replace(write.position, n, write.bytes, 0, n);
  }
  static std::unexpected<Error> failure(const char* what) { return fail(Errc::io, what); }

  boost::asio::io_context* context_;
  async::Clock& clock_;
  base::Random& random_;
  std::map<std::string, std::shared_ptr<Node>> nodes_;
  std::set<std::string> directories_;
  std::uint64_t creations_ = 0;
  std::int64_t write_budget_ = -1;
  std::int64_t name_budget_ = -1;
  bool fail_sync_ = false;
  std::string broken_;
};

}  // namespace meridian::testing
