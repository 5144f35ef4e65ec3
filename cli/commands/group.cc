#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>

#include "cli/commands/commands.h"

namespace meridian::cli {
namespace {

namespace json = boost::json;
using kafka::ErrorCode;

}  // namespace

Task<Result<int>> group_list(Session& session, client::Cluster& cluster, const GroupArguments&) {
  auto groups = co_await client::list_groups(cluster, session.deadline());
  if (!groups) co_return fail(groups.error());
  std::ranges::sort(*groups, {}, &kafka::ListGroupsResponseGroup::group_id);
  json::array rows;
  for (const auto& group : *groups)
    rows.push_back(json::object{{"group", group.group_id}, {"state", group.group_state}, {"protocol_type", group.protocol_type}, {"type", group.group_type}});
  print_rows(session.format, rows, {{"GROUP", "group"}, {"STATE", "state"}, {"TYPE", "type"}});
  co_return done;
}

namespace {

/// Rows of a share group (KIP-932): where it begins, and what is left to do. Errc::not_found where there is none of that name.
Task<Result<json::array>> describe_share_group(Session& session, client::Cluster& cluster, std::string name) {
  const auto none = fail(Errc::not_found, "group " + name + " does not exist");
  auto coordinator = co_await cluster.coordinator(name, 0, session.deadline());
  if (!coordinator) co_return fail(coordinator.error());
  if (!(*coordinator)->serves(kafka::ShareGroupDescribeRequest::api)) co_return none;
  kafka::ShareGroupDescribeRequest who;
  who.group_ids = {name};
  const auto described = co_await (*coordinator)->call(who, session.deadline());
  if (!described) co_return fail(described.error());
  if (described->groups.empty() || described->groups[0].error_code != ErrorCode::none) co_return none;
  const json::object group{{"group", name}, {"state", described->groups[0].group_state}, {"members", described->groups[0].members.size()}};
  kafka::DescribeShareGroupOffsetsRequest where;
  where.groups = {{name, std::nullopt}};
  const auto offsets = co_await (*coordinator)->call(where, session.deadline());
  if (!offsets) co_return fail(offsets.error());
  json::array rows;
  for (const auto& topic : offsets->groups.at(0).topics)
    for (const auto& partition : topic.partitions) {
      json::object row = group;
      row["topic"] = topic.topic_name;
      row["partition"] = partition.partition_index;
      row["current_offset"] = partition.start_offset < 0 ? json::value(nullptr) : json::value(partition.start_offset);
      const auto end = co_await client::list_offset(cluster, topic.topic_name, partition.partition_index, client::latest, session.deadline());
      row["log_end_offset"] = end ? json::value(*end) : json::value(nullptr);
      row["lag"] = partition.lag < 0 ? json::value(nullptr) : json::value(partition.lag);
      rows.push_back(std::move(row));
    }
  if (rows.empty()) rows.push_back(group);
  co_return rows;
}

}  // namespace

Task<Result<int>> group_describe(Session& session, client::Cluster& cluster, const GroupArguments& arguments) {
  json::array rows;
  for (const auto& name : arguments.names) {
    const auto group = co_await client::describe_group(cluster, name, session.deadline());
    if (!group) co_return fail(group.error());
    if (group->group_state == "Dead") {
      auto of_share_group = co_await describe_share_group(session, cluster, name);
      if (!of_share_group) co_return fail(of_share_group.error());
      rows.insert(rows.end(), of_share_group->begin(), of_share_group->end());
      continue;
    }
    const auto offsets = co_await client::committed(cluster, name, session.deadline());
    if (!offsets) co_return fail(offsets.error());
    for (const auto& [key, value] : *offsets) {
      const auto end = co_await client::list_offset(cluster, key.first, key.second, client::latest, session.deadline());
      rows.push_back(json::object{{"group", name},
                                  {"state", group->group_state},
                                  {"members", group->members.size()},
                                  {"topic", key.first},
                                  {"partition", key.second},
                                  {"current_offset", value.first},
                                  {"log_end_offset", end ? json::value(*end) : json::value(nullptr)},
                                  {"lag", end ? json::value(*end - value.first) : json::value(nullptr)}});
    }
    if (offsets->empty()) rows.push_back(json::object{{"group", name}, {"state", group->group_state}, {"members", group->members.size()}});
  }
  print_rows(session.format, rows,
             {{"GROUP", "group"},
              {"STATE", "state"},
              {"MEMBERS", "members"},
              {"TOPIC", "topic"},
              {"PARTITION", "partition"},
              {"CURRENT-OFFSET", "current_offset"},
              {"LOG-END-OFFSET", "log_end_offset"},
              {"LAG", "lag"}});
  co_return done;
}

Task<Result<int>> group_delete(Session& session, client::Cluster& cluster, const GroupArguments& arguments) {
  json::array rows;
  bool all = true;
  for (const auto& name : arguments.names) {
    if (session.dry_run) {
      const auto group = co_await client::describe_group(cluster, name, session.deadline());
      if (!group) co_return fail(group.error());
      rows.push_back(
          json::object{{"group", name}, {"status", group->members.empty() && group->group_state != "Dead" ? "would be deleted" : group->group_state}});
      continue;
    }
    auto coordinator = co_await cluster.coordinator(name, 0, session.deadline());
    if (!coordinator) co_return fail(coordinator.error());
    kafka::DeleteGroupsRequest request;
    request.group_names = {name};
    auto response = co_await (*coordinator)->call(request, session.deadline());
    if (!response) co_return fail(response.error());
    const auto error = response->results.empty() ? ErrorCode::unknown_server_error : response->results[0].error_code;
    all &= error == ErrorCode::none;
    rows.push_back(json::object{{"group", name}, {"status", error == ErrorCode::none ? "OK" : std::string(kafka::error_name(error))}});
  }
  print_rows(session.format, rows, {{"GROUP", "group"}, {"STATUS", "status"}});
  co_return all ? done : failed;
}

Task<Result<int>> group_seek(Session& session, client::Cluster& cluster, const GroupArguments& arguments) {
  const std::string& name = arguments.names[0];
  auto known = co_await cluster.metadata(std::vector<std::string>{arguments.topic}, session.deadline());
  if (!known) co_return fail(known.error());
  if (known->topics.empty() || known->topics[0].error_code != ErrorCode::none) co_return fail(Errc::not_found, "topic " + arguments.topic + " does not exist");
  const auto now = co_await client::committed(cluster, name, session.deadline());
  if (!now) co_return fail(now.error());
  client::GroupOffsets moves;
  json::array rows;
  for (const auto& partition : known->topics[0].partitions) {
    const auto n = partition.partition_index;
    const auto start = co_await client::list_offset(cluster, arguments.topic, n, client::earliest, session.deadline());
    const auto end = co_await client::list_offset(cluster, arguments.topic, n, client::latest, session.deadline());
    if (!start || !end) co_return fail(!start ? start.error() : end.error());
    Offset to = 0;
    std::string_view text = arguments.to;
    const bool by_time = text.starts_with('@');
    if (by_time) text.remove_prefix(1);
    if (text == "start") to = *start;
    else if (text == "end") to = *end;
    else if (std::from_chars(text.data(), text.data() + text.size(), to).ptr != text.data() + text.size() || text.empty())
      co_return fail(Errc::invalid, "--to is start, end, an offset, or @ and milliseconds since 1970");
    if (by_time) {
      const auto found = co_await client::list_offset(cluster, arguments.topic, n, to, session.deadline());
      if (!found) co_return fail(found.error());
      to = *found < 0 ? *end : *found;
    }
    to = std::clamp(to, *start, *end);
    const auto before = now->find({arguments.topic, n});
    moves[{arguments.topic, n}] = {to, ""};
    rows.push_back(json::object{
        {"topic", arguments.topic}, {"partition", n}, {"from", before == now->end() ? json::value(nullptr) : json::value(before->second.first)}, {"to", to}});
  }
  if (!session.dry_run)
    if (auto committed = co_await client::commit(cluster, name, moves, session.deadline()); !committed) co_return fail(committed.error());
  print_rows(session.format, rows, {{"TOPIC", "topic"}, {"PARTITION", "partition"}, {"FROM", "from"}, {"TO", "to"}});
  co_return done;
}

}  // namespace meridian::cli
