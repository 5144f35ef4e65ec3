#include "broker/coordinator/group/consumer_records.h"

#include <algorithm>

namespace meridian::coordinator::group {
namespace {

struct GroupOnly {
  std::string group;
  void fields(this auto& self, auto& f) { f(self.group); }
};
struct GroupAndMember {
  std::string group;
  std::string member;
  void fields(this auto& self, auto& f) {
    f(self.group);
    f(self.member);
  }
};

bool names_member(ConsumerRecordType type) { return type == consumer_member || type == target_member || type == current_assignment; }

constexpr std::int16_t value_version = 0;

template <class T>
Status decode_value(ByteView bytes, ConsumerRecord& out) {
  auto value = kafka::decode_struct<T>(bytes, value_version, true);
  if (!value) return fail(value.error());
  out.value = std::move(*value);
  return {};
}

}  // namespace

void ConsumerMemberValue::subscribe_to(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  topics = std::move(names);
}

std::vector<AssignedTopic> to_topics(const Assignment& assignment) {
  std::vector<AssignedTopic> topics;
  for (const auto& [id, partitions] : assignment) topics.push_back({id, {partitions.begin(), partitions.end()}});
  return topics;
}

Assignment to_assignment(const std::vector<AssignedTopic>& topics) {
  Assignment assignment;
  for (const auto& topic : topics) assignment[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
  return assignment;
}

void add_consumer_record(kafka::BatchBuilder& batch, std::int64_t now_ms, const ConsumerRecord& record) {
  Bytes key;
  base::append_be(key, static_cast<std::int16_t>(record.type));
  if (names_member(record.type)) kafka::encode_struct(key, GroupAndMember{record.group, record.member}, 0, false);
  else kafka::encode_struct(key, GroupOnly{record.group}, 0, false);
  if (std::holds_alternative<std::monostate>(record.value)) return batch.add(now_ms, key, std::nullopt);
  Bytes value;
  base::append_be(value, value_version);
  std::visit(
      [&value](const auto& content) {
        if constexpr (!std::same_as<std::decay_t<decltype(content)>, std::monostate>) kafka::encode_struct(value, content, value_version, true);
      },
      record.value);
  batch.add(now_ms, key, value);
}

Result<ConsumerRecord> decode_consumer_record(const kafka::RecordView& record) {
  if (!record.key || record.key->size() < 2) return fail(Errc::corrupt, "group record without a key");
  ConsumerRecord out;
  out.type = static_cast<ConsumerRecordType>(base::load_be<std::int16_t>(record.key->data()));
  if (names_member(out.type)) {
    auto key = kafka::decode_struct<GroupAndMember>(record.key->substr(2), 0, false);
    if (!key) return fail(key.error());
    out.group = std::move(key->group);
    out.member = std::move(key->member);
  } else {
    auto key = kafka::decode_struct<GroupOnly>(record.key->substr(2), 0, false);
    if (!key) return fail(key.error());
    out.group = std::move(key->group);
  }
  if (!record.value) return out;
  if (record.value->size() < 2 || base::load_be<std::int16_t>(record.value->data()) != value_version)
    return fail(Errc::corrupt, "group record of an unknown version");
  const ByteView value = record.value->substr(2);
  Status done;
  switch (out.type) {
    case consumer_group: done = decode_value<ConsumerGroupValue>(value, out); break;
    case consumer_member: done = decode_value<ConsumerMemberValue>(value, out); break;
    case target_epoch: done = decode_value<TargetEpochValue>(value, out); break;
    case target_member: done = decode_value<TargetMemberValue>(value, out); break;
    case current_assignment: done = decode_value<CurrentAssignmentValue>(value, out); break;
  }
  if (!done) return fail(done.error());
  return out;
}

}  // namespace meridian::coordinator::group
