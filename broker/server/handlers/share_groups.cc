// Share groups (KIP-932): membership, administration, and what brokers tell the share coordinator.
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using coordinator::share::SharePartitionKey;
using kafka::ErrorCode;

bool enabled(const RequestContext& context) { return context.image()->features.contains("share.version"); }

Task<bool> state_topic_exists(RequestContext& context) { return ensure_internal_topic(context.services, context.shard, share_state_topic); }

/// What is wrong with a request between brokers before any of its partitions is looked at.
Task<ErrorCode> check_broker_request(RequestContext& context) {
  if (!context.allowed(Operation::cluster_action, Resource::cluster, "kafka-cluster")) co_return ErrorCode::cluster_authorization_failed;
  if (!enabled(context)) co_return ErrorCode::unsupported_version;
  co_return co_await state_topic_exists(context) ? ErrorCode::none : ErrorCode::coordinator_not_available;
}

bool exists(const RequestContext& context, const SharePartitionKey& key) {
  const auto* topic = context.image()->topic(key.topic_id);
  return topic && key.partition < static_cast<std::int32_t>(topic->partitions.size());
}

/// Answers a request between brokers partition by partition; `act(services, key, partition, result)` sets the result's fields. `of_existing`: only where
/// the topic has that partition; a leader's reads and writes are known by their state.
template <class Response>
Task<Response> for_each_partition(RequestContext& context, const auto& request, bool of_existing, auto act) {
  Response response;
  if (request.group_id.empty()) co_return response;  // as Kafka has it
  const auto refused = co_await check_broker_request(context);
  for (const auto& topic : request.topics) {
    auto& out = response.results.emplace_back();
    out.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition = partition.partition;
      const SharePartitionKey key{request.group_id, topic.topic_id, partition.partition};
      result.error_code = refused == ErrorCode::none && partition.partition < 0 ? ErrorCode::invalid_request : refused;
      if (result.error_code == ErrorCode::none && of_existing && !exists(context, key)) result.error_code = ErrorCode::unknown_topic_or_partition;
      if (result.error_code == ErrorCode::none) co_await act(context.services, key, partition, result);
      if (result.error_code != ErrorCode::none) result.error_message = std::string(kafka::error_name(result.error_code));
    }
  }
  co_return response;
}

}  // namespace

Task<kafka::ShareGroupHeartbeatResponse> handle_share_group_heartbeat(RequestContext& context, kafka::ShareGroupHeartbeatRequest& request) {
  kafka::ShareGroupHeartbeatResponse response;
  if (!enabled(context)) response.error_code = ErrorCode::unsupported_version;
  else if (!context.allowed(Operation::read, Resource::group, request.group_id)) response.error_code = ErrorCode::group_authorization_failed;
  else if (!co_await state_topic_exists(context)) response.error_code = ErrorCode::coordinator_not_available;
  else response = co_await context.services.groups.share_heartbeat(std::move(request), context.client_id, context.client_host);
  co_return response;
}

Task<kafka::ShareGroupDescribeResponse> handle_share_group_describe(RequestContext& context, kafka::ShareGroupDescribeRequest& request) {
  kafka::ShareGroupDescribeResponse response;
  for (const auto& id : request.group_ids) {
    kafka::ShareGroupDescribeResponseDescribedGroup group;
    group.group_id = id;
    group.error_code = !enabled(context) ? ErrorCode::unsupported_version : ErrorCode::group_authorization_failed;
    if (enabled(context) && context.allowed(Operation::describe, Resource::group, id)) group = co_await context.services.groups.share_describe(id);
    if (request.include_authorized_operations && group.error_code == ErrorCode::none) group.authorized_operations = group_operations;
    response.groups.push_back(std::move(group));
  }
  co_return response;
}

namespace {

/// Records of a partition that a group has still to do with; -1: not known.
Task<std::int64_t> lag(RequestContext& context, std::string topic, std::int32_t partition, Offset start, std::int32_t complete_count) {
  auto& replicas = context.services.replicas;
  co_return co_await async::on(
      replicas.home(topic, partition),
      [](replication::ReplicaManager& all, std::string name, std::int32_t n, Offset from, std::int32_t complete) -> Task<std::int64_t> {
        const auto replica = all.find(name, n);
        if (!replica || from < 0 || complete < 0) co_return -1;
        if (from >= replica->high_watermark()) co_return 0;
        co_return std::max<std::int64_t>(replica->high_watermark() - from - complete, 0);
      }(replicas, topic, partition, start, complete_count));
}

Task<kafka::DescribeShareGroupOffsetsResponseGroup> describe_offsets(RequestContext& context, const kafka::DescribeShareGroupOffsetsRequestGroup& request) {
  kafka::DescribeShareGroupOffsetsResponseGroup out;
  out.group_id = request.group_id;
  out.error_code = !enabled(context) ? ErrorCode::unsupported_version : ErrorCode::group_authorization_failed;
  if (enabled(context) && context.allowed(Operation::describe, Resource::group, request.group_id)) {
    const auto offsets = co_await context.services.groups.share_offsets(request.group_id, request.topics);
    out.error_code = offsets.error;
    for (const auto& row : offsets.rows) {
      if (out.topics.empty() || out.topics.back().topic_name != row.topic) {
        out.topics.emplace_back().topic_name = row.topic;
        out.topics.back().topic_id = row.topic_id;
      }
      auto& partition = out.topics.back().partitions.emplace_back();
      partition.partition_index = row.partition;
      partition.start_offset = row.summary.start_offset;
      partition.leader_epoch = row.summary.leader_epoch;
      partition.error_code = row.summary.error;
      if (row.summary.error == ErrorCode::none)
        partition.lag = co_await lag(context, row.topic, row.partition, row.summary.start_offset, row.summary.complete_count);
      else partition.error_message = std::string(kafka::error_name(row.summary.error));
    }
  }
  if (out.error_code != ErrorCode::none) out.error_message = std::string(kafka::error_name(out.error_code));
  co_return out;
}

}  // namespace

Task<kafka::DescribeShareGroupOffsetsResponse> handle_describe_share_group_offsets(RequestContext& context, kafka::DescribeShareGroupOffsetsRequest& request) {
  kafka::DescribeShareGroupOffsetsResponse response;
  for (const auto& group : request.groups) response.groups.push_back(co_await describe_offsets(context, group));
  co_return response;
}

Task<kafka::AlterShareGroupOffsetsResponse> handle_alter_share_group_offsets(RequestContext& context, kafka::AlterShareGroupOffsetsRequest& request) {
  kafka::AlterShareGroupOffsetsResponse response;
  const std::string group = request.group_id;
  if (!enabled(context)) response.error_code = ErrorCode::unsupported_version;
  else if (!context.allowed(Operation::read, Resource::group, group)) response.error_code = ErrorCode::group_authorization_failed;
  else if (!co_await state_topic_exists(context)) response.error_code = ErrorCode::coordinator_not_available;
  else response = co_await context.services.groups.alter_share_offsets(std::move(request));
  if (response.error_code == ErrorCode::none) co_await context.services.share_partitions.forget(group);
  else response.error_message = std::string(kafka::error_name(response.error_code));
  for (auto& topic : response.topics)
    for (auto& partition : topic.partitions)
      if (partition.error_code != ErrorCode::none) partition.error_message = std::string(kafka::error_name(partition.error_code));
  co_return response;
}

Task<kafka::DeleteShareGroupOffsetsResponse> handle_delete_share_group_offsets(RequestContext& context, kafka::DeleteShareGroupOffsetsRequest& request) {
  kafka::DeleteShareGroupOffsetsResponse response;
  const std::string group = request.group_id;
  if (!enabled(context)) response.error_code = ErrorCode::unsupported_version;
  else if (!context.allowed(Operation::remove, Resource::group, group)) response.error_code = ErrorCode::group_authorization_failed;
  else response = co_await context.services.groups.delete_share_offsets(std::move(request));
  if (response.error_code == ErrorCode::none) co_await context.services.share_partitions.forget(group);
  else response.error_message = std::string(kafka::error_name(response.error_code));
  for (auto& topic : response.topics)
    if (topic.error_code != ErrorCode::none) topic.error_message = std::string(kafka::error_name(topic.error_code));
  co_return response;
}

Task<kafka::InitializeShareGroupStateResponse> handle_initialize_share_group_state(RequestContext& context, kafka::InitializeShareGroupStateRequest& request) {
  return for_each_partition<kafka::InitializeShareGroupStateResponse>(
      context, request, true, [](Services& services, SharePartitionKey key, const auto& partition, auto& result) -> Task<> {
        result.error_code = co_await services.shares.initialize(std::move(key), partition.state_epoch, partition.start_offset);
      });
}

Task<kafka::ReadShareGroupStateResponse> handle_read_share_group_state(RequestContext& context, kafka::ReadShareGroupStateRequest& request) {
  return for_each_partition<kafka::ReadShareGroupStateResponse>(context, request, false,
                                                                [](Services& services, SharePartitionKey key, const auto& partition, auto& result) -> Task<> {
                                                                  auto state = co_await services.shares.read(std::move(key), partition.leader_epoch);
                                                                  result.error_code = state.error;
                                                                  result.state_epoch = state.state_epoch;
                                                                  result.start_offset = state.error == ErrorCode::none ? state.start_offset : 0;
                                                                  result.state_batches = std::move(state.batches);
                                                                });
}

Task<kafka::WriteShareGroupStateResponse> handle_write_share_group_state(RequestContext& context, kafka::WriteShareGroupStateRequest& request) {
  return for_each_partition<kafka::WriteShareGroupStateResponse>(context, request, false,
                                                                 [](Services& services, SharePartitionKey key, const auto& partition, auto& result) -> Task<> {
                                                                   result.error_code = co_await services.shares.write(std::move(key), partition);
                                                                 });
}

Task<kafka::DeleteShareGroupStateResponse> handle_delete_share_group_state(RequestContext& context, kafka::DeleteShareGroupStateRequest& request) {
  return for_each_partition<kafka::DeleteShareGroupStateResponse>(context, request, true,
                                                                  [](Services& services, SharePartitionKey key, const auto&, auto& result) -> Task<> {
                                                                    result.error_code = co_await services.shares.remove(std::move(key));
                                                                  });
}

Task<kafka::ReadShareGroupStateSummaryResponse> handle_read_share_group_state_summary(RequestContext& context,
                                                                                      kafka::ReadShareGroupStateSummaryRequest& request) {
  return for_each_partition<kafka::ReadShareGroupStateSummaryResponse>(context, request, true,
                                                                       [](Services& services, SharePartitionKey key, const auto&, auto& result) -> Task<> {
                                                                         const auto state = co_await services.shares.read(std::move(key), std::nullopt);
                                                                         result.error_code = state.error;
                                                                         if (state.error != ErrorCode::none) co_return;
                                                                         result.state_epoch = state.state_epoch;
                                                                         result.leader_epoch = state.leader_epoch;
                                                                         result.start_offset = state.start_offset;
                                                                         result.delivery_complete_count = state.complete_count;
                                                                       });
}

}  // namespace meridian::server
