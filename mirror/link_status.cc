// Link, what is told: status for people, samples for metrics. Unknown stays unknown: null in JSON, no sample in metrics.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "mirror/link.h"

namespace meridian::mirror {
namespace {

namespace json = boost::json;

const char* state_name(PartitionCopier::State state) {
  switch (state) {
    case PartitionCopier::State::starting: return "starting";
    case PartitionCopier::State::matching: return "matching";
    case PartitionCopier::State::copying: return "active";
    case PartitionCopier::State::halted: return "halted";
  }
  return "unknown";
}

}  // namespace

std::int64_t Link::lag_records() const {
  std::int64_t lag = 0;
  for (const auto& [key, copy] : copies_)
    if (key.first != heartbeats_topic) lag += std::max<std::int64_t>(0, copy->copier.source_end() - copy->copier.map().next().source);
  return lag;
}

/// Heartbeats travel the data path, so this moves on idle links too.
std::optional<std::int64_t> Link::replicated_through_ms() const {
  const auto* heartbeat = find(heartbeats_topic, 0);
  if (heartbeat && heartbeat->copier.newest_timestamp_ms() >= 0) return heartbeat->copier.newest_timestamp_ms();
  return std::nullopt;
}

/// What would be lost if the source were gone for good: records known to be on the source and not on the target, and how old
/// that knowledge is. What the source took after it was last seen is not in it.
json::object Link::at_risk() const {
  json::object risk;
  if (source_seen_wall_ms_ < 0) {
    risk["records"] = nullptr;
    risk["as_of_ms"] = nullptr;
    return risk;
  }
  risk["records"] = lag_records();
  risk["as_of_ms"] = source_seen_wall_ms_;
  risk["source_last_seen_ms_ago"] = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - source_seen_).count();
  if (const auto through = replicated_through_ms()) risk["replicated_through_ms"] = *through;
  json::object topics;
  for (const auto& [key, copy] : copies_) {
    const auto lag = copy->copier.source_end() - copy->copier.map().next().source;
    if (lag <= 0 || key.first == heartbeats_topic) continue;
    auto& slot = topics[key.first];
    slot = (slot.is_int64() ? slot.as_int64() : 0) + lag;
  }
  risk["by_topic"] = std::move(topics);
  return risk;
}

json::object Link::status() const {
  json::object topics;
  const char* fence = nullptr;
  for (const auto& [key, copy] : copies_) {
    const auto& copier = copy->copier;
    if (copier.state() == PartitionCopier::State::copying || copier.state() == PartitionCopier::State::matching) fence = fence_name(copy->fence.kind);
    json::object partition{{"partition", key.second},
                           {"state", state_name(copier.state())},
                           {"source_next", copier.map().next().source},
                           {"target_next", copier.map().next().target},
                           {"runs", copier.map().runs().size()}};
    const bool known = copier.source_end() >= 0;
    partition["source_end"] = known ? json::value(copier.source_end()) : json::value(nullptr);
    partition["lag"] = known ? json::value(std::max<std::int64_t>(0, copier.source_end() - copier.map().next().source)) : json::value(nullptr);
    if (!copier.problem().empty()) partition["problem"] = copier.problem();
    auto& topic = topics[key.first];
    if (!topic.is_object()) topic = json::object{{"remote_topic", copier.remote_topic()}, {"partitions", json::array{}}};
    topic.as_object()["partitions"].as_array().push_back(std::move(partition));
  }
  json::object out{{"link", name()},
                   {"source", config_.source},
                   {"target", config_.target},
                   {"state", state_ == State::connecting ? "connecting"
                             : state_ == State::active   ? "active"
                                                         : "failed-over"},
                   {"naming", config_.policy.identity ? "identity" : "prefix"},
                   {"source_reachable", source_reachable_},
                   {"target_reachable", target_reachable_},
                   {"source_cluster_id", source_cluster_id_},
                   {"target_cluster_id", target_cluster_id_},
                   {"records_copied", records_.value()},
                   {"bytes_written", bytes_.value()},
                   {"gaps", gaps_},
                   {"at_risk", at_risk()},
                   {"topics", std::move(topics)}};
  out["fence"] = fence ? json::value(fence) : json::value(nullptr);
  const auto through = replicated_through_ms();
  out["behind_ms"] = through && source_reachable_ ? json::value(std::max<std::int64_t>(0, clock_.wall_ms() - *through)) : json::value(nullptr);
  if (!last_error_.empty()) out["last_error"] = last_error_;
  return out;
}

json::object Link::group_status() const {
  json::array groups;
  for (const auto& [group, positions] : groups_) {
    client::GroupOffsets ignored;
    auto entry = plan_group(group, positions, ignored);
    bool committed = true;
    for (const auto& [key, position] : positions) committed &= !position.translated || position.target >= *position.translated;
    entry["committed_on_target"] = committed;
    entry["ready"] = entry["ready"].as_bool() && committed;
    if (const auto it = group_problems_.find(group); it != group_problems_.end()) entry["problem"] = it->second;
    groups.push_back(std::move(entry));
  }
  return {{"link", name()}, {"groups", std::move(groups)}};
}

Result<json::object> Link::translate(const std::string& topic, std::int32_t partition, Offset offset, bool reverse) const {
  const auto* copy = find(topic, partition);
  if (!copy) return fail(Errc::not_found, fmt::format("link {} does not copy {}-{}", name(), topic, partition));
  const auto& map = copy->copier.map();
  const auto there = reverse ? map.to_source(offset) : map.to_target(offset);
  json::object out{{"topic", topic}, {"partition", partition}, {"remote_topic", copy->copier.remote_topic()}, {"from", offset}};
  out["to"] = there ? json::value(*there) : json::value(nullptr);
  if (!there) out["why"] = "beyond the replicated end";
  return out;
}

void Link::emit_metrics(const std::string& metric, const metrics::Registry::Emit& emit) const {
  const std::string labels =
      fmt::format("{},{},{}", metrics::label("link", name()), metrics::label("source", config_.source), metrics::label("target", config_.target));
  if (metric == "meridian_mirror_source_reachable") emit(labels, source_reachable_);
  if (metric == "meridian_mirror_target_reachable") emit(labels, target_reachable_);
  if (metric == "meridian_mirror_lag_records" && source_reachable_) emit(labels, static_cast<double>(lag_records()));
  if (metric == "meridian_mirror_gaps") emit(labels, static_cast<double>(gaps_));
  if (metric == "meridian_mirror_replicated_through_timestamp_seconds")
    if (const auto through = replicated_through_ms()) emit(labels, static_cast<double>(*through) / 1000);
  if (metric == "meridian_mirror_topic_state")
    for (const auto state :
         {PartitionCopier::State::starting, PartitionCopier::State::matching, PartitionCopier::State::copying, PartitionCopier::State::halted}) {
      const auto count = std::ranges::count_if(copies_, [state](const auto& entry) { return entry.second->copier.state() == state; });
      emit(labels + "," + metrics::label("state", state_name(state)), static_cast<double>(count));
    }
  if (metric == "meridian_mirror_group_ready")
    for (const auto& [group, positions] : groups_) {
      client::GroupOffsets ignored;
      emit(labels + "," + metrics::label("group", group), plan_group(group, positions, ignored)["ready"].as_bool());
    }
}

}  // namespace meridian::mirror
