// SimMetaStore: a MetaStore whose content outlives the broker; slow by chance. A commit whose caller died may have happened.
#pragma once

#include "broker/metadata/meta_store.h"
#include "common/async/waiter.h"
#include "common/base/random.h"

namespace meridian::simulation {

struct MetaContent {
  std::map<std::string, metadata::KeyValue> pairs;
  metadata::Revision revision = 1;
};

class SimMetaStore final : public metadata::MetaStore {
 public:
  SimMetaStore(MetaContent& content, boost::asio::io_context& context, async::Clock& clock, base::Random& random)
      : content_(content), context_(context), clock_(clock), random_(random) {}

  Task<Result<metadata::Snapshot>> load(std::string prefix) override {
    co_await latency();
    metadata::Snapshot snapshot{.pairs = {}, .revision = content_.revision};
    for (const auto& [key, pair] : content_.pairs)
      if (key.starts_with(prefix)) snapshot.pairs.push_back(pair);
    co_return snapshot;
  }

  Task<metadata::CommitResult> commit(metadata::Txn txn) override {
    co_await latency();
    metadata::CommitResult result;
    metadata::WatchBatch batch;
    apply(txn, result, batch);
    // Watchers hear before the committer, after it, never twice, and always in order.
    if (result.outcome == metadata::CommitOutcome::committed && on_batch_) on_batch_(batch);
    co_await latency();
    co_return result;
  }

  void watch(std::function<void(const metadata::WatchBatch&)> on_batch) override { on_batch_ = std::move(on_batch); }
  Task<> close() override {
    on_batch_ = nullptr;
    co_return;
  }

 private:
  Task<> latency() { co_await async::sleep_for(context_, clock_, std::chrono::microseconds(random_.below(3000))); }

  void apply(const metadata::Txn& txn, metadata::CommitResult& result, metadata::WatchBatch& batch) {
    result.outcome = metadata::CommitOutcome::committed;
    for (const auto& compare : txn.compares) {
      const auto it = content_.pairs.find(compare.key);
      const bool there = it != content_.pairs.end();
      const auto is = !there ? 0 : compare.target == metadata::Compare::Target::create ? it->second.create_revision : it->second.mod_revision;
      if (is != compare.expected) result.outcome = metadata::CommitOutcome::refused;
      result.current.push_back(there ? it->second : metadata::KeyValue{.key = compare.key, .value = {}});
    }
    if (result.outcome == metadata::CommitOutcome::refused) return;
    result.current.clear();
    result.revision = batch.revision = ++content_.revision;
    for (const auto& [key, value] : txn.puts) {
      auto& pair = content_.pairs[key];
      pair.key = key;
      pair.value = value;
      if (pair.create_revision == 0) pair.create_revision = result.revision;
      pair.mod_revision = result.revision;
      batch.changes.push_back(pair);
    }
    for (const auto& key : txn.deletes) {
      content_.pairs.erase(key);
      batch.changes.push_back({.key = key, .value = {}});
    }
  }

  MetaContent& content_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  base::Random& random_;
  std::function<void(const metadata::WatchBatch&)> on_batch_;
};

}  // namespace meridian::simulation
