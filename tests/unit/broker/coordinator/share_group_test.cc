// Share groups (KIP-932): membership and assignment, and the records of both of their topics in Kafka's bytes.
#include "broker/coordinator/group/share_group.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker/coordinator/share/share_state.h"
#include "common/base/random.h"
#include "tests/support/group_topics.h"

namespace meridian::coordinator::group {
namespace {

class ShareGroupTest : public ::testing::TestWithParam<int> {
 protected:
  kafka::ShareGroupHeartbeatResponse beat(const std::string& member, std::int32_t epoch, std::optional<std::vector<std::string>> subscription = {}) {
    kafka::ShareGroupHeartbeatRequest request{
        .group_id = "g", .member_id = member, .member_epoch = epoch, .rack_id = {}, .subscribed_topic_names = std::move(subscription)};
    std::vector<ShareRecord> records;
    auto response = group.heartbeat({request, "client", "/host"}, topics, limits, now, records);
    for (const auto& record : records) copy.replay(record);
    return response;
  }
  static std::set<std::int32_t> partitions(const kafka::ShareGroupHeartbeatResponse& response) {
    std::set<std::int32_t> out;
    if (response.assignment)
      for (const auto& topic : response.assignment->topic_partitions) out.insert(topic.partitions.begin(), topic.partitions.end());
    return out;
  }
  void expect_copy_is_the_same() {
    kafka::ShareGroupDescribeResponseDescribedGroup one, other;
    group.describe(one, topics);
    copy.describe(other, topics);
    EXPECT_EQ(one, other);
  }

  ShareGroup group{"g"};
  ShareGroup copy{"g"};  ///< made of the records alone
  Topics topics;
  ShareGroupLimits limits;
  TimePoint now{};
};

TEST_F(ShareGroupTest, MembersSharePartitionsAtOnce) {
  topics.set("t", 2);
  EXPECT_EQ(partitions(beat("a", 0, {{"t"}})), (std::set{0, 1}));
  EXPECT_EQ(partitions(beat("b", 0, {{"t"}})).size(), 1u);
  const auto again = beat("a", 1);
  EXPECT_EQ(again.member_epoch, 2);
  EXPECT_EQ(partitions(again).size(), 1u);
  EXPECT_FALSE(beat("a", 2).assignment) << "nothing new";
  EXPECT_EQ(partitions(beat("c", 0, {{"t"}})).size(), 1u) << "more members than partitions";
  EXPECT_STREQ(group.state_name(), "Stable");
  expect_copy_is_the_same();
}

TEST_F(ShareGroupTest, HeartbeatsOfThePastAreFenced) {
  topics.set("t", 1);
  beat("a", 0, {{"t"}});
  beat("b", 0, {{"t"}});
  EXPECT_EQ(beat("a", 1).member_epoch, 2);
  EXPECT_EQ(beat("a", 1).member_epoch, 2) << "the answer got lost";
  EXPECT_EQ(beat("a", 3).error_code, ErrorCode::fenced_member_epoch);
  beat("c", 0, {{"t"}});
  beat("a", 2);
  EXPECT_EQ(beat("a", 1).error_code, ErrorCode::fenced_member_epoch);
  EXPECT_EQ(beat("x", 1).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(beat("x", -1).error_code, ErrorCode::unknown_member_id);
}

TEST_F(ShareGroupTest, MembersLeaveAndFallSilentAndTopicsGrow) {
  topics.set("t", 1);
  beat("a", 0, {{"t", "u"}});
  EXPECT_EQ(beat("b", 0, {{"t"}}).error_code, ErrorCode::none);
  now += limits.session_timeout / 2;
  beat("a", 1);
  now = group.next_deadline();
  std::vector<ShareRecord> records;
  group.tick(topics, now, records);
  for (const auto& record : records) copy.replay(record);
  EXPECT_EQ(beat("b", 1).error_code, ErrorCode::unknown_member_id);
  topics.set("u", 3);
  const auto grown = beat("a", 2);
  ASSERT_TRUE(grown.assignment);
  EXPECT_EQ(grown.assignment->topic_partitions.size(), 2u);
  EXPECT_EQ(beat("a", -1).member_epoch, -1);
  EXPECT_STREQ(group.state_name(), "Empty");
  expect_copy_is_the_same();
}

TEST_F(ShareGroupTest, AMemberIsToldOfAPartitionOnceItHasAState) {
  topics.set("t", 2);
  beat("a", 0, {{"t"}});
  const auto missing = group.without_state("a");
  ASSERT_EQ(missing.size(), 1u);
  copy.replay(group.add_states(missing, topics));
  EXPECT_TRUE(group.without_state("a").empty());
  EXPECT_EQ(copy.states().begin()->second.partitions, (std::set{0, 1}));
  EXPECT_EQ(copy.states().begin()->second.name, "t");
  const Uuid topic = missing.begin()->first;
  copy.replay(group.remove_states(topic));
  EXPECT_TRUE(copy.states().empty());
}

TEST_F(ShareGroupTest, AGroupTakesSoManyMembers) {
  topics.set("t", 1);
  limits.size_max = 1;
  beat("a", 0, {{"t"}});
  EXPECT_EQ(beat("b", 0, {{"t"}}).error_code, ErrorCode::group_max_size_reached);
  EXPECT_EQ(beat("a", 0, {{"t"}}).error_code, ErrorCode::none) << "it is in there";
}

TEST(ShareGroup, WhatIsWrongWithARequest) {
  const auto error = [](kafka::ShareGroupHeartbeatRequest request) {
    const auto refused = ShareGroup::check_request(request);
    return refused ? refused->error_message.value_or("") : "";
  };
  kafka::ShareGroupHeartbeatRequest good{.group_id = "g", .member_id = "m", .member_epoch = 0, .rack_id = {}, .subscribed_topic_names = {{"t"}}};
  EXPECT_EQ(error(good), "");
  auto bad = good;
  bad.member_id = "";
  EXPECT_EQ(error(bad), "MemberId can't be empty.");
  bad = good;
  bad.member_epoch = -2;
  EXPECT_EQ(error(bad), "MemberEpoch is invalid.");
  bad = good;
  bad.subscribed_topic_names.reset();
  EXPECT_EQ(error(bad), "SubscribedTopicNames must be set in first request.");
  bad = good;
  bad.rack_id = "";
  EXPECT_EQ(error(bad), "RackId can't be empty.");
}

TEST_P(ShareGroupTest, EveryPartitionHasAMemberAndEveryMemberAPartition) {
  base::Random random(static_cast<std::uint64_t>(GetParam()));
  AssignorMembers members;
  PartitionCounts counts;
  for (std::uint64_t i = 0, n = 1 + random.below(4); i < n; ++i) {
    Uuid id;
    id.bytes[0] = static_cast<char>('a' + i);
    counts[id] = static_cast<std::int32_t>(1 + random.below(6));
  }
  for (std::uint64_t i = 0, n = 1 + random.below(8); i < n; ++i)
    for (const auto& [topic, count] : counts)
      if (auto& member = members["m" + std::to_string(i)]; random.below(3) != 0) member.topics.insert(topic);
  const auto target = assign_simple(members, counts);
  std::map<std::pair<Uuid, std::int32_t>, std::size_t> owners;
  for (const auto& [id, member] : members) {
    const auto& mine = target.at(id);
    for (const auto& topic : member.topics) EXPECT_TRUE(mine.contains(topic)) << id << " reads nothing of a topic";
    for (const auto& [topic, partitions] : mine) {
      EXPECT_TRUE(member.topics.contains(topic));
      for (const auto n : partitions) ++owners[{topic, n}];
    }
  }
  for (const auto& [topic, count] : counts) {
    const auto subscribers = static_cast<std::size_t>(std::ranges::count_if(members, [&](const auto& member) { return member.second.topics.contains(topic); }));
    for (std::int32_t n = 0; n < count && subscribers > 0; ++n) {
      const auto each = subscribers / static_cast<std::size_t>(count);
      EXPECT_GE((owners[{topic, n}]), std::max<std::size_t>(each, 1));
      EXPECT_LE((owners[{topic, n}]), each + 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ShareGroupTest, ::testing::Range(0, 50));

std::string hex(ByteView bytes) {
  std::string out;
  for (const char c : bytes) out += "0123456789abcdef"[(c >> 4) & 15], out += "0123456789abcdef"[c & 15];
  return out;
}

/// Key and value as they stand in the log; and that reading them gives the same again.
template <class Record>
std::string bytes_of(const Record& record, void (*add)(kafka::BatchBuilder&, std::int64_t, const Record&), Result<Record> (*decode)(const kafka::RecordView&)) {
  kafka::BatchBuilder builder, again;
  add(builder, 1, record);
  const Bytes batch = *builder.finish({});
  std::string out;
  EXPECT_TRUE(kafka::for_each_record(batch, [&](const kafka::RecordView& view) {
    out = hex(*view.key) + " " + (view.value ? hex(*view.value) : "-");
    const auto read = decode(view);
    EXPECT_TRUE(read);
    if (read) add(again, 1, *read);
    return true;
  }));
  EXPECT_EQ(*again.finish({}), batch);
  return out;
}

// Written by Apache Kafka 4.3.1 (MessageUtil over its generated classes).
TEST(ShareRecords, AreKafkasBytes) {
  Uuid topic;
  for (std::size_t i = 0; i < 16; ++i) topic.bytes[i] = static_cast<char>(i + 1);
  const auto group = [](ShareRecord record) { return bytes_of<ShareRecord>(record, add_share_record, decode_share_record); };
  EXPECT_EQ(group({share_member, "g", "m", ShareMemberValue{"r", "c", "/h", {"a", "b"}}}), "000a00016700016d 000002720263032f68030261026200");
  EXPECT_EQ(group({share_group, "g", "", ShareGroupValue{5, 9}}), "000b000167 000000000005000000000000000900");
  EXPECT_EQ(group({share_target_epoch, "g", "", ShareTargetEpochValue{5, 0}}), "000c000167 00000000000500");
  EXPECT_EQ(group({share_target_member, "g", "m", TargetMemberValue{{{topic, {0, 2}}}}}),
            "000d00016700016d 0000020102030405060708090a0b0c0d0e0f100300000000000000020000");
  EXPECT_EQ(group({share_current_assignment, "g", "m", ShareCurrentAssignmentValue{5, 4, 0, {{topic, {0, 2}}}}}),
            "000e00016700016d 0000000000050000000400020102030405060708090a0b0c0d0e0f100300000000000000020000");
  EXPECT_EQ(group({share_state_partitions, "g", "", ShareStatePartitionsValue{{}, {{topic, "a", {0, 2}}}, {}}}),
            "000f000167 000001020102030405060708090a0b0c0d0e0f100261030000000000000002000100");
  EXPECT_EQ(group({share_group, "g", "", {}}), "000b000167 -");

  const auto state = [](share::ShareStateRecord record) {
    return bytes_of<share::ShareStateRecord>(record, share::add_share_record, share::decode_share_record);
  };
  const share::SharePartitionKey key{"g:1", topic, 3};
  EXPECT_EQ(state({key, share::ShareSnapshotValue{2, 1, 4, 100, 7, 1000, 2000, {{100, 105, 2, 1}}}}),
            "00000003673a310102030405060708090a0b0c0d0e0f1000000003 "
            "0000000000020000000100000004000000000000006400000000000003e800000000000007d002000000000000006400000000000000690200010001000400000007");
  EXPECT_EQ(state({key, share::ShareUpdateValue{2, 4, 101, -1, {{107, 109, 0, 2}}}}),
            "00010003673a310102030405060708090a0b0c0d0e0f1000000003 00000000000200000004000000000000006502000000000000006b000000000000006d0000020000");
  EXPECT_EQ(state({key, {}}), "00000003673a310102030405060708090a0b0c0d0e0f1000000003 -");
  EXPECT_EQ(share::SharePartitionKey::parse(key.coordinator_key()), key) << key.coordinator_key();
  for (const char* bad :
       {"", "g", "g:x:1", ":AAAAAAAAAAAAAAAAAAAAAQ:1", "g:AAAAAAAAAAAAAAAAAAAAAQ:-1", "g:AAAAAAAAAAAAAAAAAAAAAQ:1x", "g:AAAAAAAAAAAAAAAAAAAAAQ:"})
    EXPECT_FALSE(share::SharePartitionKey::parse(bad)) << bad;
}

// Updates over a snapshot, and a snapshot of that, say the same.
TEST(ShareState, ASnapshotHoldsWhatTheUpdatesSaid) {
  using share::ShareState;
  ShareState state(share::ShareSnapshotValue{.state_epoch = 3, .start_offset = 0, .batches = {{0, 9, 0, 1}}});
  state.apply({.leader_epoch = 7, .start_offset = 4, .delivery_complete_count = 2, .batches = {{6, 7, 2, 1}, {20, 29, 0, 2}}});
  EXPECT_EQ(state.batches(), (std::vector<kafka::ShareStateBatch>{{4, 5, 0, 1}, {6, 7, 2, 1}, {8, 9, 0, 1}, {20, 29, 0, 2}}));
  const ShareState copy(state.next_snapshot(1));
  EXPECT_EQ(copy.batches(), state.batches());
  EXPECT_EQ(copy.snapshot_epoch(), 1);
  EXPECT_EQ(copy.state_epoch(), 3);
  EXPECT_EQ(copy.leader_epoch(), 7);
  EXPECT_EQ(copy.start_offset(), 4);
  EXPECT_EQ(copy.complete_count(), 2);
  EXPECT_FALSE(state.wants_snapshot(2));
  EXPECT_TRUE(state.wants_snapshot(1));
  state.not_written();
  EXPECT_TRUE(state.wants_snapshot(500)) << "an update may be missing in the log";
}

}  // namespace
}  // namespace meridian::coordinator::group
