// ListOffsets and OffsetForLeaderEpoch.
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
constexpr std::int64_t latest = -1, earliest = -2, max_timestamp = -3, earliest_local = -4, last_tiered = -5, earliest_pending_upload = -6;

ErrorCode check_epoch(replication::Replica& replica, std::int32_t current) {
  const auto epoch = replica.partition().leader_epoch();
  if (!replica.partition().leads()) return ErrorCode::not_leader_or_follower;
  if (current >= 0 && current < epoch) return ErrorCode::fenced_leader_epoch;
  return current > epoch ? ErrorCode::unknown_leader_epoch : ErrorCode::none;
}

/// Version from which a special timestamp is known; below it the partition answers UNSUPPORTED_VERSION.
std::int16_t known_since(std::int64_t timestamp) {
  if (timestamp == max_timestamp) return 7;
  if (timestamp == earliest_local) return 8;
  if (timestamp == last_tiered) return 9;
  if (timestamp == earliest_pending_upload) return 11;
  return timestamp < earliest_pending_upload ? INT16_MAX : 1;
}

Task<> list_partition(Services& services, const std::string& topic, const kafka::ListOffsetsRequestPartition& request, bool read_committed,
                      kafka::ListOffsetsResponsePartition& result) {
  const auto replica = services.replicas.find(topic, request.partition_index);
  result.error_code = replica                                                    ? check_epoch(*replica, request.current_leader_epoch)
                      : services.replicas.failed(topic, request.partition_index) ? ErrorCode::kafka_storage_error
                                                                                 : ErrorCode::unknown_topic_or_partition;
  if (result.error_code != ErrorCode::none) co_return;
  storage::Log& log = replica->log();
  const Offset end = read_committed ? replica->last_stable_offset() : replica->high_watermark();
  if (request.timestamp == last_tiered || request.timestamp == earliest_pending_upload) co_return;  // nothing is tiered: -1
  if (request.timestamp == latest || request.timestamp == earliest || request.timestamp == earliest_local) {
    result.offset = request.timestamp == latest ? end : log.start_offset();
    result.leader_epoch = request.timestamp == latest ? replica->partition().leader_epoch() : log.leader_epochs().epoch_at(log.start_offset());
    if (result.leader_epoch < 0) result.leader_epoch = replica->partition().leader_epoch();  // an empty log
    co_return;
  }
  const auto hit = request.timestamp == max_timestamp ? log.find_max_timestamp(end) : log.find_timestamp(request.timestamp, end);
  if (!hit) {
    result.error_code = ErrorCode::kafka_storage_error;
  } else if (*hit) {
    result.timestamp = (*hit)->timestamp_ms;
    result.offset = (*hit)->offset;
    result.leader_epoch = (*hit)->leader_epoch;
  }
}

Task<> epoch_partition(Services& services, const std::string& topic, const kafka::OffsetForLeaderEpochRequestPartition& request,
                       kafka::OffsetForLeaderEpochResponsePartition& result) {
  const auto replica = services.replicas.find(topic, request.partition);
  result.error_code = replica ? check_epoch(*replica, request.current_leader_epoch) : ErrorCode::unknown_topic_or_partition;
  if (result.error_code != ErrorCode::none) co_return;
  const auto end = replica->log().leader_epochs().end_offset_for(request.leader_epoch, replica->log().end_offset());
  result.leader_epoch = end.epoch;
  result.end_offset = end.start_offset;
}

}  // namespace

Task<kafka::ListOffsetsResponse> handle_list_offsets(RequestContext& context, kafka::ListOffsetsRequest& request) {
  kafka::ListOffsetsResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    const bool allowed = context.allowed(Operation::describe, Resource::topic, topic.name);
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      if (!allowed) result.error_code = ErrorCode::topic_authorization_failed;
      else if (context.version < known_since(partition.timestamp)) result.error_code = ErrorCode::unsupported_version;
      else
        co_await async::on(context.services.replicas.home(topic.name, partition.partition_index),
                           list_partition(context.services, topic.name, partition, request.isolation_level == 1, result));
    }
  }
  co_return response;
}

Task<kafka::OffsetForLeaderEpochResponse> handle_offset_for_leader_epoch(RequestContext& context, kafka::OffsetForLeaderEpochRequest& request) {
  kafka::OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic = topic.topic;
    const bool allowed = context.allowed(Operation::describe, Resource::topic, topic.topic);
    for (const auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.partition = partition.partition;
      if (!allowed) result.error_code = ErrorCode::topic_authorization_failed;
      else
        co_await async::on(context.services.replicas.home(topic.topic, partition.partition), epoch_partition(context.services, topic.topic, partition, result));
    }
  }
  co_return response;
}

}  // namespace meridian::server
