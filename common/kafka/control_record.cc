#include "common/kafka/control_record.h"

namespace meridian::kafka {
namespace {

constexpr std::int16_t control_version = 0, type_abort = 0, type_commit = 1;

}  // namespace

Bytes encode_marker(const TransactionMarker& marker, MarkerProducer producer, std::int64_t now_ms) {
  Bytes key, value;
  base::append_be(key, control_version);
  base::append_be(key, marker.commit ? type_commit : type_abort);
  base::append_be(value, control_version);
  base::append_be(value, marker.coordinator_epoch);
  BatchBuilder builder;
  builder.add(now_ms, key, value);
  auto batch =
      builder.finish({.producer_id = producer.id, .producer_epoch = producer.epoch, .extra_attributes = attribute::transactional | attribute::control});
  return std::move(*batch);  // uncompressed: cannot fail
}

Result<std::optional<TransactionMarker>> parse_marker(ByteView batch) {
  const auto header = parse_batch_header(batch);
  if (!header) return fail(header.error());
  if (header->record_count == 0) return std::nullopt;  // compaction left it for its offset
  std::optional<TransactionMarker> marker;
  bool good = false;
  const auto done = for_each_record(batch, [&](const RecordView& record) {
    if (!record.key || record.key->size() < 4) return false;
    good = true;
    const auto type = base::load_be<std::int16_t>(record.key->data() + 2);
    if (type != type_abort && type != type_commit) return false;
    good = record.value && record.value->size() >= 6;
    if (good) marker = TransactionMarker{type == type_commit, base::load_be<std::int32_t>(record.value->data() + 2)};
    return false;
  });
  if (!done) return fail(done.error());
  if (!good) return fail(Errc::corrupt, "control batch without a control record");
  return marker;
}

}  // namespace meridian::kafka
