#include "broker/storage/checkpoints.h"

#include <sstream>

namespace meridian::storage {

Bytes encode_checkpoint(const OffsetCheckpoint& offsets) {
  std::ostringstream out;
  out << 0 << '\n' << offsets.size() << '\n';
  for (const auto& [partition, offset] : offsets) out << partition.first << ' ' << partition.second << ' ' << offset << '\n';
  return out.str();
}

Result<OffsetCheckpoint> decode_checkpoint(ByteView text) {
  std::istringstream in{std::string(text)};
  int version = -1;
  std::size_t count = 0;
  in >> version >> count;
  OffsetCheckpoint offsets;
  for (std::size_t i = 0; i < count && in; ++i) {
    std::string topic;
    std::int32_t partition = 0;
    Offset offset = 0;
    in >> topic >> partition >> offset;
    if (in) offsets[{topic, partition}] = offset;
  }
  if (!in || version != 0) return fail(Errc::corrupt, "checkpoint does not parse");
  return offsets;
}

Result<OffsetCheckpoint> read_checkpoint(io::Disk& disk, const std::string& path) {
  if (!disk.exists(path)) return OffsetCheckpoint{};
  const auto text = disk.read_file(path);
  if (!text) return fail(text.error());
  auto offsets = decode_checkpoint(*text);
  if (!offsets) return fail(offsets.error().code, path + ": " + offsets.error().message);
  return offsets;
}

Bytes encode_partition_metadata(const Uuid& topic_id) { return "version: 0\ntopic_id: " + topic_id.to_string() + "\n"; }

std::optional<Uuid> decode_partition_metadata(ByteView text) {
  constexpr ByteView key = "topic_id: ";
  const auto at = text.find(key);
  if (at == ByteView::npos) return std::nullopt;
  return Uuid::parse(text.substr(at + key.size(), 22));
}

}  // namespace meridian::storage
