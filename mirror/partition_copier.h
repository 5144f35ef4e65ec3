// PartitionCopier: one source partition on its way to one target partition: what was read, what is in flight, what is mapped.
// Pure bookkeeping; the link moves the bytes (link.cc) and lanes fence the writes (lane.h).
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "common/kafka/record_batch.h"
#include "mirror/kafka_reader.h"
#include "mirror/offset_map.h"
#include "mirror/tail_matcher.h"

namespace meridian::mirror {

/// Uncompressed bytes of one batch; a single larger record makes a batch of its own.
inline constexpr std::size_t batch_body_bytes_max = 512 * 1024;
/// Batches of a partition between reading and acknowledgement; beyond it the link stops reading.
inline constexpr std::size_t batches_pending_max = 16;
/// Kafka deduplicates the last five batches of a producer.
inline constexpr std::size_t batches_in_flight_max = 5;

class PartitionCopier {
 public:
  PartitionCopier(std::string topic, std::int32_t partition, std::string remote_topic)
      : topic_(std::move(topic)), partition_(partition), remote_topic_(std::move(remote_topic)) {}

  enum class State {
    starting,  ///< fence, end offset, tail: until begin()
    matching,  ///< source records are compared with the tail
    copying,
    halted,  ///< by a stated policy; problem() names it
  };

  const std::string& topic() const { return topic_; }
  const std::string& remote_topic() const { return remote_topic_; }
  std::int32_t partition() const { return partition_; }
  State state() const { return state_; }
  const std::string& problem() const { return problem_; }
  OffsetMap& map() { return map_; }
  const OffsetMap& map() const { return map_; }

  /// The fence holds: the target ends at `target_end`, and holds `tail` behind the map's pair. Reading starts at map().next().source.
  void begin(std::vector<TailMatcher::TailRecord> tail, Offset target_end);
  /// Back to the start: everything that is not acknowledged is forgotten and will be read again.
  void restart();
  void halt(std::string problem);

  /// A source record or the end of what there is. True when the caller should flush soon.
  void take(const ReadEvent& event);
  /// Closes the batch that is being filled.
  void seal();

  struct Batch {
    kafka::BatchBuilder builder;
    std::vector<Run> runs;  ///< target offsets relative to the batch
    Offset scanned = 0;     ///< source position behind the batch
    std::int64_t newest_timestamp_ms = -1;
    std::int32_t records = 0;
    Bytes bytes;  ///< built at the first send
    std::int32_t sequence = 0;
    Offset expected_target = -1;
    bool in_flight = false;
    std::optional<Offset> acked_base;
  };
  std::deque<std::shared_ptr<Batch>>& batches() { return batches_; }
  bool idle() const { return batches_.empty() && !filling_; }
  bool full() const { return batches_.size() >= batches_pending_max; }
  /// The oldest batch is on the target at `base`: it goes into the map.
  void acknowledged(Offset base);

  /// Source position behind everything acknowledged, and what is known of the source's end.
  Offset source_end() const { return source_end_; }
  void source_end_is(Offset end) { source_end_ = std::max(source_end_, end); }
  bool map_dirty = false;
  bool read_started = false;
  std::int64_t newest_timestamp_ms() const { return newest_timestamp_ms_; }
  std::uint64_t records_copied = 0;
  std::uint64_t bytes_copied = 0;
  std::int32_t next_sequence = 0;
  Offset next_expected = 0;  ///< target offset of the next batch to be sent

 private:
  void add_run(std::vector<Run>& runs, Offset source, Offset target) const;

  std::string topic_;
  std::int32_t partition_;
  std::string remote_topic_;
  State state_ = State::starting;
  std::string problem_;
  OffsetMap map_;
  std::optional<TailMatcher> matcher_;
  std::shared_ptr<Batch> filling_;
  std::deque<std::shared_ptr<Batch>> batches_;
  Offset target_end_ = 0;
  Offset source_end_ = -1;
  std::int64_t newest_timestamp_ms_ = -1;
};

}  // namespace meridian::mirror
