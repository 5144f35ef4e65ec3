// Operations that several programs need: offsets, reading a range, appending a batch, committed offsets, topics.
// Each retries what is retriable until its deadline, and says in its error what the broker said last.
#pragma once

#include <functional>

#include "common/client/cluster.h"
#include "common/kafka/record_batch.h"

namespace meridian::client {

inline constexpr std::int64_t latest = -1, earliest = -2;

/// Offset for a timestamp or for `latest`/`earliest`; -1 where no record is as new.
Task<Result<Offset>> list_offset(Cluster& cluster, std::string topic, std::int32_t partition, std::int64_t timestamp, async::TimePoint deadline);

/// End offsets (high watermarks) of many partitions, one request per leader. Partitions that fail are left out.
using PartitionOffsets = std::map<std::pair<std::string, std::int32_t>, Offset>;
Task<Result<PartitionOffsets>> end_offsets(Cluster& cluster, std::vector<std::pair<std::string, std::int32_t>> partitions, async::TimePoint deadline);

/// Visits the records of [from, end) in order, and with `visit_control` the control batches; returns early when one of them returns false.
/// Waits for what is not there yet.
Task<Status> read_range(Cluster& cluster, std::string topic, std::int32_t partition, Offset from, Offset end,
                        std::function<bool(const kafka::RecordView&)> visit, async::TimePoint deadline,
                        std::function<bool(const kafka::BatchHeader&)> visit_control = {});

/// Appends one batch with acks=all; returns its base offset. Without a producer id a retry may repeat it.
Task<Result<Offset>> append(Cluster& cluster, std::string topic, std::int32_t partition, Bytes batch, async::TimePoint deadline);

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;
  std::int16_t replication_factor = -1;
  std::vector<std::pair<std::string, std::string>> configs;
};
/// An existing topic is success.
Task<Status> create_topic(Cluster& cluster, NewTopic topic, async::TimePoint deadline);
Task<Status> create_partitions(Cluster& cluster, std::string topic, std::int32_t count, async::TimePoint deadline);
/// Configurations set at the topic itself, not defaults.
Task<Result<std::map<std::string, std::string>>> topic_configs(Cluster& cluster, std::string topic, async::TimePoint deadline);
/// Sets values; only the named keys change.
Task<Status> alter_topic_configs(Cluster& cluster, std::string topic, std::map<std::string, std::optional<std::string>> values, async::TimePoint deadline);

using GroupOffsets = std::map<std::pair<std::string, std::int32_t>, std::pair<Offset, std::string>>;  ///< offset, metadata
Task<Result<GroupOffsets>> committed(Cluster& cluster, std::string group, async::TimePoint deadline);
/// Commits for a group without members; per-partition errors fail the whole.
Task<Status> commit(Cluster& cluster, std::string group, GroupOffsets offsets, async::TimePoint deadline);
/// State of a group: "Empty", "Stable", ..., "Dead".
Task<Result<kafka::DescribeGroupsResponseGroup>> describe_group(Cluster& cluster, std::string group, async::TimePoint deadline);
Task<Result<std::vector<kafka::ListGroupsResponseGroup>>> list_groups(Cluster& cluster, async::TimePoint deadline);

}  // namespace meridian::client
