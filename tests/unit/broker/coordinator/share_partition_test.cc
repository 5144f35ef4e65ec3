// What a share group does with one partition (KIP-932), against a record by record account of it: nobody holds what another holds, what was
// acknowledged never comes again, nothing comes more often than it may, and in the end nothing is left out. Writes succeed late, in any
// order, or fail; the broker is killed and goes on from what was written.
#include "broker/coordinator/share/share_partition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "broker/coordinator/share/share_state.h"
#include "common/base/random.h"

namespace meridian::coordinator::share {
namespace {

using std::chrono::milliseconds;

class SharePartitionTest : public ::testing::TestWithParam<int> {
 protected:
  std::vector<kafka::AcquiredRecords> acquire(const std::string& member, std::int64_t records_max, bool strict = false, std::int64_t batch_size = 0) {
    std::vector<LogBatch> read;
    const auto from = partition->next_offset(limits);
    if (!from) return {};
    for (const auto& batch : log)
      if (batch.last >= *from) read.push_back(batch);
    return partition->acquire({.member = member, .records_max = records_max, .batch_size = batch_size, .strict = strict}, read, limits, now);
  }
  void finish(const ShareChange& change) {
    state.apply({.snapshot_epoch = 0,
                 .leader_epoch = 0,
                 .start_offset = change.start_offset,
                 .delivery_complete_count = change.complete_count,
                 .batches = change.batches});
    partition->done(change.id);
  }
  ErrorCode say(const std::string& member, Offset first, Offset last, AcknowledgeType type) {
    const kafka::AcknowledgementBatch batch{first, last, {type}};
    const auto change = partition->acknowledge(member, std::span(&batch, 1), limits, now);
    if (!change) return change.error();
    if (*change) finish(**change);
    return ErrorCode::none;
  }
  void restart() { partition = std::make_unique<SharePartition>(state.start_offset(), state.batches()); }
  void fill(int batches, int each) {
    for (int i = 0; i < batches; ++i) {
      const Offset first = log.empty() ? 0 : log.back().last + 1;
      log.push_back({first, first + each - 1});
    }
  }

  ShareState state{ShareSnapshotValue{.start_offset = 0, .batches = {}}};
  std::unique_ptr<SharePartition> partition = std::make_unique<SharePartition>(0, std::vector<kafka::ShareStateBatch>{});
  std::vector<LogBatch> log;
  ShareLimits limits;
  TimePoint now{};
};

using Ranges = std::vector<kafka::AcquiredRecords>;

TEST_F(SharePartitionTest, BatchesStayWholeUnlessTheLimitIsStrict) {
  fill(4, 10);
  EXPECT_EQ(acquire("a", 15), (Ranges{{0, 19, 1}}));
  EXPECT_EQ(acquire("b", 15, true), (Ranges{{20, 34, 1}}));
  EXPECT_EQ(acquire("c", 100), (Ranges{{35, 39, 1}}));
  EXPECT_TRUE(acquire("d", 100).empty());
}

TEST_F(SharePartitionTest, RangesAreSplitAtBatchesOfTheLog) {
  fill(5, 10);
  EXPECT_EQ(acquire("a", 50, false, 15), (Ranges{{0, 19, 1}, {20, 39, 1}, {40, 49, 1}}));
}

TEST_F(SharePartitionTest, OnlyTheHolderCanAcknowledge) {
  fill(1, 10);
  acquire("a", 10);
  EXPECT_EQ(say("b", 0, 9, accept), ErrorCode::invalid_record_state);
  EXPECT_EQ(say("a", 5, 12, accept), ErrorCode::invalid_record_state) << "nobody has 10 to 12";
  EXPECT_EQ(say("a", 0, 9, accept), ErrorCode::none) << "and nothing of what was refused has counted";
  EXPECT_EQ(partition->start_offset(), 10);
  EXPECT_EQ(say("a", 0, 9, accept), ErrorCode::none) << "what is done with is past";
}

TEST_F(SharePartitionTest, WhatIsReleasedComesAgainUntilItHasComeTooOften) {
  fill(1, 1);
  for (std::int16_t time = 1; time <= limits.delivery_count_max; ++time) {
    ASSERT_EQ(acquire("a", 1), (Ranges{{0, 0, time}}));
    ASSERT_EQ(say("a", 0, 0, AcknowledgeType::release), ErrorCode::none);
  }
  EXPECT_TRUE(acquire("a", 1).empty());
  EXPECT_EQ(partition->start_offset(), 1);
}

TEST_F(SharePartitionTest, ASessionThatEndsHasNotDelivered) {
  fill(1, 3);
  acquire("a", 3);
  const auto change = partition->release("a");
  ASSERT_TRUE(change);
  finish(*change);
  EXPECT_EQ(acquire("b", 3), (Ranges{{0, 2, 1}}));
}

TEST_F(SharePartitionTest, ALockEndsAndCanBeRenewed) {
  fill(1, 2);
  acquire("a", 2);
  now += limits.lock_duration - milliseconds(1);
  EXPECT_FALSE(partition->expire(limits, now));
  EXPECT_EQ(say("a", 1, 1, renew), ErrorCode::none);
  now += milliseconds(1);
  const auto change = partition->expire(limits, now);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->batches, (std::vector<kafka::ShareStateBatch>{{0, 0, 0, 1}}));
  finish(*change);
  EXPECT_EQ(partition->next_deadline(), now - milliseconds(1) + limits.lock_duration);
  EXPECT_EQ(acquire("b", 2), (Ranges{{0, 0, 2}}));
  limits.renew = false;
  EXPECT_EQ(say("a", 1, 1, renew), ErrorCode::invalid_record_state);
}

TEST_F(SharePartitionTest, NothingCountsBeforeItIsWritten) {
  fill(1, 4);
  acquire("a", 4);
  const kafka::AcknowledgementBatch first{0, 1, {accept}}, second{2, 3, {accept}};
  const auto one = partition->acknowledge("a", std::span(&first, 1), limits, now);
  const auto two = partition->acknowledge("a", std::span(&second, 1), limits, now);
  ASSERT_TRUE(one && *one && two && *two);
  EXPECT_EQ(say("a", 0, 1, accept), ErrorCode::invalid_record_state) << "it is on its way";
  EXPECT_FALSE(partition->expire(limits, now + limits.lock_duration)) << "and does not come back";
  EXPECT_EQ((*one)->start_offset, 2);
  EXPECT_EQ((*two)->start_offset, 0) << "the other may fail";
  EXPECT_EQ((*two)->complete_count, 2);
  finish(**two);
  EXPECT_EQ(partition->start_offset(), 0);
  partition->failed((*one)->id);
  EXPECT_EQ(say("a", 0, 1, accept), ErrorCode::none);
  EXPECT_EQ(partition->start_offset(), 4);
}

TEST_F(SharePartitionTest, HolesAndAbortedBatchesAreSkipped) {
  log = {{0, 4}, {10, 14}, {15, 19, false}, {20, 24}};
  EXPECT_EQ(acquire("a", 100), (Ranges{{0, 4, 1}, {10, 14, 1}, {20, 24, 1}}));
  EXPECT_EQ(say("a", 0, 4, accept), ErrorCode::none);
  EXPECT_EQ(partition->start_offset(), 10);
  EXPECT_EQ(say("a", 10, 14, accept), ErrorCode::none);
  EXPECT_EQ(partition->start_offset(), 20);
}

TEST_F(SharePartitionTest, SoManyRecordsAreOutAtATime) {
  limits.record_locks_max = 10;
  fill(5, 5);
  EXPECT_EQ(acquire("a", 100), (Ranges{{0, 9, 1}}));
  EXPECT_TRUE(acquire("b", 100).empty());
  EXPECT_EQ(say("a", 7, 7, AcknowledgeType::release), ErrorCode::none);
  EXPECT_EQ(acquire("b", 100), (Ranges{{7, 7, 2}})) << "what came back may always go out";
  EXPECT_EQ(say("a", 0, 4, accept), ErrorCode::none);
  EXPECT_EQ(acquire("b", 100), (Ranges{{10, 14, 1}}));
}

TEST_F(SharePartitionTest, TheLogMayBeginLater) {
  fill(3, 10);
  acquire("a", 30);
  partition->log_starts_at(15);
  EXPECT_EQ(partition->start_offset(), 15);
  EXPECT_EQ(say("a", 0, 19, accept), ErrorCode::none);
  EXPECT_EQ(partition->start_offset(), 20);
}

TEST_F(SharePartitionTest, AKillForgetsDeliveriesAndNothingElse) {
  fill(1, 10);
  acquire("a", 10);
  say("a", 3, 5, accept);
  say("a", 8, 8, AcknowledgeType::release);
  restart();
  EXPECT_EQ(acquire("b", 10), (Ranges{{0, 2, 1}, {6, 7, 1}, {8, 8, 2}, {9, 9, 1}}));
}

// The account of a whole life.
TEST_P(SharePartitionTest, EveryRecordIsDoneWithOnce) {
  base::Random random(static_cast<std::uint64_t>(GetParam()));
  limits.delivery_count_max = 3;
  limits.record_locks_max = 40;
  const std::vector<std::string> members{"a", "b", "c"};
  std::map<Offset, std::string> holder;
  std::set<Offset> accepted, rejected, real;
  std::map<Offset, int> returned;  ///< deliveries that counted
  std::vector<ShareChange> writing;
  struct Meaning {
    std::set<Offset> accepted, rejected, back;
  };
  std::map<std::uint64_t, Meaning> meaning;
  const auto change_of = [&](const std::optional<ShareChange>& change, Meaning what) {
    if (!change) return;
    writing.push_back(*change);
    meaning[change->id] = std::move(what);
  };
  const auto hold = [&](const std::string& member, const Ranges& ranges) {
    for (const auto& range : ranges)
      for (Offset at = range.first_offset; at <= range.last_offset; ++at) {
        ASSERT_TRUE(real.contains(at)) << at;
        ASSERT_FALSE(holder.contains(at)) << at << " is with " << holder[at];
        ASSERT_FALSE(accepted.contains(at) || rejected.contains(at)) << at << " was done with";
        ASSERT_LE(range.delivery_count, limits.delivery_count_max);
        holder[at] = member;
      }
  };
  const auto settle = [&](std::size_t i, bool written) {
    const ShareChange change = writing[i];
    writing.erase(writing.begin() + static_cast<std::ptrdiff_t>(i));
    if (!written) return partition->failed(change.id);
    finish(change);
    for (const auto at : meaning[change.id].accepted) accepted.insert(at), holder.erase(at);
    for (const auto at : meaning[change.id].rejected) rejected.insert(at), holder.erase(at);
    for (const auto at : meaning[change.id].back) {
      holder.erase(at);
    }
  };
  const auto held_by = [&](const std::string& member) {
    std::vector<Offset> out;
    for (const auto& [at, who] : holder)
      if (who == member && std::ranges::none_of(meaning, [at](const auto& entry) {
            return entry.second.accepted.contains(at) || entry.second.rejected.contains(at) || entry.second.back.contains(at);
          }))
        out.push_back(at);
    return out;
  };
  const auto forget_settled = [&] {
    std::erase_if(meaning, [&](const auto& entry) { return std::ranges::none_of(writing, [&](const auto& change) { return change.id == entry.first; }); });
  };
  for (int step = 0; step < 600; ++step) {
    forget_settled();
    const std::string& member = members[random.below(members.size())];
    switch (random.below(8)) {
      case 0: {  // records arrive, after a hole at times
        const Offset first = (log.empty() ? 0 : log.back().last + 1) + (random.below(4) == 0 ? static_cast<Offset>(random.below(5)) : 0);
        const Offset last = first + static_cast<Offset>(random.below(8));
        log.push_back({first, last, random.below(6) != 0});
        if (log.back().deliverable)
          for (Offset at = first; at <= last; ++at) real.insert(at);
        break;
      }
      case 1:
      case 2:
        hold(member, acquire(member, 1 + static_cast<std::int64_t>(random.below(20)), random.below(2) == 0, static_cast<std::int64_t>(random.below(10))));
        break;
      case 3:
      case 4: {  // a run of what it holds
        const auto mine = held_by(member);
        if (mine.empty()) break;
        const Offset first = mine[random.below(mine.size())];
        Offset last = first;
        while (random.below(3) != 0 && std::ranges::find(mine, last + 1) != mine.end()) ++last;
        const auto type = static_cast<AcknowledgeType>(1 + random.below(4));
        Meaning what;
        for (Offset at = first; at <= last; ++at) (type == accept ? what.accepted : type == reject ? what.rejected : what.back).insert(at);
        const kafka::AcknowledgementBatch batch{first, last, {type}};
        const auto change = partition->acknowledge(member, std::span(&batch, 1), limits, now);
        ASSERT_TRUE(change) << "it holds " << first << " to " << last;
        ASSERT_EQ(change->has_value(), type != renew);
        change_of(*change, std::move(what));
        break;
      }
      case 5:
        if (!writing.empty()) settle(random.below(writing.size()), random.below(5) != 0);
        break;
      case 6: {
        now += limits.lock_duration / static_cast<int>(1 + random.below(4));
        Meaning what;
        const auto change = partition->expire(limits, now);
        if (change)
          for (const auto& batch : change->batches)
            for (Offset at = batch.first_offset; at <= batch.last_offset; ++at) what.back.insert(at);
        if (change)  // what lies below the new start is archived, and not told
          for (const auto& [at, who] : holder)
            if (at < change->start_offset &&
                std::ranges::none_of(meaning, [at = at](const auto& m) { return m.second.accepted.contains(at) || m.second.rejected.contains(at); }))
              what.back.insert(at);
        change_of(change, std::move(what));
        break;
      }
      case 7:
        if (random.below(10) == 0) {  // killed: what was on its way may have been written
          for (const auto& change : writing)
            if (random.below(2) == 0) {
              state.apply(
                  {.snapshot_epoch = 0, .leader_epoch = 0, .start_offset = change.start_offset, .delivery_complete_count = 0, .batches = change.batches});
              for (const auto at : meaning[change.id].accepted) accepted.insert(at);
              for (const auto at : meaning[change.id].rejected) rejected.insert(at);
            }
          writing.clear();
          meaning.clear();
          holder.clear();
          state = ShareState(state.next_snapshot(0));
          restart();
        } else {
          Meaning what;
          const auto mine = held_by(member);
          what.back.insert(mine.begin(), mine.end());
          change_of(partition->release(member), std::move(what));
        }
        break;
    }
    if (HasFatalFailure()) return;
  }
  // Everything is said to be done with, and then the group is at the end.
  while (!writing.empty()) settle(0, true);
  meaning.clear();
  for (int round = 0; round < 2000; ++round) {
    hold("z", acquire("z", 100));
    if (HasFatalFailure()) return;
    now += limits.lock_duration;
    if (const auto mine = held_by("z"); !mine.empty()) {
      for (const auto at : mine) {
        ASSERT_EQ(say("z", at, at, accept), ErrorCode::none);
        accepted.insert(at);
        holder.erase(at);
      }
    } else if (const auto change = partition->expire(limits, now)) {
      finish(*change);
      holder.clear();
    } else if (holder.empty()) {
      break;
    }
  }
  EXPECT_EQ(partition->start_offset(), log.empty() ? 0 : log.back().last + 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SharePartitionTest, ::testing::Range(0, 200));

}  // namespace
}  // namespace meridian::coordinator::share
