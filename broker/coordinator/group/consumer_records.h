// Records of consumer protocol groups in __consumer_offsets, in Kafka's schemas: key types 3 and 5 to 8, values of version 0 in flexible
// encoding; and type 2 where a group changes between the protocols. docs/formats/consumer-offsets.md.
#pragma once

#include <variant>

#include "broker/coordinator/group/assignor.h"
#include "broker/coordinator/group/records.h"
#include "common/kafka/codec.h"
#include "common/kafka/messages/11_join_group.h"
#include "common/kafka/record_batch.h"

namespace meridian::coordinator::group {

struct AssignedTopic {
  Uuid topic_id;
  std::vector<std::int32_t> partitions;
  void fields(this auto& self, auto& f) {
    f(self.topic_id);
    f(self.partitions);
  }
};
std::vector<AssignedTopic> to_topics(const Assignment& assignment);
Assignment to_assignment(const std::vector<AssignedTopic>& topics);

/// Of a subscription, as it is kept: sorted, each name once.
std::vector<std::string> sorted_once(std::vector<std::string> names);

struct ConsumerGroupValue {  // key type 3
  std::int32_t epoch = 0;
  std::int64_t metadata_hash = 0;
  void fields(this auto& self, auto& f) {
    f(self.epoch);
    f(self.metadata_hash, kafka::tag(0));
  }
};

/// Kept of a member that speaks the classic protocol in a group of this one.
struct ClassicMemberValue {
  std::int32_t session_timeout_ms = 0;
  std::vector<kafka::JoinGroupRequestProtocol> protocols;
  void fields(this auto& self, auto& f) {
    f(self.session_timeout_ms);
    f(self.protocols);
  }
  bool operator==(const ClassicMemberValue&) const = default;
};

struct ConsumerMemberValue {  // 5
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> topics;
  std::optional<std::string> regex;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> assignor;
  std::optional<ClassicMemberValue> classic;
  void fields(this auto& self, auto& f) {
    f(self.instance_id);
    f(self.rack_id);
    f(self.client_id);
    f(self.client_host);
    f(self.topics);
    f(self.regex);
    f(self.rebalance_timeout_ms);
    f(self.assignor);
    f(self.classic, kafka::nullable_tag(0));
  }
  bool operator==(const ConsumerMemberValue&) const = default;
};

struct TargetEpochValue {  // 6
  std::int32_t epoch = 0;
  void fields(this auto& self, auto& f) { f(self.epoch); }
};

struct TargetMemberValue {  // 7
  std::vector<AssignedTopic> topics;
  void fields(this auto& self, auto& f) { f(self.topics); }
};

struct CurrentAssignmentValue {  // 8
  std::int32_t epoch = 0;
  std::int32_t previous_epoch = 0;
  std::int8_t state = 0;
  std::vector<AssignedTopic> assigned;
  std::vector<AssignedTopic> pending_revocation;
  void fields(this auto& self, auto& f) {
    f(self.epoch);
    f(self.previous_epoch);
    f(self.state);
    f(self.assigned);
    f(self.pending_revocation);
  }
};

enum ConsumerRecordType : std::int16_t {
  classic_group = 2,
  consumer_group = 3,
  consumer_member = 5,
  target_epoch = 6,
  target_member = 7,
  current_assignment = 8
};
inline bool is_consumer_record(std::int16_t type) { return type == consumer_group || (type >= consumer_member && type <= current_assignment); }

struct ConsumerRecord {
  ConsumerRecordType type{};
  std::string group;
  std::string member;  ///< types 5, 7 and 8
  /// monostate: a tombstone
  std::variant<std::monostate, ConsumerGroupValue, ConsumerMemberValue, TargetEpochValue, TargetMemberValue, CurrentAssignmentValue, GroupValue> value;
};

void add_consumer_record(kafka::BatchBuilder& batch, std::int64_t now_ms, const ConsumerRecord& record);
/// All but type 2, which decode_record() reads.
Result<ConsumerRecord> decode_consumer_record(const kafka::RecordView& record);

}  // namespace meridian::coordinator::group
