// Compaction against a model: committed values per key, what was at each offset, over crashes at any point.
#include "broker/storage/compaction.h"

#include <gtest/gtest.h>

#include "common/base/log.h"
#include "tests/support/memory_disk.h"
#include "tests/support/run_task.h"

namespace meridian::storage {
namespace {

class CompactionTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    log::configure(log::Level::error);
    config.cleanup_delete = false;
    config.cleanup_compact = true;
    config.min_cleanable_dirty_ratio = 0;
    config.delete_retention_ms = 1000;
  }
  void open(Offset recovery_point = 0, bool clean = false, Offset clean_point = 0) {
    log.reset();
    auto opened =
        Log::open(disk, {.directory = "/data/t-0", .config = config, .recovery_point = recovery_point, .clean_point = clean_point, .clean = clean}, now_ms);
    ASSERT_TRUE(opened) << opened.error().message;
    log = std::move(*opened);
  }
  std::expected<Appended, AppendFailure> put(const std::string& key, std::optional<std::string> value, kafka::BatchBuilder::Options options = {}) {
    kafka::BatchBuilder builder;
    builder.add(now_ms, key, value ? std::optional<ByteView>(*value) : std::nullopt);
    Bytes batch = *builder.finish(options);
    const auto ticket = options.producer_id >= 0 ? log->producer_state().begin_verification(options.producer_id) : 0;
    return log->append(batch.data(), batch.size(), 0, now_ms, {.ticket = ticket});
  }
  Result<CompactionStats> compact(std::size_t entries_max = 1000) {
    return testing::run_task(context, log->compact(now_ms, log->end_offset(), entries_max, [](std::uint64_t) -> Task<bool> { co_return true; }));
  }
  struct Read {
    std::string key;
    std::optional<std::string> value;
    bool operator==(const Read&) const = default;
  };
  /// By offset, as a read_committed consumer sees it.
  std::map<Offset, Read> read_all() {
    std::map<Offset, Read> out;
    const Offset stable = log->last_stable_offset(log->end_offset());
    const auto aborted = log->aborted_transactions(log->start_offset(), stable);
    for (Offset at = log->start_offset(); at < stable;) {
      const auto read = log->read(at, stable, 1 << 16, true);
      EXPECT_TRUE(read) << read.error().message;
      if (!read || read->size == 0) break;
      for (const auto& slice : read->slices) {
        Bytes bytes(slice.size, '\0');
        EXPECT_EQ(slice.file->read(slice.position, bytes.data(), bytes.size()).value_or(0), slice.size);
        for (ByteView rest = bytes; !rest.empty();) {
          const auto header = kafka::parse_batch_header(rest);
          const auto batch = rest.substr(0, static_cast<std::size_t>(header->size));
          EXPECT_TRUE(kafka::validate_batch(*header, batch));
          const bool hidden = header->control() || (header->transactional() && std::ranges::any_of(aborted, [&](const auto& entry) {
                                                      return entry.producer_id == header->producer_id && entry.first_offset <= header->base_offset &&
                                                             header->base_offset < entry.last_offset;
                                                    }));
          if (!hidden)
            EXPECT_TRUE(kafka::for_each_record(batch, [&](const kafka::RecordView& record) {
              EXPECT_EQ(record.timestamp_ms, stamps.at(record.offset)) << "a rewritten batch tells another time";
              out[record.offset] = {std::string(*record.key), record.value ? std::optional(std::string(*record.value)) : std::nullopt};
              return true;
            }));
          rest.remove_prefix(static_cast<std::size_t>(header->size));
        }
      }
      at = read->next_offset;
    }
    return out;
  }

  boost::asio::io_context context;
  async::SystemClock clock;
  base::Random random{7};
  testing::MemoryDisk disk{context, clock, random};
  LogConfig config;
  std::unique_ptr<Log> log;
  std::int64_t now_ms = 1'000'000;
  std::map<Offset, std::int64_t> stamps;
};

TEST_F(CompactionTest, TheLastValueOfEachKeyStays) {
  config.segment_bytes = 300;
  open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(put("k" + std::to_string(i % 3), "v" + std::to_string(i)));
    stamps[i] = now_ms;
  }
  const auto before = log->size_bytes();
  const auto stats = compact();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_GT(stats->records_dropped, 10u);
  EXPECT_LT(log->size_bytes(), before);
  std::map<std::string, std::string> last;
  for (const auto& [offset, read] : read_all()) last[read.key] = *read.value;
  EXPECT_EQ(last, (std::map<std::string, std::string>{{"k0", "v18"}, {"k1", "v19"}, {"k2", "v17"}}));
  EXPECT_EQ(log->end_offset(), 20);
  EXPECT_EQ(log->start_offset(), 0);
}

TEST_F(CompactionTest, TombstonesStayForTheirTimeAndThenGo) {
  config.segment_bytes = 100;
  open();
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(put("a", std::nullopt));
  ASSERT_TRUE(put("b", "1"));
  ASSERT_TRUE(put("b", "2"));
  for (int i = 0; i < 4; ++i) stamps[i] = now_ms;
  ASSERT_TRUE(compact());
  EXPECT_TRUE(read_all().contains(1)) << "the tombstone of a";
  EXPECT_FALSE(read_all().contains(0));
  now_ms += 999;
  stamps[4] = stamps[5] = now_ms;
  ASSERT_TRUE(put("c", "1"));
  ASSERT_TRUE(compact());
  EXPECT_TRUE(read_all().contains(1));
  now_ms += 1;
  ASSERT_TRUE(put("c", "2"));
  stamps[5] = now_ms;
  ASSERT_TRUE(compact());
  EXPECT_FALSE(read_all().contains(1));
}

TEST_F(CompactionTest, AFullMapLeavesTheRestForTheNextRun) {
  config.segment_bytes = 200;
  open();
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(put("k" + std::to_string(i), "v"));
    stamps[i] = now_ms;
  }
  ASSERT_TRUE(compact(10));
  EXPECT_EQ(log->clean_point(), 10);
  ASSERT_TRUE(compact(10));
  EXPECT_EQ(log->clean_point(), 20);
  EXPECT_EQ(read_all().size(), 30u);
}

TEST_P(CompactionTest, NothingButOutdatedRecordsGoesWhateverHappens) {
  base::Random dice(static_cast<std::uint64_t>(GetParam()));
  random = base::Random(dice.next());
  config.segment_bytes = 200 + static_cast<std::int64_t>(dice.below(800));
  config.index_interval_bytes = static_cast<std::int64_t>(dice.below(200));
  open();
  struct Open {
    std::int16_t epoch = 0;
    std::int32_t sequence = 0;
    std::vector<Offset> offsets;
  };
  std::map<std::int64_t, Open> producers;
  std::map<Offset, Read> committed;  ///< every committed record that was ever in the log
  std::map<Offset, Read> written;
  const auto newest = [&](Offset limit) {
    std::map<std::string, Offset> last;
    for (const auto& [offset, read] : committed)
      if (offset < limit) last[read.key] = offset;
    return last;
  };
  for (int step = 0; step < 150; ++step) {
    const auto action = dice.below(20);
    const std::string key = "k" + std::to_string(dice.below(GetParam() % 2 ? 6 : 40));
    const std::optional<std::string> value = dice.one_in(4) ? std::nullopt : std::optional(std::to_string(dice.next()));
    if (action < 8) {
      const auto done = put(key, value, {.compression = static_cast<kafka::Compression>(dice.below(5))});
      ASSERT_TRUE(done);
      written[done->base_offset] = committed[done->base_offset] = {key, value};
      stamps[done->base_offset] = now_ms;
    } else if (action < 13) {
      const auto id = static_cast<std::int64_t>(dice.below(3));
      Open& producer = producers[id];
      const auto done = put(key, value, {.producer_id = id, .producer_epoch = producer.epoch, .base_sequence = producer.sequence++, .extra_attributes = 16});
      ASSERT_TRUE(done) << done.error().message << " seed " << GetParam() << " step " << step;
      written[done->base_offset] = {key, value};
      stamps[done->base_offset] = now_ms;
      producer.offsets.push_back(done->base_offset);
    } else if (action < 16) {
      const auto id = static_cast<std::int64_t>(dice.below(3));
      Open& producer = producers[id];
      const bool commit = dice.one_in(2);
      ASSERT_TRUE(log->append_marker({commit, 1}, {id, producer.epoch}, 0, now_ms));
      if (commit)
        for (const auto offset : producer.offsets) committed[offset] = written[offset];
      producer.offsets.clear();
    } else if (action < 18) {
      // Now and then the process dies in the middle of the renaming: recovery has to finish what was begun.
      const bool dies = dice.one_in(4);
      const Offset clean_point = log->clean_point();
      if (dies) {
        ASSERT_TRUE(testing::run_task(context, log->flush()));
        disk.fail_names(static_cast<std::int64_t>(dice.below(12)));
      }
      const Offset point = log->recovery_point();
      const auto done = compact(dice.one_in(3) ? 3 : 1000);
      disk.fail_names(-1);
      if (dies) {
        log.reset();
        disk.crash(dice.one_in(2), context);
        open(point, false, clean_point);
      }
      ASSERT_TRUE(done || dies) << done.error().message << " seed " << GetParam() << " step " << step;
    } else if (action < 19) {
      now_ms += static_cast<std::int64_t>(dice.below(4000));
    } else {
      // Synced, so that the model need not know what a crash loses; the files that compaction moved about are the point.
      ASSERT_TRUE(testing::run_task(context, log->flush()));
      const Offset point = log->recovery_point(), clean_point = log->clean_point();
      const bool clean = dice.one_in(2);
      if (clean) {
        ASSERT_TRUE(log->close());
      }
      log.reset();
      if (!clean) disk.crash(dice.one_in(2), context);
      if (dice.one_in(2)) std::erase_if(disk.nodes(), [](const auto& entry) { return entry.first.ends_with(".snapshot"); });
      open(point, clean, dice.one_in(2) ? clean_point : 0);
    }
    const auto got = read_all();
    const Offset stable = log->last_stable_offset(log->end_offset());
    Offset expected_stable = log->end_offset();
    for (const auto& [id, producer] : producers)
      if (!producer.offsets.empty()) expected_stable = std::min(expected_stable, producer.offsets.front());
    ASSERT_EQ(stable, expected_stable) << "seed " << GetParam() << " step " << step;
    for (const auto& [offset, read] : got) {
      ASSERT_TRUE(committed.contains(offset)) << "offset " << offset << " was never committed; seed " << GetParam() << " step " << step;
      ASSERT_EQ(read, committed[offset]) << "seed " << GetParam() << " step " << step;
    }
    for (const auto& [key_of, offset] : newest(stable))
      if (!got.contains(offset)) {
        ASSERT_FALSE(committed[offset].value) << "the last value of " << key_of << " at " << offset << " is gone; seed " << GetParam() << " step " << step;
      }
    // A key whose tombstone went must not come back with an older value.
    std::map<std::string, Read> last;
    for (const auto& [offset, read] : got) last[read.key] = read;
    for (const auto& [key_of, offset] : newest(stable))
      if (!committed[offset].value && last.contains(key_of)) {
        ASSERT_FALSE(last[key_of].value) << key_of << " came back; seed " << GetParam() << " step " << step;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CompactionTest, ::testing::Range(1, 121));

}  // namespace
}  // namespace meridian::storage
