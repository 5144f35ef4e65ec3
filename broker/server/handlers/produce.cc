// Produce and AppendAt: append every partition's batch in order, then wait until all of them count (acks=all).
#include <map>
#include <set>

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
    case storage::AppendError::invalid_txn_state: return ErrorCode::invalid_txn_state;
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
  std::string topic;
  ByteView records;
  kafka::BatchHeader header;
  storage::AppendRequest request;
};

/// On the partition's home shard. `pending.replica` stays null where nothing was appended.
Task<> append_partition(Services& services, std::int16_t acks, Pending& pending) {
  auto& result = *pending.result;
  const auto replica = services.replicas.find(pending.topic, result.index);
  if (!replica) {
    result.error_code = services.replicas.failed(pending.topic, result.index) ? ErrorCode::kafka_storage_error : ErrorCode::unknown_topic_or_partition;
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
  auto appended = replica->append(const_cast<char*>(pending.records.data()), pending.records.size(), pending.request);
  if (!appended) {
    result.error_code = error_of(appended.error().code);
    result.error_message = appended.error().message;
    for (auto& record : appended.error().records) result.record_errors.push_back({record.index, std::move(record.message)});
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
std::expected<kafka::BatchHeader, ErrorCode> check_records(const kafka::Records& records) {
  if (records.null || records.view.empty()) return std::unexpected(ErrorCode::invalid_record);
  const auto header = kafka::parse_batch_header(records.view);
  if (!header)
    return std::unexpected(records.view.size() > 16 && records.view[16] < 2 ? ErrorCode::unsupported_for_message_format : ErrorCode::corrupt_message);
  if (static_cast<std::size_t>(header->size) < records.view.size() || header->control()) return std::unexpected(ErrorCode::invalid_record);
  return *header;
}

Task<storage::VerificationTicket> begin_verification(Services& services, std::string topic, std::int32_t partition, std::int64_t producer_id) {
  const auto replica = services.replicas.find(topic, partition);
  co_return replica ? replica->log().producer_state().begin_verification(producer_id) : 0;
}

Task<> end_verification(Services& services, std::string topic, std::int32_t partition, std::int64_t producer_id, storage::VerificationTicket ticket) {
  if (const auto replica = services.replicas.find(topic, partition)) replica->log().producer_state().end_verification(producer_id, ticket);
  co_return;
}

/// What a client of `version` is told when the transaction coordinator refuses (KIP-890). Where it is to try again, older clients know
/// errors of Produce alone.
ErrorCode verification_error(ErrorCode error, std::int16_t version) {
  constexpr std::int16_t abortable = 11, second_protocol = 12;
  switch (error) {
    case ErrorCode::invalid_txn_state: return version >= abortable ? ErrorCode::transaction_abortable : ErrorCode::invalid_txn_state;
    case ErrorCode::producer_fenced: return ErrorCode::invalid_producer_epoch;
    case ErrorCode::concurrent_transactions: return version >= second_protocol ? error : ErrorCode::not_enough_replicas;
    case ErrorCode::coordinator_load_in_progress:
    case ErrorCode::coordinator_not_available:
    case ErrorCode::not_coordinator: return ErrorCode::not_enough_replicas;
    default: return error;
  }
}

/// A batch that would open a transaction in its partition needs the coordinator's word that there is one; from version 12 on sending it
/// adds the partition. Entries that are refused leave `pending`.
class Verification {
 public:
  Verification(RequestContext& context, const std::optional<std::string>& transactional_id) : context_(context), id_(transactional_id) {}

  Task<> begin(std::vector<Pending>& pending) {
    std::map<Producer, std::set<TopicPartition>> wanted;
    for (auto& entry : pending) {
      const auto& header = entry.header;
      if (!header.transactional()) continue;
      const TopicPartition at{entry.topic, entry.result->index};
      auto& request = entry.request;
      request.ticket = co_await async::on(home(at), begin_verification(context_.services, at.topic, at.partition, header.producer_id));
      if (request.ticket == 0) continue;
      held_.push_back({at, header.producer_id, request.ticket});
      wanted[{header.producer_id, header.producer_epoch}].insert(at);
    }
    for (auto& [producer, partitions] : wanted) {
      auto answers = co_await ask(producer, partitions);
      for (auto& entry : pending) {
        const auto answer = answers.find({entry.topic, entry.result->index});
        if (entry.header.producer_id == producer.id && entry.header.transactional() && answer != answers.end())
          entry.result->error_code = verification_error(answer->second, context_.version);
      }
    }
    std::erase_if(pending, [](const Pending& entry) { return entry.result->error_code != ErrorCode::none; });
  }

  Task<> end() {
    for (auto& [at, producer_id, ticket] : held_)
      co_await async::on(home(at), end_verification(context_.services, at.topic, at.partition, producer_id, ticket));
  }

 private:
  using TopicPartition = coordinator::transaction::TopicPartition;
  struct Producer : coordinator::transaction::Producer {
    Producer(std::int64_t producer_id, std::int16_t producer_epoch) : coordinator::transaction::Producer{producer_id, producer_epoch} {}
    bool operator<(const Producer& other) const { return std::tie(id, epoch) < std::tie(other.id, other.epoch); }
  };
  struct Held {
    TopicPartition at;
    std::int64_t producer_id;
    storage::VerificationTicket ticket;
  };

  async::Shard& home(const TopicPartition& at) { return context_.services.replicas.home(at.topic, at.partition); }

  Task<std::map<TopicPartition, ErrorCode>> ask(Producer producer, std::set<TopicPartition> partitions) {
    std::map<TopicPartition, ErrorCode> answers;
    auto& transactions = context_.services.transactions;
    ErrorCode error = !id_                                                                   ? ErrorCode::invalid_txn_state
                      : context_.allowed(Operation::write, Resource::transactional_id, *id_) ? ErrorCode::none
                                                                                             : ErrorCode::transactional_id_authorization_failed;
    if (error == ErrorCode::none && context_.version < implicit_add) co_return co_await transactions.verify(*id_, producer, std::move(partitions));
    if (error == ErrorCode::none) error = co_await transactions.add_partitions(*id_, producer, partitions, 2);
    for (const auto& at : partitions) answers[at] = error;
    co_return answers;
  }

  static constexpr std::int16_t implicit_add = 12;
  RequestContext& context_;
  const std::optional<std::string>& id_;
  std::vector<Held> held_;
};

}  // namespace

Task<kafka::ProduceResponse> handle_produce(RequestContext& context, kafka::ProduceRequest& request) {
  Services& services = context.services;
  kafka::ProduceResponse response;
  response.topics.reserve(request.topics.size());
  const bool bad_acks = request.acks < -1 || request.acks > 1;
  const auto image = context.image();
  std::vector<Pending> pending;
  bool transactional = false;
  for (auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    out.partitions.reserve(topic.partitions.size());  // Pending points into it
    ErrorCode error = ErrorCode::none;
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
      result.error_code = error;
      if (result.error_code == ErrorCode::none && bad_acks)
        result.error_code = image->topic(topic.name) ? ErrorCode::invalid_required_acks : ErrorCode::unknown_topic_or_partition;
      if (result.error_code != ErrorCode::none) continue;
      const auto header = check_records(partition.records);
      if (!header) {
        result.error_code = header.error();
        continue;
      }
      transactional |= header->transactional();
      pending.push_back({.result = &result, .topic = topic.name, .records = partition.records.view, .header = *header});
    }
  }
  Verification verification(context, request.transactional_id);
  if (transactional) co_await verification.begin(pending);
  for (auto& entry : pending) co_await async::on(services.replicas.home(entry.topic, entry.result->index), append_partition(services, request.acks, entry));
  std::erase_if(pending, [&](const Pending& entry) {
    if (entry.result->error_code == ErrorCode::invalid_txn_state) entry.result->error_code = verification_error(ErrorCode::invalid_txn_state, context.version);
    return !entry.replica;
  });
  if (transactional) co_await verification.end();
  if (context.appended) context.appended();
  if (request.acks == 0) {
    context.no_response = true;
    co_return response;
  }
  if (request.acks == -1) {
    const RequestContext::Waiting waiting(context);
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
                                                                                          : ErrorCode::none;
      if (result.error_code != ErrorCode::none) continue;
      const auto header = check_records(partition.records);
      if (!header) {
        result.error_code = header.error();
        continue;
      }
      pending.push_back(
          {.result = &result, .topic = topic.name, .records = partition.records.view, .header = *header, .request = {.expected = partition.expected_offset}});
      co_await async::on(services.replicas.home(topic.name, partition.index), append_partition(services, -1, pending.back()));
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
