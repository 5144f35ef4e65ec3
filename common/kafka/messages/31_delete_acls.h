// DeleteAcls (API key 31). Without an authorizer: SECURITY_DISABLED.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DeleteAclsResponseMatchingAcl {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::int8_t pattern_type = 3;
  std::string principal;
  std::string host;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
    f(self.resource_type);
    f(self.resource_name);
    f(self.pattern_type);
    f(self.principal);
    f(self.host);
    f(self.operation);
    f(self.permission_type);
  }
  bool operator==(const DeleteAclsResponseMatchingAcl&) const = default;
};

struct DeleteAclsResponseFilterResult {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<DeleteAclsResponseMatchingAcl> matching_acls;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
    f(self.matching_acls);
  }
  bool operator==(const DeleteAclsResponseFilterResult&) const = default;
};

struct DeleteAclsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteAclsResponseFilterResult> filter_results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.filter_results);
  }
  bool operator==(const DeleteAclsResponse&) const = default;
};

struct DeleteAclsRequestFilter {
  std::int8_t resource_type_filter = 0;
  std::optional<std::string> resource_name_filter;
  std::int8_t pattern_type_filter = 3;
  std::optional<std::string> principal_filter;
  std::optional<std::string> host_filter;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  void fields(this auto& self, auto& f) {
    f(self.resource_type_filter);
    f(self.resource_name_filter);
    f(self.pattern_type_filter);
    f(self.principal_filter);
    f(self.host_filter);
    f(self.operation);
    f(self.permission_type);
  }
  bool operator==(const DeleteAclsRequestFilter&) const = default;
};

struct DeleteAclsRequest {
  static constexpr ApiInfo api{.key = 31, .name = "DeleteAcls", .versions = {1, 3}, .flexible_since = 2};
  using Response = DeleteAclsResponse;
  std::vector<DeleteAclsRequestFilter> filters;

  void fields(this auto& self, auto& f) { f(self.filters); }
  bool operator==(const DeleteAclsRequest&) const = default;
};

}  // namespace meridian::kafka
