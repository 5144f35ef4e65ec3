// WriteShareGroupState (API key 85). Writes changes of share-partitions to the share coordinator (KIP-932). 1: how many records are done with. Between brokers.
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/messages/84_read_share_group_state.h"

namespace meridian::kafka {

struct WriteShareGroupStateResponsePartition {
  std::int32_t partition = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const WriteShareGroupStateResponsePartition&) const = default;
};

struct WriteShareGroupStateResponseTopic {
  Uuid topic_id;
  std::vector<WriteShareGroupStateResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const WriteShareGroupStateResponseTopic&) const = default;
};

struct WriteShareGroupStateResponse {
  std::vector<WriteShareGroupStateResponseTopic> results;

  void fields(this auto& self, auto& f) { f(self.results); }
  bool operator==(const WriteShareGroupStateResponse&) const = default;
};

struct WriteShareGroupStateRequestPartition {
  std::int32_t partition = 0;
  std::int32_t state_epoch = 0;
  std::int32_t leader_epoch = 0;
  std::int64_t start_offset = 0;
  std::int32_t delivery_complete_count = -1;
  std::vector<ShareStateBatch> state_batches;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.state_epoch);
    f(self.leader_epoch);
    f(self.start_offset);
    f(self.delivery_complete_count, since(1));
    f(self.state_batches);
  }
  bool operator==(const WriteShareGroupStateRequestPartition&) const = default;
};

struct WriteShareGroupStateRequestTopic {
  Uuid topic_id;
  std::vector<WriteShareGroupStateRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const WriteShareGroupStateRequestTopic&) const = default;
};

struct WriteShareGroupStateRequest {
  static constexpr ApiInfo api{.key = 85, .name = "WriteShareGroupState", .versions = {0, 1}, .flexible_since = 0};
  using Response = WriteShareGroupStateResponse;
  std::string group_id;
  std::vector<WriteShareGroupStateRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const WriteShareGroupStateRequest&) const = default;
};

}  // namespace meridian::kafka
