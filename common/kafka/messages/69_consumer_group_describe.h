// ConsumerGroupDescribe (API key 69). Describes groups of the consumer protocol (KIP-848). 1: member type.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ConsumerGroupDescribeResponseTopicPartitions {
  Uuid topic_id;
  std::string topic_name;
  std::vector<std::int32_t> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.topic_name);
    f(self.partitions);
  }
  bool operator==(const ConsumerGroupDescribeResponseTopicPartitions&) const = default;
};

struct ConsumerGroupDescribeResponseAssignment {
  std::vector<ConsumerGroupDescribeResponseTopicPartitions> topic_partitions;

  void fields(this auto& self, auto& f) { f(self.topic_partitions); }
  bool operator==(const ConsumerGroupDescribeResponseAssignment&) const = default;
};

struct ConsumerGroupDescribeResponseMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t member_epoch = 0;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  ConsumerGroupDescribeResponseAssignment assignment;
  ConsumerGroupDescribeResponseAssignment target_assignment;
  std::int8_t member_type = -1;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.instance_id);
    f(self.rack_id);
    f(self.member_epoch);
    f(self.client_id);
    f(self.client_host);
    f(self.subscribed_topic_names);
    f(self.subscribed_topic_regex);
    f(self.assignment);
    f(self.target_assignment);
    f(self.member_type, since(1));
  }
  bool operator==(const ConsumerGroupDescribeResponseMember&) const = default;
};

struct ConsumerGroupDescribeResponseDescribedGroup {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::string group_id;
  std::string group_state;
  std::int32_t group_epoch = 0;
  std::int32_t assignment_epoch = 0;
  std::string assignor_name;
  std::vector<ConsumerGroupDescribeResponseMember> members;
  std::int32_t authorized_operations = INT32_MIN;

  void fields(this auto& self, auto& f) {
    f(self.error_code);
    f(self.error_message);
    f(self.group_id);
    f(self.group_state);
    f(self.group_epoch);
    f(self.assignment_epoch);
    f(self.assignor_name);
    f(self.members);
    f(self.authorized_operations);
  }
  bool operator==(const ConsumerGroupDescribeResponseDescribedGroup&) const = default;
};

struct ConsumerGroupDescribeResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<ConsumerGroupDescribeResponseDescribedGroup> groups;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.groups);
  }
  bool operator==(const ConsumerGroupDescribeResponse&) const = default;
};

struct ConsumerGroupDescribeRequest {
  static constexpr ApiInfo api{.key = 69, .name = "ConsumerGroupDescribe", .versions = {0, 1}, .flexible_since = 0};
  using Response = ConsumerGroupDescribeResponse;
  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;

  void fields(this auto& self, auto& f) {
    f(self.group_ids);
    f(self.include_authorized_operations);
  }
  bool operator==(const ConsumerGroupDescribeRequest&) const = default;
};

}  // namespace meridian::kafka
