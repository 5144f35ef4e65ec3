// Link, groups: following committed offsets from the source, and moving groups over to the target and back.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/base/log.h"
#include "mirror/link.h"

namespace meridian::mirror {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
constexpr auto call_timeout = 10s;

bool inactive(const std::string& state) { return state == "Empty" || state == "Dead"; }

std::string encode_positions(const GroupPositions& positions) {
  json::array out;
  for (const auto& [key, position] : positions) out.push_back(json::array{key.first, key.second, position.source, position.metadata});
  return json::serialize(out);
}

GroupPositions decode_positions(const std::string& text) {
  GroupPositions positions;
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_array()) return positions;
  for (const auto& entry : value.as_array()) {
    if (!entry.is_array() || entry.as_array().size() != 4) continue;
    const auto& fields = entry.as_array();
    auto& position = positions[{std::string(fields[0].as_string()), static_cast<std::int32_t>(fields[1].as_int64())}];
    position.source = fields[2].as_int64();
    position.metadata = std::string(fields[3].as_string());
  }
  return positions;
}

json::object refusal(int& http_status, std::string why) {
  http_status = 409;
  return {{"refused", std::move(why)}};
}

}  // namespace

void Link::load_state(const KeyedRecords& links) {
  if (const auto it = links.find("link/" + name()); it != links.end()) {
    boost::system::error_code error;
    const auto value = json::parse(it->second, error);
    if (!error && value.is_object() && value.as_object().contains("state") && value.at("state") == "failed-over") state_ = State::failed_over;
  }
  const std::string prefix = "group/" + name() + "/";
  for (const auto& [key, value] : links)
    if (key.starts_with(prefix)) groups_[key.substr(prefix.size())] = decode_positions(value);
}

Task<> Link::follow_loop() {
  std::string told;
  while (!stopping_) {
    if (state_ == State::active) {
      const auto done = co_await follow_once();
      if (!done && !stopping_ && told != done.error().message) log::warn("link {}: group follow: {}", name(), done.error().message);
      told = done ? "" : done.error().message;
    }
    if (!co_await pause(config_.refresh_groups)) break;
  }
}

Task<Status> Link::follow_once() {
  const auto groups = co_await client::list_groups(source_, in(call_timeout));
  if (!groups) co_return fail(groups.error());
  for (const auto& group : *groups) {
    if (!config_.groups.takes(group.group_id) || (!group.protocol_type.empty() && group.protocol_type != "consumer")) continue;
    if (stopping_ || state_ != State::active) co_return Status{};
    const auto done = co_await follow_group(group.group_id);
    if (done) group_problems_.erase(group.group_id);
    else group_problems_[group.group_id] = done.error().message;
    if (!done && done.error().code != Errc::refused) co_return done;
  }
  co_return Status{};
}

Task<Status> Link::follow_group(std::string group) {
  const auto commits = co_await client::committed(source_, group, in(call_timeout));
  if (!commits) co_return fail(commits.error());
  const bool known = groups_.contains(group);
  GroupPositions& positions = groups_[group];
  bool news = false;
  for (const auto& [key, value] : *commits) {
    if (!find(key.first, key.second)) continue;
    auto& position = positions[key];
    news |= position.source != value.first;
    position.source = value.first;
    position.metadata = value.second;
  }
  if (positions.empty()) {
    if (!known) groups_.erase(group);
    co_return Status{};
  }
  if (news) {
    std::vector<std::pair<std::string, std::optional<Bytes>>> record;
    record.emplace_back("group/" + name() + "/" + group, encode_positions(positions));
    if (auto done = co_await links_topic_.write(std::move(record), in(call_timeout)); !done) co_return done;
  }
  bool behind = false;
  for (auto& [key, position] : positions)
    if (const auto* copy = find(key.first, key.second)) {
      position.translated = copy->copier.map().to_target(position.source);
      behind |= position.translated && position.translated != position.target;
    }
  if (!behind) co_return Status{};
  const auto state = co_await client::describe_group(target_, group, in(call_timeout));
  if (!state) co_return fail(state.error());
  if (!inactive(state->group_state)) co_return fail(Errc::refused, "the group is active on the target (" + state->group_state + "): its own commits stand");
  const auto there = co_await client::committed(target_, group, in(call_timeout));
  if (!there) co_return fail(there.error());
  client::GroupOffsets moves;
  for (auto& [key, position] : positions) {
    if (!position.translated) continue;
    const client::GroupOffsets::key_type remote{config_.policy.remote_topic(key.first), key.second};
    const auto it = there->find(remote);
    position.target = it == there->end() ? -1 : it->second.first;
    const bool back = position.target > *position.translated;
    if (position.target == *position.translated || (back && config_.group_policy == GroupPolicy::never_back)) continue;
    moves[remote] = {*position.translated, position.metadata};
  }
  if (moves.empty() || state_ != State::active) co_return Status{};
  if (auto done = co_await client::commit(target_, group, moves, in(call_timeout)); !done) co_return done;
  for (auto& [key, position] : positions)
    if (moves.contains({config_.policy.remote_topic(key.first), key.second})) position.target = *position.translated;
  co_return Status{};
}

std::vector<std::string> Link::chosen(const MoveOptions& options) const {
  if (!options.groups.empty()) return options.groups;
  std::vector<std::string> all;
  for (const auto& [group, positions] : groups_) all.push_back(group);
  return all;
}

/// Where a group would go on reading on the target; fills what to commit.
json::object Link::plan_group(const std::string& group, const GroupPositions& positions, client::GroupOffsets& commits) const {
  json::array partitions;
  bool ready = true;
  for (const auto& [key, position] : positions) {
    const auto* copy = find(key.first, key.second);
    const auto it = loaded_maps_.find(key);
    const OffsetMap* map = copy ? &copy->copier.map() : it == loaded_maps_.end() ? nullptr : &it->second;
    if (!map) continue;
    const auto translated = map->to_target(position.source);
    // Beyond what is replicated: the group has read all that is on the target, and what it read besides is not there.
    const Offset target = translated.value_or(map->next().target);
    ready &= translated.has_value();
    commits[{config_.policy.remote_topic(key.first), key.second}] = {target, position.metadata};
    partitions.push_back(json::object{{"topic", key.first},
                                      {"partition", key.second},
                                      {"remote_topic", config_.policy.remote_topic(key.first)},
                                      {"source_offset", position.source},
                                      {"target_offset", target},
                                      {"target_end", map->next().target},
                                      {"replays", 0},
                                      {"skips", 0},
                                      {"consumed_but_not_replicated", translated ? 0 : position.source - map->next().source},
                                      {"exact", translated.has_value()}});
  }
  return {{"group", group}, {"ready", ready}, {"partitions", std::move(partitions)}};
}

Task<Status> Link::write_state(std::string state, json::object details) {
  details["state"] = state;
  details["at_ms"] = clock_.wall_ms();
  std::vector<std::pair<std::string, std::optional<Bytes>>> records;
  records.emplace_back("link/" + name(),
                       json::serialize(json::object{{"state", state}, {"source", config_.source}, {"target", config_.target}, {"at_ms", clock_.wall_ms()}}));
  records.emplace_back(fmt::format("history/{}/{}", name(), clock_.wall_ms()), json::serialize(details));
  co_return co_await links_topic_.write(std::move(records), in(call_timeout));
}

Task<json::object> Link::failover(MoveOptions options, int& http_status) {
  const auto began = clock_.now();
  if (state_ == State::connecting) co_return refusal(http_status, "the target " + config_.target + " is not reachable yet: " + last_error_);
  // From here on the source's commits are not followed: what the plan says is what is committed.
  const State before = state_;
  if (!options.dry_run) state_ = State::failed_over;
  json::array groups;
  std::vector<std::pair<std::string, client::GroupOffsets>> moves;
  for (const auto& group : chosen(options)) {
    const auto positions = groups_.find(group);
    if (positions == groups_.end()) {
      state_ = before;
      co_return refusal(http_status, "group " + group + " is not followed by link " + name());
    }
    client::GroupOffsets commits;
    groups.push_back(plan_group(group, positions->second, commits));
    const auto state = co_await client::describe_group(target_, group, in(call_timeout));
    if (!state || !inactive(state->group_state)) {
      state_ = before;
      co_return refusal(http_status, state ? "group " + group + " is " + state->group_state + " on " + config_.target + ": stop its members there first"
                                           : state.error().message);
    }
    // Where the map does not reach (its newest part died with an earlier mirror), what was committed before stands if it is further.
    const auto there = co_await client::committed(target_, group, in(call_timeout));
    if (!there) {
      state_ = before;
      co_return refusal(http_status, there.error().message);
    }
    for (auto& partition : groups.back().as_object()["partitions"].as_array()) {
      auto& row = partition.as_object();
      auto& planned = commits[{std::string(row["remote_topic"].as_string()), static_cast<std::int32_t>(row["partition"].as_int64())}];
      const auto it = there->find({std::string(row["remote_topic"].as_string()), static_cast<std::int32_t>(row["partition"].as_int64())});
      if (row["exact"].as_bool() || it == there->end() || it->second.first <= planned.first) continue;
      planned.first = it->second.first;
      row["target_offset"] = planned.first;
    }
    moves.emplace_back(group, std::move(commits));
  }
  json::object report{{"link", name()},       {"action", "failover"}, {"dry_run", options.dry_run}, {"from", config_.source}, {"to", config_.target},
                      {"at_risk", at_risk()}, {"groups", groups}};
  if (options.dry_run) co_return report;
  for (auto& [group, commits] : moves) {
    if (commits.empty()) continue;
    if (auto done = co_await client::commit(target_, group, std::move(commits), in(call_timeout)); !done) {
      state_ = before;
      co_return refusal(http_status, done.error().message);
    }
  }
  report["took_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - began).count();
  if (auto done = co_await write_state("failed-over", report); !done) report["warning"] = "done, but not recorded: " + done.error().message;
  log::warn("link {}: failed over to {}, {} groups", name(), config_.target, moves.size());
  co_return report;
}

Task<Status> Link::wait_caught_up(std::chrono::milliseconds patience) {
  const auto deadline = in(patience);
  // A fresh look at the source's end for every partition, then all of it on the target.
  while (!stopping_) {
    std::vector<Key> partitions;
    for (const auto& [key, copy] : copies_) partitions.push_back(key);
    const auto ends = co_await client::end_offsets(source_, std::move(partitions), in(2s));
    if (ends && !ends->empty()) {
      bool all = ends->size() == copies_.size();
      for (const auto& [key, end] : *ends)
        if (key.first != heartbeats_topic)
          if (const auto* copy = find(key.first, key.second)) all &= copy->copier.map().next().source >= end;
      if (all) co_return Status{};
    }
    if (clock_.now() >= deadline)
      co_return fail(Errc::timeout,
                     ends ? "the target has not caught up with the source yet" : "the source " + config_.source + " is not reachable: " + ends.error().message);
    co_await async::sleep_for(context_, clock_, 50ms);
  }
  co_return fail(Errc::closed, "stopping");
}

Task<json::object> Link::failback(MoveOptions options, int& http_status) {
  const auto began = clock_.now();
  if (state_ == State::connecting) co_return refusal(http_status, "the target " + config_.target + " is not reachable yet: " + last_error_);
  if (auto done = co_await wait_caught_up(30s); !done) co_return refusal(http_status, done.error().message);
  json::array groups;
  std::vector<std::pair<std::string, client::GroupOffsets>> moves;
  for (const auto& group : chosen(options)) {
    for (auto* cluster : {&target_, &source_}) {
      const auto state = co_await client::describe_group(*cluster, group, in(call_timeout));
      if (!state || !inactive(state->group_state))
        co_return refusal(http_status, state ? "group " + group + " is " + state->group_state + " on " +
                                                   (cluster == &target_ ? config_.target : config_.source) + ": stop its members first"
                                             : state.error().message);
    }
    const auto there = co_await client::committed(target_, group, in(call_timeout));
    if (!there) co_return refusal(http_status, there.error().message);
    client::GroupOffsets commits;
    json::array partitions;
    for (const auto& [remote, value] : *there) {
      const auto topic = config_.policy.source_topic(remote.first);
      const auto* copy = topic ? find(*topic, remote.second) : nullptr;
      if (!copy) continue;
      const auto back = copy->copier.map().to_source(value.first);
      if (!back)
        co_return refusal(http_status, fmt::format("group {}: {}-{} is at {}, beyond what came from {}: the topic was written on {} itself", group,
                                                   remote.first, remote.second, value.first, config_.source, config_.target));
      commits[{*topic, remote.second}] = {*back, value.second};
      partitions.push_back(json::object{{"topic", *topic},
                                        {"partition", remote.second},
                                        {"remote_topic", remote.first},
                                        {"source_offset", *back},
                                        {"target_offset", value.first},
                                        {"exact", true}});
    }
    groups.push_back(json::object{{"group", group}, {"ready", true}, {"partitions", std::move(partitions)}});
    moves.emplace_back(group, std::move(commits));
  }
  json::object report{{"link", name()},         {"action", "failback"}, {"dry_run", options.dry_run},
                      {"from", config_.target}, {"to", config_.source}, {"groups", groups}};
  if (options.dry_run) co_return report;
  for (auto& [group, commits] : moves)
    if (!commits.empty())
      if (auto done = co_await client::commit(source_, group, commits, in(call_timeout)); !done) co_return refusal(http_status, done.error().message);
  state_ = State::active;
  report["took_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - began).count();
  if (auto done = co_await write_state("active", report); !done) report["warning"] = "done, but not recorded: " + done.error().message;
  log::warn("link {}: failed back to {}, {} groups", name(), config_.source, moves.size());
  co_return report;
}

Task<json::object> Link::history() {
  CompactedTopic topic(target_, links_topic);
  KeyedRecords records;
  json::array entries;
  if (auto done = co_await topic.read(records, in(call_timeout)); !done) co_return json::object{{"error", done.error().message}};
  for (const auto& [key, value] : records) {
    boost::system::error_code error;
    if (key.starts_with("history/" + name() + "/"))
      if (auto parsed = json::parse(value, error); !error) entries.push_back(std::move(parsed));
    if (key.starts_with("gap/" + name() + "/")) entries.push_back(json::object{{"action", "gap"}, {"where", key.substr(5 + name().size())}, {"until", value}});
  }
  co_return json::object{{"link", name()}, {"history", std::move(entries)}};
}

}  // namespace meridian::mirror
