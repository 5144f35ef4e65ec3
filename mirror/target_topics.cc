#include "mirror/target_topics.h"

#include "common/kafka/codec.h"

namespace meridian::mirror {
namespace {

struct MapKeyRecord {
  std::string topic;
  std::int32_t partition = 0;
  std::int32_t chunk = 0;
  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partition);
    f(self.chunk);
  }
};
constexpr std::size_t write_bytes_max = 512 * 1024;

}  // namespace

Task<Status> CompactedTopic::ensure(async::TimePoint deadline) {
  client::NewTopic topic{.name = name_, .partitions = 1, .replication_factor = -1, .configs = {{"cleanup.policy", "compact"}}};
  co_return co_await client::create_topic(cluster_, topic, deadline);
}

Task<Status> CompactedTopic::read(KeyedRecords& into, async::TimePoint deadline) {
  const auto end = co_await client::list_offset(cluster_, name_, 0, client::latest, deadline);
  if (!end) co_return fail(end.error());
  const auto start = co_await client::list_offset(cluster_, name_, 0, client::earliest, deadline);
  if (!start) co_return fail(start.error());
  auto done = co_await client::read_range(
      cluster_, name_, 0, std::max(*start, read_to_), *end,
      [&into](const kafka::RecordView& record) {
        if (!record.key) return true;
        if (record.value) into[std::string(*record.key)] = Bytes(*record.value);
        else into.erase(std::string(*record.key));
        return true;
      },
      deadline);
  if (done) read_to_ = *end;
  co_return done;
}

Task<Status> CompactedTopic::write(std::vector<std::pair<std::string, std::optional<Bytes>>> records, async::TimePoint deadline) {
  kafka::BatchBuilder batch;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& [key, value] = records[i];
    batch.add(cluster_.clock().wall_ms(), key, value ? std::optional<ByteView>(*value) : std::nullopt);
    if (batch.body_bytes() < write_bytes_max && i + 1 < records.size()) continue;
    auto bytes = batch.finish({});
    if (!bytes) co_return fail(bytes.error());
    if (auto done = co_await client::append(cluster_, name_, 0, std::move(*bytes), deadline); !done) co_return fail(done.error());
  }
  co_return Status{};
}

std::string map_key(const std::string& topic, std::int32_t partition, std::size_t chunk) {
  Bytes out;
  kafka::encode_struct(out, MapKeyRecord{topic, partition, static_cast<std::int32_t>(chunk)}, 0, false);
  return out;
}

std::optional<MapKey> parse_map_key(ByteView key) {
  const auto record = kafka::decode_struct<MapKeyRecord>(key, 0, false);
  if (!record || record->chunk < 0) return std::nullopt;
  return MapKey{record->topic, record->partition, static_cast<std::size_t>(record->chunk)};
}

std::map<std::pair<std::string, std::int32_t>, OffsetMap> decode_maps(const KeyedRecords& records, std::vector<std::string>& problems) {
  std::map<std::pair<std::string, std::int32_t>, std::map<std::size_t, Bytes>> chunks;
  for (const auto& [raw, value] : records)
    if (const auto key = parse_map_key(raw)) chunks[{key->topic, key->partition}][key->chunk] = value;
  std::map<std::pair<std::string, std::int32_t>, OffsetMap> maps;
  for (const auto& [partition, numbered] : chunks) {
    std::vector<Bytes> ordered;
    for (const auto& [n, bytes] : numbered) ordered.push_back(bytes);
    auto map = numbered.rbegin()->first + 1 == numbered.size() ? OffsetMap::decode(ordered) : fail(Errc::corrupt, "a chunk is missing");
    if (map) maps[partition] = std::move(*map);
    else problems.push_back(partition.first + "-" + std::to_string(partition.second) + ": " + map.error().message);
  }
  return maps;
}

}  // namespace meridian::mirror
