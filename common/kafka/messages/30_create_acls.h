// CreateAcls (API key 30). Without an authorizer: SECURITY_DISABLED.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct CreateAclsResponseAclCreationResult {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const CreateAclsResponseAclCreationResult&) const = default;
};

struct CreateAclsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<CreateAclsResponseAclCreationResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.results);
  }
  bool operator==(const CreateAclsResponse&) const = default;
};

struct CreateAclsRequestAclCreation {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::int8_t resource_pattern_type = 3;
  std::string principal;
  std::string host;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  void fields(this auto& self, auto& f) {
    f(self.resource_type);
    f(self.resource_name);
    f(self.resource_pattern_type);
    f(self.principal);
    f(self.host);
    f(self.operation);
    f(self.permission_type);
  }
  bool operator==(const CreateAclsRequestAclCreation&) const = default;
};

struct CreateAclsRequest {
  static constexpr ApiInfo api{.key = 30, .name = "CreateAcls", .versions = {1, 3}, .flexible_since = 2};
  using Response = CreateAclsResponse;
  std::vector<CreateAclsRequestAclCreation> creations;

  void fields(this auto& self, auto& f) { f(self.creations); }
  bool operator==(const CreateAclsRequest&) const = default;
};

}  // namespace meridian::kafka
