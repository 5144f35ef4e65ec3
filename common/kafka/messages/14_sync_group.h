// SyncGroup (API key 14). The leader sends everybody's assignment; all receive their own.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct SyncGroupRequestAssignment {
  std::string member_id;
  Blob assignment;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.assignment);
  }
  bool operator==(const SyncGroupRequestAssignment&) const = default;
};

struct SyncGroupResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  Blob assignment;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.error_code);
    f(self.protocol_type, since(5));
    f(self.protocol_name, since(5));
    f(self.assignment);
  }
  bool operator==(const SyncGroupResponse&) const = default;
};

struct SyncGroupRequest {
  static constexpr ApiInfo api{.key = 14, .name = "SyncGroup", .versions = {0, 5}, .flexible_since = 4};
  using Response = SyncGroupResponse;
  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<SyncGroupRequestAssignment> assignments;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.generation_id);
    f(self.member_id);
    f(self.group_instance_id, since(3));
    f(self.protocol_type, since(5));
    f(self.protocol_name, since(5));
    f(self.assignments);
  }
  bool operator==(const SyncGroupRequest&) const = default;
};

}  // namespace meridian::kafka
