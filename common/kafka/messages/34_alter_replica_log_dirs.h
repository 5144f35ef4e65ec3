// AlterReplicaLogDirs (API key 34). Moves replicas between the log directories of one broker (KIP-113). Unknown directory: LOG_DIR_NOT_FOUND.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct AlterReplicaLogDirsResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
  }
  bool operator==(const AlterReplicaLogDirsResponsePartition&) const = default;
};

struct AlterReplicaLogDirsResponseTopic {
  std::string topic_name;
  std::vector<AlterReplicaLogDirsResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.partitions);
  }
  bool operator==(const AlterReplicaLogDirsResponseTopic&) const = default;
};

struct AlterReplicaLogDirsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<AlterReplicaLogDirsResponseTopic> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.results);
  }
  bool operator==(const AlterReplicaLogDirsResponse&) const = default;
};

struct AlterReplicaLogDirsRequestTopic {
  std::string name;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AlterReplicaLogDirsRequestTopic&) const = default;
};

struct AlterReplicaLogDirsRequestDir {
  std::string path;
  std::vector<AlterReplicaLogDirsRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.path);
    f(self.topics);
  }
  bool operator==(const AlterReplicaLogDirsRequestDir&) const = default;
};

struct AlterReplicaLogDirsRequest {
  static constexpr ApiInfo api{.key = 34, .name = "AlterReplicaLogDirs", .versions = {1, 2}, .flexible_since = 2};
  using Response = AlterReplicaLogDirsResponse;
  std::vector<AlterReplicaLogDirsRequestDir> dirs;

  void fields(this auto& self, auto& f) { f(self.dirs); }
  bool operator==(const AlterReplicaLogDirsRequest&) const = default;
};

}  // namespace meridian::kafka
