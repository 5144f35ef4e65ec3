#include "tests/simulation/consumers.h"

namespace meridian::simulation {
namespace {

using kafka::ErrorCode;
const std::string group = "cg";
/// Topics of the other clients, and how many partitions they have.
const std::map<std::string, std::size_t> topics{{"t", 3}, {"x", 2}};
constexpr std::int32_t joins = 0, leaves = -1;

}  // namespace

Task<bool> Consumers::beat(client::Cluster& at, Member& member) {
  auto coordinator = co_await at.coordinator(group, 0, soon());
  if (!coordinator) co_return false;
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = group;
  request.member_id = member.id;
  request.member_epoch = member.epoch;
  if (member.epoch != leaves) {
    request.rebalance_timeout_ms = 600'000;
    request.subscribed_topic_names.emplace();
    for (const auto& [name, count] : topics) request.subscribed_topic_names->push_back(name);
    request.topic_partitions.emplace();
    for (const auto& [topic, n] : member.owned) request.topic_partitions->push_back({topic, {n}});
  }
  const auto sent = clock_.now();
  const auto answer = co_await (*coordinator)->call(std::move(request), soon());
  if (!answer) co_return false;
  if (answer->error_code == ErrorCode::unknown_member_id || answer->error_code == ErrorCode::fenced_member_epoch ||
      answer->error_code == ErrorCode::group_id_not_found) {
    member.epoch = joins;
    member.owned.clear();
  }
  if (answer->error_code != ErrorCode::none) co_return false;
  member.epoch = answer->member_epoch;
  member.session_ends = sent + session_timeout;
  if (!answer->assignment) co_return true;
  std::set<Partition> assigned;
  for (const auto& topic : answer->assignment->topic_partitions)
    for (const auto n : topic.partitions) assigned.emplace(topic.topic_id, n);
  take(member, assigned);
  co_return true;
}

// What is not its any more it gives up at once, and says so with the next heartbeat.
void Consumers::take(Member& member, const std::set<Partition>& assigned) {
  for (const auto& partition : assigned)
    for (const auto& [id, other] : members_)
      if (id != member.id && other.owned.contains(partition) && other.session_ends > clock_.now())
        problems_.push_back("consumer group: partition " + std::to_string(partition.second) + " belongs to " + id + " and is given to " + member.id);
  member.owned = assigned;
}

Task<> Consumers::run(client::Cluster& at, int self) {
  for (int life = 0; !stopping_; ++life) {
    const std::string id = "consumer-" + std::to_string(self) + "-" + std::to_string(life);
    Member& member = members_[id];
    member.id = id;
    for (std::uint64_t turns = 5 + random_.below(100); turns > 0 && !stopping_; --turns) {
      // It cannot know whether it is still a member: it stops, and joins again.
      if (member.epoch > 0 && clock_.now() > member.session_ends) {
        member.owned.clear();
        member.epoch = joins;
      }
      co_await beat(at, member);
      co_await breath();
    }
    if (random_.one_in(2)) continue;  // gone without a word: what it had is its until its session ends
    member.owned.clear();
    member.epoch = leaves;
    (void)co_await beat(at, member);
  }
  co_await at.stop();
}

Task<std::vector<std::string>> Consumers::check(client::Cluster& at) {
  Member one{.id = "last-1", .owned = {}, .session_ends = {}}, other{.id = "last-2", .owned = {}, .session_ends = {}};
  std::size_t all = 0;
  for (const auto& [name, count] : topics) all += count;
  for (const auto deadline = clock_.now() + std::chrono::seconds(60); one.owned.size() + other.owned.size() < all;) {
    if (clock_.now() > deadline) {
      problems_.push_back("liveness: the consumer group does not come to rest");
      break;
    }
    (void)co_await beat(at, one);
    (void)co_await beat(at, other);
    co_await breath();
  }
  for (const auto& partition : one.owned)
    if (other.owned.contains(partition)) problems_.push_back("consumer group: two members have partition " + std::to_string(partition.second));
  co_return problems_;
}

}  // namespace meridian::simulation
