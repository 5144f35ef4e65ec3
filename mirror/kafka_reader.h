// KafkaReader: reads assigned partitions of the source cluster. Implemented by rdkafka_reader.cc, the one file that includes librdkafka.
#pragma once

#include <functional>
#include <memory>

#include "common/async/clock.h"
#include "common/async/task.h"
#include "mirror/config.h"

namespace meridian::mirror {

/// One event of a partition. Views last as long as the visit.
struct ReadEvent {
  enum class Kind {
    record,
    end,           ///< nothing more for now; `offset` is where reading goes on
    out_of_range,  ///< the offset to read is gone, or not there yet
    unknown,       ///< the topic or partition is gone
    error,         ///< `message` says what; reading goes on by itself where it can
  };
  Kind kind = Kind::record;
  const std::string* topic = nullptr;
  std::int32_t partition = -1;
  Offset offset = -1;
  std::int64_t timestamp_ms = -1;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  ByteView headers;  ///< encoded as in a record batch
  std::string message;
};

/// Belongs to one shard; librdkafka's threads only signal a descriptor.
class KafkaReader {
 public:
  virtual ~KafkaReader() = default;
  virtual void add(const std::string& topic, std::int32_t partition, Offset from) = 0;
  virtual void remove(const std::string& topic, std::int32_t partition) = 0;
  /// Waits until events may be there, or the deadline.
  virtual Task<> wait(async::TimePoint deadline) = 0;
  /// Visits what is there, at most `max` events; returns how many.
  virtual std::size_t poll(std::size_t max, const std::function<void(const ReadEvent&)>& visit) = 0;
  virtual void wake() = 0;
};

Result<std::unique_ptr<KafkaReader>> make_reader(const ClusterConfig& cluster, const std::string& client_id, boost::asio::io_context& context,
                                                 async::Clock& clock);

}  // namespace meridian::mirror
