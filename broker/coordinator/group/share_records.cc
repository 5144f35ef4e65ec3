#include "broker/coordinator/group/share_records.h"

#include "broker/coordinator/group/keyed_record.h"

namespace meridian::coordinator::group {
namespace {

bool names_member(ShareRecordType type) { return type == share_member || type == share_target_member || type == share_current_assignment; }

}  // namespace

void add_share_record(kafka::BatchBuilder& batch, std::int64_t now_ms, const ShareRecord& record) {
  add_keyed(batch, now_ms, record, names_member(record.type));
}

Result<ShareRecord> decode_share_record(const kafka::RecordView& record) {
  if (!record.key || record.key->size() < 2) return fail(Errc::corrupt, "group record without a key");
  ShareRecord out;
  out.type = static_cast<ShareRecordType>(base::load_be<std::int16_t>(record.key->data()));
  Status done = decode_key(record, out, names_member(out.type));
  if (done && record.value) switch (out.type) {
      case share_member: done = decode_value<ShareMemberValue>(record, out); break;
      case share_group: done = decode_value<ShareGroupValue>(record, out); break;
      case share_target_epoch: done = decode_value<ShareTargetEpochValue>(record, out); break;
      case share_target_member: done = decode_value<TargetMemberValue>(record, out); break;
      case share_current_assignment: done = decode_value<ShareCurrentAssignmentValue>(record, out); break;
      case share_state_partitions: done = decode_value<ShareStatePartitionsValue>(record, out); break;
    }
  if (!done) return fail(done.error());
  return out;
}

}  // namespace meridian::coordinator::group
