// A log on its way to another directory, cut short at every step: afterwards it is whole, in one place.
#include "broker/replication/log_move.h"

#include <gtest/gtest.h>

#include "common/kafka/record_batch.h"
#include "tests/simulation/sim_clock.h"
#include "tests/support/memory_disk.h"

namespace meridian::replication {
namespace {

class LogMoveTest : public ::testing::Test {
 protected:
  LogMoveTest() {
    directories.push_back(std::make_unique<LogDirectory>(disk, "/a"));
    directories.push_back(std::make_unique<LogDirectory>(disk, "/b"));
    for (auto& directory : directories) EXPECT_TRUE(directory->prepare());
    auto log = open("/a/t-0");
    for (int i = 0; i < 20; ++i) append(*log);
    EXPECT_TRUE(log->roll());
    for (int i = 0; i < 5; ++i) append(*log);
    EXPECT_TRUE(log->close());
  }
  std::unique_ptr<storage::Log> open(const std::string& path) {
    EXPECT_TRUE(disk.make_directories(path));
    auto log = storage::Log::open(disk, {.directory = path, .config = {}}, clock.wall_ms());
    EXPECT_TRUE(log);
    return std::move(*log);
  }
  void append(storage::Log& log) {
    kafka::BatchBuilder builder;
    builder.add(clock.wall_ms(), "k", "v");
    auto batch = *builder.finish({});
    EXPECT_TRUE(log.append(batch.data(), batch.size(), 1, clock.wall_ms()));
  }
  LogMove move() { return LogMove(disk, *directories[0], *directories[1], "t-0", "theid"); }
  /// What a start after a crash finds.
  std::string restart() {
    for (auto& directory : directories) EXPECT_TRUE(directory->prepare());
    EXPECT_TRUE(LogMove::settle(disk, directories));
    EXPECT_NE(disk.exists("/a/t-0"), disk.exists("/b/t-0")) << "in one place";
    for (const char* path : {"/a", "/b"})
      for (const auto& name : *disk.list(path)) EXPECT_TRUE(!name.ends_with(future_suffix) && !name.ends_with(moved_suffix)) << path << "/" << name;
    return disk.exists("/a/t-0") ? "/a/t-0" : "/b/t-0";
  }

  boost::asio::io_context context;
  simulation::SimClock clock;
  base::Random random{1};
  testing::MemoryDisk disk{context, clock, random};
  std::vector<std::unique_ptr<LogDirectory>> directories;
};

TEST_F(LogMoveTest, EverythingIsInTheNewPlace) {
  auto work = move();
  for (int slices = 0; !*work.advance(20, 100); ++slices) ASSERT_LT(slices, 100);
  EXPECT_TRUE(work.finish());
  work.remove_source();
  EXPECT_EQ(restart(), "/b/t-0");
  EXPECT_EQ(open("/b/t-0")->end_offset(), 25);
}

TEST_F(LogMoveTest, ACrashAfterAnyNameLeavesItWholeInOnePlace) {
  std::set<std::string> places;
  for (int names = 0; names < 6; ++names) {
    disk.fail_names(names);  // from here on nothing is renamed any more, as when the process ends
    auto work = move();
    (void)work.advance(20, 1u << 30);
    (void)work.finish();
    disk.fail_names(-1);
    const auto place = restart();
    places.insert(place);
    EXPECT_EQ(open(place)->end_offset(), 25) << names;
    if (place == "/b/t-0") ASSERT_TRUE(disk.rename("/b/t-0", "/a/t-0"));
  }
  EXPECT_EQ(places.size(), 2u) << "neither end was seen";
}

TEST_F(LogMoveTest, AFailedTargetLeavesTheLogWhereItIs) {
  auto work = move();
  EXPECT_TRUE(work.advance(20, 1u << 30));
  disk.break_under("/b");
  const auto done = work.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().code, Errc::corrupt);
  EXPECT_EQ(open("/a/t-0")->end_offset(), 25);
}

TEST_F(LogMoveTest, WhileADirectoryIsAwayNothingIsDecided) {
  auto work = move();
  EXPECT_TRUE(work.advance(20, 1u << 30));
  EXPECT_TRUE(work.finish());  // swapped; the source is still there
  disk.break_under("/b");
  EXPECT_FALSE(directories[1]->prepare());
  EXPECT_TRUE(directories[0]->prepare());
  EXPECT_FALSE(disk.exists("/a/t-0"));
  disk.break_under("");
  EXPECT_EQ(restart(), "/b/t-0");
}

}  // namespace
}  // namespace meridian::replication
