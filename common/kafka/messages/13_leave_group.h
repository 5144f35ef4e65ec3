// LeaveGroup (API key 13). 3: several members, static ones by instance id.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct LeaveGroupRequestMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> reason;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.group_instance_id);
    f(self.reason, since(5));
  }
  bool operator==(const LeaveGroupRequestMember&) const = default;
};

struct LeaveGroupResponseMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.group_instance_id);
    f(self.error_code);
  }
  bool operator==(const LeaveGroupResponseMember&) const = default;
};

struct LeaveGroupResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<LeaveGroupResponseMember> members;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.error_code);
    f(self.members, since(3));
  }
  bool operator==(const LeaveGroupResponse&) const = default;
};

struct LeaveGroupRequest {
  static constexpr ApiInfo api{.key = 13, .name = "LeaveGroup", .versions = {0, 5}, .flexible_since = 4};
  using Response = LeaveGroupResponse;
  std::string group_id;
  std::string member_id;
  std::vector<LeaveGroupRequestMember> members;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.member_id, until(2));
    f(self.members, since(3));
  }
  bool operator==(const LeaveGroupRequest&) const = default;
};

}  // namespace meridian::kafka
