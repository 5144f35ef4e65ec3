#include "broker/coordinator/partition_writer.h"

namespace meridian::coordinator {

Task<Result<Offset>> PartitionWriter::write(std::int32_t partition, kafka::BatchBuilder batch) {
  auto bytes = batch.finish({});
  if (!bytes) co_return fail(bytes.error());
  co_return co_await append(partition, std::move(*bytes));
}

std::int32_t partition_of(std::string_view key, std::int32_t partition_count) {
  std::uint32_t hash = 0;
  for (const char c : key) hash = 31 * hash + static_cast<unsigned char>(c);
  return static_cast<std::int32_t>((hash & 0x7fffffffu) % static_cast<std::uint32_t>(partition_count));
}

}  // namespace meridian::coordinator
