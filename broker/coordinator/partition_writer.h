// PartitionWriter: all that a coordinator sees of the log. Implemented over replication in broker/broker.cc, in memory in tests.
#pragma once

#include <functional>

#include "common/async/shard.h"
#include "common/kafka/record_batch.h"

namespace meridian::coordinator {

class PartitionWriter {
 public:
  virtual ~PartitionWriter() = default;
  /// Appends `batch` to a partition of the coordinator's topic and returns when it is committed. An error means: perhaps.
  virtual Task<Status> append(std::int32_t partition, Bytes batch) = 0;
  /// Replays every committed record in order; `visit` runs on the caller's shard.
  virtual Task<Status> replay(std::int32_t partition, std::function<void(const kafka::RecordView&)> visit) = 0;
  /// Home shard of a partition, which is that of its groups.
  virtual async::Shard& home(std::int32_t partition) = 0;
};

}  // namespace meridian::coordinator
