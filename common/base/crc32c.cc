#include "common/base/crc32c.h"

#include <isa-l/crc.h>

namespace meridian::base {

// isa-l picks an SSE4.2/PCLMUL kernel at run time and falls back to a table on older processors.
// It takes and returns the inverted register.
std::uint32_t crc32c(ByteView data, std::uint32_t crc) {
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data.data()));
  std::uint32_t state = ~crc;
  constexpr std::size_t step = 1u << 30;  // isa-l takes an int length
  std::size_t done = 0;
  while (done < data.size()) {
    const std::size_t n = std::min(step, data.size() - done);
    state = crc32_iscsi(bytes + done, static_cast<int>(n), state);
    done += n;
  }
  return ~state;
}

}  // namespace meridian::base
