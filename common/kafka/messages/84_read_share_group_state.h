// ReadShareGroupState (API key 84). Reads the state of share-partitions from the share coordinator (KIP-932). Between brokers.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ShareStateBatch {
  std::int64_t first_offset = 0;
  std::int64_t last_offset = 0;
  std::int8_t delivery_state = 0;
  std::int16_t delivery_count = 0;

  void fields(this auto& self, auto& f) {
    f(self.first_offset);
    f(self.last_offset);
    f(self.delivery_state);
    f(self.delivery_count);
  }
  bool operator==(const ShareStateBatch&) const = default;
};

struct ReadShareGroupStateResponsePartition {
  std::int32_t partition = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t state_epoch = 0;
  std::int64_t start_offset = 0;
  std::vector<ShareStateBatch> state_batches;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.error_code);
    f(self.error_message);
    f(self.state_epoch);
    f(self.start_offset);
    f(self.state_batches);
  }
  bool operator==(const ReadShareGroupStateResponsePartition&) const = default;
};

struct ReadShareGroupStateResponseTopic {
  Uuid topic_id;
  std::vector<ReadShareGroupStateResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ReadShareGroupStateResponseTopic&) const = default;
};

struct ReadShareGroupStateResponse {
  std::vector<ReadShareGroupStateResponseTopic> results;

  void fields(this auto& self, auto& f) { f(self.results); }
  bool operator==(const ReadShareGroupStateResponse&) const = default;
};

struct ReadShareGroupStateRequestPartition {
  std::int32_t partition = 0;
  std::int32_t leader_epoch = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.leader_epoch);
  }
  bool operator==(const ReadShareGroupStateRequestPartition&) const = default;
};

struct ReadShareGroupStateRequestTopic {
  Uuid topic_id;
  std::vector<ReadShareGroupStateRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ReadShareGroupStateRequestTopic&) const = default;
};

struct ReadShareGroupStateRequest {
  static constexpr ApiInfo api{.key = 84, .name = "ReadShareGroupState", .versions = {0, 0}, .flexible_since = 0};
  using Response = ReadShareGroupStateResponse;
  std::string group_id;
  std::vector<ReadShareGroupStateRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const ReadShareGroupStateRequest&) const = default;
};

}  // namespace meridian::kafka
