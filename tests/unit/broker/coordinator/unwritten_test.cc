// Writes of a group that fail, in any order: what the log says in the end is what was decided last, of every key.
#include "broker/coordinator/group/unwritten.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace meridian::coordinator::group {
namespace {

struct Record {
  std::int16_t type = 0;
  std::string member;
  int value = 0;
};
using Values = std::map<std::pair<std::int16_t, std::string>, int>;

TEST(Unwritten, AnOlderFailureDoesNotComeBackOverANewerRecord) {
  for (const bool newer_fails : {false, true})
    for (const bool older_ends_first : {false, true}) {
      Unwritten<Record> unwritten;
      auto older = unwritten.begin({{1, "m", 1}, {2, "m", 1}}, {}), newer = unwritten.begin({{1, "m", 2}}, {});
      if (older_ends_first) unwritten.end(older, false);
      unwritten.end(newer, !newer_fails);
      if (!older_ends_first) unwritten.end(older, false);
      Values again;
      for (const auto& record : unwritten.begin({}, {}).records) again[{record.type, record.member}] = record.value;
      EXPECT_EQ((again[{2, "m"}]), 1);
      EXPECT_EQ((again.contains({1, "m"})), newer_fails);
      if (newer_fails) EXPECT_EQ((again[{1, "m"}]), 2);
    }
}

TEST(Unwritten, AMemberHearsNothingThatIsOnlyOnItsWay) {
  Unwritten<Record> unwritten;
  const auto first = unwritten.begin({{1, "m", 1}, {1, "other", 1}}, "m");
  const auto again = unwritten.begin({}, "m");
  ASSERT_EQ(again.records.size(), 1u);
  EXPECT_EQ(again.records.front().member, "m");
  unwritten.end(first, true);
  EXPECT_TRUE(unwritten.begin({}, "other").records.empty());
  unwritten.end(again, true);
  EXPECT_TRUE(unwritten.begin({}, "m").records.empty());
}

class UnwrittenTest : public ::testing::TestWithParam<int> {};

TEST_P(UnwrittenTest, TheLogSaysInTheEndWhatWasDecidedLast) {
  base::Random random(static_cast<std::uint64_t>(GetParam()));
  Unwritten<Record> unwritten;
  Values decided, log;
  std::vector<Unwritten<Record>::Write> going;
  // A write is in the log where it was begun, or not at all; whether it is told of as failed is another matter.
  const auto begin = [&](std::vector<Record> records, bool lands) {
    for (const auto& record : records) decided[{record.type, record.member}] = record.value;
    going.push_back(unwritten.begin(std::move(records), {}));
    if (lands)
      for (const auto& record : going.back().records) log[{record.type, record.member}] = record.value;
    return lands;
  };
  std::vector<bool> landed;
  for (int step = 0; step < 300; ++step) {
    if (random.below(2) == 0) {
      std::vector<Record> records;
      for (std::uint64_t n = random.below(3); n > 0; --n)
        records.push_back({static_cast<std::int16_t>(random.below(3)), std::string(1, static_cast<char>('a' + random.below(3))), step});
      landed.push_back(begin(std::move(records), random.below(3) != 0));
    } else if (!going.empty()) {
      const auto i = random.below(going.size());
      const auto at = static_cast<std::ptrdiff_t>(i);
      unwritten.end(going[i], landed[i] && random.below(4) != 0);
      going.erase(going.begin() + at);
      landed.erase(landed.begin() + at);
    }
  }
  for (std::size_t i = 0; i < going.size(); ++i) unwritten.end(going[i], landed[i]);
  begin({}, true);
  EXPECT_EQ(log, decided);
}

INSTANTIATE_TEST_SUITE_P(Seeds, UnwrittenTest, ::testing::Range(0, 200));

}  // namespace
}  // namespace meridian::coordinator::group
