#include "mirror/tail_matcher.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace meridian::mirror {
namespace {

Fingerprint print(std::uint64_t value) { return {value}; }

TEST(TailMatcher, FindsTheFirstNewRecord) {
  TailMatcher matcher({{100, print(1)}, {101, print(2)}}, {10, 100});
  EXPECT_EQ(matcher.take(10, print(1)), TailMatcher::Verdict::matched);
  EXPECT_EQ(matcher.matched_at(), 100);
  EXPECT_EQ(matcher.take(12, print(2)), TailMatcher::Verdict::matched) << "a marker lay between";
  EXPECT_TRUE(matcher.exhausted());
  EXPECT_EQ(matcher.take(13, print(3)), TailMatcher::Verdict::first_new);
}

TEST(TailMatcher, TailRecordsThatTheSourceLostMeanwhileArePassed) {
  TailMatcher matcher({{100, print(1)}, {101, print(2)}, {102, print(3)}}, {10, 100});
  EXPECT_EQ(matcher.take(12, print(3)), TailMatcher::Verdict::matched) << "10 and 11 were compacted away";
  EXPECT_EQ(matcher.matched_at(), 102);
}

TEST(TailMatcher, AllOfTheTailGoneFromTheSource) {
  TailMatcher matcher({{100, print(1)}, {101, print(2)}}, {10, 100});
  EXPECT_EQ(matcher.take(12, print(9)), TailMatcher::Verdict::first_new) << "offset 12 lies behind what two records can stand for";
}

TEST(TailMatcher, ARecordThatLooksLikeALaterOneIsNotMistakenForIt) {
  // Equal content at source 10 and 12; the tail's index 2 cannot be source 10.
  TailMatcher matcher({{100, print(7)}, {101, print(8)}, {102, print(7)}}, {10, 100});
  EXPECT_EQ(matcher.take(10, print(7)), TailMatcher::Verdict::matched);
  EXPECT_EQ(matcher.matched_at(), 100);
}

TEST(TailMatcher, ATailFromSomebodyElseIsNamed) {
  TailMatcher matcher({{100, print(1)}, {101, print(2)}}, {10, 100});
  EXPECT_EQ(matcher.take(10, print(55)), TailMatcher::Verdict::foreign);
  TailMatcher later({{100, print(1)}, {101, print(2)}, {102, print(3)}}, {10, 100});
  EXPECT_EQ(later.take(10, print(1)), TailMatcher::Verdict::matched);
  EXPECT_EQ(later.take(11, print(66)), TailMatcher::Verdict::foreign);
}

TEST(TailMatcher, EveryCrashPointAndEveryLossResumesExactly) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    base::Random random(seed);
    std::vector<std::pair<Offset, Fingerprint>> source;  // with gaps
    Offset at = static_cast<Offset>(random.below(10));
    const Position pair{at, 1000};
    for (int i = 0; i < 60; ++i, at += 1 + static_cast<Offset>(random.one_in(5) ? random.below(3) : 0)) source.emplace_back(at, print(random.next()));
    const std::size_t copied = random.below(60);
    std::vector<TailMatcher::TailRecord> tail;
    for (std::size_t i = 0; i < copied; ++i) tail.push_back({1000 + static_cast<Offset>(i), source[i].second});
    // Since then the source lost a prefix (retention) or any records (compaction), never the newest.
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < source.size(); ++i)
      if (i + 1 == source.size() || !random.one_in(3)) left.push_back(i);
    TailMatcher matcher(tail, pair);
    for (const auto i : left) {
      const auto verdict = matcher.take(source[i].first, source[i].second);
      if (i < copied) {
        ASSERT_EQ(verdict, TailMatcher::Verdict::matched) << "seed " << seed << " record " << i;
        ASSERT_EQ(matcher.matched_at(), 1000 + static_cast<Offset>(i));
      } else {
        ASSERT_EQ(verdict, TailMatcher::Verdict::first_new) << "seed " << seed << " record " << i << " of " << copied;
        break;
      }
    }
  }
}

TEST(Fingerprint, TellsEveryPartOfARecordApart) {
  const auto base = fingerprint(1, "k", "v", "h");
  EXPECT_NE(base, fingerprint(2, "k", "v", "h"));
  EXPECT_NE(base, fingerprint(1, "kv", "", "h"));
  EXPECT_NE(base, fingerprint(1, "k", std::nullopt, "h"));
  EXPECT_NE(fingerprint(1, "k", "", "h"), fingerprint(1, "k", std::nullopt, "h"));
  EXPECT_NE(base, fingerprint(1, "k", "v", "i"));
}

}  // namespace
}  // namespace meridian::mirror
