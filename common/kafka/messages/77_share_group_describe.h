// ShareGroupDescribe (API key 77). Describes share groups (KIP-932).
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/messages/69_consumer_group_describe.h"

namespace meridian::kafka {

struct ShareGroupDescribeResponseMember {
  std::string member_id;
  std::optional<std::string> rack_id;
  std::int32_t member_epoch = 0;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> subscribed_topic_names;
  ConsumerGroupDescribeResponseAssignment assignment;

  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.rack_id);
    f(self.member_epoch);
    f(self.client_id);
    f(self.client_host);
    f(self.subscribed_topic_names);
    f(self.assignment);
  }
  bool operator==(const ShareGroupDescribeResponseMember&) const = default;
};

struct ShareGroupDescribeResponseDescribedGroup {
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::string group_id;
  std::string group_state;
  std::int32_t group_epoch = 0;
  std::int32_t assignment_epoch = 0;
  std::string assignor_name;
  std::vector<ShareGroupDescribeResponseMember> members;
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
  bool operator==(const ShareGroupDescribeResponseDescribedGroup&) const = default;
};

struct ShareGroupDescribeResponse {
  std::int32_t throttle_time_ms = 0;
  std::vector<ShareGroupDescribeResponseDescribedGroup> groups;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.groups);
  }
  bool operator==(const ShareGroupDescribeResponse&) const = default;
};

struct ShareGroupDescribeRequest {
  static constexpr ApiInfo api{.key = 77, .name = "ShareGroupDescribe", .versions = {1, 1}, .flexible_since = 0};
  using Response = ShareGroupDescribeResponse;
  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;

  void fields(this auto& self, auto& f) {
    f(self.group_ids);
    f(self.include_authorized_operations);
  }
  bool operator==(const ShareGroupDescribeRequest&) const = default;
};

}  // namespace meridian::kafka
