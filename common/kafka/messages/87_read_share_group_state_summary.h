// ReadShareGroupStateSummary (API key 87). Reads start offsets of share-partitions from the share coordinator (KIP-932). Between brokers.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ReadShareGroupStateSummaryResponsePartition {
  std::int32_t partition = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t state_epoch = 0;
  std::int32_t leader_epoch = 0;
  std::int64_t start_offset = 0;
  std::int32_t delivery_complete_count = -1;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.error_code);
    f(self.error_message);
    f(self.state_epoch);
    f(self.leader_epoch);
    f(self.start_offset);
    f(self.delivery_complete_count, since(1));
  }
  bool operator==(const ReadShareGroupStateSummaryResponsePartition&) const = default;
};

struct ReadShareGroupStateSummaryResponseTopic {
  Uuid topic_id;
  std::vector<ReadShareGroupStateSummaryResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ReadShareGroupStateSummaryResponseTopic&) const = default;
};

struct ReadShareGroupStateSummaryResponse {
  std::vector<ReadShareGroupStateSummaryResponseTopic> results;

  void fields(this auto& self, auto& f) { f(self.results); }
  bool operator==(const ReadShareGroupStateSummaryResponse&) const = default;
};

struct ReadShareGroupStateSummaryRequestPartition {
  std::int32_t partition = 0;
  std::int32_t leader_epoch = 0;

  void fields(this auto& self, auto& f) {
    f(self.partition);
    f(self.leader_epoch);
  }
  bool operator==(const ReadShareGroupStateSummaryRequestPartition&) const = default;
};

struct ReadShareGroupStateSummaryRequestTopic {
  Uuid topic_id;
  std::vector<ReadShareGroupStateSummaryRequestPartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
  bool operator==(const ReadShareGroupStateSummaryRequestTopic&) const = default;
};

struct ReadShareGroupStateSummaryRequest {
  static constexpr ApiInfo api{.key = 87, .name = "ReadShareGroupStateSummary", .versions = {0, 1}, .flexible_since = 0};
  using Response = ReadShareGroupStateSummaryResponse;
  std::string group_id;
  std::vector<ReadShareGroupStateSummaryRequestTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.group_id);
    f(self.topics);
  }
  bool operator==(const ReadShareGroupStateSummaryRequest&) const = default;
};

}  // namespace meridian::kafka
