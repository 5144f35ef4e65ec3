// DeleteShareGroupOffsets (API key 92). Forgets the topics of an empty share group (KIP-932).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DeleteShareGroupOffsetsResponseTopic {
  std::string topic_name;
  Uuid topic_id;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.topic_name);
    f(self.topic_id);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const DeleteShareGroupOffsetsResponseTopic&) const = default;
};

struct DeleteShareGroupOffsetsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<DeleteShareGroupOffsetsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.topics);
  }
  bool operator==(const DeleteShareGroupOffsetsResponse&) const = default;
};

struct DeleteShareGroupOffsetsRequestTopic {
  std::string topic_name;

  void fields(this auto& self, auto& f) { f(self.topic_name); }
  bool operator==(const DeleteShareGroupOffsetsRequestTopic&) const = default;
};

struct DeleteShareGroupOffsetsRequest {
  static constexpr ApiInfo api{.key = 92, .name = "DeleteShareGroupOffsets", .versions = {0, 0}, .flexible_since = 0};
  using Response = DeleteShareGroupOffsetsResponse;
  std::string group_id;
  std::vector<DeleteShareGroupOffsetsRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const DeleteShareGroupOffsetsRequest&) const = default;
};

}  // namespace meridian::kafka
