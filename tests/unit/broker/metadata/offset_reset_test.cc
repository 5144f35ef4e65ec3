#include "broker/metadata/offset_reset.h"

#include <gtest/gtest.h>

namespace meridian::metadata {
namespace {

TEST(OffsetReset, IsReadAsKafkaReadsIt) {
  EXPECT_EQ(OffsetReset::parse("earliest")->where, OffsetReset::Where::earliest);
  EXPECT_EQ(OffsetReset::parse("latest")->where, OffsetReset::Where::latest);
  const auto ms = [](const char* duration) { return OffsetReset::parse(std::string("by_duration:") + duration)->duration_ms; };
  EXPECT_EQ(ms("PT1H"), 3'600'000);
  EXPECT_EQ(ms("P1DT2H3M4.5S"), 93'784'500);
  EXPECT_EQ(ms("P2D"), 172'800'000);
  EXPECT_EQ(ms("PT0S"), 0);
  for (const char* bad : {"", "Latest", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:1H", "by_duration:PT1", "by_duration:PT-1H",
                          "by_duration:-PT1H", "by_duration:PT1S1M", "by_duration:PT1H1H", "by_duration:P1H", "by_duration:P1DT", "by_duration:PT1.5H",
                          "by_duration:PTxS", "by_duration:PT99999999999999999999H"})
    EXPECT_FALSE(OffsetReset::parse(bad)) << bad;
}

}  // namespace
}  // namespace meridian::metadata
