#include "broker/replication/partition.h"

#include <gtest/gtest.h>

namespace meridian::replication {
namespace {

metadata::PartitionRecord record(std::int32_t leader, std::vector<std::int32_t> isr, std::int32_t epoch, std::int32_t partition_epoch) {
  return {.replicas = {1, 2, 3}, .isr = std::move(isr), .leader = leader, .leader_epoch = epoch, .partition_epoch = partition_epoch};
}

TEST(Partition, TheHighWatermarkIsTheSmallestCountedEndOfTheIsr) {
  Partition partition(1);
  EXPECT_TRUE(partition.apply(record(1, {1, 2}, 0, 0)));
  EXPECT_FALSE(partition.counted_here(10));
  EXPECT_EQ(partition.high_watermark(), 0) << "replica 2 has not been heard of";
  EXPECT_TRUE(partition.counted(2, 7));
  EXPECT_EQ(partition.high_watermark(), 7);
  EXPECT_FALSE(partition.counted(3, 100)) << "3 is not in sync";
}

TEST(Partition, TheHighWatermarkNeverGoesBack) {
  Partition partition(1);
  partition.apply(record(1, {1}, 0, 0));
  partition.counted_here(10);
  EXPECT_FALSE(partition.counted_here(5));
  partition.apply(record(1, {1, 2}, 0, 1));
  partition.counted(2, 3);
  EXPECT_EQ(partition.high_watermark(), 10);
}

TEST(Partition, OldMetadataIsIgnored) {
  Partition partition(1);
  partition.apply(record(1, {1}, 5, 9));
  EXPECT_FALSE(partition.apply(record(2, {2}, 4, 8)));
  EXPECT_TRUE(partition.leads());
}

TEST(Partition, ANewEpochIsNews) {
  Partition partition(1);
  EXPECT_TRUE(partition.apply(record(1, {1}, 1, 1)));
  EXPECT_TRUE(partition.apply(record(1, {1}, 2, 2)));
  EXPECT_FALSE(partition.apply(record(2, {1, 2}, 3, 3)));
  EXPECT_FALSE(partition.leads());
  EXPECT_TRUE(partition.enough_in_sync(2));
  EXPECT_FALSE(partition.enough_in_sync(3));
}

}  // namespace
}  // namespace meridian::replication
