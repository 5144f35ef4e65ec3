// ListGroups (API key 16). 4: filter by state. 5: filter by type.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ListGroupsResponseGroup {
  std::string group_id;
  std::string protocol_type;
  std::string group_state;
  std::string group_type;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.protocol_type);
    f(self.group_state, since(4));
    f(self.group_type, since(5));
  }
  bool operator==(const ListGroupsResponseGroup&) const = default;
};

struct ListGroupsResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<ListGroupsResponseGroup> groups;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.error_code);
    f(self.groups);
  }
  bool operator==(const ListGroupsResponse&) const = default;
};

struct ListGroupsRequest {
  static constexpr ApiInfo api{.key = 16, .name = "ListGroups", .versions = {0, 5}, .flexible_since = 3};
  using Response = ListGroupsResponse;
  std::vector<std::string> states_filter;
  std::vector<std::string> types_filter;

  void fields(this auto& self, auto& f) {
    f(self.states_filter, since(4));
    f(self.types_filter, since(5));
  }
  bool operator==(const ListGroupsRequest&) const = default;
};

}  // namespace meridian::kafka
