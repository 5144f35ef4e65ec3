// Transactions in one log: fencing, the last stable offset, the transaction index; live and after a restart, clean or not.
#include <gtest/gtest.h>

#include <set>

#include "broker/storage/log.h"
#include "common/base/log.h"
#include "tests/support/memory_disk.h"
#include "tests/support/run_task.h"

namespace meridian::storage {
namespace {

constexpr std::int16_t transactional = 16;

class LogTransactionsTest : public ::testing::Test {
 protected:
  void SetUp() override { log::configure(log::Level::error); }
  void open(bool clean, Offset recovery_point = 0) {
    log.reset();
    auto opened = Log::open(disk, {.directory = "/data/t-0", .config = config, .recovery_point = recovery_point, .clean = clean}, 5000);
    ASSERT_TRUE(opened) << opened.error().message;
    log = std::move(*opened);
  }
  std::expected<Appended, AppendFailure> send(std::int64_t producer, std::int16_t epoch, std::int32_t sequence, VerificationTicket ticket,
                                              std::int16_t attributes = transactional) {
    kafka::BatchBuilder builder;
    builder.add(1000, "k", "v");
    Bytes batch = *builder.finish({.producer_id = producer, .producer_epoch = epoch, .base_sequence = sequence, .extra_attributes = attributes});
    return log->append(batch.data(), batch.size(), 0, 5000, {.ticket = ticket});
  }
  std::expected<Appended, AppendFailure> end(std::int64_t producer, std::int16_t epoch, bool commit) {
    return log->append_marker({commit, 1}, {producer, epoch}, 0, 5000);
  }
  VerificationTicket ticket(std::int64_t producer) { return log->producer_state().begin_verification(producer); }
  Offset stable() { return log->last_stable_offset(log->end_offset()); }

  boost::asio::io_context context;
  async::SystemClock clock;
  base::Random random{7};
  testing::MemoryDisk disk{context, clock, random};
  LogConfig config;
  std::unique_ptr<Log> log;
};

TEST_F(LogTransactionsTest, OpenTransactionsHoldTheStableOffset) {
  open(false);
  EXPECT_TRUE(send(1, 0, 0, ticket(1)));
  EXPECT_TRUE(send(2, 0, 0, ticket(2)));
  EXPECT_EQ(stable(), 0);
  EXPECT_TRUE(end(1, 0, true));
  EXPECT_EQ(stable(), 1);
  EXPECT_TRUE(end(2, 0, false));
  EXPECT_EQ(log->last_stable_offset(3), 1) << "the marker at 3 is not below the high watermark";
  EXPECT_EQ(stable(), 4);
  EXPECT_EQ(log->aborted_transactions(0, 4), (std::vector<AbortedTransaction>{{2, 1, 3, 4}}));
  EXPECT_TRUE(log->aborted_transactions(0, 1).empty());
}

TEST_F(LogTransactionsTest, OnlyVerifiedBatchesOpenATransaction) {
  open(false);
  EXPECT_EQ(send(1, 0, 0, 0).error().code, AppendError::invalid_txn_state);
  const auto early = ticket(1);
  EXPECT_TRUE(end(1, 1, false));  // the coordinator gave up meanwhile
  EXPECT_EQ(send(1, 1, 0, early).error().code, AppendError::invalid_txn_state) << "a marker overtook the verification";
  EXPECT_TRUE(send(1, 1, 0, ticket(1)));
  EXPECT_EQ(ticket(1), 0u) << "open: needs no proof";
  EXPECT_TRUE(send(1, 1, 1, 0));
  EXPECT_EQ(send(1, 1, 2, 0, 0).error().code, AppendError::invalid_txn_state) << "not transactional inside a transaction";
}

TEST_F(LogTransactionsTest, AMarkerFencesEarlierEpochsAlsoWhereNothingWasOpen) {
  open(false);
  EXPECT_TRUE(end(1, 5, false));
  EXPECT_EQ(send(1, 4, 0, ticket(1)).error().code, AppendError::invalid_producer_epoch);
  EXPECT_EQ(send(1, 4, 0, 0, 0).error().code, AppendError::invalid_producer_epoch);
  EXPECT_EQ(end(1, 4, true).error().code, AppendError::invalid_producer_epoch);
  EXPECT_EQ(send(1, 5, 3, 0, 0).error().code, AppendError::out_of_order_sequence);
  EXPECT_TRUE(send(1, 5, 0, 0, 0));
  EXPECT_TRUE(log->aborted_transactions(0, 10).empty()) << "nothing was aborted";
}

// Random transactions against a plain model; small segments, restarts clean and unclean at any point.
TEST_F(LogTransactionsTest, MatchesAModelOverRestarts) {
  struct Open {
    std::int16_t epoch = 0;
    std::int32_t sequence = 0;
    Offset first = -1;
  };
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    random = base::Random(seed);
    disk.~MemoryDisk();
    new (&disk) testing::MemoryDisk(context, clock, random);
    config.segment_bytes = 400;
    open(false);
    std::map<std::int64_t, Open> model;
    std::vector<std::pair<std::int64_t, std::pair<Offset, Offset>>> aborted;  // producer, [first, marker]
    for (int step = 0; step < 120; ++step) {
      const auto producer = static_cast<std::int64_t>(random.below(4));
      Open& state = model[producer];
      const auto action = random.below(20);
      if (action < 10) {
        const auto done = send(producer, state.epoch, state.sequence, ticket(producer));
        ASSERT_TRUE(done) << done.error().message;
        ++state.sequence;
        if (state.first < 0) state.first = done->base_offset;
      } else if (action < 17) {
        const bool commit = random.below(2) == 0;
        if (random.below(2) == 0) ++state.epoch, state.sequence = 0;  // as version 2 does
        const auto done = end(producer, state.epoch, commit);
        ASSERT_TRUE(done);
        if (state.first >= 0 && !commit) aborted.push_back({producer, {state.first, done->base_offset}});
        state.first = -1;
      } else if (action < 18) {
        ASSERT_TRUE(log->flush_blocking());
      } else {
        const bool clean = random.below(2) == 0;
        const Offset point = log->recovery_point();
        if (clean) {
          ASSERT_TRUE(log->close());
        }
        open(clean, clean ? log->end_offset() : point);
      }
      Offset expected = log->end_offset();
      for (const auto& [id, open_state] : model)
        if (open_state.first >= 0) expected = std::min(expected, open_state.first);
      ASSERT_EQ(stable(), expected) << "seed " << seed << " step " << step;
      const auto from = static_cast<Offset>(random.below(static_cast<std::uint64_t>(log->end_offset() + 1)));
      std::set<std::pair<std::int64_t, Offset>> wanted, found;
      for (const auto& [id, range] : aborted)
        if (range.second >= from && range.first < stable()) wanted.insert({id, range.first});
      for (const auto& entry : log->aborted_transactions(from, stable())) found.insert({entry.producer_id, entry.first_offset});
      // Found may hold more only where a transaction ended before `from`.
      ASSERT_EQ(found, wanted) << "seed " << seed << " step " << step;
    }
    log.reset();
  }
}

}  // namespace
}  // namespace meridian::storage
