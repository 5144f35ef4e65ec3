// Records of __consumer_offsets, in Kafka's schemas: an INT16 version, then a field list in classic encoding.
// Versions below Kafka's newest are written, so that its tools of any age read them. docs/formats/consumer-offsets.md.
#pragma once

#include <optional>
#include <variant>

#include "common/kafka/codec.h"
#include "common/kafka/record_batch.h"

namespace meridian::coordinator::group {

struct OffsetKey {  // version 1
  std::string group;
  std::string topic;
  std::int32_t partition = 0;
  void fields(this auto& self, auto& f) {
    f(self.group);
    f(self.topic);
    f(self.partition);
  }
};

struct OffsetValue {  // written as version 3
  Offset offset = -1;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  std::int64_t commit_timestamp_ms = -1;
  std::int64_t expire_timestamp_ms = -1;  ///< version 1 only
  void fields(this auto& self, auto& f) {
    f(self.offset);
    f(self.leader_epoch, kafka::since(3));
    f(self.metadata);
    f(self.commit_timestamp_ms);
    f(self.expire_timestamp_ms, kafka::between(1, 1));
  }
};

struct GroupKey {  // version 2
  std::string group;
  void fields(this auto& self, auto& f) { f(self.group); }
};

struct GroupMemberValue {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
  kafka::Blob subscription;
  kafka::Blob assignment;
  void fields(this auto& self, auto& f) {
    f(self.member_id);
    f(self.group_instance_id, kafka::since(3));
    f(self.client_id);
    f(self.client_host);
    f(self.rebalance_timeout_ms, kafka::since(1));
    f(self.session_timeout_ms);
    f(self.subscription);
    f(self.assignment);
  }
};

struct GroupValue {  // written as version 3
  std::string protocol_type;
  std::int32_t generation = 0;
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  std::int64_t current_state_timestamp_ms = -1;
  std::vector<GroupMemberValue> members;
  void fields(this auto& self, auto& f) {
    f(self.protocol_type);
    f(self.generation);
    f(self.protocol);
    f(self.leader);
    f(self.current_state_timestamp_ms, kafka::since(2));
    f(self.members);
  }
};

/// Appends a record; a missing value is a tombstone.
void add_offset(kafka::BatchBuilder& batch, std::int64_t now_ms, const OffsetKey& key, const std::optional<OffsetValue>& value);
void add_group(kafka::BatchBuilder& batch, std::int64_t now_ms, const std::string& group, const std::optional<GroupValue>& value);

struct OffsetRecord {
  OffsetKey key;
  std::optional<OffsetValue> value;
};
struct GroupRecord {
  GroupKey key;
  std::optional<GroupValue> value;
};
/// Kinds that this version does not know (newer group protocols) decode to monostate.
using Record = std::variant<std::monostate, OffsetRecord, GroupRecord>;
Result<Record> decode_record(const kafka::RecordView& record);

}  // namespace meridian::coordinator::group
