// Transaction: what the coordinator knows of one transactional id, and the rules by which it changes (KIP-98, KIP-360, KIP-890). Pure:
// each rule takes the present state and returns the next one, or an error; the coordinator writes the next state and then takes it over.
//
//   Empty, CompleteCommit, CompleteAbort -> Ongoing        partitions are added
//   Ongoing -> PrepareCommit | PrepareAbort                 EndTxn, a timeout, or another producer with the same id
//   PrepareCommit -> CompleteCommit, PrepareAbort -> CompleteAbort     every marker is written
//   CompleteCommit, CompleteAbort, Empty -> Empty           InitProducerId
//
// Version 2 (KIP-890) raises the producer epoch with every transaction: markers carry the epoch above that of the data, so that nothing that
// was sent for an ended transaction can land in the next one.
#pragma once

#include <set>
#include <string>

#include "broker/coordinator/transaction/records.h"

namespace meridian::coordinator::transaction {

using kafka::ErrorCode;

enum class State : std::int8_t { empty = 0, ongoing = 1, prepare_commit = 2, prepare_abort = 3, complete_commit = 4, complete_abort = 5 };
/// Kafka's names: "Empty", "Ongoing", "PrepareCommit", ...
const char* state_name(State state);

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const TopicPartition&) const = default;
};

/// Epochs end here: the last one is kept for the marker that fences its producer.
inline constexpr std::int16_t epoch_exhausted = INT16_MAX - 1;

struct Producer {
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  bool operator==(const Producer&) const = default;
};

struct Transaction {
  Producer producer;
  std::int64_t previous_producer_id = -1;  ///< before the last rotation, for retries
  std::int64_t next_producer_id = -1;      ///< taken over when a transaction completes whose epochs are used up
  std::int16_t last_epoch = -1;            ///< before the last bump by InitProducerId, for retries; not persisted
  std::int32_t timeout_ms = 0;
  State state = State::empty;
  std::set<TopicPartition> partitions;
  std::int64_t started_ms = -1;
  std::int64_t updated_ms = -1;
  std::int16_t client_version = 0;  ///< transaction version of the client that runs it

  bool preparing() const { return state == State::prepare_commit || state == State::prepare_abort; }
  bool timed_out(std::int64_t now_ms) const { return state == State::ongoing && now_ms - started_ms > timeout_ms; }
  /// A rule below may need a producer id that was never used.
  bool exhausted() const { return producer.epoch >= epoch_exhausted; }
};

TransactionValue encode(const Transaction& transaction);
Result<Transaction> decode(const TransactionValue& value);

struct Decision {
  ErrorCode error = ErrorCode::none;
  std::optional<Transaction> next;  ///< to be written; nothing changes without it
  Producer answer;                  ///< for InitProducerId and EndTxn

  static Decision refuse(ErrorCode error) { return {error, std::nullopt, {}}; }
};

/// InitProducerId. `expected`: what the client believes it is (KIP-360), id -1 for a fresh start. `fresh_id`: an unused producer id.
/// On an ongoing transaction the next state is its abort, and the error is concurrent_transactions.
Decision init_producer(const Transaction* present, Producer expected, std::int64_t fresh_id, std::int32_t timeout_ms, std::int64_t now_ms);
/// AddPartitionsToTxn, explicit or implied by Produce 12 and TxnOffsetCommit 5.
Decision add_partitions(const Transaction* present, Producer producer, const std::set<TopicPartition>& partitions, std::int16_t client_version,
                        std::int64_t now_ms);
/// Is the partition part of the producer's open transaction? invalid_txn_state when not.
ErrorCode verify_partition(const Transaction* present, Producer producer, const TopicPartition& partition);
/// EndTxn of a client. `client_version`: 2 from EndTxn 5 on.
Decision end_transaction(const Transaction* present, Producer producer, bool commit, std::int16_t client_version, std::int64_t fresh_id, std::int64_t now_ms);
/// The coordinator gives a transaction up and shuts its producer out.
Decision fence(const Transaction& present, std::int64_t now_ms);
/// Every marker is written.
Transaction complete(const Transaction& prepared, std::int64_t now_ms);

}  // namespace meridian::coordinator::transaction
