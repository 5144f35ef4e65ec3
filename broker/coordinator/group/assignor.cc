#include "broker/coordinator/group/assignor.h"

#include <algorithm>
#include <vector>

namespace meridian::coordinator::group {

TargetAssignment assign_uniform(const AssignorMembers& members, const PartitionCounts& topics) {
  TargetAssignment target;
  std::map<std::string, std::size_t> load;
  for (const auto& [id, member] : members) target[id], load[id] = 0;
  std::map<Uuid, std::vector<std::string>> subscribers;
  for (const auto& [id, member] : members)
    for (const auto& topic : member.topics)
      if (topics.contains(topic)) subscribers[topic].push_back(id);

  // What a member had, it keeps.
  std::set<std::pair<Uuid, std::int32_t>> taken;
  for (const auto& [id, member] : members)
    for (const auto& [topic, partitions] : member.current) {
      const auto count = topics.find(topic);
      if (count == topics.end() || !member.topics.contains(topic)) continue;
      for (const auto n : partitions)
        if (n < count->second && taken.insert({topic, n}).second) target[id][topic].insert(n), ++load[id];
    }
  // The rest goes to whoever has least.
  const auto least = [&](const std::vector<std::string>& ids) { return *std::ranges::min_element(ids, {}, [&](const auto& id) { return load[id]; }); };
  for (const auto& [topic, ids] : subscribers)
    for (std::int32_t n = 0; n < topics.at(topic); ++n) {
      if (taken.contains({topic, n})) continue;
      const auto id = least(ids);
      target[id][topic].insert(n);
      ++load[id];
    }
  // From members with more to members with less, until no single move helps.
  for (bool moved = true; moved;) {
    moved = false;
    for (const auto& [topic, ids] : subscribers)
      for (;;) {
        const auto most = *std::ranges::max_element(ids, {}, [&](const auto& id) { return target[id].contains(topic) ? load[id] : 0; });
        const auto to = least(ids);
        auto from = target[most].find(topic);
        if (from == target[most].end() || load[most] <= load[to] + 1) break;
        const auto n = *from->second.rbegin();
        from->second.erase(n);
        if (from->second.empty()) target[most].erase(from);
        target[to][topic].insert(n);
        --load[most];
        ++load[to];
        moved = true;
      }
  }
  return target;
}

TargetAssignment assign_range(const AssignorMembers& members, const PartitionCounts& topics) {
  TargetAssignment target;
  std::vector<std::string> order;
  for (const auto& [id, member] : members) target[id], order.push_back(id);
  // Members with an instance id first, by it; then by member id.
  std::ranges::sort(order, {}, [&](const auto& id) {
    const auto& instance = members.at(id).instance_id;
    return std::tuple(!instance.has_value(), instance.value_or(""), id);
  });
  for (const auto& [topic, count] : topics) {
    std::vector<std::string> ids;
    for (const auto& id : order)
      if (members.at(id).topics.contains(topic)) ids.push_back(id);
    if (ids.empty()) continue;
    const auto each = count / static_cast<std::int32_t>(ids.size()), extra = count % static_cast<std::int32_t>(ids.size());
    std::int32_t next = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto share = each + (static_cast<std::int32_t>(i) < extra ? 1 : 0);
      for (std::int32_t k = 0; k < share; ++k) target[ids[i]][topic].insert(next++);
    }
  }
  return target;
}

TargetAssignment assign_simple(const AssignorMembers& members, const PartitionCounts& topics) {
  TargetAssignment target;
  for (const auto& [id, member] : members) target[id];
  std::size_t next = 0;  // goes on from topic to topic, so that not the same members get the odd partitions of all
  for (const auto& [topic, count] : topics) {
    std::vector<std::string> ids;
    for (const auto& [id, member] : members)
      if (member.topics.contains(topic)) ids.push_back(id);
    if (ids.empty() || count == 0) continue;
    const std::size_t pairs = std::max(ids.size(), static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < pairs; ++i) target[ids[next++ % ids.size()]][topic].insert(static_cast<std::int32_t>(i % static_cast<std::size_t>(count)));
  }
  return target;
}

}  // namespace meridian::coordinator::group
