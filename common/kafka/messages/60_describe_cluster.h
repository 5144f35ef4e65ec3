// DescribeCluster (API key 60). Endpoint types: 1 brokers, 2 controllers.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct DescribeClusterBroker {
  std::int32_t broker_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;
  bool is_fenced = false;

  void fields(this auto& self, auto& f) {
    f(self.broker_id);
    f(self.host);
    f(self.port);
    f(self.rack);
    f(self.is_fenced, since(2));
  }
  bool operator==(const DescribeClusterBroker&) const = default;
};

struct DescribeClusterResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int8_t endpoint_type = 1;
  std::string cluster_id;
  std::int32_t controller_id = -1;
  std::vector<DescribeClusterBroker> brokers;
  std::int32_t cluster_authorized_operations = INT32_MIN;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.endpoint_type, since(1));
    f(self.cluster_id);
    f(self.controller_id);
    f(self.brokers);
    f(self.cluster_authorized_operations);
  }
  bool operator==(const DescribeClusterResponse&) const = default;
};

struct DescribeClusterRequest {
  static constexpr ApiInfo api{.key = 60, .name = "DescribeCluster", .versions = {0, 2}, .flexible_since = 0};
  using Response = DescribeClusterResponse;
  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;
  bool include_fenced_brokers = false;

  void fields(this auto& self, auto& f) {
    f(self.include_cluster_authorized_operations);
    f(self.endpoint_type, since(1));
    f(self.include_fenced_brokers, since(2));
  }
  bool operator==(const DescribeClusterRequest&) const = default;
};

}  // namespace meridian::kafka
