// DescribeLogDirs (API key 35). Sizes per log directory and partition (KIP-113). 4: volume sizes (KIP-827).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeLogDirsResponsePartition {
  std::int32_t partition_index = 0;
  std::int64_t partition_size = 0;
  std::int64_t offset_lag = 0;
  bool is_future_key = false;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.partition_size);
    f(self.offset_lag);
    f(self.is_future_key);
  }
  bool operator==(const DescribeLogDirsResponsePartition&) const = default;
};

struct DescribeLogDirsResponseTopic {
  std::string name;
  std::vector<DescribeLogDirsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const DescribeLogDirsResponseTopic&) const = default;
};

struct DescribeLogDirsResponseResult {
  ErrorCode error_code = ErrorCode::none;
  std::string log_dir;
  std::vector<DescribeLogDirsResponseTopic> topics;
  std::int64_t total_bytes = -1;
  std::int64_t usable_bytes = -1;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.log_dir);
    f(self.topics);
    f(self.total_bytes, since(4));
    f(self.usable_bytes, since(4));
  }
  bool operator==(const DescribeLogDirsResponseResult&) const = default;
};

struct DescribeLogDirsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<DescribeLogDirsResponseResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code, since(3));
    f(self.results);
  }
  bool operator==(const DescribeLogDirsResponse&) const = default;
};

struct DescribeLogDirsRequestTopic {
  std::string topic;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
  bool operator==(const DescribeLogDirsRequestTopic&) const = default;
};

struct DescribeLogDirsRequest {
  static constexpr ApiInfo api{.key = 35, .name = "DescribeLogDirs", .versions = {1, 4}, .flexible_since = 2};
  using Response = DescribeLogDirsResponse;
  std::optional<std::vector<DescribeLogDirsRequestTopic>> topics;

  void fields(this auto& self, auto& f) { f(self.topics); }
  bool operator==(const DescribeLogDirsRequest&) const = default;
};

}  // namespace meridian::kafka
