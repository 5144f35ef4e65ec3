#include "broker/storage/producer_state.h"

#include <algorithm>

#include "common/base/crc32c.h"
#include "common/kafka/codec.h"

namespace meridian::storage {
namespace {

// Kafka's ProducerSnapshot schema: classic encoding, CRC-32C over everything after the CRC field.
struct SnapshotEntry {
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::int32_t last_sequence = 0;
  std::int64_t last_offset = 0;
  std::int32_t offset_delta = 0;
  std::int64_t timestamp_ms = 0;
  std::int32_t coordinator_epoch = -1;
  std::int64_t current_txn_first_offset = -1;
  void fields(this auto& self, auto& f) {
    f(self.producer_id);
    f(self.producer_epoch);
    f(self.last_sequence);
    f(self.last_offset);
    f(self.offset_delta);
    f(self.timestamp_ms);
    f(self.coordinator_epoch);
    f(self.current_txn_first_offset);
  }
};
struct SnapshotBody {
  std::vector<SnapshotEntry> entries;
  void fields(this auto& self, auto& f) { f(self.entries); }
};
constexpr std::int16_t snapshot_version = 1;
constexpr std::size_t snapshot_header_bytes = 6;

}  // namespace

ProducerState::Verdict ProducerState::check(const kafka::BatchHeader& header, Batch* duplicate_of) const {
  const auto found = producers_.find(header.producer_id);
  // Nothing is known (a new producer, or expired or deleted state): any sequence may start, as in Kafka since 2.5.
  if (found == producers_.end()) return Verdict::append;
  const Producer& producer = found->second;
  if (header.producer_epoch < producer.epoch) return Verdict::invalid_epoch;
  if (header.producer_epoch > producer.epoch) return header.base_sequence == 0 ? Verdict::append : Verdict::out_of_order_sequence;
  for (int i = 0; i < producer.count; ++i) {
    const Batch& batch = producer.batches[static_cast<std::size_t>(i)];
    if (batch.first_sequence != header.base_sequence || batch.last_sequence != header.last_sequence()) continue;
    if (duplicate_of) *duplicate_of = batch;
    return Verdict::duplicate;
  }
  if (producer.count == 0) return Verdict::append;
  return header.base_sequence == kafka::next_sequence(producer.newest().last_sequence, 1) ? Verdict::append : Verdict::out_of_order_sequence;
}

void ProducerState::update(const kafka::BatchHeader& header) {
  if (!header.idempotent() || header.control()) return;
  Producer& producer = producers_[header.producer_id];
  if (header.producer_epoch != producer.epoch) producer = {.epoch = header.producer_epoch};
  if (producer.count == producer_batches_kept) {
    std::move(producer.batches.begin() + 1, producer.batches.end(), producer.batches.begin());
    --producer.count;
  }
  producer.batches[static_cast<std::size_t>(producer.count++)] = {.first_sequence = header.base_sequence,
                                                                  .last_sequence = header.last_sequence(),
                                                                  .first_offset = header.base_offset,
                                                                  .last_offset = header.last_offset(),
                                                                  .timestamp_ms = header.max_timestamp_ms};
}

void ProducerState::expire(std::int64_t before_ms) {
  std::erase_if(producers_, [before_ms](const auto& entry) { return entry.second.newest().timestamp_ms < before_ms; });
}

Bytes ProducerState::encode() const {
  SnapshotBody body;
  for (const auto& [id, producer] : producers_) {
    const Batch& last = producer.newest();
    body.entries.push_back({.producer_id = id,
                            .producer_epoch = producer.epoch,
                            .last_sequence = last.last_sequence,
                            .last_offset = last.last_offset,
                            .offset_delta = static_cast<std::int32_t>(last.last_offset - last.first_offset),
                            .timestamp_ms = last.timestamp_ms});
  }
  std::ranges::sort(body.entries, {}, &SnapshotEntry::producer_id);
  Bytes encoded;
  kafka::encode_struct(encoded, body, 0, false);
  Bytes out;
  base::append_be(out, snapshot_version);
  base::append_be(out, base::crc32c(encoded));
  return out + encoded;
}

Result<ProducerState> ProducerState::decode(ByteView snapshot) {
  if (snapshot.size() < snapshot_header_bytes || base::load_be<std::int16_t>(snapshot.data()) != snapshot_version)
    return fail(Errc::corrupt, "producer snapshot: unknown version");
  const ByteView encoded = snapshot.substr(snapshot_header_bytes);
  if (base::load_be<std::uint32_t>(snapshot.data() + 2) != base::crc32c(encoded)) return fail(Errc::corrupt, "producer snapshot: CRC does not match");
  const auto body = kafka::decode_struct<SnapshotBody>(encoded, 0, false);
  if (!body) return fail(body.error());
  ProducerState state;
  for (const auto& entry : body->entries) {
    Producer& producer = state.producers_[entry.producer_id];
    producer.epoch = entry.producer_epoch;
    producer.count = 1;
    producer.batches[0] = {.first_sequence = kafka::next_sequence(entry.last_sequence, -entry.offset_delta),
                           .last_sequence = entry.last_sequence,
                           .first_offset = entry.last_offset - entry.offset_delta,
                           .last_offset = entry.last_offset,
                           .timestamp_ms = entry.timestamp_ms};
  }
  return state;
}

}  // namespace meridian::storage
