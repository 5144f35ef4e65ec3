// IntervalMap against one value per offset.
#include "common/base/interval_map.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "common/base/random.h"

namespace meridian::base {
namespace {

class IntervalMapTest : public ::testing::TestWithParam<int> {};

TEST_P(IntervalMapTest, SaysWhatWasSaidLastOfEveryOffset) {
  constexpr Offset end = 60;
  base::Random random(static_cast<std::uint64_t>(GetParam()));
  IntervalMap<int> map;
  std::vector<std::optional<int>> expected(end);
  for (int step = 0; step < 300; ++step) {
    const Offset first = static_cast<Offset>(random.below(end));
    const Offset last = first + static_cast<Offset>(random.below(static_cast<std::uint64_t>(end - first)));
    const bool erases = random.below(3) == 0;
    const int value = static_cast<int>(random.below(3));
    if (erases) map.erase(first, last);
    else map.assign(first, last, value);
    for (Offset at = first; at <= last; ++at) expected[static_cast<std::size_t>(at)] = erases ? std::nullopt : std::optional(value);

    Offset at = 0;
    map.visit(0, end - 1, [&](Offset from, Offset to, const int* said) {
      EXPECT_EQ(from, at);
      for (; at <= to; ++at) EXPECT_EQ(said ? std::optional(*said) : std::nullopt, expected[static_cast<std::size_t>(at)]) << "offset " << at;
      return true;
    });
    ASSERT_EQ(at, end);
    // Neighbours with equal values are one.
    const IntervalMap<int>::Run* before = nullptr;
    for (const auto& [from, run] : map.runs()) {
      ASSERT_LE(from, run.last);
      if (before) ASSERT_TRUE(before->last < from - 1 || before->value != run.value) << "at " << from;
      if (before) ASSERT_LT(before->last, from);
      before = &run;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, IntervalMapTest, ::testing::Range(0, 20));

TEST(IntervalMap, AVisitStopsWhereItIsTold) {
  IntervalMap<int> map;
  map.assign(5, 9, 1);
  std::vector<std::pair<Offset, Offset>> seen;
  map.visit(3, 20, [&seen](Offset from, Offset to, const int*) {
    seen.emplace_back(from, to);
    return seen.size() < 2;
  });
  EXPECT_EQ(seen, (std::vector<std::pair<Offset, Offset>>{{3, 4}, {5, 9}}));
}

}  // namespace
}  // namespace meridian::base
