// DeleteShareGroupState (API key 86). Ends the state of share-partitions with the share coordinator (KIP-932). Between brokers.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DeleteShareGroupStateResponsePartition {
  std::int32_t partition = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const DeleteShareGroupStateResponsePartition&) const = default;
};

struct DeleteShareGroupStateResponseTopic {
  Uuid topic_id;
  std::vector<DeleteShareGroupStateResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const DeleteShareGroupStateResponseTopic&) const = default;
};

struct DeleteShareGroupStateResponse {
  std::vector<DeleteShareGroupStateResponseTopic> results;

  void fields(this auto& self, auto& f) { f(self.results); }
  bool operator==(const DeleteShareGroupStateResponse&) const = default;
};

struct DeleteShareGroupStateRequestPartition {
  std::int32_t partition = 0;

  void fields(this auto& self, auto& f) { f(self.partition); }
  bool operator==(const DeleteShareGroupStateRequestPartition&) const = default;
};

struct DeleteShareGroupStateRequestTopic {
  Uuid topic_id;
  std::vector<DeleteShareGroupStateRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const DeleteShareGroupStateRequestTopic&) const = default;
};

struct DeleteShareGroupStateRequest {
  static constexpr ApiInfo api{.key = 86, .name = "DeleteShareGroupState", .versions = {0, 0}, .flexible_since = 0};
  using Response = DeleteShareGroupStateResponse;
  std::string group_id;
  std::vector<DeleteShareGroupStateRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const DeleteShareGroupStateRequest&) const = default;
};

}  // namespace meridian::kafka
