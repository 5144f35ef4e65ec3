#include "mirror/offset_map.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace meridian::mirror {
namespace {

TEST(OffsetMap, TranslatesInsideRunsInGapsAndAtTheEnd) {
  OffsetMap map;
  map.add({10, 0, 5});  // source 10-14 -> target 0-4
  map.add({20, 7, 3});  // a gap in both: source 15-19 held markers, target 5-6 a fence's marker
  EXPECT_EQ(map.to_target(10), 0);
  EXPECT_EQ(map.to_target(14), 4);
  EXPECT_EQ(map.to_target(15), 7) << "in a gap: the next record";
  EXPECT_EQ(map.to_target(22), 9);
  EXPECT_EQ(map.to_target(23), 10) << "the end itself is known: nothing is unread";
  EXPECT_EQ(map.to_target(24), std::nullopt) << "beyond: not ready, never a guess";
  EXPECT_EQ(map.to_target(0), 0) << "before the first record";
  EXPECT_EQ(map.to_source(6), 20);
  EXPECT_EQ(map.to_source(10), 23);
  EXPECT_EQ(map.to_source(11), std::nullopt);
  EXPECT_EQ(map.records_from(13), 5);
}

TEST(OffsetMap, OffsetZeroOfAnEmptyPartitionIsAnOffset) {
  OffsetMap map;
  EXPECT_EQ(map.to_target(0), 0);
  EXPECT_EQ(map.to_target(1), std::nullopt);
}

TEST(OffsetMap, TrailingMarkersCountAsRead) {
  OffsetMap map;
  map.add({0, 0, 3});
  map.scanned_to(5);
  EXPECT_EQ(map.to_target(5), 3);
  EXPECT_EQ(map.next(), (Position{5, 3}));
}

TEST(OffsetMap, ConsecutiveRunsJoin) {
  OffsetMap map;
  for (Offset at = 0; at < 1000; ++at) map.add({at, at + 7, 1});
  EXPECT_EQ(map.runs().size(), 1u);
}

/// Against a plain list of pairs, through encoding and back, over many shapes.
TEST(OffsetMap, AgreesWithAListOfPairsAfterARoundTrip) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    base::Random random(seed);
    OffsetMap map;
    std::vector<std::pair<Offset, Offset>> pairs;
    Offset source = static_cast<Offset>(random.below(100)), target = static_cast<Offset>(random.below(100));
    for (std::uint64_t i = 0, n = random.below(5000); i < n; ++i) {
      if (random.one_in(3)) source += static_cast<Offset>(random.below(4));
      if (random.one_in(50)) target += static_cast<Offset>(random.below(3));
      map.add({source, target, 1});
      pairs.emplace_back(source++, target++);
    }
    if (random.one_in(2)) map.scanned_to(source += 2);
    std::vector<Bytes> chunks;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, map.chunk_count()); ++i) chunks.push_back(map.encode_chunk(i));
    const auto decoded = OffsetMap::decode(chunks);
    ASSERT_TRUE(decoded) << "seed " << seed;
    EXPECT_EQ(decoded->runs(), map.runs());
    EXPECT_EQ(decoded->next(), map.next());
    for (const auto& [from, to] : pairs) {
      ASSERT_EQ(decoded->to_target(from), to) << "seed " << seed;
      ASSERT_EQ(decoded->to_source(to), from) << "seed " << seed;
    }
  }
}

TEST(OffsetMap, DamagedChunksAreRefused) {
  OffsetMap map;
  map.add({3, 0, 10});
  map.add({20, 10, 5});
  const Bytes good = map.encode_chunk(0);
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(OffsetMap::decode({good.substr(0, n)})) << "cut at " << n;
  EXPECT_FALSE(OffsetMap::decode({good + "x"}));
  EXPECT_FALSE(OffsetMap::decode({good, good})) << "offsets that go back";
  EXPECT_FALSE(OffsetMap::decode({Bytes("\0\1\1\1\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0", 15)})) << "a run past every offset (found by the fuzzer)";
}

}  // namespace
}  // namespace meridian::mirror
