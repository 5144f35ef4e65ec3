#include "broker/coordinator/group/consumer_records.h"

#include <algorithm>

#include "broker/coordinator/group/keyed_record.h"

namespace meridian::coordinator::group {
namespace {

bool names_member(ConsumerRecordType type) { return type == consumer_member || type == target_member || type == current_assignment; }

}  // namespace

std::vector<std::string> sorted_once(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
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
  if (record.type != classic_group) return add_keyed(batch, now_ms, record, names_member(record.type));
  const auto* value = std::get_if<GroupValue>(&record.value);
  add_group(batch, now_ms, record.group, value ? std::optional(*value) : std::nullopt);
}

Result<ConsumerRecord> decode_consumer_record(const kafka::RecordView& record) {
  if (!record.key || record.key->size() < 2) return fail(Errc::corrupt, "group record without a key");
  ConsumerRecord out;
  out.type = static_cast<ConsumerRecordType>(base::load_be<std::int16_t>(record.key->data()));
  Status done = decode_key(record, out, names_member(out.type));
  if (done && record.value) switch (out.type) {
      case consumer_group: done = decode_value<ConsumerGroupValue>(record, out); break;
      case consumer_member: done = decode_value<ConsumerMemberValue>(record, out); break;
      case target_epoch: done = decode_value<TargetEpochValue>(record, out); break;
      case target_member: done = decode_value<TargetMemberValue>(record, out); break;
      case current_assignment: done = decode_value<CurrentAssignmentValue>(record, out); break;
      case classic_group: return fail(Errc::corrupt, "not a record of the consumer protocol");
    }
  if (!done) return fail(done.error());
  return out;
}

}  // namespace meridian::coordinator::group
