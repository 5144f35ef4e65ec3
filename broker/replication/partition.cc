#include "broker/replication/partition.h"

#include <algorithm>

namespace meridian::replication {

bool Partition::apply(const metadata::PartitionRecord& record) {
  if (record.partition_epoch < record_.partition_epoch || record == record_) return false;
  const bool newly = record.leader == self_ && (record_.leader != self_ || record.leader_epoch != record_.leader_epoch);
  record_ = record;
  if (newly) std::erase_if(counted_, [this](const auto& entry) { return entry.first != self_; });
  return newly;
}

bool Partition::counted(std::int32_t id, Offset end) {
  Offset& known = counted_[id];
  known = std::max(known, end);
  if (!leads() || record_.isr.empty()) return false;
  Offset smallest = INT64_MAX;
  for (const auto member : record_.isr) {
    const auto it = counted_.find(member);
    smallest = std::min(smallest, it == counted_.end() ? 0 : it->second);
  }
  if (smallest <= high_watermark_) return false;
  high_watermark_ = smallest;
  return true;
}

}  // namespace meridian::replication
