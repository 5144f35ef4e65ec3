// LocalMetaStore: MetaStore of a single node, on SQLite in the data directory. Table: docs/formats/metadata.md.
#pragma once

#include <deque>

#include "broker/metadata/meta_store.h"
#include "common/async/gate.h"
#include "common/io/disk.h"

struct sqlite3;

namespace meridian::metadata {

/// Belongs to one shard; SQLite calls run in Disk::offload, one at a time, in the order of the calls.
class LocalMetaStore final : public MetaStore {
 public:
  /// Opens or creates `path`. Blocks.
  static Result<std::unique_ptr<LocalMetaStore>> open(const std::string& path, io::Disk& disk, boost::asio::io_context& context, async::Clock& clock);
  ~LocalMetaStore() override;

  Task<Result<Snapshot>> load(std::string prefix) override;
  Task<CommitResult> commit(Txn txn) override;
  void watch(std::function<void(const WatchBatch&)> on_batch) override { on_batch_ = std::move(on_batch); }
  Task<> close() override;

 private:
  LocalMetaStore(sqlite3* db, io::Disk& disk, boost::asio::io_context& context, async::Clock& clock);
  Task<> enter();
  void leave();
  CommitResult commit_blocking(const Txn& txn, WatchBatch& batch);

  sqlite3* db_;
  io::Disk& disk_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  std::function<void(const WatchBatch&)> on_batch_;
  bool busy_ = false;
  std::deque<async::Waiter*> queue_;
};

}  // namespace meridian::metadata
