#include "broker/coordinator/share/share_state.h"

#include <algorithm>
#include <charconv>

namespace meridian::coordinator::share {
namespace {

constexpr std::int16_t snapshot_type = 0, update_type = 1, value_version = 0;

}  // namespace

// A group's name may hold colons, so from the end.
std::optional<SharePartitionKey> SharePartitionKey::parse(std::string_view key) {
  const auto second = key.rfind(':');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const auto first = key.rfind(':', second - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  const auto topic = Uuid::parse(key.substr(first + 1, second - first - 1));
  SharePartitionKey parsed{std::string(key.substr(0, first)), topic.value_or(Uuid{}), 0};
  const auto [end, error] = std::from_chars(key.data() + second + 1, key.data() + key.size(), parsed.partition);
  if (!topic || error != std::errc() || end != key.data() + key.size() || parsed.partition < 0) return std::nullopt;
  return parsed;
}

void add_share_record(kafka::BatchBuilder& batch, std::int64_t now_ms, const ShareStateRecord& record) {
  const auto* update = std::get_if<ShareUpdateValue>(&record.value);
  const auto* snapshot = std::get_if<ShareSnapshotValue>(&record.value);
  Bytes key, value;
  base::append_be(key, update ? update_type : snapshot_type);
  kafka::encode_struct(key, record.key, 0, false);
  if (!update && !snapshot) return batch.add(now_ms, key, std::nullopt);
  base::append_be(value, value_version);
  if (update) kafka::encode_struct(value, *update, value_version, true);
  else kafka::encode_struct(value, *snapshot, value_version, true);
  batch.add(now_ms, key, value);
}

Result<ShareStateRecord> decode_share_record(const kafka::RecordView& record) {
  if (!record.key || record.key->size() < 2) return fail(Errc::corrupt, "share group state without a key");
  const auto type = base::load_be<std::int16_t>(record.key->data());
  if (type != snapshot_type && type != update_type) return fail(Errc::corrupt, "share group state of unknown type " + std::to_string(type));
  auto key = kafka::decode_struct<SharePartitionKey>(record.key->substr(2), 0, false);
  if (!key) return fail(key.error());
  ShareStateRecord out{std::move(*key), {}};
  if (!record.value) return out;
  if (record.value->size() < 2 || base::load_be<std::int16_t>(record.value->data()) != value_version)
    return fail(Errc::corrupt, "share group state of an unknown version");
  const auto decode = [&]<class T>(T) -> Status {
    auto value = kafka::decode_struct<T>(record.value->substr(2), value_version, true);
    if (!value) return fail(value.error());
    out.value = std::move(*value);
    return {};
  };
  const Status done = type == snapshot_type ? decode(ShareSnapshotValue{}) : decode(ShareUpdateValue{});
  if (!done) return fail(done.error());
  return out;
}

ShareState::ShareState(const ShareSnapshotValue& snapshot)
    : snapshot_epoch_(snapshot.snapshot_epoch),
      state_epoch_(snapshot.state_epoch),
      leader_epoch_(snapshot.leader_epoch),
      start_offset_(snapshot.start_offset),
      complete_count_(snapshot.delivery_complete_count),
      created_ms_(snapshot.create_timestamp_ms) {
  add(snapshot.batches);
}

void ShareState::replace(const ShareSnapshotValue& snapshot) {
  const Offset at = snapshot_at;
  *this = ShareState(snapshot);
  snapshot_at = at;
}

void ShareState::add(const std::vector<kafka::ShareStateBatch>& batches) {
  for (const auto& batch : batches)
    if (batch.last_offset >= batch.first_offset)
      delivered_.assign(std::max(batch.first_offset, INT64_MIN + 1), std::min(batch.last_offset, INT64_MAX - 1), {batch.delivery_state, batch.delivery_count});
  // What lies before the start is done with.
  if (start_offset_ > 0) delivered_.erase(INT64_MIN, start_offset_ - 1);
}

void ShareState::apply(const ShareUpdateValue& update) {
  if (update.leader_epoch >= 0) leader_epoch_ = update.leader_epoch;
  // Changes that were on their way together may be written in either order.
  start_offset_ = std::max(start_offset_, update.start_offset);
  complete_count_ = update.delivery_complete_count;
  ++updates_;
  add(update.batches);
}

ShareSnapshotValue ShareState::next_snapshot(std::int64_t now_ms) const {
  return {.snapshot_epoch = snapshot_epoch_ + 1,
          .state_epoch = state_epoch_,
          .leader_epoch = leader_epoch_,
          .start_offset = start_offset_,
          .delivery_complete_count = complete_count_,
          .create_timestamp_ms = created_ms_,
          .write_timestamp_ms = now_ms,
          .batches = batches()};
}

std::vector<kafka::ShareStateBatch> ShareState::batches() const {
  std::vector<kafka::ShareStateBatch> out;
  for (const auto& [first, run] : delivered_.runs()) out.push_back({first, run.last, run.value.state, run.value.count});
  return out;
}

}  // namespace meridian::coordinator::share
