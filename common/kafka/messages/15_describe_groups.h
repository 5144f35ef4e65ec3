// DescribeGroups (API key 15). An unknown group is Dead; from 6 it is GROUP_ID_NOT_FOUND as well.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeGroupsResponseMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string client_id;
  std::string client_host;
  Blob member_metadata;
  Blob member_assignment;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.group_instance_id, since(4));
    f(self.client_id);
    f(self.client_host);
    f(self.member_metadata);
    f(self.member_assignment);
  }
  bool operator==(const DescribeGroupsResponseMember&) const = default;
};

struct DescribeGroupsResponseGroup {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::string group_id;
  std::string group_state;
  std::string protocol_type;
  std::string protocol_data;
  std::vector<DescribeGroupsResponseMember> members;
  std::int32_t authorized_operations = INT32_MIN;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message, since(6));
    f(self.group_id);
    f(self.group_state);
    f(self.protocol_type);
    f(self.protocol_data);
    f(self.members);
    f(self.authorized_operations, since(3));
  }
  bool operator==(const DescribeGroupsResponseGroup&) const = default;
};

struct DescribeGroupsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeGroupsResponseGroup> groups;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.groups);
  }
  bool operator==(const DescribeGroupsResponse&) const = default;
};

struct DescribeGroupsRequest {
  static constexpr ApiInfo api{.key = 15, .name = "DescribeGroups", .versions = {0, 6}, .flexible_since = 5};
  using Response = DescribeGroupsResponse;
  std::vector<std::string> groups;
  bool include_authorized_operations = false;

  void fields(this auto& self, auto& f) {
    f(self.groups);
    f(self.include_authorized_operations, since(3));
  }
  bool operator==(const DescribeGroupsRequest&) const = default;
};

}  // namespace meridian::kafka
