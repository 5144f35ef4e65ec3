// Produce and AppendAt: append every partition's batch in order, then wait until all of them count (acks=all).
#include "broker/server/handlers/handlers.h"
#include "common/base/log.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;

ErrorCode error_of(storage::AppendError error) {
  switch (error) {
    case storage::AppendError::corrupt: return ErrorCode::corrupt_message;
    case storage::AppendError::too_large: return ErrorCode::message_too_large;
    case storage::AppendError::out_of_order_sequence: return ErrorCode::out_of_order_sequence_number;
    case storage::AppendError::invalid_producer_epoch: return ErrorCode::invalid_producer_epoch;
    case storage::AppendError::invalid_timestamp: return ErrorCode::invalid_timestamp;
    case storage::AppendError::invalid_record: return ErrorCode::invalid_record;
    case storage::AppendError::unsupported_compression: return ErrorCode::unsupported_compression_type;
    case storage::AppendError::unexpected_offset: return ErrorCode::offset_out_of_range;
    case storage::AppendError::offline: return ErrorCode::kafka_storage_error;
  }
  return ErrorCode::unknown_server_error;
}

/// What a partition's append leaves behind for the wait.
struct Pending {
  std::shared_ptr<replication::Replica> replica;
  Offset end = -1;
  kafka::ProduceResponsePartition* result = nullptr;
  std::optional<Offset> expected;
};

/// On the partition's home shard.
Task<> append_partition(Services& services, const std::string& topic, ByteView records, std::int16_t acks, Pending& pending) {
  auto& result = *pending.result;
  const auto replica = services.replicas.find(topic, result.index);
  if (!replica) {
    result.error_code = services.replicas.failed(topic, result.index) ? ErrorCode::kafka_storage_error : ErrorCode::unknown_topic_or_partition;
    co_return;
  }
  if (!replica->partition().leads()) {
    result.error_code = ErrorCode::not_leader_or_follower;
    co_return;
  }
  if (acks == -1 && !replica->partition().enough_in_sync(replica->min_insync())) {
    result.error_code = ErrorCode::not_enough_replicas;
    co_return;
  }
  // The frame belongs to this request, and offsets are stamped into it in place: the bytes go to the log without a copy.
  auto appended = replica->append(const_cast<char*>(records.data()), records.size(), pending.expected);
  if (!appended) {
    result.error_code = error_of(appended.error().code);
    result.error_message = appended.error().message;
    if (appended.error().code == storage::AppendError::unexpected_offset) result.base_offset = replica->log().end_offset();
    co_return;
  }
  result.base_offset = appended->base_offset;
  result.log_append_time_ms = appended->log_append_time_ms;
  result.log_start_offset = replica->log().start_offset();
  pending.replica = replica;
  pending.end = appended->last_offset + 1;
}

Task<> wait_partition(Pending& pending, async::TimePoint deadline) {
  if (co_await pending.replica->wait_committed(pending.end, deadline)) co_return;
  pending.result->error_code = pending.replica->log().offline() ? ErrorCode::kafka_storage_error
                               : pending.replica->is_shut()     ? ErrorCode::not_leader_or_follower
                                                                : ErrorCode::request_timed_out;
}

/// Exactly one batch of magic 2; anything else is answered here.
ErrorCode check_records(const kafka::Records& records) {
  if (records.null || records.view.empty()) return ErrorCode::invalid_record;
  const auto header = kafka::parse_batch_header(records.view);
  if (!header) return records.view.size() > 16 && records.view[16] < 2 ? ErrorCode::unsupported_for_message_format : ErrorCode::corrupt_message;
  if (static_cast<std::size_t>(header->size) < records.view.size()) return ErrorCode::invalid_record;
  return header->control() || header->transactional() ? ErrorCode::invalid_record : ErrorCode::none;
}

}  // namespace

Task<kafka::ProduceResponse> handle_produce(RequestContext& context, kafka::ProduceRequest& request) {
  Services& services = context.services;
  kafka::ProduceResponse response;
  response.topics.reserve(request.topics.size());
  const bool bad_acks = request.acks < -1 || request.acks > 1;
  const auto image = context.image();
  std::vector<Pending> pending;
  for (auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    out.partitions.reserve(topic.partitions.size());  // Pending points into it
    ErrorCode error = bad_acks ? ErrorCode::invalid_required_acks : ErrorCode::none;
    if (context.version >= 13) {
      const auto* known = image->topic(topic.topic_id);
      if (known) topic.name = known->name;
      else error = ErrorCode::unknown_topic_id;
    }
    if (error == ErrorCode::none && !context.allowed(Operation::write, Resource::topic, topic.name)) error = ErrorCode::topic_authorization_failed;
    if (error == ErrorCode::none && metadata::is_internal_topic(topic.name)) error = ErrorCode::invalid_topic_exception;
    for (auto& partition : topic.partitions) {
      auto& result = out.partitions.emplace_back();
      result.index = partition.index;
      result.error_code = error != ErrorCode::none ? error : check_records(partition.records);
      if (result.error_code != ErrorCode::none) continue;
      pending.push_back({.replica = nullptr, .end = -1, .result = &result, .expected = {}});
      co_await async::on(services.replicas.home(topic.name, partition.index),
                         append_partition(services, topic.name, partition.records.view, request.acks, pending.back()));
      if (!pending.back().replica) pending.pop_back();
    }
  }
  if (context.appended) context.appended();
  if (request.acks == 0) {
    context.no_response = true;
    co_return response;
  }
  if (request.acks == -1) {
    const auto deadline = context.shard.clock().now() + std::chrono::milliseconds(std::max(request.timeout_ms, 0));
    for (auto& entry : pending)
      co_await async::on(services.replicas.home(entry.replica->id().topic, entry.replica->id().partition), wait_partition(entry, deadline));
  }
  co_return response;
}

Task<kafka::AppendAtResponse> handle_append_at(RequestContext& context, kafka::AppendAtRequest& request) {
  Services& services = context.services;
  kafka::AppendAtResponse response;
  const auto deadline = context.shard.clock().now() + std::chrono::milliseconds(std::max(request.timeout_ms, 0));
  std::deque<kafka::ProduceResponsePartition> results;
  std::vector<Pending> pending;
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions) {
      auto& result = results.emplace_back();
      result.index = partition.index;
      result.error_code = !context.allowed(Operation::write, Resource::topic, topic.name) ? ErrorCode::topic_authorization_failed
                          : metadata::is_internal_topic(topic.name)                       ? ErrorCode::invalid_topic_exception
                                                                                          : check_records(partition.records);
      if (result.error_code != ErrorCode::none) continue;
      pending.push_back({.replica = nullptr, .end = -1, .result = &result, .expected = partition.expected_offset});
      co_await async::on(services.replicas.home(topic.name, partition.index),
                         append_partition(services, topic.name, partition.records.view, -1, pending.back()));
      if (!pending.back().replica) pending.pop_back();
    }
  if (context.appended) context.appended();
  for (auto& entry : pending)
    co_await async::on(services.replicas.home(entry.replica->id().topic, entry.replica->id().partition), wait_partition(entry, deadline));
  auto result = results.begin();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (std::size_t i = 0; i < topic.partitions.size(); ++i, ++result)
      out.partitions.push_back({result->index, result->error_code, result->base_offset, std::move(result->error_message)});
  }
  co_return response;
}

}  // namespace meridian::server
