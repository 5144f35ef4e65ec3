// ProducerState: per producer id, what idempotence needs (KIP-98): its epoch and the last batches' sequences. Pure.
#pragma once

#include <array>
#include <unordered_map>

#include "common/kafka/record_batch.h"

namespace meridian::storage {

/// Kafka keeps five batches: a client has at most five requests in flight per connection.
inline constexpr int producer_batches_kept = 5;

class ProducerState {
 public:
  struct Batch {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    Offset first_offset = 0;
    Offset last_offset = 0;
    std::int64_t timestamp_ms = -1;
  };
  enum class Verdict { append, duplicate, out_of_order_sequence, invalid_epoch };

  /// Decides about a batch before it is appended. For a duplicate, `duplicate_of` is the batch that was appended the first time.
  Verdict check(const kafka::BatchHeader& header, Batch* duplicate_of) const;
  /// Notes a batch that is in the log now.
  void update(const kafka::BatchHeader& header);

  /// Forgets producers whose last batch is older than `before_ms`.
  void expire(std::int64_t before_ms);
  std::size_t size() const { return producers_.size(); }
  void clear() { producers_.clear(); }

  /// Kafka's `.snapshot` format, version 1 (docs/formats/segment.md).
  Bytes encode() const;
  static Result<ProducerState> decode(ByteView snapshot);

 private:
  struct Producer {
    std::int16_t epoch = -1;
    std::array<Batch, producer_batches_kept> batches{};
    int count = 0;  ///< used entries, oldest first
    const Batch& newest() const { return batches[static_cast<std::size_t>(count - 1)]; }
  };
  std::unordered_map<std::int64_t, Producer> producers_;
};

}  // namespace meridian::storage
