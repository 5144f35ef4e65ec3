#include "broker/coordinator/transaction/transaction.h"

#include <algorithm>

namespace meridian::coordinator::transaction {
namespace {

/// Ends what is ongoing, or for version 2 what was about to begin: markers go out with the producer epoch of the next state.
Transaction prepared(const Transaction& present, bool commit, bool bump, std::int64_t fresh_id, std::int64_t now_ms) {
  Transaction next = present;
  next.state = commit ? State::prepare_commit : State::prepare_abort;
  next.updated_ms = now_ms;
  if (present.state != State::ongoing) {
    next.partitions.clear();
    next.started_ms = now_ms;
  }
  if (!bump) return next;
  next.client_version = 2;
  next.last_epoch = -1;
  if (present.exhausted()) next.next_producer_id = fresh_id;
  next.producer.epoch = static_cast<std::int16_t>(std::min<int>(present.producer.epoch + 1, INT16_MAX));
  return next;
}

/// The producer that goes on after a prepared transaction has completed.
Producer successor(const Transaction& transaction) {
  return transaction.next_producer_id >= 0 ? Producer{transaction.next_producer_id, 0} : transaction.producer;
}

}  // namespace

const char* state_name(State state) {
  switch (state) {
    case State::empty: return "Empty";
    case State::ongoing: return "Ongoing";
    case State::prepare_commit: return "PrepareCommit";
    case State::prepare_abort: return "PrepareAbort";
    case State::complete_commit: return "CompleteCommit";
    case State::complete_abort: return "CompleteAbort";
  }
  return "Unknown";
}

TransactionValue encode(const Transaction& transaction) {
  TransactionValue value;
  value.producer_id = transaction.producer.id;
  value.previous_producer_id = transaction.previous_producer_id;
  value.next_producer_id = transaction.next_producer_id;
  value.producer_epoch = transaction.producer.epoch;
  value.timeout_ms = transaction.timeout_ms;
  value.status = static_cast<std::int8_t>(transaction.state);
  value.updated_ms = transaction.updated_ms;
  value.started_ms = transaction.started_ms;
  value.client_version = transaction.client_version;
  if (transaction.partitions.empty()) return value;  // null, as Kafka writes it
  value.topics.emplace();
  for (const auto& [topic, partition] : transaction.partitions) {
    if (value.topics->empty() || value.topics->back().topic != topic) value.topics->push_back({topic, {}});
    value.topics->back().partitions.push_back(partition);
  }
  return value;
}

Result<Transaction> decode(const TransactionValue& value) {
  if (value.status < 0 || value.status > static_cast<std::int8_t>(State::complete_abort)) return fail(Errc::corrupt, "transaction of an unknown state");
  Transaction transaction;
  transaction.producer = {value.producer_id, value.producer_epoch};
  transaction.previous_producer_id = value.previous_producer_id;
  transaction.next_producer_id = value.next_producer_id;
  transaction.timeout_ms = value.timeout_ms;
  transaction.state = static_cast<State>(value.status);
  transaction.updated_ms = value.updated_ms;
  transaction.started_ms = value.started_ms;
  transaction.client_version = value.client_version;
  for (const auto& topic : value.topics.value_or(std::vector<TransactionTopic>{}))
    for (const auto partition : topic.partitions) transaction.partitions.insert({topic.topic, partition});
  return transaction;
}

Decision init_producer(const Transaction* present, Producer expected, std::int64_t fresh_id, std::int32_t timeout_ms, std::int64_t now_ms) {
  Decision decision;
  Transaction next;
  if (present) next = *present;
  next.timeout_ms = timeout_ms;
  next.updated_ms = now_ms;
  const bool resumes = expected.id >= 0;
  const auto rotate = [&] {
    next.previous_producer_id = next.producer.id;
    next.producer = {fresh_id, 0};
    next.last_epoch = -1;
  };
  if (!present) {
    if (resumes) return Decision::refuse(ErrorCode::invalid_producer_epoch);
    rotate();
    decision.answer = next.producer;
    decision.next = std::move(next);
    return decision;
  }
  const bool rotated_away = expected.id == present->previous_producer_id && expected.epoch == epoch_exhausted;
  if (resumes && expected.id != present->producer.id && !rotated_away) return Decision::refuse(ErrorCode::producer_fenced);
  if (present->preparing()) return Decision::refuse(ErrorCode::concurrent_transactions);
  if (present->state == State::ongoing) {
    if (resumes && expected.id == present->producer.id && expected.epoch != present->producer.epoch) return Decision::refuse(ErrorCode::producer_fenced);
    decision = fence(*present, now_ms);
    decision.error = ErrorCode::concurrent_transactions;
    return decision;
  }
  next.state = State::empty;
  next.partitions.clear();
  next.started_ms = -1;
  next.next_producer_id = -1;
  const bool current = expected.id == present->producer.id && expected.epoch == present->producer.epoch;
  const bool retried = expected.id == present->producer.id && expected.epoch == present->last_epoch;
  if (resumes && (retried || rotated_away) && !current) {
    // The answer to an earlier request got lost: what it said still holds.
    decision.answer = present->producer;
    return decision;
  }
  if (resumes && !current) return Decision::refuse(ErrorCode::producer_fenced);
  if (present->exhausted()) {
    rotate();
  } else {
    next.last_epoch = resumes ? present->producer.epoch : static_cast<std::int16_t>(-1);
    ++next.producer.epoch;
  }
  decision.answer = next.producer;
  decision.next = std::move(next);
  return decision;
}

namespace {

ErrorCode check_producer(const Transaction* present, Producer producer) {
  if (!present || present->producer.id != producer.id) return ErrorCode::invalid_producer_id_mapping;
  if (present->producer.epoch != producer.epoch) return ErrorCode::producer_fenced;
  return present->preparing() ? ErrorCode::concurrent_transactions : ErrorCode::none;
}

}  // namespace

Decision add_partitions(const Transaction* present, Producer producer, const std::set<TopicPartition>& partitions, std::int16_t client_version,
                        std::int64_t now_ms) {
  if (const auto error = check_producer(present, producer); error != ErrorCode::none) return Decision::refuse(error);
  Decision decision;
  const bool ongoing = present->state == State::ongoing;
  if (ongoing && std::ranges::includes(present->partitions, partitions)) return decision;
  Transaction next = *present;
  if (!ongoing) {
    next.partitions.clear();
    next.started_ms = now_ms;
    next.client_version = client_version;
  }
  next.state = State::ongoing;
  next.partitions.insert(partitions.begin(), partitions.end());
  next.updated_ms = now_ms;
  decision.next = std::move(next);
  return decision;
}

ErrorCode verify_partition(const Transaction* present, Producer producer, const TopicPartition& partition) {
  if (const auto error = check_producer(present, producer); error != ErrorCode::none) return error;
  return present->state == State::ongoing && present->partitions.contains(partition) ? ErrorCode::none : ErrorCode::invalid_txn_state;
}

Decision end_transaction(const Transaction* present, Producer producer, bool commit, std::int16_t client_version, std::int64_t fresh_id, std::int64_t now_ms) {
  if (!present) return Decision::refuse(ErrorCode::invalid_producer_id_mapping);
  const bool bumps = client_version >= 2;
  // Under version 2 the answer to an EndTxn that was carried out may have got lost: the client asks again with the epoch of before.
  const bool bumped = producer.id == present->producer.id && producer.epoch + 1 == present->producer.epoch;
  const bool rotated = producer.id == present->previous_producer_id && producer.epoch == epoch_exhausted && present->producer.epoch == 0;
  const bool retried = bumps && (bumped || rotated);
  if (producer.id != present->producer.id && !retried) return Decision::refuse(ErrorCode::invalid_producer_id_mapping);
  if (producer.epoch != present->producer.epoch && !retried) return Decision::refuse(ErrorCode::producer_fenced);

  Decision decision;
  const State wanted_prepare = commit ? State::prepare_commit : State::prepare_abort;
  const State wanted_complete = commit ? State::complete_commit : State::complete_abort;
  if (present->state == State::ongoing && !retried) {
    decision.next = prepared(*present, commit, bumps, fresh_id, now_ms);
    decision.answer = successor(*decision.next);
    return decision;
  }
  if (present->state == State::ongoing) return Decision::refuse(ErrorCode::producer_fenced);  // of an earlier transaction
  if (present->preparing()) return Decision::refuse(present->state == wanted_prepare ? ErrorCode::concurrent_transactions : ErrorCode::invalid_txn_state);
  if (present->state == wanted_complete && (!bumps || retried)) {
    decision.answer = present->producer;
    return decision;
  }
  if (bumps && !commit && !retried) {  // version 2: a transaction to which nothing was added may be aborted
    decision.next = prepared(*present, false, true, fresh_id, now_ms);
    decision.answer = successor(*decision.next);
    return decision;
  }
  return Decision::refuse(ErrorCode::invalid_txn_state);
}

Decision fence(const Transaction& present, std::int64_t now_ms) {
  Decision decision;
  Transaction next = prepared(present, false, false, -1, now_ms);
  // Also under version 1: markers of a higher epoch shut out whatever the producer still sends.
  next.producer.epoch = static_cast<std::int16_t>(std::min<int>(present.producer.epoch + 1, INT16_MAX));
  next.last_epoch = -1;
  decision.next = std::move(next);
  return decision;
}

Transaction complete(const Transaction& prepared, std::int64_t now_ms) {
  Transaction next = prepared;
  next.state = prepared.state == State::prepare_commit ? State::complete_commit : State::complete_abort;
  next.partitions.clear();
  next.updated_ms = now_ms;
  next.started_ms = -1;
  if (prepared.next_producer_id >= 0) {
    next.previous_producer_id = prepared.producer.id;
    next.producer = {prepared.next_producer_id, 0};
    next.next_producer_id = -1;
  }
  return next;
}

}  // namespace meridian::coordinator::transaction
