// FindCoordinator (API key 10). Key types: 0 group, 1 transaction, 2 share. 4: several keys in one request.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct FindCoordinatorResponseCoordinator {
  std::string key;
  std::int32_t node_id = -1;
  std::string host;
  std::int32_t port = -1;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.key);
    f(self.node_id);
    f(self.host);
    f(self.port);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const FindCoordinatorResponseCoordinator&) const = default;
};

struct FindCoordinatorResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t node_id = -1;
  std::string host;
  std::int32_t port = -1;
  std::vector<FindCoordinatorResponseCoordinator> coordinators;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(1));
    f(self.error_code, until(3));
    f(self.error_message, between(1, 3));
    f(self.node_id, until(3));
    f(self.host, until(3));
    f(self.port, until(3));
    f(self.coordinators, since(4));
  }
  bool operator==(const FindCoordinatorResponse&) const = default;
};

struct FindCoordinatorRequest {
  static constexpr ApiInfo api{.key = 10, .name = "FindCoordinator", .versions = {0, 6}, .flexible_since = 3};
  using Response = FindCoordinatorResponse;
  std::string key;
  std::int8_t key_type = 0;
  std::vector<std::string> coordinator_keys;

  void fields(this auto& self, auto& f) {
    f(self.key, until(3));
    f(self.key_type, since(1));
    f(self.coordinator_keys, since(4));
  }
  bool operator==(const FindCoordinatorRequest&) const = default;
};

}  // namespace meridian::kafka
