// DeleteTopics (API key 20). 6: by name or by topic id.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DeleteTopicsRequestTopic {
  std::optional<std::string> name;
  Uuid topic_id;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.topic_id);
  }
  bool operator==(const DeleteTopicsRequestTopic&) const = default;
};

struct DeleteTopicsResponseTopic {
  std::optional<std::string> name;
  Uuid topic_id;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.topic_id, since(6));
    f(self.error_code);
    f(self.error_message, since(5));
  }
  bool operator==(const DeleteTopicsResponseTopic&) const = default;
};

struct DeleteTopicsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteTopicsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.topics);
  }
  bool operator==(const DeleteTopicsResponse&) const = default;
};

struct DeleteTopicsRequest {
  static constexpr ApiInfo api{.key = 20, .name = "DeleteTopics", .versions = {1, 6}, .flexible_since = 4};
  using Response = DeleteTopicsResponse;
  std::vector<DeleteTopicsRequestTopic> topics;
  std::vector<std::string> topic_names;
  std::int32_t timeout_ms = 60000;

  void fields(this auto& self, auto& f) {
    f(self.topics, since(6));
    f(self.topic_names, until(5));
    f(self.timeout_ms);
  }
  bool operator==(const DeleteTopicsRequest&) const = default;
};

}  // namespace meridian::kafka
