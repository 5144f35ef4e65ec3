// WriteTxnMarkers (API key 27). Writes commit or abort markers at partitions. Sent between brokers, and by administrators to end a hanging transaction
// (KIP-664).
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct WriteTxnMarkersResponsePartition {
  std::int32_t partition_index = 0;
  ErrorCode error_code = ErrorCode::none;

  void fields(this auto& self, auto& f) {
    f(self.partition_index);
    f(self.error_code);
  }
  bool operator==(const WriteTxnMarkersResponsePartition&) const = default;
};

struct WriteTxnMarkersResponseTopic {
  std::string name;
  std::vector<WriteTxnMarkersResponsePartition> partitions;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partitions);
  }
  bool operator==(const WriteTxnMarkersResponseTopic&) const = default;
};

struct WriteTxnMarkersResponseMarker {
  std::int64_t producer_id = 0;
  std::vector<WriteTxnMarkersResponseTopic> topics;

  void fields(this auto& self, auto& f) {
    f(self.producer_id);
    f(self.topics);
  }
  bool operator==(const WriteTxnMarkersResponseMarker&) const = default;
};

struct WriteTxnMarkersResponse {
  std::vector<WriteTxnMarkersResponseMarker> markers;

  void fields(this auto& self, auto& f) { f(self.markers); }
  bool operator==(const WriteTxnMarkersResponse&) const = default;
};

struct WriteTxnMarkersRequestTopic {
  std::string name;
  std::vector<std::int32_t> partition_indexes;

  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.partition_indexes);
  }
  bool operator==(const WriteTxnMarkersRequestTopic&) const = default;
};

struct WriteTxnMarkersRequestMarker {
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  bool transaction_result = false;
  std::vector<WriteTxnMarkersRequestTopic> topics;
  std::int32_t coordinator_epoch = 0;

  void fields(this auto& self, auto& f) {
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.transaction_result);
    f(self.topics);
    f(self.coordinator_epoch);
  }
  bool operator==(const WriteTxnMarkersRequestMarker&) const = default;
};

struct WriteTxnMarkersRequest {
  static constexpr ApiInfo api{.key = 27, .name = "WriteTxnMarkers", .versions = {1, 1}, .flexible_since = 1};
  using Response = WriteTxnMarkersResponse;
  std::vector<WriteTxnMarkersRequestMarker> markers;

  void fields(this auto& self, auto& f) { f(self.markers); }
  bool operator==(const WriteTxnMarkersRequest&) const = default;
};

}  // namespace meridian::kafka
