// What concerns partitions as logs and replicas: DeleteRecords, log directories, elections, reassignments, DescribeQuorum.
#include <map>

#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
constexpr const char* no_reassignment = "No partition reassignment is in progress.";

}  // namespace

Task<kafka::DeleteRecordsResponse> handle_delete_records(RequestContext& context, kafka::DeleteRecordsRequest& request) {
  kafka::DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    const bool allowed = context.allowed(Operation::remove, Resource::topic, topic.name);
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.low_watermark = -1;
      if (!allowed) {
        result.error_code = ErrorCode::topic_authorization_failed;
      } else if (metadata::is_internal_topic(topic.name)) {
        result.error_code = ErrorCode::invalid_topic_exception;
      } else {
        const auto [error, start] = co_await context.services.replicas.delete_records(topic.name, partition.partition_index, partition.offset);
        result.error_code = error;
        result.low_watermark = start;
      }
    }
  }
  co_return response;
}

Task<kafka::DescribeLogDirsResponse> handle_describe_log_dirs(RequestContext& context, kafka::DescribeLogDirsRequest& request) {
  kafka::DescribeLogDirsResponse response;
  if (!context.allowed(Operation::describe, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  std::map<std::string, std::set<std::int32_t>> wanted;
  if (request.topics)
    for (const auto& topic : *request.topics) wanted[topic.topic].insert(topic.partitions.begin(), topic.partitions.end());
  for (const auto& directory : co_await context.services.replicas.directories()) {
    auto& out = response.results.emplace_back();
    out.log_dir = directory.path;
    out.error_code = directory.failed ? ErrorCode::kafka_storage_error : ErrorCode::none;
    out.total_bytes = directory.total_bytes;
    out.usable_bytes = directory.usable_bytes;
    for (const auto& log : directory.logs) {
      const auto it = wanted.find(log.id.topic);
      if (request.topics && (it == wanted.end() || !it->second.contains(log.id.partition))) continue;
      if (out.topics.empty() || out.topics.back().name != log.id.topic) out.topics.emplace_back().name = log.id.topic;
      out.topics.back().partitions.push_back({log.id.partition, static_cast<std::int64_t>(log.bytes), 0, log.future});
    }
  }
  co_return response;
}

Task<kafka::AlterReplicaLogDirsResponse> handle_alter_replica_log_dirs(RequestContext& context, kafka::AlterReplicaLogDirsRequest& request) {
  kafka::AlterReplicaLogDirsResponse response;
  const bool allowed = context.allowed(Operation::alter, Resource::cluster, "kafka-cluster");
  for (const auto& directory : request.dirs)
    for (const auto& topic : directory.topics) {
      auto& out = response.results.emplace_back();
      out.topic_name = topic.name;
      for (const auto n : topic.partitions)
        out.partitions.push_back(
            {n, allowed ? co_await context.services.replicas.move_log(topic.name, n, directory.path) : ErrorCode::cluster_authorization_failed});
    }
  co_return response;
}

// One node leads all it has: an election has nothing to change.
Task<kafka::ElectLeadersResponse> handle_elect_leaders(RequestContext& context, kafka::ElectLeadersRequest& request) {
  kafka::ElectLeadersResponse response;
  if (!context.allowed(Operation::alter, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  if (request.election_type != 0 && request.election_type != 1) {
    response.error_code = ErrorCode::invalid_request;
    co_return response;
  }
  const auto image = context.image();
  if (!request.topic_partitions)  // all: partitions that need none are left out
    for (const auto& [name, topic] : image->topics) response.replica_election_results.push_back({name, {}});
  if (!request.topic_partitions) co_return response;
  for (const auto& topic : *request.topic_partitions) {
    auto& out = response.replica_election_results.emplace_back();
    out.topic = topic.topic;
    for (const auto n : topic.partitions) {
      const auto* partition = image->partition(topic.topic, n);
      const bool leads = partition && partition->leader >= 0;
      out.partition_result.push_back({n,
                                      !partition ? ErrorCode::unknown_topic_or_partition
                                      : leads    ? ErrorCode::election_not_needed
                                                 : ErrorCode::eligible_leaders_not_available,
                                      !partition ? "No such partition as " + topic.topic + "-" + std::to_string(n)
                                      : leads    ? "Leader election not needed for topic partition."
                                                 : "No replica of the partition is alive."});
    }
  }
  co_return response;
}

Task<kafka::AlterPartitionReassignmentsResponse> handle_alter_partition_reassignments(RequestContext& context,
                                                                                      kafka::AlterPartitionReassignmentsRequest& request) {
  kafka::AlterPartitionReassignmentsResponse response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  if (!context.allowed(Operation::alter, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  const auto image = context.image();
  for (const auto& topic : request.topics) {
    auto& out = response.responses.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      const auto* known = image->partition(topic.name, partition.partition_index);
      if (!known) {
        result.error_code = ErrorCode::unknown_topic_or_partition;
        result.error_message = "The partition does not exist.";
      } else if (!partition.replicas) {
        result.error_code = ErrorCode::no_reassignment_in_progress;
        result.error_message = no_reassignment;
      } else if (*partition.replicas != known->replicas) {
        result.error_code = ErrorCode::invalid_replica_assignment;
        result.error_message = "The only broker is " + std::to_string(context.services.node_id) + ".";
      }
    }
  }
  co_return response;
}

Task<kafka::ListPartitionReassignmentsResponse> handle_list_partition_reassignments(RequestContext& context, kafka::ListPartitionReassignmentsRequest&) {
  kafka::ListPartitionReassignmentsResponse response;
  if (!context.allowed(Operation::describe, Resource::cluster, "kafka-cluster")) response.error_code = ErrorCode::cluster_authorization_failed;
  co_return response;  // none is ever under way on one node
}

// The metadata of one node has one voter, itself; the metadata offset is the store's revision.
Task<kafka::DescribeQuorumResponse> handle_describe_quorum(RequestContext& context, kafka::DescribeQuorumRequest& request) {
  constexpr const char* metadata_topic = "__cluster_metadata";
  kafka::DescribeQuorumResponse response;
  if (!context.allowed(Operation::describe, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  const auto revision = context.image()->revision;
  const auto now_ms = context.shard.clock().wall_ms();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic_name = topic.topic_name;
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      if (topic.topic_name != metadata_topic || partition.partition_index != 0) {
        result.error_code = ErrorCode::unknown_topic_or_partition;
        result.error_message = "This server does not host this topic-partition.";
        continue;
      }
      result.leader_id = context.services.node_id;
      result.leader_epoch = 1;
      result.high_watermark = revision;
      result.current_voters.push_back({.replica_id = context.services.node_id,
                                       .log_end_offset = revision,
                                       .last_fetch_timestamp = context.version >= 1 ? now_ms : -1,
                                       .last_caught_up_timestamp = context.version >= 1 ? now_ms : -1});
    }
  }
  const bool found = std::ranges::any_of(response.topics, [](const auto& topic) {
    return std::ranges::any_of(topic.partitions, [](const auto& partition) { return partition.error_code == ErrorCode::none; });
  });
  if (found)
    response.nodes.push_back(
        {context.services.node_id, {{"PLAINTEXT", context.services.advertised.host, static_cast<std::uint16_t>(context.services.advertised.port)}}});
  co_return response;
}

}  // namespace meridian::server
