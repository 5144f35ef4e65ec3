// InitializeShareGroupState (API key 83). Begins the state of share-partitions with the share coordinator (KIP-932). Between brokers.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct InitializeShareGroupStateResponsePartition {
  std::int32_t partition = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const InitializeShareGroupStateResponsePartition&) const = default;
};

struct InitializeShareGroupStateResponseTopic {
  Uuid topic_id;
  std::vector<InitializeShareGroupStateResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const InitializeShareGroupStateResponseTopic&) const = default;
};

struct InitializeShareGroupStateResponse {
  std::vector<InitializeShareGroupStateResponseTopic> results;

  void fields(this auto& self, auto& f) { f(self.results); }
  bool operator==(const InitializeShareGroupStateResponse&) const = default;
};

struct InitializeShareGroupStateRequestPartition {
  std::int32_t partition = 0;
  std::int32_t state_epoch = 0;
  std::int64_t start_offset = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.state_epoch);
    f(self.start_offset);
  }
  bool operator==(const InitializeShareGroupStateRequestPartition&) const = default;
};

struct InitializeShareGroupStateRequestTopic {
  Uuid topic_id;
  std::vector<InitializeShareGroupStateRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const InitializeShareGroupStateRequestTopic&) const = default;
};

struct InitializeShareGroupStateRequest {
  static constexpr ApiInfo api{.key = 83, .name = "InitializeShareGroupState", .versions = {0, 0}, .flexible_since = 0};
  using Response = InitializeShareGroupStateResponse;
  std::string group_id;
  std::vector<InitializeShareGroupStateRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const InitializeShareGroupStateRequest&) const = default;
};

}  // namespace meridian::kafka
