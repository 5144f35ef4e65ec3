// DeleteGroups (API key 42). NON_EMPTY_GROUP: it has members. GROUP_ID_NOT_FOUND: no such group.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DeleteGroupsResult {
  std::string group_id;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.error_code);
  }
  bool operator==(const DeleteGroupsResult&) const = default;
};

struct DeleteGroupsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteGroupsResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.results);
  }
  bool operator==(const DeleteGroupsResponse&) const = default;
};

struct DeleteGroupsRequest {
  static constexpr ApiInfo api{.key = 42, .name = "DeleteGroups", .versions = {0, 2}, .flexible_since = 2};
  using Response = DeleteGroupsResponse;
  std::vector<std::string> group_names;

  void fields(this auto& self, auto& f) { f(self.group_names); }
  bool operator==(const DeleteGroupsRequest&) const = default;
};

}  // namespace meridian::kafka
