// CreatePartitions (API key 37). The count only grows. INVALID_PARTITIONS otherwise.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct CreatePartitionsAssignment {
  std::vector<std::int32_t> broker_ids;

  void fields(this auto& self, auto& f) { f(self.broker_ids); }
  bool operator==(const CreatePartitionsAssignment&) const = default;
};

struct CreatePartitionsTopic {
  std::string name;
  std::int32_t count = 0;
  std::optional<std::vector<CreatePartitionsAssignment>> assignments;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.count);
    f(self.assignments);
  }
  bool operator==(const CreatePartitionsTopic&) const = default;
};

struct CreatePartitionsResult {
  std::string name;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.error_code);
    f(self.error_message);
  }
  bool operator==(const CreatePartitionsResult&) const = default;
};

struct CreatePartitionsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<CreatePartitionsResult> results;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.results);
  }
  bool operator==(const CreatePartitionsResponse&) const = default;
};

struct CreatePartitionsRequest {
  static constexpr ApiInfo api{.key = 37, .name = "CreatePartitions", .versions = {0, 3}, .flexible_since = 2};
  using Response = CreatePartitionsResponse;
  std::vector<CreatePartitionsTopic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.timeout_ms);
    f(self.validate_only);
  }
  bool operator==(const CreatePartitionsRequest&) const = default;
};

}  // namespace meridian::kafka
