// Control records: the markers that end a transaction in a partition (KIP-98). One marker is a batch of its own with one record.
#pragma once

#include "common/kafka/record_batch.h"

namespace meridian::kafka {

struct TransactionMarker {
  bool commit = false;
  std::int32_t coordinator_epoch = 0;
};

struct MarkerProducer {
  std::int64_t id = no_producer_id;
  std::int16_t epoch = -1;
};

/// The batch of a marker; the log assigns its offset.
Bytes encode_marker(const TransactionMarker& marker, MarkerProducer producer, std::int64_t now_ms);
/// Reads a control batch. nullopt: a control record of another kind, or none left. Errc::corrupt: no control record at all.
Result<std::optional<TransactionMarker>> parse_marker(ByteView batch);

}  // namespace meridian::kafka
