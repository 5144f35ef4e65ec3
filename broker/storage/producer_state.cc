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

ProducerState::Verdict ProducerState::check(const kafka::BatchHeader& header, Batch* duplicate_of, VerificationTicket ticket) const {
  const auto found = producers_.find(header.producer_id);
  const Producer* producer = found == producers_.end() ? nullptr : &found->second;
  if (producer && header.producer_epoch < producer->epoch) return Verdict::invalid_epoch;
  if (producer && header.producer_epoch == producer->epoch && header.base_sequence >= 0)
    for (int i = 0; i < producer->count; ++i) {
      const Batch& batch = producer->batches[static_cast<std::size_t>(i)];
      if (batch.first_sequence != header.base_sequence || batch.last_sequence != header.last_sequence()) continue;
      if (duplicate_of) *duplicate_of = batch;
      return Verdict::duplicate;
    }
  const bool open = producer && producer->transaction_start >= 0;
  if (open && !header.transactional()) return Verdict::invalid_txn_state;
  if (!open && header.transactional()) {
    const auto it = verifying_.find(header.producer_id);
    if (ticket == 0 || it == verifying_.end() || it->second.ticket != ticket) return Verdict::invalid_txn_state;
  }
  // Offsets that are committed in a transaction carry no sequences. Where nothing is known (a new producer, or expired or deleted state),
  // any sequence may start, as in Kafka since 2.5.
  if (!producer || header.base_sequence < 0) return Verdict::append;
  const bool continues = header.producer_epoch == producer->epoch && producer->count > 0;
  const std::int32_t expected = continues ? kafka::next_sequence(producer->newest().last_sequence, 1) : 0;
  return header.base_sequence == expected ? Verdict::append : Verdict::out_of_order_sequence;
}

bool ProducerState::accepts_marker(std::int64_t producer_id, std::int16_t epoch) const {
  const auto found = producers_.find(producer_id);
  return found == producers_.end() || epoch >= found->second.epoch;
}

void ProducerState::update(const kafka::BatchHeader& header) {
  if (!header.idempotent() || header.control()) return;
  Producer& producer = producers_[header.producer_id];
  if (header.producer_epoch != producer.epoch) {
    producer.epoch = header.producer_epoch;
    producer.count = 0;
  }
  producer.timestamp_ms = header.max_timestamp_ms;
  if (header.transactional() && producer.transaction_start < 0) {
    producer.transaction_start = header.base_offset;
    open_.emplace(header.base_offset, header.producer_id);
  }
  if (header.base_sequence < 0) return;
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

std::optional<ProducerState::Ended> ProducerState::update_marker(const kafka::BatchHeader& header, const kafka::TransactionMarker& marker) {
  Producer& producer = producers_[header.producer_id];
  if (header.producer_epoch != producer.epoch) {
    producer.epoch = header.producer_epoch;
    producer.count = 0;
  }
  producer.coordinator_epoch = marker.coordinator_epoch;
  producer.timestamp_ms = header.max_timestamp_ms;
  verifying_.erase(header.producer_id);
  if (producer.transaction_start < 0) return std::nullopt;
  Ended ended{.producer_id = header.producer_id,
              .first_offset = std::exchange(producer.transaction_start, -1),
              .last_offset = header.last_offset(),
              .commit = marker.commit,
              .stable_offset = header.next_offset()};
  open_.erase(ended.first_offset);
  if (!open_.empty()) ended.stable_offset = open_.begin()->first;
  undecided_[ended.first_offset] = ended.last_offset;
  return ended;
}

VerificationTicket ProducerState::begin_verification(std::int64_t producer_id) {
  const auto found = producers_.find(producer_id);
  if (found != producers_.end() && found->second.transaction_start >= 0) return 0;
  // Those who ask at the same time share a ticket: a marker invalidates it for all of them.
  Verification& shared = verifying_[producer_id];
  if (shared.users++ == 0) shared.ticket = ++last_ticket_;
  return shared.ticket;
}

void ProducerState::end_verification(std::int64_t producer_id, VerificationTicket ticket) {
  const auto it = verifying_.find(producer_id);
  if (it != verifying_.end() && it->second.ticket == ticket && --it->second.users == 0) verifying_.erase(it);
}

Offset ProducerState::last_stable_offset(Offset high_watermark) {
  std::erase_if(undecided_, [high_watermark](const auto& entry) { return entry.second < high_watermark; });
  Offset stable = high_watermark;
  if (!open_.empty()) stable = std::min(stable, open_.begin()->first);
  if (!undecided_.empty()) stable = std::min(stable, undecided_.begin()->first);
  return stable;
}

void ProducerState::expire(std::int64_t before_ms) {
  std::erase_if(producers_, [before_ms](const auto& entry) { return entry.second.transaction_start < 0 && entry.second.timestamp_ms < before_ms; });
}

Bytes ProducerState::encode() const {
  SnapshotBody body;
  for (const auto& [id, producer] : producers_) {
    SnapshotEntry entry{.producer_id = id,
                        .producer_epoch = producer.epoch,
                        .last_sequence = -1,
                        .last_offset = -1,
                        .timestamp_ms = producer.timestamp_ms,
                        .coordinator_epoch = producer.coordinator_epoch,
                        .current_txn_first_offset = producer.transaction_start};
    if (producer.count > 0) {
      const Batch& last = producer.newest();
      entry.last_sequence = last.last_sequence;
      entry.last_offset = last.last_offset;
      entry.offset_delta = static_cast<std::int32_t>(last.last_offset - last.first_offset);
    }
    body.entries.push_back(entry);
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
    producer.coordinator_epoch = entry.coordinator_epoch;
    producer.timestamp_ms = entry.timestamp_ms;
    producer.transaction_start = entry.current_txn_first_offset;
    if (entry.current_txn_first_offset >= 0) state.open_.emplace(entry.current_txn_first_offset, entry.producer_id);
    if (entry.last_sequence < 0) continue;
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
