// ListConfigResources (API key 74). Resources that have configurations (KIP-1142).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ListConfigResourcesResponseConfigResource {
  std::string resource_name;
  std::int8_t resource_type = 16;

  void fields(this auto& self, auto& f) {
    f(self.resource_name);
    f(self.resource_type, since(1));
  }
  bool operator==(const ListConfigResourcesResponseConfigResource&) const = default;
};

struct ListConfigResourcesResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<ListConfigResourcesResponseConfigResource> config_resources;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.config_resources);
  }
  bool operator==(const ListConfigResourcesResponse&) const = default;
};

struct ListConfigResourcesRequest {
  static constexpr ApiInfo api{.key = 74, .name = "ListConfigResources", .versions = {0, 1}, .flexible_since = 0};
  using Response = ListConfigResourcesResponse;
  std::vector<std::int8_t> resource_types;

  void fields(this auto& self, auto& f) { f(self.resource_types, since(1)); }
  bool operator==(const ListConfigResourcesRequest&) const = default;
};

}  // namespace meridian::kafka
