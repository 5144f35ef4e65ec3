// OffsetFetch (API key 9). 8: several groups in one request. 10: topics by id, UNKNOWN_TOPIC_ID. Null topics: every committed partition. Offset -1: nothing is
// committed.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct OffsetFetchRequestTopic {
  std::string name;
  std::vector<std::int32_t> partition_indexes;
  Uuid topic_id;

  void fields(this auto& self, auto& f) {
    f(self.name, until(9));
    f(self.topic_id, since(10));
    f(self.partition_indexes);
  }
  bool operator==(const OffsetFetchRequestTopic&) const = default;
};

struct OffsetFetchRequestGroup {
  std::string group_id;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = -1;
  std::optional<std::vector<OffsetFetchRequestTopic>> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.member_id, since(9));
    f(self.member_epoch, since(9));
    f(self.topics);
  }
  bool operator==(const OffsetFetchRequestGroup&) const = default;
};

struct OffsetFetchResponsePartition {
  std::int32_t partition_index = 0;
  std::int64_t committed_offset = -1;
  std::int32_t committed_leader_epoch = -1;
  std::optional<std::string> metadata;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.committed_offset);
    f(self.committed_leader_epoch, since(5));
    f(self.metadata);
    f(self.error_code);
  }
  bool operator==(const OffsetFetchResponsePartition&) const = default;
};

struct OffsetFetchResponseTopic {
  std::string name;
  std::vector<OffsetFetchResponsePartition> partitions;
  Uuid topic_id;

  void fields(this auto& self, auto& f) {
    f(self.name, until(9));
    f(self.topic_id, since(10));
    f(self.partitions);
  }
  bool operator==(const OffsetFetchResponseTopic&) const = default;
};

struct OffsetFetchResponseGroup {
  std::string group_id;
  std::vector<OffsetFetchResponseTopic> topics;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
    f(self.error_code);
  }
  bool operator==(const OffsetFetchResponseGroup&) const = default;
};

struct OffsetFetchResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetFetchResponseTopic> topics;
  ErrorCode error_code = ErrorCode::none;
  std::vector<OffsetFetchResponseGroup> groups;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(3));
    f(self.topics, until(7));
    f(self.error_code, between(2, 7));
    f(self.groups, since(8));
  }
  bool operator==(const OffsetFetchResponse&) const = default;
};

struct OffsetFetchRequest {
  static constexpr ApiInfo api{.key = 9, .name = "OffsetFetch", .versions = {1, 10}, .flexible_since = 6};
  using Response = OffsetFetchResponse;
  std::string group_id;
  std::optional<std::vector<OffsetFetchRequestTopic>> topics;
  std::vector<OffsetFetchRequestGroup> groups;
  bool require_stable = false;

  void fields(this auto& self, auto& f) {
    f(self.group_id, until(7));
    f(self.topics, until(7));
    f(self.groups, since(8));
    f(self.require_stable, since(7));
  }
  bool operator==(const OffsetFetchRequest&) const = default;
};

}  // namespace meridian::kafka
