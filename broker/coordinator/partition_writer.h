// PartitionWriter: all that a coordinator sees of the log. Implemented over replication in broker/coordinator_partitions.cc.
#pragma once

#include <functional>

#include "common/async/shard.h"
#include "common/kafka/control_record.h"
#include "common/kafka/error_code.h"

namespace meridian::coordinator {

class PartitionWriter {
 public:
  using Visit = std::function<void(const kafka::BatchHeader&, const kafka::RecordView&)>;
  using VisitMarker = std::function<void(const kafka::BatchHeader&, const kafka::TransactionMarker&)>;

  virtual ~PartitionWriter() = default;
  /// Appends `batch` to a partition of the coordinator's topic and returns its first offset when it is committed. The append itself happens
  /// before the first suspension. An error means: perhaps.
  virtual Task<Result<Offset>> append(std::int32_t partition, Bytes batch) = 0;
  /// The same for the records that `batch` holds.
  Task<Result<Offset>> write(std::int32_t partition, kafka::BatchBuilder batch);
  /// As append(), for a batch of a transaction. Any error but request_timed_out means: it is not in the log. `ticket` comes from begin_verification().
  virtual Task<std::expected<Offset, kafka::ErrorCode>> append_in_transaction(std::int32_t partition, Bytes batch, std::uint64_t ticket) = 0;
  /// See storage::ProducerState: 0 where the producer's transaction is known to be open in this partition.
  virtual std::uint64_t begin_verification(std::int32_t partition, std::int64_t producer_id) = 0;
  virtual void end_verification(std::int32_t partition, std::int64_t producer_id, std::uint64_t ticket) = 0;
  /// Replays every committed record in order, and the markers between them; runs on the caller's shard.
  virtual Task<Status> replay(std::int32_t partition, Visit visit, VisitMarker visit_marker) = 0;
  /// Records below `offset` are not needed any more (DeleteRecords).
  virtual Task<Status> remove_before(std::int32_t partition, Offset offset) = 0;
  /// Home shard of a partition, which is that of what is kept in it.
  virtual async::Shard& home(std::int32_t partition) = 0;
  /// Leader epoch of a partition: the coordinator's epoch.
  virtual std::int32_t leader_epoch(std::int32_t partition) = 0;
};

/// Partition of a coordinator's topic for a key: Java's String.hashCode, as every Kafka broker computes it.
std::int32_t partition_of(std::string_view key, std::int32_t partition_count);

}  // namespace meridian::coordinator
