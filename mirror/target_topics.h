// TargetTopics: the mirror's own state on the target, in compacted topics that any Kafka keeps and that survive the mirror:
// the offset map, and links with their groups, failovers and mirrored topics. docs/formats/offset-map.md, docs/formats/links.md.
#pragma once

#include "common/client/operations.h"
#include "mirror/offset_map.h"

namespace meridian::mirror {

using KeyedRecords = std::map<std::string, Bytes>;

/// One compacted topic of one partition, read whole at start.
class CompactedTopic {
 public:
  CompactedTopic(client::Cluster& cluster, std::string name) : cluster_(cluster), name_(std::move(name)) {}

  /// Creates the topic where it is missing.
  Task<Status> ensure(async::TimePoint deadline);
  /// Last value per key; tombstones removed. `from_end` continues where the last read ended.
  Task<Status> read(KeyedRecords& into, async::TimePoint deadline);
  Task<Status> write(std::vector<std::pair<std::string, std::optional<Bytes>>> records, async::TimePoint deadline);

 private:
  client::Cluster& cluster_;
  std::string name_;
  Offset read_to_ = 0;
};

/// Key of chunk `chunk` of a source partition's offset map, and back.
std::string map_key(const std::string& topic, std::int32_t partition, std::size_t chunk);
struct MapKey {
  std::string topic;
  std::int32_t partition = 0;
  std::size_t chunk = 0;
};
std::optional<MapKey> parse_map_key(ByteView key);

/// All maps of a link, from the records of its topic. Damaged ones are left out and named in `problems`.
std::map<std::pair<std::string, std::int32_t>, OffsetMap> decode_maps(const KeyedRecords& records, std::vector<std::string>& problems);

}  // namespace meridian::mirror
