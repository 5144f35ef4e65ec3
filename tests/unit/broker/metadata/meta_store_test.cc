// One conformance suite for every MetaStore. LocalMetaStore runs here on a real file; the simulator's twin runs the same cases.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/metadata/local_meta_store.h"
#include "common/io/posix_disk.h"
#include "tests/simulation/sim_meta_store.h"
#include "tests/support/run_task.h"

namespace meridian::metadata {
namespace {

struct Local {
  Local() {
    pattern = ::testing::TempDir() + "metaXXXXXX";
    directory = ::mkdtemp(pattern.data());
    reopen();
  }
  ~Local() { std::filesystem::remove_all(directory); }
  void reopen() {
    store.reset();
    store = std::move(*LocalMetaStore::open(directory + "/metadata.db", disk, context, clock));
  }
  std::string pattern, directory;
  boost::asio::io_context context;
  async::SystemClock clock;
  io::PosixDisk disk{2};
  std::unique_ptr<MetaStore> store;
};

struct Simulated {
  Simulated() { reopen(); }
  void reopen() { store = std::make_unique<simulation::SimMetaStore>(content, context, clock, random); }
  boost::asio::io_context context;
  async::SystemClock clock;
  base::Random random{1};
  simulation::MetaContent content;
  std::unique_ptr<MetaStore> store;
};

template <class World>
class MetaStoreConformance : public ::testing::Test {
 protected:
  CommitResult commit(Txn txn) { return testing::run_task(world.context, world.store->commit(std::move(txn))); }
  Snapshot load(const std::string& prefix = "") { return *testing::run_task(world.context, world.store->load(prefix)); }
  CommitResult put(const std::string& key, const std::string& value) {
    Txn txn;
    txn.puts.emplace_back(key, value);
    return commit(txn);
  }
  World world;
};
using Worlds = ::testing::Types<Local, Simulated>;
TYPED_TEST_SUITE(MetaStoreConformance, Worlds);

TYPED_TEST(MetaStoreConformance, CommitsAreReadBackByPrefixInOrder) {
  this->put("b/2", "y");
  this->put("a/1", "x");
  this->put("b/1", "z");
  const auto all = this->load();
  ASSERT_EQ(all.pairs.size(), 3u);
  EXPECT_EQ(all.pairs[0].key, "a/1");
  const auto some = this->load("b/");
  ASSERT_EQ(some.pairs.size(), 2u);
  EXPECT_EQ(some.pairs[0].key, "b/1");
  EXPECT_EQ(some.pairs[0].value, "z");
}

TYPED_TEST(MetaStoreConformance, RevisionsGrowAndAreKeptPerKey) {
  const auto first = this->put("k", "1"), second = this->put("k", "2");
  EXPECT_GT(second.revision, first.revision);
  const auto pair = this->load("k").pairs.at(0);
  EXPECT_EQ(pair.create_revision, first.revision);
  EXPECT_EQ(pair.mod_revision, second.revision);
}

TYPED_TEST(MetaStoreConformance, AFailedGuardChangesNothingAndReturnsTheCurrentValue) {
  const auto first = this->put("k", "1");
  Txn txn;
  txn.compares.push_back({.key = "k", .target = Compare::Target::mod, .expected = first.revision + 7});
  txn.puts.emplace_back("k", "2");
  txn.deletes.push_back("k");
  const auto refused = this->commit(txn);
  EXPECT_EQ(refused.outcome, CommitOutcome::refused);
  ASSERT_EQ(refused.current.size(), 1u);
  EXPECT_EQ(refused.current[0].value, "1");
  EXPECT_EQ(this->load("k").pairs.at(0).value, "1");
}

TYPED_TEST(MetaStoreConformance, CreateGuardsAdmitOneWinner) {
  Txn txn;
  txn.compares.push_back({.key = "t/x", .target = Compare::Target::create, .expected = 0});
  txn.puts.emplace_back("t/x", "mine");
  EXPECT_EQ(this->commit(txn).outcome, CommitOutcome::committed);
  EXPECT_EQ(this->commit(txn).outcome, CommitOutcome::refused);
}

TYPED_TEST(MetaStoreConformance, WatchersGetEveryBatchInOrder) {
  std::vector<WatchBatch> seen;
  this->world.store->watch([&](const WatchBatch& batch) { seen.push_back(batch); });
  this->put("a", "1");
  Txn txn;
  txn.puts.emplace_back("b", "2");
  txn.deletes.push_back("a");
  this->commit(txn);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_LT(seen[0].revision, seen[1].revision);
  ASSERT_EQ(seen[1].changes.size(), 2u);
  EXPECT_EQ(seen[1].changes[1].key, "a");
  EXPECT_EQ(seen[1].changes[1].mod_revision, 0) << "deleted";
}

TYPED_TEST(MetaStoreConformance, WhatWasCommittedSurvivesReopening) {
  const auto before = this->put("k", std::string("\0binary\xff", 8));
  this->world.reopen();
  const auto after = this->load();
  EXPECT_EQ(after.revision, before.revision);
  EXPECT_EQ(after.pairs.at(0).value, std::string("\0binary\xff", 8));
  EXPECT_GT(this->put("k", "2").revision, before.revision);
}

}  // namespace
}  // namespace meridian::metadata
