// DeleteRecords (API key 21). Deletes records in front of an offset (KIP-107). Offset -1: everything below the high watermark.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DeleteRecordsResponsePartitionResult {
  std::int32_t partition_index = 0;
  std::int64_t low_watermark = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.low_watermark);
    f(self.error_code);
  }
  bool operator==(const DeleteRecordsResponsePartitionResult&) const = default;
};

struct DeleteRecordsResponseTopicResult {
  std::string name;
  std::vector<DeleteRecordsResponsePartitionResult> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const DeleteRecordsResponseTopicResult&) const = default;
};

struct DeleteRecordsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteRecordsResponseTopicResult> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.topics);
  }
  bool operator==(const DeleteRecordsResponse&) const = default;
};

struct DeleteRecordsRequestPartition {
  std::int32_t partition_index = 0;
  std::int64_t offset = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.offset);
  }
  bool operator==(const DeleteRecordsRequestPartition&) const = default;
};

struct DeleteRecordsRequestTopic {
  std::string name;
  std::vector<DeleteRecordsRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const DeleteRecordsRequestTopic&) const = default;
};

struct DeleteRecordsRequest {
  static constexpr ApiInfo api{.key = 21, .name = "DeleteRecords", .versions = {0, 2}, .flexible_since = 2};
  using Response = DeleteRecordsResponse;
  std::vector<DeleteRecordsRequestTopic> topics;
  std::int32_t timeout_ms = 0;

  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.timeout_ms);
  }
  bool operator==(const DeleteRecordsRequest&) const = default;
};

}  // namespace meridian::kafka
