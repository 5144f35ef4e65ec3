// Scenarios of the classic group protocol, with time as an argument.
#include "broker/coordinator/group/classic_group.h"

#include <gtest/gtest.h>

namespace meridian::coordinator::group {
namespace {

using namespace std::chrono_literals;

class Group : public ::testing::Test {
 protected:
  JoinInput input(const std::string& member, const std::string& metadata = "m", std::optional<std::string> instance = {}) {
    JoinInput in;
    in.request = {.group_id = "g",
                  .session_timeout_ms = 10'000,
                  .rebalance_timeout_ms = 30'000,
                  .member_id = member,
                  .group_instance_id = instance,
                  .protocol_type = "consumer",
                  .protocols = {{"range", {metadata}}}};
    in.new_member_id = "member-" + std::to_string(++ids);
    return in;
  }
  /// Parks (returns the id) or answers.
  std::variant<std::string, kafka::JoinGroupResponse> join(const JoinInput& in) { return group.join(in, now, effects); }
  std::optional<kafka::JoinGroupResponse> answer(const std::string& member) {
    for (const auto& [id, response] : effects.joins)
      if (id == member) return response;
    return std::nullopt;
  }
  void pass(std::chrono::milliseconds time) {
    now += time;
    group.tick(now, effects);
  }
  /// Two members in a stable generation 1; "a" leads.
  void make_stable() {
    a = std::get<std::string>(join(input("")));
    b = std::get<std::string>(join(input("")));
    pass(limits.initial_rebalance_delay * 2);
    ASSERT_EQ(group.generation(), 1);
    leader = answer(a)->leader;
    sync_all();
    ASSERT_EQ(group.state(), State::stable);
  }
  void sync_all() {
    for (const auto& id : {a, b}) {
      kafka::SyncGroupRequest request{.group_id = "g", .generation_id = group.generation(), .member_id = id};
      if (id == leader) request.assignments = {{a, {"pa"}}, {b, {"pb"}}};
      (void)group.sync(request, now, effects);
    }
    group.persisted(group.generation(), true, now, effects);
  }

  GroupLimits limits;
  ClassicGroup group{"g", limits};
  TimePoint now{1h};
  Effects effects;
  std::string a, b, leader;
  int ids = 0;
};

TEST_F(Group, ANewGroupWaitsTheInitialDelayForOthers) {
  a = std::get<std::string>(join(input("")));
  pass(2999ms);
  EXPECT_FALSE(answer(a));
  b = std::get<std::string>(join(input("")));
  pass(2999ms);
  EXPECT_FALSE(answer(a)) << "a newcomer extends the delay";
  pass(2ms);
  ASSERT_TRUE(answer(a));
  EXPECT_EQ(answer(a)->generation_id, 1);
  const auto& led = answer(a)->leader == a ? answer(a) : answer(b);
  EXPECT_EQ(led->members.size(), 2u);
}

TEST_F(Group, MembersGetTheLeadersAssignmentOnceItIsPersisted) {
  a = std::get<std::string>(join(input("")));
  pass(4s);
  leader = a;
  EXPECT_FALSE(group.sync({.group_id = "g", .generation_id = 1, .member_id = a, .assignments = {{a, {"mine"}}}}, now, effects));
  ASSERT_TRUE(effects.persist);
  EXPECT_EQ(group.state(), State::completing_rebalance);
  group.persisted(1, true, now, effects);
  ASSERT_EQ(effects.syncs.size(), 1u);
  EXPECT_EQ(effects.syncs[0].second.assignment.data, "mine");
  EXPECT_EQ(group.state(), State::stable);
}

TEST_F(Group, AFailedWriteIsNotAnsweredAsSuccess) {
  a = std::get<std::string>(join(input("")));
  pass(4s);
  (void)group.sync({.group_id = "g", .generation_id = 1, .member_id = a, .assignments = {{a, {"mine"}}}}, now, effects);
  group.persisted(1, false, now, effects);
  EXPECT_EQ(effects.syncs[0].second.error_code, ErrorCode::not_coordinator);
  EXPECT_NE(group.state(), State::stable);
}

TEST_F(Group, AJoiningMemberMakesTheOthersRejoinAndTheGenerationGrow) {
  make_stable();
  const auto c = std::get<std::string>(join(input("")));
  EXPECT_EQ(group.heartbeat(a, {}, 1, now), ErrorCode::rebalance_in_progress);
  (void)join(input(a));
  (void)join(input(b));
  EXPECT_EQ(answer(c)->generation_id, 2);
  EXPECT_EQ(group.heartbeat(a, {}, 1, now), ErrorCode::illegal_generation);
}

TEST_F(Group, WhoDoesNotRejoinInTimeIsOut) {
  make_stable();
  (void)join(input(""));
  for (int i = 0; i < 4; ++i) {  // b lives but does not rejoin
    (void)join(input(a));
    (void)group.heartbeat(b, {}, 1, now);
    pass(8s);
  }
  EXPECT_EQ(group.generation(), 2);
  EXPECT_EQ(group.heartbeat(b, {}, 2, now), ErrorCode::unknown_member_id);
}

TEST_F(Group, ASilentMemberExpiresAndTheRestRebalances) {
  make_stable();
  pass(6s);
  EXPECT_EQ(group.heartbeat(a, {}, 1, now), ErrorCode::none);
  pass(5s);
  EXPECT_EQ(group.members().size(), 1u);
  EXPECT_EQ(group.heartbeat(a, {}, 1, now), ErrorCode::rebalance_in_progress);
}

TEST_F(Group, AFollowerThatAsksAgainIsAnsweredWithoutARebalance) {
  make_stable();
  const std::string follower = leader == a ? b : a;
  const auto again = join(input(follower));
  ASSERT_TRUE(std::holds_alternative<kafka::JoinGroupResponse>(again));
  EXPECT_EQ(std::get<kafka::JoinGroupResponse>(again).generation_id, 1);
  EXPECT_EQ(group.state(), State::stable);
}

TEST_F(Group, Kip394AFirstJoinIsToldItsIdAndMustUseIt) {
  auto first = input("");
  first.member_id_required = true;
  const auto told = std::get<kafka::JoinGroupResponse>(join(first));
  EXPECT_EQ(told.error_code, ErrorCode::member_id_required);
  EXPECT_TRUE(std::holds_alternative<std::string>(join(input(told.member_id))));
  EXPECT_EQ(std::get<kafka::JoinGroupResponse>(join(input("nobody"))).error_code, ErrorCode::unknown_member_id);
}

TEST_F(Group, Kip345AStaticMemberComesBackWithoutARebalanceAndFencesItsFormerSelf) {
  a = std::get<std::string>(join(input("", "m", "host-1")));
  pass(4s);
  leader = b = a;
  sync_all();
  const auto back = join(input("", "m", "host-1"));
  ASSERT_TRUE(std::holds_alternative<kafka::JoinGroupResponse>(back));
  EXPECT_EQ(group.state(), State::stable);
  EXPECT_EQ(group.heartbeat(a, "host-1", 1, now), ErrorCode::fenced_instance_id);
  EXPECT_EQ(group.heartbeat(std::get<kafka::JoinGroupResponse>(back).member_id, "host-1", 1, now), ErrorCode::none);
}

TEST_F(Group, ProtocolsMustHaveOneInCommon) {
  make_stable();
  auto other = input("");
  other.request.protocols = {{"sticky", {"m"}}};
  EXPECT_EQ(std::get<kafka::JoinGroupResponse>(join(other)).error_code, ErrorCode::inconsistent_group_protocol);
}

TEST_F(Group, CommitsAreCheckedAgainstMembershipAndGeneration) {
  EXPECT_EQ(group.check_commit("", {}, -1, now), ErrorCode::none) << "a group without members: tools may set offsets";
  make_stable();
  EXPECT_EQ(group.check_commit(a, {}, 1, now), ErrorCode::none);
  EXPECT_EQ(group.check_commit(a, {}, 0, now), ErrorCode::illegal_generation);
  EXPECT_EQ(group.check_commit("x", {}, 1, now), ErrorCode::unknown_member_id);
  EXPECT_EQ(group.check_commit("", {}, -1, now), ErrorCode::unknown_member_id);
}

TEST_F(Group, TheLastMemberLeavingEmptiesTheGroup) {
  make_stable();
  EXPECT_EQ(group.leave(a, {}, now, effects), ErrorCode::none);
  EXPECT_EQ(group.leave(b, {}, now, effects), ErrorCode::none);
  EXPECT_EQ(group.state(), State::empty);
  EXPECT_TRUE(effects.persist);
  EXPECT_EQ(group.leave(b, {}, now, effects), ErrorCode::unknown_member_id);
}

TEST_F(Group, WhatWasPersistedIsTakenUpWithFullSessions) {
  make_stable();
  GroupValue stored = *effects.persist;
  ClassicGroup again("g", limits);
  again.load(stored, now + 1h);
  EXPECT_EQ(again.state(), State::stable);
  EXPECT_EQ(again.generation(), 1);
  EXPECT_EQ(again.heartbeat(a, {}, 1, now + 1h), ErrorCode::none);
}

}  // namespace
}  // namespace meridian::coordinator::group
