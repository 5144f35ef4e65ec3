// AddPartitionsToTxn (API key 24). Sent by the mirror's fence; the broker does not serve it yet.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AddPartitionsToTxnRequestTopic {
  std::string name;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AddPartitionsToTxnRequestTopic&) const = default;
};

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

struct AddPartitionsToTxnResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<AddPartitionsToTxnResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.topics);
  }
  bool operator==(const AddPartitionsToTxnResponse&) const = default;
};

struct AddPartitionsToTxnRequest {
  static constexpr ApiInfo api{.key = 24, .name = "AddPartitionsToTxn", .versions = {0, 3}, .flexible_since = 3};
  using Response = AddPartitionsToTxnResponse;
  std::string transactional_id;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::vector<AddPartitionsToTxnRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.transactional_id);
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.topics);
  }
  bool operator==(const AddPartitionsToTxnRequest&) const = default;
};

}  // namespace meridian::kafka
