// Records of __transaction_state, in Kafka's schemas: an INT16 version, then a field list. docs/formats/transaction-state.md.
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/record_batch.h"

namespace meridian::coordinator::transaction {

struct TransactionKey {  // version 0
  std::string transactional_id;
  void fields(this auto& self, auto& f) { f(self.transactional_id); }
};

struct TransactionTopic {
  std::string topic;
  std::vector<std::int32_t> partitions;
  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
};

struct TransactionValue {  // written as version 1, which is flexible; version 0 is read too
  std::int64_t producer_id = -1;
  std::int64_t previous_producer_id = -1;
  std::int64_t next_producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int16_t next_producer_epoch = -1;
  std::int32_t timeout_ms = 0;
  std::int8_t status = 0;
  std::optional<std::vector<TransactionTopic>> topics;
  std::int64_t updated_ms = -1;
  std::int64_t started_ms = -1;
  std::int16_t client_version = 0;
  void fields(this auto& self, auto& f) {
    f(self.producer_id);
    f(self.previous_producer_id, kafka::tag(0, 1, -1));
    f(self.next_producer_id, kafka::tag(1, 1, -1));
    f(self.producer_epoch);
    f(self.next_producer_epoch, kafka::tag(3, 1, -1));
    f(self.timeout_ms);
    f(self.status);
    f(self.topics);
    f(self.updated_ms);
    f(self.started_ms);
    f(self.client_version, kafka::tag(2, 1));
  }
};

struct TransactionRecord {
  std::string transactional_id;
  std::optional<TransactionValue> value;  ///< missing: a tombstone
};

void add_transaction(kafka::BatchBuilder& batch, std::int64_t now_ms, const TransactionRecord& record);
Result<TransactionRecord> decode_transaction(const kafka::RecordView& record);

}  // namespace meridian::coordinator::transaction
