#include "common/metrics/otlp.h"

#include <gtest/gtest.h>

#include "tests/support/otlp_payload.h"

namespace meridian::metrics {
namespace {

TEST(Otlp, GaugesAndSumsWithAttributesAreRead) {
  const auto points =
      parse_otlp(test::otlp_payload({{.name = "a.rate", .value = 1.5}, {.name = "b.total", .value = 7, .sum = true, .delta = true, .attribute = "t"}}), 10);
  ASSERT_TRUE(points);
  ASSERT_EQ(points->size(), 2u);
  EXPECT_EQ((*points)[0].name, "a.rate");
  EXPECT_EQ((*points)[0].value, 1.5);
  EXPECT_FALSE((*points)[0].sum);
  EXPECT_TRUE((*points)[1].sum && (*points)[1].delta);
  EXPECT_EQ((*points)[1].attributes, (std::vector<std::pair<std::string, std::string>>{{"topic", "t"}}));
}

TEST(Otlp, WhatIsNoMetricsDataIsRefused) {
  EXPECT_TRUE(parse_otlp("", 10));
  EXPECT_FALSE(parse_otlp("this is text", 10));
  const std::string good = test::otlp_payload({{.name = "a", .value = 1}});
  EXPECT_FALSE(parse_otlp(ByteView(good).substr(0, good.size() - 3), 10));
}

TEST(Otlp, FieldsOfAnotherTypeAreRefused) {
  EXPECT_FALSE(parse_otlp(ByteView("\x09\0\0\x96\0\0\0\0\x32", 9), 10)) << "the fuzzer's: field 1 as fixed64";
  // In every place: each byte that names a field gets every wire type.
  const std::string good = test::otlp_payload({{.name = "b.total", .value = 7, .sum = true, .delta = true, .attribute = "t"}});
  for (std::size_t at = 0; at < good.size(); ++at)
    for (char type = 0; type < 8; ++type) {
      std::string bad = good;
      bad[at] = static_cast<char>((bad[at] & ~7) | type);
      (void)parse_otlp(bad, 10);
    }
}

TEST(Otlp, TooManyPointsAreRefused) {
  EXPECT_FALSE(parse_otlp(test::otlp_payload(std::vector<test::OtlpMetric>(11, {.name = "a", .value = 1})), 10));
  EXPECT_TRUE(parse_otlp(test::otlp_payload(std::vector<test::OtlpMetric>(10, {.name = "a", .value = 1})), 10));
}

}  // namespace
}  // namespace meridian::metrics
