// CreateTopics (API key 19). Partitions or replication factor -1: the broker's default. INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS,
// INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG: per topic; good topics of the same request are created.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct CreateTopicsAssignment {
  std::int32_t partition_index = 0;
  std::vector<std::int32_t> broker_ids;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.broker_ids);
  }
  bool operator==(const CreateTopicsAssignment&) const = default;
};

struct CreateTopicsConfig {
  std::string name;
  std::optional<std::string> value;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
  }
  bool operator==(const CreateTopicsConfig&) const = default;
};

struct CreateTopicsRequestTopic {
  std::string name;
  std::int32_t num_partitions = -1;
  std::int16_t replication_factor = -1;
  std::vector<CreateTopicsAssignment> assignments;
  std::vector<CreateTopicsConfig> configs;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.num_partitions);
    f(self.replication_factor);
    f(self.assignments);
    f(self.configs);
  }
  bool operator==(const CreateTopicsRequestTopic&) const = default;
};

struct CreateTopicsResponseConfig {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  std::int8_t config_source = -1;
  bool is_sensitive = false;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
    f(self.read_only);
    f(self.config_source);
    f(self.is_sensitive);
  }
  bool operator==(const CreateTopicsResponseConfig&) const = default;
};

struct CreateTopicsResponseTopic {
  std::string name;
  Uuid topic_id;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int16_t topic_config_error_code = 0;
  std::int32_t num_partitions = -1;
  std::int16_t replication_factor = -1;
  std::optional<std::vector<CreateTopicsResponseConfig>> configs;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.topic_id, since(7));
    f(self.error_code);
    f(self.error_message, since(1));
    f(self.topic_config_error_code, tag(0, 5));
    f(self.num_partitions, since(5));
    f(self.replication_factor, since(5));
    f(self.configs, since(5));
  }
  bool operator==(const CreateTopicsResponseTopic&) const = default;
};

struct CreateTopicsResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<CreateTopicsResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms, since(2));
    f(self.topics);
  }
  bool operator==(const CreateTopicsResponse&) const = default;
};

struct CreateTopicsRequest {
  static constexpr ApiInfo api{.key = 19, .name = "CreateTopics", .versions = {2, 7}, .flexible_since = 5};
  using Response = CreateTopicsResponse;
  std::vector<CreateTopicsRequestTopic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.timeout_ms);
    f(self.validate_only, since(1));
  }
  bool operator==(const CreateTopicsRequest&) const = default;
};

}  // namespace meridian::kafka
