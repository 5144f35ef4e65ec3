// Limits of group settings, which are settings of the broker.
#include "broker/metadata/group_limits.h"

#include <gtest/gtest.h>

namespace meridian::metadata {
namespace {

class GroupLimitsTest : public ::testing::Test {
 protected:
  std::string start() { return told(check_group_limits(broker)); }
  std::string group(const TopicConfigs& own) { return told(check_group_configs(broker, own)); }
  void set(const std::string& name, const std::string& value) { EXPECT_TRUE(broker.set(name, value)) << name; }
  static std::string told(const Status& status) { return status ? "" : status.error().message; }

  config::Settings broker{broker_setting_table()};
};

TEST_F(GroupLimitsTest, DefaultsLieWithinTheirLimits) {
  EXPECT_EQ(start(), "");
  EXPECT_EQ(group({}), "");
}

TEST_F(GroupLimitsTest, ABrokersSettingsLieWithinTheirLimits) {
  set("group.consumer.session.timeout.ms", "44999");
  EXPECT_EQ(start(), "group.consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms");
  set("group.consumer.min.session.timeout.ms", "44999");
  EXPECT_EQ(start(), "");
  set("group.consumer.session.timeout.ms", "60001");
  EXPECT_EQ(start(), "group.consumer.session.timeout.ms must be less than or equal to group.consumer.max.session.timeout.ms");
  set("group.consumer.session.timeout.ms", "60000");
  set("group.share.record.lock.duration.ms", "2000");
  EXPECT_EQ(start(), "group.share.record.lock.duration.ms must be greater than or equal to group.share.min.record.lock.duration.ms");
  set("group.share.record.lock.duration.ms", "30000");
  set("group.share.max.heartbeat.interval.ms", "4000");
  EXPECT_EQ(start(), "group.share.max.heartbeat.interval.ms must be greater than or equal to group.share.min.heartbeat.interval.ms");
}

TEST_F(GroupLimitsTest, AMemberIsNotRemovedBetweenTwoHeartbeats) {
  set("group.share.min.session.timeout.ms", "1");
  set("group.share.session.timeout.ms", "5000");
  EXPECT_EQ(start(), "group.share.session.timeout.ms must be greater than group.share.heartbeat.interval.ms");
  set("group.share.session.timeout.ms", "5001");
  EXPECT_EQ(start(), "");
  EXPECT_EQ(group({{"share.heartbeat.interval.ms", "6000"}}), "share.session.timeout.ms must be greater than share.heartbeat.interval.ms");
  EXPECT_EQ(group({{"share.heartbeat.interval.ms", "6000"}, {"share.session.timeout.ms", "6001"}}), "");
}

TEST_F(GroupLimitsTest, AGroupsOwnSettingsLieWithinTheBrokersLimits) {
  EXPECT_EQ(group({{"consumer.session.timeout.ms", "44999"}}),
            "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms");
  EXPECT_EQ(group({{"consumer.heartbeat.interval.ms", "15001"}}),
            "consumer.heartbeat.interval.ms must be less than or equal to group.consumer.max.heartbeat.interval.ms");
  EXPECT_EQ(group({{"share.delivery.count.limit", "11"}}), "share.delivery.count.limit must be less than or equal to group.share.max.delivery.count.limit");
  set("group.share.max.delivery.count.limit", "25");
  EXPECT_EQ(group({{"share.delivery.count.limit", "25"}, {"share.partition.max.record.locks", "100"}, {"share.isolation.level", "read_committed"}}), "");
  EXPECT_EQ(group({{"share.partition.max.record.locks", "4001"}}),
            "share.partition.max.record.locks must be less than or equal to group.share.max.partition.max.record.locks");
  EXPECT_EQ(group({{"of another version", "1"}}), "");
}

TEST_F(GroupLimitsTest, WhatWasSetUnderOtherLimitsIsBroughtWithinThem) {
  EXPECT_EQ(within_limits(broker, "group.consumer.session.timeout.ms", 1000), 45000);
  EXPECT_EQ(within_limits(broker, "group.consumer.session.timeout.ms", 50000), 50000);
  EXPECT_EQ(within_limits(broker, "group.consumer.session.timeout.ms", 100000), 60000);
  EXPECT_EQ(within_limits(broker, "group.consumer.max.size", 1), 1) << "has no limits";
}

}  // namespace
}  // namespace meridian::metadata
