// JoinGroup (API key 11). 4: a first join without a member id is answered MEMBER_ID_REQUIRED. INCONSISTENT_GROUP_PROTOCOL: no protocol in common.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct JoinGroupRequestProtocol {
  std::string name;
  Blob metadata;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.metadata);
  }
  bool operator==(const JoinGroupRequestProtocol&) const = default;
};

struct JoinGroupResponseMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  Blob metadata;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.group_instance_id, since(5));
    f(self.metadata);
  }
  bool operator==(const JoinGroupResponseMember&) const = default;
};

struct JoinGroupResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<JoinGroupResponseMember> members;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(2));
    f(self.error_code);
    f(self.generation_id);
    f(self.protocol_type, since(7));
    f(self.protocol_name);
    f(self.leader);
    f(self.skip_assignment, since(9));
    f(self.member_id);
    f(self.members);
  }
  bool operator==(const JoinGroupResponse&) const = default;
};

struct JoinGroupRequest {
  static constexpr ApiInfo api{.key = 11, .name = "JoinGroup", .versions = {0, 9}, .flexible_since = 6};
  using Response = JoinGroupResponse;
  std::string group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string protocol_type;
  std::vector<JoinGroupRequestProtocol> protocols;
  std::optional<std::string> reason;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.session_timeout_ms);
    f(self.rebalance_timeout_ms, since(1));
    f(self.member_id);
    f(self.group_instance_id, since(5));
    f(self.protocol_type);
    f(self.protocols);
    f(self.reason, since(8));
  }
  bool operator==(const JoinGroupRequest&) const = default;
};

}  // namespace meridian::kafka
