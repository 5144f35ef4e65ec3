// The consumer protocol (KIP-848): members that come, go, fall silent and answer late. A partition never has two owners, and once nothing
// changes any more everybody has what the assignor gave, soon.
#include "broker/coordinator/group/consumer_group.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/random.h"
#include "tests/support/group_topics.h"

namespace meridian::coordinator::group {
namespace {

/// A client: owns what it was last told, gives up what it is not told any more, one heartbeat later.
struct Client {
  std::string id;
  std::vector<std::string> subscription;
  std::int32_t epoch = 0;
  Assignment owned{};
  bool joined = false;
};

class ConsumerGroupTest : public ::testing::TestWithParam<int> {
 protected:
  kafka::ConsumerGroupHeartbeatResponse beat(Client& client, std::int32_t epoch) {
    kafka::ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = client.id;
    request.member_epoch = epoch;
    request.rebalance_timeout_ms = 60000;
    request.subscribed_topic_names = client.subscription;
    request.topic_partitions.emplace();
    if (epoch > 0)
      for (const auto& [topic, partitions] : client.owned) request.topic_partitions->push_back({topic, {partitions.begin(), partitions.end()}});
    std::vector<ConsumerRecord> records;
    auto response = group.heartbeat({request, "client", "/host"}, topics, limits, now, records);
    for (const auto& record : records) copy.replay(record);
    if (response.error_code != ErrorCode::none) return response;
    client.epoch = response.member_epoch;
    if (response.assignment) {
      client.owned.clear();
      for (const auto& topic : response.assignment->topic_partitions) client.owned[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
    }
    return response;
  }
  void check_owners() {
    std::map<std::pair<Uuid, std::int32_t>, std::string> owners;
    for (const auto& [id, member] : group.members())
      for (const auto* held : {&member.assigned, &member.pending_revocation})
        for (const auto& [topic, partitions] : *held)
          for (const auto n : partitions) {
            const auto [it, fresh] = owners.emplace(std::pair{topic, n}, id);
            ASSERT_TRUE(fresh) << "partition " << n << " belongs to " << it->second << " and " << id;
          }
  }

  ConsumerGroup group{"g"};
  ConsumerGroup copy{"g"};  ///< made of the records alone
  Topics topics;
  ConsumerLimits limits;
  TimePoint now{};
};

TEST_F(ConsumerGroupTest, PartitionsMoveOnlyWhenTheyAreFree) {
  topics.set("t", 4);
  Client a{"a", {"t"}}, b{"b", {"t"}};
  EXPECT_EQ(beat(a, 0).error_code, ErrorCode::none);
  EXPECT_EQ(a.owned.begin()->second.size(), 4u);
  const Assignment before = a.owned;
  EXPECT_EQ(beat(b, 0).error_code, ErrorCode::none);
  EXPECT_TRUE(b.owned.empty()) << "a holds everything still";
  beat(a, a.epoch);  // is told to keep two
  EXPECT_EQ(a.owned.begin()->second.size(), 2u);
  beat(b, b.epoch);
  EXPECT_TRUE(b.owned.empty()) << "a has not confirmed yet";
  beat(a, a.epoch);  // confirms
  beat(b, b.epoch);
  EXPECT_EQ(b.owned.begin()->second.size(), 2u);
  EXPECT_STREQ(group.state_name(), "Stable");
}

TEST_F(ConsumerGroupTest, StaleAndUnknownMembersAreFenced) {
  topics.set("t", 1);
  Client a{"a", {"t"}};
  EXPECT_EQ(beat(a, 3).error_code, ErrorCode::unknown_member_id);
  beat(a, 0);
  EXPECT_EQ(beat(a, a.epoch + 1).error_code, ErrorCode::fenced_member_epoch);
  EXPECT_EQ(group.check_member("a", a.epoch), ErrorCode::none);
  EXPECT_EQ(group.check_member("a", a.epoch - 1), ErrorCode::stale_member_epoch);
  EXPECT_EQ(group.check_member("b", 1), ErrorCode::unknown_member_id);
}

TEST_P(ConsumerGroupTest, OneOwnerAlwaysAndConvergenceInTheEnd) {
  base::Random dice(static_cast<std::uint64_t>(GetParam()));
  limits.assignors = dice.one_in(2) ? std::vector<std::string>{"uniform", "range"} : std::vector<std::string>{"range", "uniform"};
  for (const char* name : {"t1", "t2", "t3"}) topics.set(name, static_cast<std::int32_t>(1 + dice.below(6)));
  std::map<std::string, Client> clients;
  for (int step = 0; step < 300; ++step) {
    now += std::chrono::milliseconds(dice.below(3000));
    std::vector<ConsumerRecord> records;
    group.tick(topics, limits, now, records);
    for (const auto& record : records) copy.replay(record);
    const std::string id = "m" + std::to_string(dice.below(5));
    Client& client = clients[id];
    client.id = id;
    const auto action = dice.below(12);
    if (!client.joined || action == 0) {
      client.subscription = {"t" + std::to_string(1 + dice.below(3)), "t" + std::to_string(1 + dice.below(3))};
      client.joined = beat(client, 0).error_code == ErrorCode::none;
    } else if (action == 1) {
      beat(client, -1);
      client = Client{};
    } else if (action == 2) {
      topics.set("t" + std::to_string(1 + dice.below(3)), static_cast<std::int32_t>(6 + dice.below(4)));
    } else if (action == 3) {
      client.subscription = {"t" + std::to_string(1 + dice.below(3))};
      if (beat(client, client.epoch).error_code != ErrorCode::none) client = Client{};
    } else if (beat(client, client.epoch).error_code != ErrorCode::none) {
      client = Client{};  // fenced: begins again
    }
    check_owners();
    if (HasFatalFailure()) return;
  }
  // Nothing changes any more: a few rounds of heartbeats settle everything.
  for (int round = 0; round < 8; ++round)
    for (auto& [id, client] : clients)
      if (client.joined && beat(client, client.epoch).error_code != ErrorCode::none) {
        client.epoch = 0;
        client.owned.clear();
        client.joined = beat(client, 0).error_code == ErrorCode::none;
      }
  if (!group.has_members()) return;
  EXPECT_STREQ(group.state_name(), "Stable") << "seed " << GetParam();
  std::set<std::pair<Uuid, std::int32_t>> owned;
  for (const auto& [id, member] : group.members())
    for (const auto& [topic, partitions] : member.assigned)
      for (const auto n : partitions) owned.insert({topic, n});
  for (const auto& name : group.subscribed_topics())
    for (std::int32_t n = 0; n < topics.topics[name].partitions; ++n)
      EXPECT_TRUE(owned.contains({topics.topics[name].id, n})) << name << "-" << n << " has no owner; seed " << GetParam();
  // What was written says the same as what is in memory.
  ASSERT_EQ(copy.members().size(), group.members().size());
  for (const auto& [id, member] : group.members()) {
    EXPECT_EQ(copy.members().at(id).assigned, member.assigned) << "seed " << GetParam();
    EXPECT_EQ(copy.members().at(id).epoch, member.epoch) << "seed " << GetParam();
  }
  EXPECT_EQ(copy.epoch(), group.epoch());
}

INSTANTIATE_TEST_SUITE_P(Seeds, ConsumerGroupTest, ::testing::Range(1, 101));

TEST(Assignors, GiveEveryPartitionToOneSubscriberAndStayEven) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    base::Random dice(seed);
    AssignorMembers members;
    PartitionCounts topics;
    std::vector<Uuid> ids;
    for (int t = 0; t < 4; ++t) {
      Uuid id;
      id.bytes[0] = static_cast<char>(t + 1);
      ids.push_back(id);
      topics[id] = static_cast<std::int32_t>(dice.below(9));
    }
    const bool same = dice.one_in(2);
    for (std::uint64_t m = 0; m <= dice.below(6); ++m)
      for (const auto& id : ids)
        if (same || dice.one_in(2)) members["m" + std::to_string(m)].topics.insert(id);
    if (members.empty()) continue;
    for (auto& [id, member] : members)  // whatever they had before
      for (const auto& topic : ids)
        if (dice.one_in(2)) member.current[topic].insert(static_cast<std::int32_t>(dice.below(9)));
    for (const auto& target : {assign_uniform(members, topics), assign_range(members, topics)}) {
      std::map<std::pair<Uuid, std::int32_t>, int> owners;
      for (const auto& [id, assignment] : target)
        for (const auto& [topic, partitions] : assignment)
          for (const auto n : partitions) {
            EXPECT_TRUE(members.at(id).topics.contains(topic));
            ++owners[{topic, n}];
          }
      for (const auto& [topic, count] : topics) {
        const bool wanted = std::ranges::any_of(members, [&](const auto& entry) { return entry.second.topics.contains(topic); });
        for (std::int32_t n = 0; wanted && n < count; ++n) EXPECT_EQ((owners[{topic, n}]), 1) << "seed " << seed;
      }
    }
    if (!same) continue;
    std::size_t least = SIZE_MAX, most = 0;
    for (const auto& [id, assignment] : assign_uniform(members, topics)) {
      std::size_t n = 0;
      for (const auto& [topic, partitions] : assignment) n += partitions.size();
      least = std::min(least, n), most = std::max(most, n);
    }
    EXPECT_LE(most, least + 1) << "seed " << seed;
  }
}

}  // namespace
}  // namespace meridian::coordinator::group
