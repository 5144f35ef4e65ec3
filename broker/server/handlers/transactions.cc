// Transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, and their administration.
#include <map>

#include "broker/server/handlers/handlers.h"
#include "common/base/pattern.h"

namespace meridian::server {
namespace {

using coordinator::transaction::Producer;
using coordinator::transaction::TopicPartition;
using kafka::ErrorCode;

/// First version of each API whose clients know TRANSACTION_ABORTABLE (KIP-890).
constexpr std::int16_t add_partitions_abortable = 5, txn_offset_commit_abortable = 4;
/// AddPartitionsToTxn: batches between brokers.
constexpr std::int16_t add_partitions_batched = 4;
/// First versions of the second transaction protocol.
constexpr std::int16_t end_txn_v2 = 5, txn_offset_commit_v2 = 5;

/// PRODUCER_FENCED is known to clients from `since` on.
ErrorCode fenced_for(ErrorCode error, std::int16_t version, std::int16_t since) {
  return error == ErrorCode::producer_fenced && version < since ? ErrorCode::invalid_producer_epoch : error;
}

Task<> describe_partition_producers(Services& services, const std::string& topic, kafka::DescribeProducersResponsePartition& out) {
  const auto replica = services.replicas.find(topic, out.partition_index);
  if (!replica) {
    out.error_code = ErrorCode::unknown_topic_or_partition;
    co_return;
  }
  if (!replica->partition().leads()) {
    out.error_code = ErrorCode::not_leader_or_follower;
    co_return;
  }
  for (const auto& [id, producer] : replica->log().producer_state().producers())
    out.active_producers.push_back({.producer_id = id,
                                    .producer_epoch = producer.epoch,
                                    .last_sequence = producer.last_sequence(),
                                    .last_timestamp = producer.timestamp_ms,
                                    .coordinator_epoch = producer.coordinator_epoch,
                                    .current_txn_start_offset = producer.transaction_start});
}

/// TxnOffsetCommit 5 enrols the group's partition; below, AddOffsetsToTxn must have done so.
Task<ErrorCode> enrol_or_verify(coordinator::transaction::TransactionCoordinator& transactions, std::string id, Producer producer, TopicPartition at,
                                bool enrol) {
  if (enrol) co_return co_await transactions.add_partitions(id, producer, {at}, 2);
  co_return (co_await transactions.verify(id, producer, {at}))[at];
}

/// One transaction of an AddPartitionsToTxn; fills `out` in the order of the request.
Task<> add_partitions(RequestContext& context, const kafka::AddPartitionsToTxnRequestTransaction& transaction,
                      std::vector<kafka::AddPartitionsToTxnResponseTopic>& out) {
  const auto image = context.image();
  std::set<TopicPartition> wanted;
  bool refused = false;
  for (const auto& topic : transaction.topics) {
    auto& result = out.emplace_back();
    result.name = topic.name;
    for (const auto n : topic.partitions) {
      ErrorCode error = ErrorCode::none;
      if (!context.allowed(Operation::write, Resource::transactional_id, transaction.transactional_id))
        error = ErrorCode::transactional_id_authorization_failed;
      else if (!context.allowed(Operation::write, Resource::topic, topic.name) || metadata::is_internal_topic(topic.name))
        error = ErrorCode::topic_authorization_failed;
      else if (!image->partition(topic.name, n)) error = ErrorCode::unknown_topic_or_partition;
      refused |= error != ErrorCode::none;
      result.partitions.push_back({n, error});
      wanted.insert({topic.name, n});
    }
  }
  const Producer producer{transaction.producer_id, transaction.producer_epoch};
  std::map<TopicPartition, ErrorCode> answers;
  if (!refused && transaction.verify_only) {
    answers = co_await context.services.transactions.verify(transaction.transactional_id, producer, wanted);
    for (auto& [at, error] : answers)
      if (error == ErrorCode::invalid_txn_state && context.version >= add_partitions_abortable) error = ErrorCode::transaction_abortable;
  } else if (!refused) {
    const auto error = co_await context.services.transactions.add_partitions(transaction.transactional_id, producer, wanted, 0);
    for (const auto& at : wanted) answers[at] = fenced_for(error, context.version, 2);
  }
  for (auto& topic : out)
    for (auto& partition : topic.partitions) {
      if (!refused) partition.error_code = answers[{topic.name, partition.partition_index}];
      else if (partition.error_code == ErrorCode::none) partition.error_code = ErrorCode::operation_not_attempted;
    }
}

}  // namespace

Task<kafka::InitProducerIdResponse> handle_init_producer_id(RequestContext& context, kafka::InitProducerIdRequest& request) {
  kafka::InitProducerIdResponse response;
  if ((request.producer_id < 0) != (request.producer_epoch < 0)) {
    response.error_code = ErrorCode::invalid_request;
    co_return response;
  }
  if (request.transactional_id) {
    if (!context.allowed(Operation::write, Resource::transactional_id, *request.transactional_id)) {
      response.error_code = ErrorCode::transactional_id_authorization_failed;
      co_return response;
    }
    response = co_await context.services.transactions.init_producer(std::move(request));
    response.error_code = fenced_for(response.error_code, context.version, 4);
    co_return response;
  }
  if (!context.allowed(Operation::idempotent_write, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  const auto id = co_await async::on(context.services.control, context.services.metadata.next_producer_id());
  if (!id) {
    response.error_code = ErrorCode::coordinator_not_available;
    co_return response;
  }
  response.producer_id = *id;
  response.producer_epoch = 0;
  co_return response;
}

Task<kafka::AddPartitionsToTxnResponse> handle_add_partitions_to_txn(RequestContext& context, kafka::AddPartitionsToTxnRequest& request) {
  kafka::AddPartitionsToTxnResponse response;
  if (context.version < add_partitions_batched) {
    kafka::AddPartitionsToTxnRequestTransaction only{.transactional_id = request.transactional_id,
                                                     .producer_id = request.producer_id,
                                                     .producer_epoch = request.producer_epoch,
                                                     .topics = std::move(request.topics)};
    co_await add_partitions(context, only, response.topics);
    co_return response;
  }
  if (!context.allowed(Operation::cluster_action, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  for (const auto& transaction : request.transactions) {
    auto& out = response.results_by_transaction.emplace_back();
    out.transactional_id = transaction.transactional_id;
    co_await add_partitions(context, transaction, out.topic_results);
  }
  co_return response;
}

Task<kafka::AddOffsetsToTxnResponse> handle_add_offsets_to_txn(RequestContext& context, kafka::AddOffsetsToTxnRequest& request) {
  kafka::AddOffsetsToTxnResponse response;
  if (!context.allowed(Operation::write, Resource::transactional_id, request.transactional_id)) {
    response.error_code = ErrorCode::transactional_id_authorization_failed;
  } else if (!context.allowed(Operation::read, Resource::group, request.group_id)) {
    response.error_code = ErrorCode::group_authorization_failed;
  } else if (!co_await ensure_internal_topic(context.services, context.shard, offsets_topic)) {
    response.error_code = ErrorCode::coordinator_not_available;
  } else {
    const TopicPartition at{offsets_topic, context.services.groups.partition_of_group(request.group_id)};
    const auto error = co_await context.services.transactions.add_partitions(request.transactional_id, {request.producer_id, request.producer_epoch}, {at}, 0);
    response.error_code = fenced_for(error, context.version, 2);
  }
  co_return response;
}

Task<kafka::TxnOffsetCommitResponse> handle_txn_offset_commit(RequestContext& context, kafka::TxnOffsetCommitRequest& request) {
  kafka::TxnOffsetCommitResponse response;
  const auto image = context.image();
  ErrorCode refused = ErrorCode::none;
  if (!context.allowed(Operation::write, Resource::transactional_id, request.transactional_id)) refused = ErrorCode::transactional_id_authorization_failed;
  else if (!context.allowed(Operation::read, Resource::group, request.group_id)) refused = ErrorCode::group_authorization_failed;
  else if (!co_await ensure_internal_topic(context.services, context.shard, offsets_topic)) refused = ErrorCode::coordinator_not_available;
  const auto check = [&](const std::string& topic, std::int32_t partition) {
    if (refused != ErrorCode::none) return refused;
    if (!context.allowed(Operation::read, Resource::topic, topic)) return ErrorCode::topic_authorization_failed;
    return image->partition(topic, partition) ? ErrorCode::none : ErrorCode::unknown_topic_or_partition;
  };
  kafka::TxnOffsetCommitRequest known = request;
  for (auto& topic : known.topics)
    std::erase_if(topic.partitions, [&](const auto& partition) { return check(topic.name, partition.partition_index) != ErrorCode::none; });
  std::erase_if(known.topics, [](const auto& topic) { return topic.partitions.empty(); });
  std::map<std::pair<std::string, std::int32_t>, ErrorCode> results;
  if (!known.topics.empty()) {
    const TopicPartition at{offsets_topic, context.services.groups.partition_of_group(request.group_id)};
    const Producer producer{request.producer_id, request.producer_epoch};
    auto& transactions = context.services.transactions;
    const std::string& id = request.transactional_id;
    const bool enrol = context.version >= txn_offset_commit_v2;
    const auto verify = [&] { return enrol_or_verify(transactions, id, producer, at, enrol); };
    const auto done = co_await context.services.groups.commit_in_transaction(std::move(known), verify);
    for (const auto& topic : done.topics)
      for (const auto& partition : topic.partitions) {
        auto error = fenced_for(partition.error_code, context.version, INT16_MAX);  // Kafka never says PRODUCER_FENCED here
        if (error == ErrorCode::invalid_txn_state && context.version >= txn_offset_commit_abortable) error = ErrorCode::transaction_abortable;
        results[{topic.name, partition.partition_index}] = error;
      }
  }
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      const auto it = results.find({topic.name, partition.partition_index});
      out.partitions.push_back({partition.partition_index, it == results.end() ? check(topic.name, partition.partition_index) : it->second});
    }
  }
  co_return response;
}

Task<kafka::EndTxnResponse> handle_end_txn(RequestContext& context, kafka::EndTxnRequest& request) {
  kafka::EndTxnResponse response;
  if (!context.allowed(Operation::write, Resource::transactional_id, request.transactional_id)) {
    response.error_code = ErrorCode::transactional_id_authorization_failed;
    co_return response;
  }
  const auto [error, next] = co_await context.services.transactions.end(request.transactional_id, {request.producer_id, request.producer_epoch},
                                                                        request.committed, context.version >= end_txn_v2 ? 2 : 1);
  response.error_code = fenced_for(error, context.version, 2);
  if (error == ErrorCode::none) response.producer_id = next.id, response.producer_epoch = next.epoch;
  co_return response;
}

Task<kafka::WriteTxnMarkersResponse> handle_write_txn_markers(RequestContext& context, kafka::WriteTxnMarkersRequest& request) {
  kafka::WriteTxnMarkersResponse response;
  const bool allowed = context.allowed(Operation::cluster_action, Resource::cluster, "kafka-cluster");
  for (const auto& marker : request.markers) {
    auto& out = response.markers.emplace_back();
    out.producer_id = marker.producer_id;
    for (const auto& topic : marker.topics) {
      auto& result = out.topics.emplace_back();
      result.name = topic.name;
      for (const auto n : topic.partition_indexes) {
        auto error = ErrorCode::cluster_authorization_failed;
        if (allowed)
          error = co_await context.services.markers.write_one({topic.name, n}, {marker.transaction_result, marker.coordinator_epoch},
                                                              {marker.producer_id, marker.producer_epoch});
        result.partitions.push_back({n, error});
      }
    }
  }
  co_return response;
}

Task<kafka::DescribeProducersResponse> handle_describe_producers(RequestContext& context, kafka::DescribeProducersRequest& request) {
  kafka::DescribeProducersResponse response;
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    const bool allowed = context.allowed(Operation::read, Resource::topic, topic.name);
    for (const auto n : topic.partition_indexes) {
      auto& result = out.partitions.emplace_back();
      result.partition_index = n;
      if (!allowed) result.error_code = ErrorCode::topic_authorization_failed;
      else if (!metadata::check_topic_name(topic.name)) result.error_code = ErrorCode::invalid_topic_exception;
      else co_await async::on(context.services.replicas.home(topic.name, n), describe_partition_producers(context.services, topic.name, result));
    }
  }
  co_return response;
}

Task<kafka::DescribeTransactionsResponse> handle_describe_transactions(RequestContext& context, kafka::DescribeTransactionsRequest& request) {
  kafka::DescribeTransactionsResponse response;
  for (const auto& id : request.transactional_ids) {
    if (context.allowed(Operation::describe, Resource::transactional_id, id)) {
      response.transaction_states.push_back(co_await context.services.transactions.describe(id));
      continue;
    }
    auto& out = response.transaction_states.emplace_back();
    out.transactional_id = id;
    out.error_code = ErrorCode::transactional_id_authorization_failed;
  }
  co_return response;
}

Task<kafka::ListTransactionsResponse> handle_list_transactions(RequestContext& context, kafka::ListTransactionsRequest& request) {
  using coordinator::transaction::State;
  kafka::ListTransactionsResponse response;
  std::set<std::string> known;
  for (const auto state : {State::empty, State::ongoing, State::prepare_commit, State::prepare_abort, State::complete_commit, State::complete_abort})
    known.insert(state_name(state));
  for (const auto& state : request.state_filters)
    if (!known.contains(state)) response.unknown_state_filters.push_back(state);
  const auto pattern = base::Pattern::compile(request.transactional_id_pattern.value_or(""));
  if (!pattern) {
    response.error_code = ErrorCode::invalid_regular_expression;
    co_return response;
  }
  const auto now_ms = context.shard.clock().wall_ms();
  const auto wanted = [](const auto& filter, const auto& value) { return filter.empty() || std::ranges::find(filter, value) != filter.end(); };
  for (const auto& listed : co_await context.services.transactions.list()) {
    if (!context.allowed(Operation::describe, Resource::transactional_id, listed.transactional_id)) continue;
    if (!wanted(request.state_filters, state_name(listed.state)) || !wanted(request.producer_id_filters, listed.producer_id)) continue;
    if (request.duration_filter >= 0 && (listed.started_ms < 0 || now_ms - listed.started_ms <= request.duration_filter)) continue;
    if (request.transactional_id_pattern && !request.transactional_id_pattern->empty() && !pattern->matches(listed.transactional_id)) continue;
    response.transaction_states.push_back({listed.transactional_id, listed.producer_id, state_name(listed.state)});
  }
  co_return response;
}

}  // namespace meridian::server
