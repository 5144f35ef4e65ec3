// CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of Kafka's record batches and producer snapshots.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"

namespace meridian::base {

/// CRC of `data`, continuing from `crc`, the result of an earlier call (0 to start).
std::uint32_t crc32c(ByteView data, std::uint32_t crc = 0);

}  // namespace meridian::base
