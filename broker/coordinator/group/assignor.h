// Server-side assignors of the consumer protocol (KIP-848). Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/base/uuid.h"

namespace meridian::coordinator::group {

/// Topic id -> partitions.
using Assignment = std::map<Uuid, std::set<std::int32_t>>;

struct AssignorMember {
  std::optional<std::string> instance_id;
  std::set<Uuid> topics;  ///< subscribed ones that exist
  Assignment current;     ///< target of the last run, to stay close to
};

/// Member id -> what it is to own. Every partition of a topic that somebody subscribes to has one owner.
using TargetAssignment = std::map<std::string, Assignment>;
using AssignorMembers = std::map<std::string, AssignorMember>;
using PartitionCounts = std::map<Uuid, std::int32_t>;

/// Evenly over all topics together, moving as little as that takes.
TargetAssignment assign_uniform(const AssignorMembers& members, const PartitionCounts& topics);
/// Topic by topic: consecutive partitions, in order of instance ids and member ids.
TargetAssignment assign_range(const AssignorMembers& members, const PartitionCounts& topics);
/// Of share groups, where a partition may have several owners: every subscriber of a topic gets some of its partitions, every partition
/// somebody, and both about equally often.
TargetAssignment assign_simple(const AssignorMembers& members, const PartitionCounts& topics);

}  // namespace meridian::coordinator::group
