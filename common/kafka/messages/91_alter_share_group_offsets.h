// AlterShareGroupOffsets (API key 91). Moves the start offsets of an empty share group (KIP-932).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AlterShareGroupOffsetsResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const AlterShareGroupOffsetsResponsePartition&) const = default;
};

struct AlterShareGroupOffsetsResponseTopic {
  std::string topic_name;
  Uuid topic_id;
  std::vector<AlterShareGroupOffsetsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const AlterShareGroupOffsetsResponseTopic&) const = default;
};

struct AlterShareGroupOffsetsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<AlterShareGroupOffsetsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.topics);
  }
  bool operator==(const AlterShareGroupOffsetsResponse&) const = default;
};

struct AlterShareGroupOffsetsRequestPartition {
  std::int32_t partition_index = 0;
  std::int64_t start_offset = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.start_offset);
  }
  bool operator==(const AlterShareGroupOffsetsRequestPartition&) const = default;
};

struct AlterShareGroupOffsetsRequestTopic {
  std::string topic_name;
  std::vector<AlterShareGroupOffsetsRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partitions);
  }
  bool operator==(const AlterShareGroupOffsetsRequestTopic&) const = default;
};

struct AlterShareGroupOffsetsRequest {
  static constexpr ApiInfo api{.key = 91, .name = "AlterShareGroupOffsets", .versions = {0, 0}, .flexible_since = 0};
  using Response = AlterShareGroupOffsetsResponse;
  std::string group_id;
  std::vector<AlterShareGroupOffsetsRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const AlterShareGroupOffsetsRequest&) const = default;
};

}  // namespace meridian::kafka
