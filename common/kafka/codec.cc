#include "common/kafka/codec.h"

namespace meridian::kafka {

void append_unsigned_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void append_varint(Bytes& out, std::int64_t value) {
  append_unsigned_varint(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

std::optional<std::uint64_t> read_unsigned_varint(ByteView bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << std::min(shift, 63);
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_varint(ByteView bytes, std::size_t& at) {
  const auto raw = read_unsigned_varint(bytes, at);
  if (!raw) return std::nullopt;
  return static_cast<std::int64_t>(*raw >> 1) ^ -static_cast<std::int64_t>(*raw & 1);
}

}  // namespace meridian::kafka
