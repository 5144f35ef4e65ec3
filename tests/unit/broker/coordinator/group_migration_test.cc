// Groups in which members of both protocols are (KIP-848, migration): what classic members are answered, and that partitions move between
// the kinds without ever having two owners.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/coordinator/group/consumer_group.h"
#include "common/base/random.h"
#include "common/kafka/consumer_protocol.h"
#include "tests/support/group_topics.h"

namespace meridian::coordinator::group {
namespace {

using Owned = std::map<std::string, std::set<std::int32_t>>;

/// A client of either protocol. A cooperative one keeps what it has while it joins, an eager one gives up everything first.
struct Client {
  enum Kind { consumer, cooperative, eager } kind = consumer;
  std::string id;
  std::vector<std::string> subscription;
  std::int32_t epoch = 0;
  Owned owned;
  enum State { outside, joined, synced } state = outside;
  bool again = false;  ///< gave partitions up: joins again
};

std::vector<kafka::ConsumerTopicPartitions> to_list(const Owned& owned) {
  std::vector<kafka::ConsumerTopicPartitions> list;
  for (const auto& [topic, partitions] : owned) list.push_back({topic, {partitions.begin(), partitions.end()}});
  return list;
}

Owned from_list(const std::vector<kafka::ConsumerTopicPartitions>& list) {
  Owned owned;
  for (const auto& topic : list) owned[topic.topic].insert(topic.partitions.begin(), topic.partitions.end());
  return owned;
}

class GroupMigrationTest : public ::testing::TestWithParam<int> {
 protected:
  JoinInput join_input(const Client& client, const std::string& id) {
    kafka::ConsumerSubscription subscription{.topics = client.subscription, .user_data = {}, .owned = to_list(client.owned), .rack = {}};
    JoinInput input{.request = {}, .client_id = "c", .client_host = "/h", .new_member_id = "fresh-" + std::to_string(++ids)};
    input.request.group_id = "g";
    input.request.member_id = id;
    input.request.session_timeout_ms = 10000;
    input.request.rebalance_timeout_ms = 20000;
    input.request.protocol_type = "consumer";
    input.request.protocols = {{"range", {kafka::encode_consumer_protocol(subscription, 3)}}};
    return input;
  }
  void join(Client& client) {
    if (client.kind == Client::eager) client.owned.clear();
    std::vector<ConsumerRecord> records;
    const auto answer = group->classic_join(join_input(client, client.id), topics, limits, now, records);
    written(records);
    ASSERT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_NE(answer.leader, answer.member_id) << "nobody of them assigns";
    client.id = answer.member_id;
    client.epoch = answer.generation_id;
    client.state = Client::joined;
    client.again = false;
  }
  void sync(Client& client) {
    kafka::SyncGroupRequest request{.group_id = "g", .generation_id = client.epoch, .member_id = client.id};
    request.protocol_type = "consumer";
    request.protocol_name = "range";
    const auto answer = group->classic_sync(request, topics, now);
    if (answer.error_code == ErrorCode::rebalance_in_progress) return join(client);
    if (answer.error_code != ErrorCode::none) return lose(client);
    const auto assigned = kafka::decode_consumer_protocol<kafka::ConsumerAssignment>(answer.assignment.data);
    ASSERT_TRUE(assigned);
    const Owned next = from_list(assigned->assigned);
    for (const auto& [topic, partitions] : client.owned)
      for (const auto n : partitions) client.again |= !next.contains(topic) || !next.at(topic).contains(n);
    client.owned = next;
    client.state = Client::synced;
  }
  void beat(Client& client) {
    kafka::ConsumerGroupHeartbeatRequest request;
    request.group_id = "g";
    request.member_id = client.id;
    request.member_epoch = client.epoch;
    request.rebalance_timeout_ms = 60000;
    request.subscribed_topic_names = client.subscription;
    request.topic_partitions.emplace();
    if (client.epoch > 0)
      for (const auto& [topic, partitions] : client.owned)
        request.topic_partitions->push_back({topics.topics[topic].id, {partitions.begin(), partitions.end()}});
    std::vector<ConsumerRecord> records;
    const auto answer = group->heartbeat({request, "c", "/h"}, topics, limits, now, records);
    written(records);
    if (answer.error_code != ErrorCode::none) return lose(client);
    client.epoch = answer.member_epoch;
    client.state = Client::synced;
    if (!answer.assignment) return;
    client.owned.clear();
    for (const auto& topic : answer.assignment->topic_partitions)
      client.owned[*topics.name(topic.topic_id)].insert(topic.partitions.begin(), topic.partitions.end());
  }
  /// What a client does when it is its turn.
  void turn(Client& client) {
    if (client.kind == Client::consumer) {
      if (client.state == Client::outside) client.id = "consumer-" + std::to_string(++ids), client.epoch = 0, client.owned.clear();
      return beat(client);
    }
    if (client.state == Client::outside) client.id.clear();
    if (client.state == Client::outside || client.again) return join(client);
    if (client.state == Client::joined) return sync(client);
    const auto error = group->classic_heartbeat(client.id, std::nullopt, client.epoch, now);
    if (error == ErrorCode::rebalance_in_progress) join(client);
    else if (error != ErrorCode::none) lose(client);
  }
  void lose(Client& client) {
    client.state = Client::outside;
    client.owned.clear();
    client.again = false;
  }
  void leave(Client& client) {
    std::vector<ConsumerRecord> records;
    if (client.kind == Client::consumer) {
      kafka::ConsumerGroupHeartbeatRequest request;
      request.member_id = client.id;
      request.member_epoch = -1;
      (void)group->heartbeat({request, "c", "/h"}, topics, limits, now, records);
    } else {
      (void)group->classic_leave({{client.id, {}, {}}}, topics, limits, records);
    }
    written(records);
    lose(client);
  }
  void written(const std::vector<ConsumerRecord>& records) {
    for (const auto& record : records) {
      kafka::BatchBuilder batch;  // through their bytes
      add_consumer_record(batch, 1, record);
      ASSERT_TRUE(kafka::for_each_record(*batch.finish({}), [&](const kafka::RecordView& view) {
        const auto read = decode_consumer_record(view);
        EXPECT_TRUE(read);
        if (read) copy.replay(*read);
        return true;
      }));
    }
  }
  void check_owners() {
    std::map<std::pair<Uuid, std::int32_t>, std::string> owners;
    for (const auto& [id, member] : group->members())
      for (const auto* held : {&member.assigned, &member.pending_revocation})
        for (const auto& [topic, partitions] : *held)
          for (const auto n : partitions) {
            const auto [it, fresh] = owners.emplace(std::pair{topic, n}, id);
            ASSERT_TRUE(fresh) << "partition " << n << " belongs to " << it->second << " and " << id;
          }
  }

  Topics topics;
  ConsumerLimits limits;
  TimePoint now{};
  int ids = 0;
  std::unique_ptr<ConsumerGroup> group = std::make_unique<ConsumerGroup>("g");
  ConsumerGroup copy{"g"};  ///< made of the records alone
};

TEST_P(GroupMigrationTest, OneOwnerAlwaysAndConvergenceInTheEnd) {
  base::Random dice(static_cast<std::uint64_t>(GetParam()));
  for (const char* name : {"t1", "t2"}) topics.set(name, static_cast<std::int32_t>(1 + dice.below(6)));
  std::vector<Client> clients(5);
  const auto renew = [&](Client& client) {
    client.kind = static_cast<Client::Kind>(dice.below(3));
    client.subscription = dice.one_in(2) ? std::vector<std::string>{"t1"} : std::vector<std::string>{"t1", "t2"};
  };
  for (auto& client : clients) renew(client);
  for (int step = 0; step < 400; ++step) {
    now += std::chrono::milliseconds(dice.below(1500));
    std::vector<ConsumerRecord> records;
    group->tick(topics, limits, now, records);
    written(records);
    Client& client = clients[dice.below(clients.size())];
    if (const auto action = dice.below(25); action == 0 && client.state != Client::outside) {
      leave(client);
      renew(client);
    } else if (action == 1) {
      topics.set("t" + std::to_string(1 + dice.below(2)), static_cast<std::int32_t>(6 + dice.below(4)));
    } else {
      turn(client);
    }
    check_owners();
    if (HasFatalFailure()) return;
  }
  limits.downgrade = false;
  for (int round = 0; round < 12; ++round)
    for (auto& client : clients) turn(client);
  std::set<std::pair<std::string, std::int32_t>> owned;
  std::size_t total = 0;
  for (const auto& client : clients)
    for (const auto& [topic, partitions] : client.owned)
      for (const auto n : partitions) owned.insert({topic, n}), ++total;
  EXPECT_EQ(owned.size(), total) << "two clients believe in the same partition; seed " << GetParam();
  for (const auto& name : group->subscribed_topics())
    for (std::int32_t n = 0; n < topics.topics[name].partitions; ++n) EXPECT_TRUE(owned.contains({name, n})) << name << "-" << n << "; seed " << GetParam();
  for (const auto& [id, member] : group->members()) {
    ASSERT_TRUE(copy.members().contains(id));
    EXPECT_EQ(copy.members().at(id).assigned, member.assigned) << "seed " << GetParam();
    EXPECT_EQ(copy.members().at(id).described, member.described) << "seed " << GetParam();
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, GroupMigrationTest, ::testing::Range(1, 101));

class RunningClassicGroup : public GroupMigrationTest {
 protected:
  /// Two classic members with one partition each.
  void SetUp() override {
    topics.set("t1", 2);
    kafka::ConsumerSubscription subscription{.topics = {"t1"}, .user_data = {}, .owned = {}, .rack = {}};
    GroupValue value{.protocol_type = "consumer", .generation = 7, .protocol = "range", .leader = "a", .members = {}};
    for (const char* id : {"a", "b"})
      value.members.push_back({.member_id = id,
                               .group_instance_id = {},
                               .client_id = "c",
                               .client_host = "/h",
                               .rebalance_timeout_ms = 20000,
                               .session_timeout_ms = 10000,
                               .subscription = {kafka::encode_consumer_protocol(subscription, 1)},
                               .assignment = {kafka::encode_consumer_protocol(kafka::ConsumerAssignment{{{"t1", {id[0] == 'a' ? 0 : 1}}}, {}}, 1)}});
    classic.load(value, now);
  }
  GroupLimits classic_limits;
  ClassicGroup classic{"g", classic_limits};
};

TEST_F(RunningClassicGroup, BecomesAConsumerGroupInWhichEverybodyKeepsWhatItHas) {
  std::vector<ConsumerRecord> records;
  auto upgraded = ConsumerGroup::upgraded(classic, topics, now, records);
  ASSERT_TRUE(upgraded);
  group = std::move(*upgraded);
  written(records);
  EXPECT_EQ(group->epoch(), 7);
  EXPECT_EQ(group->members().at("a").assigned.begin()->second, (std::set<std::int32_t>{0}));
  EXPECT_EQ(group->classic_heartbeat("a", std::nullopt, 7, now), ErrorCode::none) << "nothing has changed for it yet";
  EXPECT_EQ(group->check_commit("a", 7, 8), ErrorCode::none);
  EXPECT_EQ(group->check_commit("a", 6, 8), ErrorCode::illegal_generation);

  Client newcomer{.kind = Client::consumer, .id = {}, .subscription = {"t1"}, .owned = {}};
  turn(newcomer);
  EXPECT_EQ(group->epoch(), 8);
  EXPECT_EQ(group->classic_heartbeat("a", std::nullopt, 7, now), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(group->classic_heartbeat("stranger", std::nullopt, 7, now), ErrorCode::unknown_member_id);
  EXPECT_EQ(group->classic_heartbeat(newcomer.id, std::nullopt, 8, now), ErrorCode::unknown_member_id) << "it speaks the other protocol";
  EXPECT_EQ(group->check_commit(newcomer.id, 8, 8), ErrorCode::unsupported_version);

  kafka::ConsumerGroupDescribeResponseDescribedGroup told;
  group->describe(told, limits, topics);
  for (const auto& member : told.members) EXPECT_EQ(member.member_type, member.member_id == newcomer.id ? 1 : 0);
}

TEST_F(RunningClassicGroup, IsClassicAgainWhenTheLastConsumerHasGone) {
  std::vector<ConsumerRecord> records;
  group = std::move(*ConsumerGroup::upgraded(classic, topics, now, records));
  Client newcomer{.kind = Client::consumer, .id = {}, .subscription = {"t1"}, .owned = {}};
  Client a{.kind = Client::eager, .id = "a", .subscription = {"t1"}, .epoch = 7, .owned = {{"t1", {0}}}, .state = Client::synced};
  Client b = a;
  b.id = "b";
  b.owned = {{"t1", {1}}};
  turn(newcomer);
  for (int i = 0; i < 6; ++i) turn(a), turn(b), turn(newcomer);
  EXPECT_FALSE(group->wants_downgrade(limits));
  const auto epoch = group->epoch();
  leave(newcomer);
  ASSERT_TRUE(group->wants_downgrade(limits));
  EXPECT_EQ(group->epoch(), epoch) << "they have to find the generation that they know";
  const auto value = group->downgraded(topics);
  Effects effects;
  classic.hand_over(now, effects);
  classic.take_over(value, now, effects);
  EXPECT_EQ(classic.heartbeat("a", std::nullopt, a.epoch, now), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(classic.heartbeat("b", std::nullopt, b.epoch, now), ErrorCode::rebalance_in_progress);
  for (const char* id : {"a", "b"})
    EXPECT_TRUE(std::holds_alternative<std::string>(classic.join(join_input(a, id), now, effects))) << "parked until both are there";
  ASSERT_EQ(effects.joins.size(), 2u);
  EXPECT_EQ(effects.joins[0].second.generation_id, epoch + 1);
}

TEST_F(RunningClassicGroup, StaysClassicWhenItsMembersAreNoConsumers) {
  GroupValue value{.protocol_type = "connect", .generation = 1, .protocol = "p", .leader = "a", .members = {}};
  classic.load(value, now);
  std::vector<ConsumerRecord> records;
  EXPECT_FALSE(ConsumerGroup::upgraded(classic, topics, now, records));
}

TEST_F(RunningClassicGroup, TellsParkedRequestsToJoinAgain) {
  Effects effects;
  Client a{.kind = Client::eager, .id = "a", .subscription = {"t1", "t2"}, .owned = {}};
  ASSERT_TRUE(std::holds_alternative<std::string>(classic.join(join_input(a, "a"), now, effects)));
  classic.hand_over(now, effects);
  ASSERT_EQ(effects.joins.size(), 1u);
  EXPECT_EQ(effects.joins[0].second.error_code, ErrorCode::rebalance_in_progress);
  EXPECT_FALSE(classic.has_members());
}

/// Made by Kafka 4.3.1's ConsumerGroupMemberMetadataValue.
TEST(ConsumerRecords, MemberOfTheClassicProtocolIsWrittenAsKafkaDoes) {
  ConsumerMemberValue value{.instance_id = "i",
                            .rack_id = {},
                            .client_id = "c",
                            .client_host = "h",
                            .topics = {"t"},
                            .regex = "",
                            .rebalance_timeout_ms = 5,
                            .assignor = {},
                            .classic = {}};
  value.classic = ClassicMemberValue{7, {{"range", {Bytes("\x01\x02", 2)}}}};
  Bytes out;
  kafka::encode_struct(out, value, 0, true);
  std::string hex;
  for (const char c : out) hex += "0123456789abcdef"[(c >> 4) & 15], hex += "0123456789abcdef"[c & 15];
  EXPECT_EQ(hex, "026900026302680202740100000005000100110100000007020672616e67650301020000");
  const auto back = kafka::decode_struct<ConsumerMemberValue>(out, 0, true);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, value);
}

}  // namespace
}  // namespace meridian::coordinator::group
