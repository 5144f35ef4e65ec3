// OffsetDelete (API key 47). Deletes committed offsets of topics that the group does not consume (KIP-496): else GROUP_SUBSCRIBED_TO_TOPIC.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct OffsetDeleteResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
  }
  bool operator==(const OffsetDeleteResponsePartition&) const = default;
};

struct OffsetDeleteResponseTopic {
  std::string name;
  std::vector<OffsetDeleteResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const OffsetDeleteResponseTopic&) const = default;
};

struct OffsetDeleteResponse {
  ErrorCode error_code = ErrorCode::none;
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetDeleteResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.throttle_time_ms);
    f(self.topics);
  }
  bool operator==(const OffsetDeleteResponse&) const = default;
};

struct OffsetDeleteRequestPartition {
  std::int32_t partition_index = 0;

  void fields(this auto& self, auto& f) { f(self.partition_index); }
  bool operator==(const OffsetDeleteRequestPartition&) const = default;
};

struct OffsetDeleteRequestTopic {
  std::string name;
  std::vector<OffsetDeleteRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const OffsetDeleteRequestTopic&) const = default;
};

struct OffsetDeleteRequest {
  static constexpr ApiInfo api{.key = 47, .name = "OffsetDelete", .versions = {0, 0}, .flexible_since = 1};
  using Response = OffsetDeleteResponse;
  std::string group_id;
  std::vector<OffsetDeleteRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const OffsetDeleteRequest&) const = default;
};

}  // namespace meridian::kafka
