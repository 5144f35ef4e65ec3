// Partition: the replication state of one partition on this broker: role, epochs, in-sync replicas, high watermark. Pure.
//
// A leader counts an offset of a replica only when that replica holds it under the durability setting. The high watermark is the
// smallest counted end over the in-sync replicas, and never goes back.
#pragma once

#include <map>
#include <vector>

#include "broker/metadata/records.h"
#include "common/base/bytes.h"

namespace meridian::replication {

class Partition {
 public:
  explicit Partition(std::int32_t self) : self_(self) {}

  /// Takes over what the metadata says; older partition epochs are ignored. True when this broker just became leader, or
  /// leader in a new epoch.
  bool apply(const metadata::PartitionRecord& record);

  bool leads() const { return record_.leader == self_; }
  std::int32_t leader() const { return record_.leader; }
  std::int32_t leader_epoch() const { return record_.leader_epoch; }
  const std::vector<std::int32_t>& isr() const { return record_.isr; }

  /// Replica `id` now holds everything below `end`. True when the high watermark moved.
  bool counted(std::int32_t id, Offset end);
  bool counted_here(Offset end) { return counted(self_, end); }
  Offset high_watermark() const { return high_watermark_; }

  /// min.insync.replicas, for acks=all.
  bool enough_in_sync(std::int64_t min) const { return static_cast<std::int64_t>(record_.isr.size()) >= min; }

 private:
  std::int32_t self_;
  metadata::PartitionRecord record_{.replicas = {}, .isr = {}, .leader = -1, .leader_epoch = -1, .partition_epoch = -1};
  std::map<std::int32_t, Offset> counted_;
  Offset high_watermark_ = 0;
};

}  // namespace meridian::replication
