#include "common/kafka/record_batch.h"

#include <gtest/gtest.h>

#include "common/base/crc32c.h"
#include "common/base/random.h"

namespace meridian::kafka {
namespace {

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(base::crc32c(Bytes(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(base::crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(base::crc32c("56789", base::crc32c("1234")), 0xe3069283u) << "in pieces";
}

TEST(RecordBatch, EveryCodecRoundTripsKeysValuesHeadersAndNulls) {
  const Bytes headers = encode_headers({{"n", "1"}, {"none", std::nullopt}});
  for (int codec = 0; codec <= 4; ++codec) {
    BatchBuilder builder;
    builder.add(1000, "key", "value", headers);
    builder.add(1005, std::nullopt, std::nullopt);
    builder.add(999, "", Bytes(100'000, 'x'));
    const auto batch = builder.finish({.compression = static_cast<Compression>(codec), .base_offset = 40});
    ASSERT_TRUE(batch);
    const auto header = parse_batch_header(*batch);
    ASSERT_TRUE(header);
    EXPECT_TRUE(validate_batch(*header, *batch)) << codec;
    EXPECT_EQ(header->max_timestamp_ms, 1005);
    int n = 0;
    ASSERT_TRUE(for_each_record(*batch, [&](const RecordView& record) {
      EXPECT_EQ(record.offset, 40 + n);
      if (n == 0) {
        EXPECT_EQ(record.key, "key");
        EXPECT_EQ(*parse_headers(record.headers), (std::vector<Header>{{"n", "1"}, {"none", std::nullopt}}));
      }
      if (n == 1) {
        EXPECT_FALSE(record.key);
        EXPECT_FALSE(record.value);
      }
      if (n == 2) {
        EXPECT_EQ(record.timestamp_ms, 999);
        EXPECT_EQ(record.value->size(), 100'000u);
      }
      return ++n > 0;
    }));
    EXPECT_EQ(n, 3);
  }
}

TEST(RecordBatch, OffsetsAndEpochAreStampedWithoutTouchingTheCrc) {
  BatchBuilder builder;
  builder.add(1, std::nullopt, "v");
  Bytes batch = *builder.finish({});
  stamp_batch(batch.data(), 77, 3);
  const auto header = parse_batch_header(batch);
  EXPECT_EQ(header->base_offset, 77);
  EXPECT_EQ(header->leader_epoch, 3);
  EXPECT_TRUE(validate_batch(*header, batch));
}

TEST(RecordBatch, EveryFlippedBitBehindTheCrcIsFound) {
  BatchBuilder builder;
  builder.add(1, "k", "value");
  const Bytes good = *builder.finish({});
  for (std::size_t at = batch_crc_start - 4; at < good.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      const auto header = parse_batch_header(bad);
      EXPECT_FALSE(header && validate_batch(*header, bad)) << at;
    }
}

TEST(Compression, BombsAndGarbageAreRefused) {
  for (int codec = 1; codec <= 4; ++codec) {
    const auto packed = compress(static_cast<Compression>(codec), Bytes(1 << 20, 'x'));
    EXPECT_TRUE(decompress(static_cast<Compression>(codec), *packed, 1 << 20)) << codec;
    EXPECT_FALSE(decompress(static_cast<Compression>(codec), *packed, 1000)) << codec;
    EXPECT_FALSE(decompress(static_cast<Compression>(codec), packed->substr(0, packed->size() / 2), 1 << 21)) << codec;
    EXPECT_FALSE(decompress(static_cast<Compression>(codec), "not compressed at all", 1000)) << codec;
  }
}

TEST(Sequences, WrapAfterInt32Max) {
  EXPECT_EQ(next_sequence(INT32_MAX, 1), 0);
  EXPECT_EQ(next_sequence(INT32_MAX - 1, 3), 1);
}

}  // namespace
}  // namespace meridian::kafka
