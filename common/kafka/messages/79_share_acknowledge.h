// ShareAcknowledge (API key 79). Acknowledges records that a member of a share group has acquired (KIP-932). 2: renewing (KIP-1222).
#pragma once

#include "common/kafka/codec.h"
#include "common/kafka/messages/78_share_fetch.h"

namespace meridian::kafka {

struct ShareAcknowledgeResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  LeaderIdAndEpoch current_leader;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
    f(self.error_message);
    f(self.current_leader);
  }
  bool operator==(const ShareAcknowledgeResponsePartition&) const = default;
};

struct ShareAcknowledgeResponseTopic {
  Uuid topic_id;
  std::vector<ShareAcknowledgeResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ShareAcknowledgeResponseTopic&) const = default;
};

struct ShareAcknowledgeResponse {
  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t acquisition_lock_timeout_ms = 0;
  std::vector<ShareAcknowledgeResponseTopic> topics;
  std::vector<NodeEndpoint> node_endpoints;

  void fields(this auto& self, auto& f) {
    f(self.throttle_time_ms);
    f(self.error_code);
    f(self.error_message);
    f(self.acquisition_lock_timeout_ms, since(2));
    f(self.topics);
    f(self.node_endpoints);
  }
  bool operator==(const ShareAcknowledgeResponse&) const = default;
};

struct ShareAcknowledgeRequestPartition {
  std::int32_t partition_index = 0;
  std::vector<AcknowledgementBatch> acknowledgement_batches;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.acknowledgement_batches);
  }
  bool operator==(const ShareAcknowledgeRequestPartition&) const = default;
};

struct ShareAcknowledgeRequestTopic {
  Uuid topic_id;
  std::vector<ShareAcknowledgeRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ShareAcknowledgeRequestTopic&) const = default;
};

struct ShareAcknowledgeRequest {
  static constexpr ApiInfo api{.key = 79, .name = "ShareAcknowledge", .versions = {1, 2}, .flexible_since = 0};
  using Response = ShareAcknowledgeResponse;
  std::optional<std::string> group_id;
  std::optional<std::string> member_id;
  std::int32_t share_session_epoch = 0;
  bool is_renew_ack = false;
  std::vector<ShareAcknowledgeRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.member_id);
    f(self.share_session_epoch);
    f(self.is_renew_ack, since(2));
    f(self.topics);
  }
  bool operator==(const ShareAcknowledgeRequest&) const = default;
};

}  // namespace meridian::kafka
