#include "broker/server/share_sessions.h"

#include <gtest/gtest.h>

namespace meridian::server {
namespace {

using kafka::ErrorCode;

class ShareSessionsTest : public ::testing::Test {
 protected:
  ShareSessions::Opened fetch(std::int32_t epoch, std::vector<SharePartitionId> added = {}, std::vector<SharePartitionId> forgotten = {}) {
    return sessions.fetch(who, {.epoch = epoch, .added = std::move(added), .forgotten = std::move(forgotten), .connection = this}, 2);
  }
  ShareSessions sessions;
  ShareMember who{"g", "m"};
  SharePartitionId one{{}, 1}, two{{}, 2}, three{{}, 3};
};

TEST_F(ShareSessionsTest, PartitionsComeAndGo) {
  EXPECT_EQ(fetch(0, {one, two}).partitions, (std::vector{one, two}));
  EXPECT_EQ(fetch(1, {three, one}, {two}).partitions, (std::vector{three, one})) << "begins with another one each time";
  EXPECT_EQ(fetch(2).partitions, (std::vector{one, three}));
  EXPECT_TRUE(fetch(0, {two}).partitions == std::vector{two}) << "a new session in place of the old one";
}

TEST_F(ShareSessionsTest, RequestsAreCounted) {
  EXPECT_EQ(fetch(1).error, ErrorCode::share_session_not_found);
  EXPECT_EQ(sessions.acknowledge(who, 1), ErrorCode::share_session_not_found);
  EXPECT_EQ(fetch(0).error, ErrorCode::none);
  EXPECT_EQ(fetch(0).error, ErrorCode::none);
  EXPECT_EQ(fetch(2).error, ErrorCode::invalid_share_session_epoch);
  EXPECT_EQ(sessions.acknowledge(who, 0), ErrorCode::invalid_share_session_epoch) << "it opens nothing";
  EXPECT_EQ(sessions.acknowledge(who, 1), ErrorCode::none);
  EXPECT_EQ(fetch(2).error, ErrorCode::none);
  EXPECT_EQ(fetch(-1).error, ErrorCode::none);
  EXPECT_EQ(fetch(3).error, ErrorCode::share_session_not_found);
}

TEST_F(ShareSessionsTest, EndWithTheirConnection) {
  fetch(0, {one});
  EXPECT_TRUE(sessions.disconnected(&one).empty());
  EXPECT_EQ(sessions.disconnected(this), std::vector{who});
  EXPECT_EQ(fetch(1).error, ErrorCode::share_session_not_found);
}

TEST_F(ShareSessionsTest, ThereAreOnlySoMany) {
  for (const char* member : {"a", "b"}) EXPECT_EQ(sessions.fetch({"g", member}, {}, 2).error, ErrorCode::none);
  EXPECT_EQ(fetch(0).error, ErrorCode::share_session_limit_reached);
  EXPECT_EQ(sessions.fetch({"g", "a"}, {}, 2).error, ErrorCode::none) << "in place of its own";
}

}  // namespace
}  // namespace meridian::server
