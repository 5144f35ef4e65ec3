#include "common/config/settings.h"

#include <gtest/gtest.h>

#include <fstream>

namespace meridian::config {
namespace {

constexpr Setting table[] = {{"num.partitions", Type::int32, "1", "", 1, 100},
                             {"durability", Type::string, "fsync", "", INT64_MIN, INT64_MAX, "fsync|page-cache"},
                             {"auto.create", Type::boolean, "true", ""}};

TEST(Settings, DefaultsThenFileThenAssignments) {
  Settings settings(table);
  EXPECT_EQ(settings.integer("num.partitions"), 1);
  const std::string path = ::testing::TempDir() + "settings.yaml";
  std::ofstream(path) << "num:\n  partitions: 7\ndurability: page-cache\n";
  ASSERT_TRUE(settings.load_yaml(path));
  EXPECT_EQ(settings.integer("num.partitions"), 7) << "nested keys join with dots";
  ASSERT_TRUE(settings.set_assignment("num.partitions=9"));
  EXPECT_EQ(settings.integer("num.partitions"), 9);
}

TEST(Settings, UnknownKeysNameThePlaceAndTheNearestKey) {
  Settings settings(table);
  const std::string path = ::testing::TempDir() + "typo.yaml";
  std::ofstream(path) << "durability: fsync\nnum.partitons: 3\n";
  const auto done = settings.load_yaml(path);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find(":2:1:"), std::string::npos) << done.error().message;
  EXPECT_NE(done.error().message.find("did you mean 'num.partitions'?"), std::string::npos);
}

TEST(Settings, ValuesAreChecked) {
  Settings settings(table);
  for (const char* bad :
       {"num.partitions=0", "num.partitions=101", "num.partitions=x", "num.partitions=", "durability=maybe", "auto.create=yes", "=3", "durability"})
    EXPECT_FALSE(settings.set_assignment(bad)) << bad;
}

TEST(Properties, SeparatorsCommentsAndContinuation) {
  const auto pairs = read_properties("# c\n! c\n a = b \nc:d\nlist = x, \\\n   y\n\n");
  ASSERT_TRUE(pairs);
  EXPECT_EQ(*pairs, (std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", "d"}, {"list", "x, y"}}));
  EXPECT_FALSE(read_properties("no separator"));
}

}  // namespace
}  // namespace meridian::config
