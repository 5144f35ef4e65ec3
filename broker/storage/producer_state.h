// ProducerState: per producer id, what idempotence and transactions need of a partition (KIP-98, KIP-890): epoch, the last batches'
// sequences, the open transaction. Pure.
#pragma once

#include <array>
#include <map>
#include <unordered_map>

#include "common/kafka/control_record.h"

namespace meridian::storage {

/// Kafka keeps five batches: a client has at most five requests in flight per connection.
inline constexpr int producer_batches_kept = 5;

/// Proof that the transaction coordinator was asked about a transaction after its last marker here; 0: nobody asked.
using VerificationTicket = std::uint64_t;

class ProducerState {
 public:
  struct Batch {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;
    Offset first_offset = 0;
    Offset last_offset = 0;
    std::int64_t timestamp_ms = -1;
  };
  enum class Verdict { append, duplicate, out_of_order_sequence, invalid_epoch, invalid_txn_state };
  struct Producer {
    std::int16_t epoch = -1;
    std::int32_t coordinator_epoch = -1;  ///< of the last marker
    std::int64_t timestamp_ms = -1;       ///< of the last batch or marker
    Offset transaction_start = -1;        ///< first offset of the open transaction; -1: none is open
    std::array<Batch, producer_batches_kept> batches{};
    int count = 0;  ///< used entries, oldest first
    const Batch& newest() const { return batches[static_cast<std::size_t>(count - 1)]; }
    std::int32_t last_sequence() const { return count == 0 ? -1 : newest().last_sequence; }
  };
  /// A transaction that a marker ended.
  struct Ended {
    std::int64_t producer_id;
    Offset first_offset;
    Offset last_offset;  ///< of the marker
    bool commit;
    Offset stable_offset;  ///< first offset that was still undecided after it
  };

  /// Decides about a client's batch before it is appended. For a duplicate, `duplicate_of` is the batch of the first time. A batch that
  /// would open a transaction needs the ticket of a verification that no marker has overtaken.
  Verdict check(const kafka::BatchHeader& header, Batch* duplicate_of, VerificationTicket ticket = 0) const;
  /// May a marker of this epoch be written?
  bool accepts_marker(std::int64_t producer_id, std::int16_t epoch) const;
  /// Notes a batch of data that is in the log now.
  void update(const kafka::BatchHeader& header);
  /// Notes a marker that is in the log now; tells which transaction it ended here, if any was open.
  std::optional<Ended> update_marker(const kafka::BatchHeader& header, const kafka::TransactionMarker& marker);

  /// Call before the transaction coordinator is asked; 0 when the transaction is open here already and needs no proof.
  VerificationTicket begin_verification(std::int64_t producer_id);
  /// The batch is appended or given up.
  void end_verification(std::int64_t producer_id, VerificationTicket ticket);

  /// First offset that read_committed must not see yet: the oldest transaction that is open, or whose marker is not below `high_watermark`.
  /// `high_watermark` where there is none. Never goes back as long as the high watermark does not.
  Offset last_stable_offset(Offset high_watermark);

  /// Forgets producers without an open transaction whose last batch is older than `before_ms`.
  void expire(std::int64_t before_ms);
  std::size_t size() const { return producers_.size(); }
  const std::unordered_map<std::int64_t, Producer>& producers() const { return producers_; }

  /// Kafka's `.snapshot` format, version 1 (docs/formats/segment.md).
  Bytes encode() const;
  static Result<ProducerState> decode(ByteView snapshot);

 private:
  std::unordered_map<std::int64_t, Producer> producers_;
  std::map<Offset, std::int64_t> open_;  ///< first offset of each open transaction -> producer
  std::map<Offset, Offset> undecided_;   ///< ended, but the marker was not below the high watermark: first offset -> marker
  struct Verification {
    VerificationTicket ticket = 0;
    int users = 0;
  };
  std::unordered_map<std::int64_t, Verification> verifying_;
  VerificationTicket last_ticket_ = 0;
};

}  // namespace meridian::storage
