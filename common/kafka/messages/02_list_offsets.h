// ListOffsets (API key 2). Timestamp -1 latest, -2 earliest, -3 (7) max timestamp, -4 (8) earliest local, -5 (9) last tiered.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ListOffsetsRequestPartition {
  std::int32_t partition_index = 0;
  std::int32_t current_leader_epoch = -1;
  std::int64_t timestamp = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.current_leader_epoch, since(4));
    f(self.timestamp);
  }
  bool operator==(const ListOffsetsRequestPartition&) const = default;
};

struct ListOffsetsRequestTopic {
  std::string name;
  std::vector<ListOffsetsRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const ListOffsetsRequestTopic&) const = default;
};

struct ListOffsetsResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t timestamp = -1;
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.timestamp);
    f(self.offset);
    f(self.leader_epoch, since(4));
  }
  bool operator==(const ListOffsetsResponsePartition&) const = default;
};

struct ListOffsetsResponseTopic {
  std::string name;
  std::vector<ListOffsetsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const ListOffsetsResponseTopic&) const = default;
};

struct ListOffsetsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<ListOffsetsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(2));
    f(self.topics);
  }
  bool operator==(const ListOffsetsResponse&) const = default;
};

struct ListOffsetsRequest {
  static constexpr ApiInfo api{.key = 2, .name = "ListOffsets", .versions = {1, 11}, .flexible_since = 6};
  using Response = ListOffsetsResponse;
  std::int32_t replica_id = -1;
  std::int8_t isolation_level = 0;
  std::vector<ListOffsetsRequestTopic> topics;
  std::int32_t timeout_ms = 0;

  void fields(this auto& self, auto& f) {
    f(self.replica_id);
    f(self.isolation_level, since(2));
    f(self.topics);
    f(self.timeout_ms, since(10));
  }
  bool operator==(const ListOffsetsRequest&) const = default;
};

}  // namespace meridian::kafka
