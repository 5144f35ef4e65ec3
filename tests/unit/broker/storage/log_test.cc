#include "broker/storage/log.h"

#include <gtest/gtest.h>

#include "common/base/log.h"
#include "tests/support/memory_disk.h"
#include "tests/support/run_task.h"

namespace meridian::storage {
namespace {

Bytes batch_of(const std::vector<std::string>& values, std::int64_t timestamp = 1000, kafka::BatchBuilder::Options options = {}) {
  kafka::BatchBuilder builder;
  for (const auto& value : values) builder.add(timestamp, std::nullopt, value);
  return *builder.finish(options);
}

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { log::configure(log::Level::error); }
  std::unique_ptr<Log> open(Offset recovery_point = 0, bool clean = false) {
    auto log = Log::open(disk, {.directory = "/data/t-0", .config = config, .recovery_point = recovery_point, .clean = clean}, 5000);
    if (!log) ADD_FAILURE() << log.error().message;
    return log ? std::move(*log) : nullptr;
  }
  std::expected<Appended, AppendFailure> append(Log& log, Bytes batch, std::optional<Offset> expected = {}) {
    return log.append(batch.data(), batch.size(), 0, 5000, {.expected = expected});
  }
  std::vector<std::string> values(Log& log, Offset from, Offset limit = INT64_MAX) {
    std::vector<std::string> out;
    auto read = log.read(from, std::min(limit, log.end_offset()), 1 << 20, true);
    if (!read) return {"error: " + read.error().message};
    for (const auto& slice : read->slices) {
      Bytes bytes(slice.size, '\0');
      EXPECT_EQ(slice.file->read(slice.position, bytes.data(), bytes.size()).value_or(0), slice.size);
      for (ByteView rest = bytes; !rest.empty();) {
        const auto header = kafka::parse_batch_header(rest);
        EXPECT_TRUE(kafka::for_each_record(rest, [&](const kafka::RecordView& record) {
          if (record.offset >= from) out.emplace_back(*record.value);
          return true;
        }));
        rest.remove_prefix(static_cast<std::size_t>(header->size));
      }
    }
    return out;
  }
  Status flush(Log& log) { return testing::run_task(context, log.flush()); }

  boost::asio::io_context context;
  async::SystemClock clock;
  base::Random random{7};
  testing::MemoryDisk disk{context, clock, random};
  LogConfig config;
};

TEST_F(LogTest, AppendsGetConsecutiveOffsetsAndAreReadBack) {
  auto log = open();
  EXPECT_EQ(append(*log, batch_of({"a", "b"}))->base_offset, 0);
  EXPECT_EQ(append(*log, batch_of({"c"}))->base_offset, 2);
  EXPECT_EQ(log->end_offset(), 3);
  EXPECT_EQ(values(*log, 0), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(values(*log, 1), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(log->read(4, 3, 100, true).error().code, Errc::out_of_range);
}

TEST_F(LogTest, AFetchInsideABatchReturnsTheWholeBatch) {
  auto log = open();
  append(*log, batch_of({"a", "b", "c"}));
  const auto read = log->read(2, 3, 1, true);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->slices.at(0).position, 0u);
}

TEST_F(LogTest, ReadsStopAtTheLimitAndAtTheSize) {
  auto log = open();
  const Bytes batch = batch_of({"abc"});
  for (int i = 0; i < 5; ++i) append(*log, batch);
  EXPECT_EQ(log->read(0, 3, 1 << 20, true)->next_offset, 3);
  EXPECT_EQ(log->read(0, 5, batch.size() * 2, true)->next_offset, 2);
  EXPECT_EQ(log->read(0, 5, 1, false)->size, 0u);
  EXPECT_EQ(log->read(0, 5, 1, true)->next_offset, 1);
}

TEST_F(LogTest, RollsBySizeAndReadsAcrossSegments) {
  config.segment_bytes = 300;
  auto log = open();
  std::vector<std::string> all;
  for (int i = 0; i < 50; ++i) append(*log, batch_of({all.emplace_back("value-" + std::to_string(i))}));
  EXPECT_GT(log->segment_count(), 10u);
  std::vector<std::string> got;
  for (Offset at = 0; at < 50;) {
    const auto part = values(*log, at);
    got.insert(got.end(), part.begin(), part.end());
    at += static_cast<Offset>(part.size());
  }
  EXPECT_EQ(got, all);
}

TEST_F(LogTest, RefusesDamagedOversizedAndMisframedBatches) {
  config.max_message_bytes = 200;
  auto log = open();
  Bytes damaged = batch_of({"a"});
  damaged.back() ^= 1;
  EXPECT_EQ(append(*log, damaged).error().code, AppendError::corrupt);
  EXPECT_EQ(append(*log, batch_of({std::string(300, 'x')})).error().code, AppendError::too_large);
  EXPECT_EQ(append(*log, batch_of({"late"}, 5000 + 2 * 3600'000)).error().code, AppendError::invalid_timestamp);
  EXPECT_EQ(log->end_offset(), 0);
}

TEST_F(LogTest, IdempotentRetriesAreAnsweredNotAppended) {
  auto log = open();
  const auto sequenced = [](std::int32_t sequence, std::int16_t epoch = 0) {
    return batch_of({"v"}, 1000, {.producer_id = 9, .producer_epoch = epoch, .base_sequence = sequence});
  };
  for (int i = 0; i < 6; ++i) EXPECT_EQ(append(*log, sequenced(i))->base_offset, i);
  const auto retry = append(*log, sequenced(3));
  EXPECT_TRUE(retry->duplicate);
  EXPECT_EQ(retry->base_offset, 3);
  EXPECT_EQ(append(*log, sequenced(8)).error().code, AppendError::out_of_order_sequence);
  EXPECT_EQ(append(*log, sequenced(0, 1))->base_offset, 6);
  EXPECT_EQ(append(*log, sequenced(7)).error().code, AppendError::invalid_producer_epoch);
}

// Found by the log directories' test: killed just after a roll, a broker refused the retry of a batch that it had acknowledged.
TEST_F(LogTest, ARetryOfWhatTheSnapshotDoesNotHoldIsFoundInTheLog) {
  const auto sequenced = [](std::int64_t producer, std::int32_t sequence, std::string value = "v") {
    return batch_of({value}, 1000, {.producer_id = producer, .producer_epoch = 0, .base_sequence = sequence});
  };
  auto log = open();
  for (int i = 0; i < 4; ++i) append(*log, sequenced(9, i)), append(*log, sequenced(8, i));
  ASSERT_TRUE(log->close());
  log = open(8, true);
  for (int i = 0; i < 4; ++i) {
    const auto again = append(*log, sequenced(9, i));
    ASSERT_TRUE(again) << i << ": " << again.error().message;
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base_offset, 2 * i);
  }
  EXPECT_EQ(append(*log, sequenced(9, 6)).error().code, AppendError::out_of_order_sequence);
  EXPECT_EQ(append(*log, batch_of({"v", "w"}, 1000, {.producer_id = 9, .producer_epoch = 0, .base_sequence = 1})).error().code,
            AppendError::out_of_order_sequence)
      << "another batch that begins there";
  EXPECT_EQ(log->end_offset(), 8);
  EXPECT_EQ(append(*log, sequenced(9, 4))->base_offset, 8);
}

TEST_F(LogTest, AppendAtOnlyLandsWhereTheLogEnds) {
  auto log = open();
  EXPECT_EQ(append(*log, batch_of({"a"}), 0)->base_offset, 0);
  EXPECT_EQ(append(*log, batch_of({"b"}), 0).error().code, AppendError::unexpected_offset);
  EXPECT_EQ(append(*log, batch_of({"b"}), 2).error().code, AppendError::unexpected_offset);
  EXPECT_EQ(append(*log, batch_of({"b"}), 1)->base_offset, 1);
  const auto sequenced = batch_of({"c"}, 1000, {.producer_id = 1, .producer_epoch = 0, .base_sequence = 0});
  EXPECT_EQ(append(*log, sequenced, 2)->base_offset, 2);
  EXPECT_TRUE(append(*log, sequenced, 2)->duplicate) << "a retry is known by its sequence, whatever the log's end";
}

TEST_F(LogTest, FindsRecordsByTimestamp) {
  config.index_interval_bytes = 1;
  config.segment_bytes = 400;
  auto log = open();
  for (int i = 0; i < 40; ++i) append(*log, batch_of({"v"}, 1000 + i * 10));
  EXPECT_EQ((*log->find_timestamp(1000, 40))->offset, 0);
  EXPECT_EQ((*log->find_timestamp(1205, 40))->offset, 21);
  EXPECT_EQ((*log->find_timestamp(1390, 40))->offset, 39);
  EXPECT_FALSE(*log->find_timestamp(1391, 40));
  EXPECT_EQ((*log->find_max_timestamp(40))->offset, 39);
}

TEST_F(LogTest, RetentionDropsWholeSegmentsAndMovesTheStart) {
  config.segment_bytes = 300;
  config.retention_bytes = 600;
  auto log = open();
  for (int i = 0; i < 30; ++i) append(*log, batch_of({"value"}));
  ASSERT_TRUE(testing::run_task(context, log->enforce_retention(5000, 30)));
  EXPECT_GT(log->start_offset(), 0);
  EXPECT_LE(log->size_bytes(), 900u);
  EXPECT_EQ(log->read(0, 30, 100, true).error().code, Errc::out_of_range);
  const Offset start = log->start_offset();
  log.reset();
  EXPECT_EQ(open()->start_offset(), start);
}

TEST_F(LogTest, AFailedSyncTakesTheLogOfflineAndIsNeverTriedAgain) {
  auto log = open();
  append(*log, batch_of({"a"}));
  disk.fail_syncs(true);
  EXPECT_FALSE(flush(*log));
  disk.fail_syncs(false);
  EXPECT_TRUE(log->offline());
  EXPECT_FALSE(flush(*log)) << "the kernel may have dropped the pages: a later success would be a lie";
  EXPECT_EQ(log->synced_end_offset(), 0);
  EXPECT_EQ(append(*log, batch_of({"b"})).error().code, AppendError::offline);
}

TEST_F(LogTest, AFullDiskRefusesTheAppendAndLeavesNoHalfBatch) {
  auto log = open();
  append(*log, batch_of({"a"}));
  disk.fail_writes(20);
  EXPECT_EQ(append(*log, batch_of({"b"})).error().code, AppendError::offline);
  disk.fail_writes(-1);
  EXPECT_EQ(append(*log, batch_of({"c"}))->base_offset, 1);
  EXPECT_EQ(values(*log, 0), (std::vector<std::string>{"a", "c"}));
}

TEST_F(LogTest, DamageBelowTheRecoveryPointIsReportedNotCut) {
  auto log = open();
  append(*log, batch_of({"a"}));
  append(*log, batch_of({"b"}));
  ASSERT_TRUE(flush(*log));
  log.reset();
  disk.nodes().at("/data/t-0/00000000000000000000.log")->content[65] ^= 1;
  const auto opened = Log::open(disk, {.directory = "/data/t-0", .config = config, .recovery_point = 2}, 5000);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("position 0"), std::string::npos) << opened.error().message;
  EXPECT_EQ(open(0)->end_offset(), 0) << "above the recovery point the same damage is a torn tail";
}

TEST_F(LogTest, ACleanStartReadsOnlyTheTail) {
  auto log = open();
  for (int i = 0; i < 10; ++i) append(*log, batch_of({"v" + std::to_string(i)}, 1000 + i, {.producer_id = 4, .producer_epoch = 0, .base_sequence = i}));
  ASSERT_TRUE(log->close());
  log.reset();
  log = open(10, true);
  EXPECT_EQ(log->end_offset(), 10);
  EXPECT_TRUE(append(*log, batch_of({"v9"}, 1009, {.producer_id = 4, .producer_epoch = 0, .base_sequence = 9}))->duplicate)
      << "producer state came from the snapshot";
  EXPECT_EQ((*log->find_timestamp(1005, 10))->offset, 5);
}

TEST_F(LogTest, WhatDidNotChangeSinceACloseIsNotReadAgainAfterAKill) {
  const auto numbered = [](int i) { return batch_of({"v" + std::to_string(i)}, 1000 + i, {.producer_id = 4, .producer_epoch = 0, .base_sequence = i}); };
  const std::string base = "/data/t-0/00000000000000000000", snapshot = "/data/t-0/00000000000000000010.snapshot";
  config.index_interval_bytes = 1;
  auto log = open();
  for (int i = 0; i < 10; ++i) append(*log, numbered(i));
  ASSERT_TRUE(log->close());
  for (int kills = 0; kills < 3; ++kills) {
    log = open(10);
    EXPECT_EQ(log->end_offset(), 10);
    EXPECT_FALSE(log->needs_flush());
    EXPECT_TRUE(disk.nodes().at(base + ".timeindex")->since.empty()) << "rebuilt";
    EXPECT_TRUE(append(*log, numbered(9))->duplicate) << "producer state came from the snapshot";
    EXPECT_EQ((*log->find_timestamp(1005, 10))->offset, 5);
    EXPECT_TRUE(disk.nodes().contains(snapshot));
  }
  append(*log, numbered(10));
  EXPECT_FALSE(disk.nodes().contains(snapshot)) << "the log has changed";
  log = open(10);
  EXPECT_EQ(log->end_offset(), 11);
  EXPECT_FALSE(disk.nodes().at(base + ".timeindex")->since.empty());
  EXPECT_TRUE(append(*log, numbered(10))->duplicate);
}

TEST_F(LogTest, AppendsFailWhereTheSnapshotOfACloseStays) {
  auto log = open();
  append(*log, batch_of({"a"}));
  ASSERT_TRUE(log->close());
  log = open(1);
  disk.fail_names(0);
  EXPECT_EQ(append(*log, batch_of({"b"})).error().code, AppendError::offline);
  EXPECT_TRUE(log->offline());
}

TEST_F(LogTest, ASnapshotThatOutlivedAnAppendIsNotBelieved) {
  auto log = open();
  append(*log, batch_of({"a"}));
  ASSERT_TRUE(log->close());
  const auto snapshot = disk.nodes().at("/data/t-0/00000000000000000001.snapshot");
  for (const std::size_t torn : {0, 1, 30, 65}) {
    log = open(1);
    append(*log, batch_of({"b"}));
    auto& content = disk.nodes().at("/data/t-0/00000000000000000000.log")->content;
    content.resize(content.size() - torn);
    disk.nodes()["/data/t-0/00000000000000000001.snapshot"] = snapshot;
    log = open(1);
    EXPECT_EQ(values(*log, 0), torn ? std::vector<std::string>{"a"} : (std::vector<std::string>{"a", "b"})) << torn;
    disk.nodes().at("/data/t-0/00000000000000000000.log")->content.resize(69);
  }
}

/// The storage's main test: random operations against a simple list, a crash at any point, both failure models.
class LogModel : public LogTest, public ::testing::WithParamInterface<int> {};

TEST_P(LogModel, WhatWasSyncedSurvivesAndTheRestIsAPrefix) {
  base::Random dice(static_cast<std::uint64_t>(GetParam()));
  config.segment_bytes = 200 + static_cast<std::int64_t>(dice.below(2000));
  config.index_interval_bytes = static_cast<std::int64_t>(dice.below(300));
  const bool lose = dice.one_in(2);
  auto log = open();
  std::vector<std::string> model;
  Offset recovery_point = 0;
  for (int step = 0; step < 300; ++step) {
    switch (dice.below(12)) {
      case 0: ASSERT_TRUE(flush(*log)); break;
      case 1: recovery_point = log->recovery_point(); break;
      case 2: {
        if (dice.one_in(3)) {
          ASSERT_TRUE(log->close());
          recovery_point = log->recovery_point();
        }
        const Offset synced = log->synced_end_offset(), end = log->end_offset();
        log.reset();
        disk.crash(lose, context);
        log = open(recovery_point);
        ASSERT_TRUE(log);
        ASSERT_GE(log->end_offset(), lose ? synced : end) << "seed " << GetParam() << " step " << step;
        ASSERT_LE(log->end_offset(), end);
        model.resize(static_cast<std::size_t>(log->end_offset()));
        break;
      }
      case 3: {
        if (model.empty()) break;
        const auto from = static_cast<Offset>(dice.below(model.size()));
        const auto got = values(*log, from);
        ASSERT_FALSE(got.empty());
        for (std::size_t i = 0; i < got.size(); ++i)
          ASSERT_EQ(got[i], model[static_cast<std::size_t>(from) + i]) << "seed " << GetParam() << " step " << step << " from " << from << " i " << i << " of "
                                                                       << got.size() << " end " << log->end_offset() << " segments " << log->segment_count();
        break;
      }
      default: {
        std::vector<std::string> fresh;
        for (std::uint64_t i = 0; i <= dice.below(4); ++i) fresh.push_back(std::to_string(dice.next()) + std::string(dice.below(60), 'x'));
        const auto codec = static_cast<kafka::Compression>(dice.below(5));
        ASSERT_EQ(append(*log, batch_of(fresh, 1000, {.compression = codec}))->base_offset, static_cast<Offset>(model.size()));
        model.insert(model.end(), fresh.begin(), fresh.end());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogModel, ::testing::Range(1, 101));

}  // namespace
}  // namespace meridian::storage
