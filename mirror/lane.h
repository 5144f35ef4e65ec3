// Lane: the right to write a set of target partitions. Taking it shuts every earlier owner out, so that what the target holds, read
// afterwards, says exactly what has arrived (DESIGN.md section 10).
//
// How, best first:
//   append_at      Meridian: every batch names the offset at which it must land; a stale owner's batch lands nowhere.
//   transactional  Kafka: an empty transaction is aborted on the partitions; its markers raise the producer epoch there, so that
//                  batches of earlier epochs are refused. EndTxn answers before they are written: the target has to be read
//                  up to the marker, which the end offset may not cover yet.
//   none           neither is served: only the end offset's standing still for a while says that an earlier owner has gone.
#pragma once

#include "common/client/cluster.h"
#include "common/client/operations.h"

namespace meridian::mirror {

enum class FenceKind { append_at, transactional, none };
const char* fence_name(FenceKind kind);

struct Fence {
  FenceKind kind = FenceKind::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
};

class Lane {
 public:
  /// `append_at`: used where the target serves it.
  Lane(std::string transactional_id, client::Cluster& target, bool append_at) : id_(std::move(transactional_id)), target_(target), append_at_(append_at) {}

  /// Fences the partitions (all of one topic) and returns what to write them with: sequences start at 0. A transactional fence holds where its marker is.
  Task<Result<Fence>> take(std::string topic, std::vector<std::int32_t> partitions, async::TimePoint deadline);

 private:
  Task<Result<Fence>> init_producer(bool transactional, async::TimePoint deadline);
  Task<Status> abort_empty_transaction(std::string topic, std::vector<std::int32_t> partitions, Fence& fence, async::TimePoint deadline);
  Task<Status> wait_until_still(std::string topic, std::int32_t partition, async::TimePoint deadline);

  std::string id_;
  client::Cluster& target_;
  bool append_at_;
};

}  // namespace meridian::mirror
