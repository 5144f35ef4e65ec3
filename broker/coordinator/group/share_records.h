// Records of share groups in __consumer_offsets, in Kafka's schemas: key types 10 to 15, values of version 0 in flexible encoding.
// docs/formats/consumer-offsets.md.
#pragma once

#include <variant>

#include "broker/coordinator/group/consumer_records.h"

namespace meridian::coordinator::group {

struct ShareMemberValue {  // key type 10
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> topics;
  void fields(this auto& self, auto& f) {
    f(self.rack_id);
    f(self.client_id);
    f(self.client_host);
    f(self.topics);
  }
  bool operator==(const ShareMemberValue&) const = default;
};

struct ShareGroupValue {  // 11
  std::int32_t epoch = 0;
  std::int64_t metadata_hash = 0;
  void fields(this auto& self, auto& f) {
    f(self.epoch);
    f(self.metadata_hash);
  }
};

struct ShareTargetEpochValue {  // 12
  std::int32_t epoch = 0;
  std::int64_t timestamp_ms = 0;
  void fields(this auto& self, auto& f) {
    f(self.epoch);
    f(self.timestamp_ms, kafka::tag(0));
  }
};

struct ShareCurrentAssignmentValue {  // 14
  std::int32_t epoch = 0;
  std::int32_t previous_epoch = 0;
  std::int8_t state = 0;
  std::vector<AssignedTopic> assigned;
  void fields(this auto& self, auto& f) {
    f(self.epoch);
    f(self.previous_epoch);
    f(self.state);
    f(self.assigned);
  }
};

struct ShareStateTopic {
  Uuid topic_id;
  std::string name;
  std::vector<std::int32_t> partitions;
  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.name);
    f(self.partitions);
  }
};

struct ShareDeletedTopic {
  Uuid topic_id;
  std::string name;
  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.name);
  }
};

struct ShareStatePartitionsValue {  // 15: which partitions have a state with the share coordinator
  std::vector<ShareStateTopic> initializing;
  std::vector<ShareStateTopic> initialized;
  std::vector<ShareDeletedTopic> deleting;
  void fields(this auto& self, auto& f) {
    f(self.initializing);
    f(self.initialized);
    f(self.deleting);
  }
};

enum ShareRecordType : std::int16_t {
  share_member = 10,
  share_group = 11,
  share_target_epoch = 12,
  share_target_member = 13,
  share_current_assignment = 14,
  share_state_partitions = 15
};
inline bool is_share_record(std::int16_t type) { return type >= share_member && type <= share_state_partitions; }

struct ShareRecord {
  ShareRecordType type{};
  std::string group;
  std::string member;  ///< types 10, 13 and 14
  /// monostate: a tombstone; TargetMemberValue is of key type 13
  std::variant<std::monostate, ShareMemberValue, ShareGroupValue, ShareTargetEpochValue, TargetMemberValue, ShareCurrentAssignmentValue,
               ShareStatePartitionsValue>
      value;
};

void add_share_record(kafka::BatchBuilder& batch, std::int64_t now_ms, const ShareRecord& record);
Result<ShareRecord> decode_share_record(const kafka::RecordView& record);

}  // namespace meridian::coordinator::group
