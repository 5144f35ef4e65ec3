// kafka-consumer-groups.sh.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "cli/kafka/tools.h"
#include "common/kafka/consumer_protocol.h"

namespace meridian::cli {
namespace {

using kafka::ErrorCode;
using Partition = std::pair<std::string, std::int32_t>;

struct Owner {
  std::string id = "-", host = "-", client = "-";
};

struct Group {
  std::string state;
  bool found = false;
  std::map<Partition, Owner> owners;
  std::size_t members = 0;
};

Task<Result<Group>> look(Session& session, client::Cluster& cluster, std::string name) {
  Group group;
  auto coordinator = co_await cluster.coordinator(name, 0, session.deadline());
  if (!coordinator) co_return fail(coordinator.error());
  kafka::ConsumerGroupDescribeRequest consumer;
  consumer.group_ids = {name};
  if ((*coordinator)->serves(kafka::ConsumerGroupDescribeRequest::api)) {
    auto described = co_await (*coordinator)->call(consumer, session.deadline());
    if (!described) co_return fail(described.error());
    const auto& result = described->groups.at(0);
    if (result.error_code == ErrorCode::none) {
      group.found = true;
      group.state = result.group_state;
      group.members = result.members.size();
      for (const auto& member : result.members)
        for (const auto& topic : member.assignment.topic_partitions)
          for (const auto n : topic.partitions) group.owners[{topic.topic_name, n}] = {member.member_id, member.client_host, member.client_id};
      co_return group;
    }
  }
  const auto classic = co_await client::describe_group(cluster, name, session.deadline());
  if (!classic) co_return fail(classic.error());
  group.found = classic->group_state != "Dead" && classic->error_code == ErrorCode::none;
  group.state = classic->group_state;
  group.members = classic->members.size();
  for (const auto& member : classic->members) {
    const auto assignment = kafka::decode_consumer_protocol<kafka::ConsumerAssignment>(member.member_assignment.data);
    if (!assignment) continue;  // of another protocol than consumers', or none yet
    for (const auto& topic : assignment->assigned)
      for (const auto n : topic.partitions) group.owners[{topic.topic, n}] = {member.member_id, member.client_host, member.client_id};
  }
  co_return group;
}

Task<Result<int>> describe(Session& session, client::Cluster& cluster, std::string name) {
  const auto group = co_await look(session, cluster, name);
  if (!group) co_return fail(group.error());
  if (!group->found) co_return fail(Errc::not_found, "org.apache.kafka.common.errors.GroupIdNotFoundException: Group " + name + " not found.");
  const auto offsets = co_await client::committed(cluster, name, session.deadline());
  if (!offsets) co_return fail(offsets.error());
  std::set<Partition> partitions;
  for (const auto& [key, value] : *offsets) partitions.insert(key);
  for (const auto& [key, owner] : group->owners) partitions.insert(key);
  if (group->members == 0) std::cerr << "\nConsumer group '" << name << "' has no active members.\n";
  if (partitions.empty()) co_return done;
  std::size_t group_width = 15, topic_width = 15, owner_width = 15;
  group_width = std::max(group_width, name.size());
  for (const auto& key : partitions) topic_width = std::max(topic_width, key.first.size());
  for (const auto& [key, owner] : group->owners) owner_width = std::max(owner_width, owner.id.size());
  const auto row = [&](const auto&... cells) { std::cout << fmt::format("{:<{}} {:<{}} {:<10} {:<15} {:<15} {:<15} {:<{}} {:<15} {}\n", cells...); };
  std::cout << "\n";
  row("GROUP", group_width, "TOPIC", topic_width, "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", owner_width, "HOST", "CLIENT-ID");
  for (const auto& key : partitions) {
    const auto end = co_await client::list_offset(cluster, key.first, key.second, client::latest, session.deadline());
    const auto at = offsets->find(key);
    const auto owner = group->owners.contains(key) ? group->owners.at(key) : Owner{};
    const std::string current = at == offsets->end() ? "-" : std::to_string(at->second.first);
    const std::string lag = at == offsets->end() || !end ? "-" : std::to_string(*end - at->second.first);
    row(name, group_width, key.first, topic_width, key.second, current, end ? std::to_string(*end) : "-", lag, owner.id, owner_width, owner.host, owner.client);
  }
  co_return done;
}

Task<Result<int>> remove(Session& session, client::Cluster& cluster, std::vector<std::string> names) {
  std::vector<std::string> gone;
  for (const auto& name : names) {
    auto coordinator = co_await cluster.coordinator(name, 0, session.deadline());
    if (!coordinator) co_return fail(coordinator.error());
    kafka::DeleteGroupsRequest request;
    request.group_names = {name};
    auto response = co_await (*coordinator)->call(request, session.deadline());
    if (!response) co_return fail(response.error());
    const auto error = response->results.at(0).error_code;
    if (error != ErrorCode::none) {
      std::cout << "\nError: Deletion of some consumer groups failed:\n* Group '" << name << "' could not be deleted due to: " << kafka::error_name(error)
                << "\n";
      co_return failed;
    }
    gone.push_back("'" + name + "'");
  }
  std::string list;
  for (const auto& name : gone) list += (list.empty() ? "" : ", ") + name;
  std::cout << "Deletion of requested consumer groups (" << list << ") was successful.\n";
  co_return done;
}

Task<Result<int>> reset(Session& session, client::Cluster& cluster, const KafkaOptions& options, std::string name) {
  const auto now = co_await client::committed(cluster, name, session.deadline());
  if (!now) co_return fail(now.error());
  std::set<std::string> topics;
  for (const auto& topic : options.all("topic")) topics.insert(topic);
  if (options.has("all-topics"))
    for (const auto& [key, value] : *now) topics.insert(key.first);
  if (topics.empty()) co_return fail(Errc::invalid, "One of the reset scopes should be defined: --all-topics, --topic.");
  client::GroupOffsets moves;
  for (const auto& topic : topics) {
    auto known = co_await cluster.metadata(std::vector<std::string>{topic}, session.deadline());
    if (!known) co_return fail(known.error());
    for (const auto& partition : known->topics.at(0).partitions) {
      const auto n = partition.partition_index;
      const auto start = co_await client::list_offset(cluster, topic, n, client::earliest, session.deadline());
      const auto end = co_await client::list_offset(cluster, topic, n, client::latest, session.deadline());
      if (!start || !end) co_return fail(!start ? start.error() : end.error());
      const auto present = now->find({topic, n});
      Offset to = present == now->end() ? *end : present->second.first;
      if (options.has("to-earliest")) to = *start;
      else if (options.has("to-latest")) to = *end;
      else if (options.has("to-offset") || options.has("shift-by")) {
        const auto amount = options.number(options.has("to-offset") ? "to-offset" : "shift-by");
        if (!amount) co_return fail(amount.error());
        to = options.has("to-offset") ? *amount : to + *amount;
      } else if (!options.has("to-current")) {
        co_return fail(Errc::invalid, "A reset scenario is needed: --to-earliest, --to-latest, --to-current, --to-offset or --shift-by");
      }
      moves[{topic, n}] = {std::clamp(to, *start, *end), ""};
    }
  }
  if (options.has("execute"))
    if (auto committed = co_await client::commit(cluster, name, moves, session.deadline()); !committed) co_return fail(committed.error());
  std::cout << fmt::format("\n{:<30} {:<30} {:<10} {:<15}\n", "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET");
  for (const auto& [key, value] : moves) std::cout << fmt::format("{:<30} {:<30} {:<10} {:<15}\n", name, key.first, key.second, value.first);
  co_return done;
}

}  // namespace

Task<Result<int>> kafka_consumer_groups(Session& session, client::Cluster& cluster, const KafkaOptions& options) {
  auto names = options.all("group");
  if (options.has("list") || options.has("all-groups")) {
    auto groups = co_await client::list_groups(cluster, session.deadline());
    if (!groups) co_return fail(groups.error());
    names.clear();
    for (const auto& group : *groups)
      if (group.group_type != "share") names.push_back(group.group_id);  // those have a tool of their own
    std::ranges::sort(names);
  }
  if (options.has("list")) {
    for (const auto& name : names) std::cout << name << "\n";
    co_return done;
  }
  if (names.empty()) co_return fail(Errc::invalid, "Option [group] or [all-groups] is needed.");
  if (options.has("delete")) co_return co_await remove(session, cluster, names);
  for (const auto& name : names) {
    if (!options.has("describe") && !options.has("reset-offsets"))
      co_return fail(Errc::invalid, "Command must include exactly one action: --list, --describe, --delete, --reset-offsets");
    const auto result = options.has("describe") ? co_await describe(session, cluster, name) : co_await reset(session, cluster, options, name);
    if (!result) co_return result;
  }
  co_return done;
}

}  // namespace meridian::cli
