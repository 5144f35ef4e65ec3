// DescribeShareGroupOffsets (API key 90). Where a share group stands in its partitions (KIP-932). topics null: all. 1: lag (KIP-1226).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeShareGroupOffsetsResponsePartition {
  std::int32_t partition_index = 0;
  std::int64_t start_offset = 0;
  std::int32_t leader_epoch = 0;
  std::int64_t lag = -1;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.start_offset);
    f(self.leader_epoch);
    f(self.lag, since(1));
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const DescribeShareGroupOffsetsResponsePartition&) const = default;
};

struct DescribeShareGroupOffsetsResponseTopic {
  std::string topic_name;
  Uuid topic_id;
  std::vector<DescribeShareGroupOffsetsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const DescribeShareGroupOffsetsResponseTopic&) const = default;
};

struct DescribeShareGroupOffsetsResponseGroup {
  std::string group_id;
  std::vector<DescribeShareGroupOffsetsResponseTopic> topics;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const DescribeShareGroupOffsetsResponseGroup&) const = default;
};

struct DescribeShareGroupOffsetsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeShareGroupOffsetsResponseGroup> groups;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.groups);
  }
  bool operator==(const DescribeShareGroupOffsetsResponse&) const = default;
};

struct DescribeShareGroupOffsetsRequestTopic {
  std::string topic_name;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partitions);
  }
  bool operator==(const DescribeShareGroupOffsetsRequestTopic&) const = default;
};

struct DescribeShareGroupOffsetsRequestGroup {
  std::string group_id;
  std::optional<std::vector<DescribeShareGroupOffsetsRequestTopic>> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const DescribeShareGroupOffsetsRequestGroup&) const = default;
};

struct DescribeShareGroupOffsetsRequest {
  static constexpr ApiInfo api{.key = 90, .name = "DescribeShareGroupOffsets", .versions = {0, 1}, .flexible_since = 0};
  using Response = DescribeShareGroupOffsetsResponse;
  std::vector<DescribeShareGroupOffsetsRequestGroup> groups;

  void fields(this auto& self, auto& f) { f(self.groups); }
  bool operator==(const DescribeShareGroupOffsetsRequest&) const = default;
};

}  // namespace meridian::kafka
