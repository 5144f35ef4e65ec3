// AppendAt (API key 20000, Meridian's own). Produce with a condition: a batch is appended only if the log ends exactly at
// expected_offset, so a mirror that was replaced cannot add to what its successor has seen. OFFSET_OUT_OF_RANGE: the log ends
// elsewhere; base_offset then says where. A retry of an idempotent batch is answered with its first offset, as in Produce.
// Layout: docs/formats/append-at.md.
#pragma once

#include "common/kafka/messages/00_produce.h"

namespace meridian::kafka {

struct AppendAtPartition {
  std::int32_t index = 0;
  std::int64_t expected_offset = 0;
  Records records;

  void fields(this auto& self, auto& f) {
    f(self.index);
    f(self.expected_offset);
    f(self.records);
  }
  bool operator==(const AppendAtPartition&) const = default;
};

struct AppendAtTopic {
  std::string name;
  std::vector<AppendAtPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AppendAtTopic&) const = default;
};

struct AppendAtResult {
  std::int32_t index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t base_offset = -1;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.index);
    f(self.error_code);
    f(self.base_offset);
    f(self.error_message);
  }
  bool operator==(const AppendAtResult&) const = default;
};

struct AppendAtTopicResult {
  std::string name;
  std::vector<AppendAtResult> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const AppendAtTopicResult&) const = default;
};

struct AppendAtResponse {
  std::vector<AppendAtTopicResult> topics;

  void fields(this auto& self, auto& f) { f(self.topics); }
  bool operator==(const AppendAtResponse&) const = default;
};

struct AppendAtRequest {
  static constexpr ApiInfo api{.key = 20000, .name = "AppendAt", .versions = {0, 0}, .flexible_since = 0};
  using Response = AppendAtResponse;
  std::int32_t timeout_ms = 0;
  std::vector<AppendAtTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.timeout_ms);
    f(self.topics);
  }
  bool operator==(const AppendAtRequest&) const = default;
};

}  // namespace meridian::kafka
