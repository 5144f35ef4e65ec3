// AddPartitionsToTxn (API key 24). Versions up to 3 are for clients, one transaction each; from 4 brokers batch them, verify_only asks without adding
// (KIP-890). 5 may answer TRANSACTION_ABORTABLE.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AddPartitionsToTxnResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
  }
  bool operator==(const AddPartitionsToTxnResponsePartition&) const = default;
};

struct AddPartitionsToTxnResponseTopic {
  std::string name;
  std::vector<AddPartitionsToTxnResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AddPartitionsToTxnResponseTopic&) const = default;
};

struct AddPartitionsToTxnResponseResult {
  std::string transactional_id;
  std::vector<AddPartitionsToTxnResponseTopic> topic_results;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id, since(4));
    f(self.topic_results, since(4));
  }
  bool operator==(const AddPartitionsToTxnResponseResult&) const = default;
};

struct AddPartitionsToTxnResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<AddPartitionsToTxnResponseResult> results_by_transaction;
  std::vector<AddPartitionsToTxnResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code, since(4));
    f(self.results_by_transaction, since(4));
    f(self.topics, until(3));
  }
  bool operator==(const AddPartitionsToTxnResponse&) const = default;
};

struct AddPartitionsToTxnRequestTopic {
  std::string name;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AddPartitionsToTxnRequestTopic&) const = default;
};

struct AddPartitionsToTxnRequestTransaction {
  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  bool verify_only = false;
  std::vector<AddPartitionsToTxnRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id, since(4));
    f(self.producer_id, since(4));
    f(self.producer_epoch, since(4));
    f(self.verify_only, since(4));
    f(self.topics, since(4));
  }
  bool operator==(const AddPartitionsToTxnRequestTransaction&) const = default;
};

struct AddPartitionsToTxnRequest {
  static constexpr ApiInfo api{.key = 24, .name = "AddPartitionsToTxn", .versions = {0, 5}, .flexible_since = 3};
  using Response = AddPartitionsToTxnResponse;
  std::vector<AddPartitionsToTxnRequestTransaction> transactions;
  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::vector<AddPartitionsToTxnRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.transactions, since(4));
    f(self.transactional_id, until(3));
    f(self.producer_id, until(3));
    f(self.producer_epoch, until(3));
    f(self.topics, until(3));
  }
  bool operator==(const AddPartitionsToTxnRequest&) const = default;
};

}  // namespace meridian::kafka
