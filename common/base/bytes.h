// Byte containers. std::string is the owning buffer (LevelDB's choice): growth without a zero fill is not
// needed where it is used, and views convert without ceremony.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace meridian {

using Bytes = std::string;
using ByteView = std::string_view;

/// Position of a record in a partition. Kafka's one offset space: metadata never enters the data log.
using Offset = std::int64_t;

namespace base {

/// Big-endian load of an integer from `at`, which must have sizeof(T) readable bytes.
template <std::integral T>
T load_be(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  if constexpr (sizeof(T) > 1) {
    using U = std::make_unsigned_t<T>;
    U u = static_cast<U>(value);
    if constexpr (sizeof(T) == 2) u = __builtin_bswap16(u);
    if constexpr (sizeof(T) == 4) u = __builtin_bswap32(u);
    if constexpr (sizeof(T) == 8) u = __builtin_bswap64(u);
    value = static_cast<T>(u);
  }
  return value;
}

template <std::integral T>
void store_be(char* at, T value) {
  value = load_be<T>(reinterpret_cast<const char*>(&value));
  std::memcpy(at, &value, sizeof(T));
}

template <std::integral T>
void append_be(Bytes& out, T value) {
  char buffer[sizeof(T)];
  store_be(buffer, value);
  out.append(buffer, sizeof(T));
}

}  // namespace base
}  // namespace meridian
