// Compression of record batch bodies, as Kafka frames them: gzip; snappy in xerial blocks (or bare); lz4 frames; zstd frames.
#pragma once

#include <optional>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace meridian::kafka {

enum class Compression : std::int8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

/// "none", "gzip", ...
const char* compression_name(Compression codec);
Result<Compression> parse_compression(std::string_view name);

/// `level`: of gzip, lz4 and zstd; unset, the codec's usual one.
Result<Bytes> compress(Compression codec, ByteView plain, std::optional<int> level = std::nullopt);
/// Fails with Errc::corrupt, also when the result would be larger than `limit` bytes (decompression bombs).
Result<Bytes> decompress(Compression codec, ByteView packed, std::size_t limit);

}  // namespace meridian::kafka
