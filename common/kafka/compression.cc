#include "common/kafka/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

namespace meridian::kafka {
namespace {

constexpr int gzip_window = 15 + 16;  // zlib: 16 selects the gzip wrapper
constexpr int zstd_level = 3;
constexpr int lz4_level = 0;  // the fast compressor

std::unexpected<Error> bad(const char* what) { return fail(Errc::corrupt, std::string("cannot decompress: ") + what); }

Result<Bytes> gzip(ByteView plain, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return fail(Errc::io, "deflateInit2 failed");
  Bytes out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return fail(Errc::io, "deflate failed");
  return out;
}

Result<Bytes> gunzip(ByteView packed, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window) != Z_OK) return fail(Errc::io, "inflateInit2 failed");
  std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, inflateEnd);
  Bytes out(std::min(limit, packed.size() * 4 + 256), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + stream.total_out);
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) break;
    if (result != Z_OK && result != Z_BUF_ERROR) return bad("gzip data");
    if (stream.avail_out != 0) return bad("truncated gzip data");
    if (out.size() >= limit) return bad("gzip data over the size limit");
    out.resize(std::min(limit, out.size() * 2));
  }
  out.resize(stream.total_out);
  return out;
}

// xerial/snappy-java stream: 8 magic bytes, two INT32 versions, then blocks of INT32 length and raw snappy.
constexpr ByteView xerial_magic("\x82SNAPPY\0", 8);
constexpr std::size_t xerial_header = 16;
constexpr std::size_t xerial_block = 32 * 1024;

Result<Bytes> snap(ByteView plain) {
  Bytes out(xerial_magic);
  base::append_be<std::int32_t>(out, 1);
  base::append_be<std::int32_t>(out, 1);
  for (std::size_t at = 0; at < plain.size(); at += xerial_block) {
    std::string block;
    const ByteView piece = plain.substr(at, xerial_block);
    snappy::Compress(piece.data(), piece.size(), &block);
    base::append_be<std::int32_t>(out, static_cast<std::int32_t>(block.size()));
    out += block;
  }
  return out;
}

Status unsnap_block(ByteView packed, std::size_t limit, Bytes& out) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) return bad("snappy length");
  if (size > limit - std::min(limit, out.size())) return bad("snappy data over the size limit");
  const std::size_t at = out.size();
  out.resize(at + size);
  if (!snappy::RawUncompress(packed.data(), packed.size(), out.data() + at)) return bad("snappy data");
  return {};
}

Result<Bytes> unsnap(ByteView packed, std::size_t limit) {
  Bytes out;
  if (!packed.starts_with(xerial_magic)) {
    if (auto done = unsnap_block(packed, limit, out); !done) return fail(done.error());
    return out;
  }
  if (packed.size() < xerial_header) return bad("truncated snappy header");
  for (std::size_t at = xerial_header; at < packed.size();) {
    if (packed.size() - at < 4) return bad("truncated snappy block");
    const auto size = base::load_be<std::uint32_t>(packed.data() + at);
    at += 4;
    if (size > packed.size() - at) return bad("truncated snappy block");
    if (auto done = unsnap_block(packed.substr(at, size), limit, out); !done) return fail(done.error());
    at += size;
  }
  return out;
}

Result<Bytes> lz4(ByteView plain, int level) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Kafka's Java reader knows no linked blocks
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.compressionLevel = level;
  Bytes out(LZ4F_compressFrameBound(plain.size(), &preferences), '\0');
  const std::size_t n = LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(n)) return fail(Errc::io, LZ4F_getErrorName(n));
  out.resize(n);
  return out;
}

Result<Bytes> unlz4(ByteView packed, std::size_t limit) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) return fail(Errc::io, "no lz4 context");
  std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(raw, LZ4F_freeDecompressionContext);
  Bytes out(std::min(limit, packed.size() * 4 + 256), '\0');
  std::size_t filled = 0, taken = 0;
  for (;;) {
    std::size_t out_size = out.size() - filled, in_size = packed.size() - taken;
    const std::size_t hint = LZ4F_decompress(context.get(), out.data() + filled, &out_size, packed.data() + taken, &in_size, nullptr);
    if (LZ4F_isError(hint)) return bad("lz4 data");
    filled += out_size;
    taken += in_size;
    if (hint == 0) break;
    if (filled < out.size()) {
      if (taken == packed.size()) return bad("truncated lz4 data");
      continue;
    }
    if (out.size() >= limit) return bad("lz4 data over the size limit");
    out.resize(std::min(limit, out.size() * 2));
  }
  out.resize(filled);
  return out;
}

Result<Bytes> zstd(ByteView plain, int level) {
  Bytes out(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t n = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), level);
  if (ZSTD_isError(n)) return fail(Errc::io, ZSTD_getErrorName(n));
  out.resize(n);
  return out;
}

// Streaming, since Kafka's Java producer writes frames without a content size.
Result<Bytes> unzstd(ByteView packed, std::size_t limit) {
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  Bytes out(std::min(limit, packed.size() * 4 + 256), '\0');
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  for (;;) {
    const std::size_t hint = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(hint)) return bad("zstd data");
    if (hint == 0 && in.pos == in.size) break;
    if (to.pos < to.size) {
      if (in.pos == in.size) return bad("truncated zstd data");
      continue;
    }
    if (out.size() >= limit) return bad("zstd data over the size limit");
    out.resize(std::min(limit, out.size() * 2));
    to.dst = out.data();
    to.size = out.size();
  }
  out.resize(to.pos);
  return out;
}

}  // namespace

const char* compression_name(Compression codec) {
  switch (codec) {
    case Compression::none: return "none";
    case Compression::gzip: return "gzip";
    case Compression::snappy: return "snappy";
    case Compression::lz4: return "lz4";
    case Compression::zstd: return "zstd";
  }
  return "unknown";
}

Result<Compression> parse_compression(std::string_view name) {
  for (const auto codec : {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd})
    if (name == compression_name(codec)) return codec;
  return fail(Errc::invalid, "unknown compression '" + std::string(name) + "': none, gzip, snappy, lz4 or zstd");
}

Result<Bytes> compress(Compression codec, ByteView plain, std::optional<int> level) {
  switch (codec) {
    case Compression::none: return Bytes(plain);
    case Compression::gzip: return gzip(plain, level.value_or(Z_DEFAULT_COMPRESSION));
    case Compression::snappy: return snap(plain);
    case Compression::lz4: return lz4(plain, level.value_or(lz4_level));
    case Compression::zstd: return zstd(plain, level.value_or(zstd_level));
  }
  return fail(Errc::invalid, "unknown compression");
}

Result<Bytes> decompress(Compression codec, ByteView packed, std::size_t limit) {
  switch (codec) {
    case Compression::none: return Bytes(packed);
    case Compression::gzip: return gunzip(packed, limit);
    case Compression::snappy: return unsnap(packed, limit);
    case Compression::lz4: return unlz4(packed, limit);
    case Compression::zstd: return unzstd(packed, limit);
  }
  return fail(Errc::invalid, "unknown compression");
}

}  // namespace meridian::kafka
