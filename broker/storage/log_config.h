// LogConfig: the topic settings that the storage layer acts on. Keys and meanings are Kafka's; the table of all topic settings
// with defaults and documentation is broker/metadata/topic_configs.h.
#pragma once

#include <cstdint>
#include <optional>

#include "common/kafka/compression.h"

namespace meridian::storage {

enum class Durability {
  fsync,       ///< an offset counts once it is on stable storage
  page_cache,  ///< an offset counts once the operating system has it; flush.messages and flush.ms sync besides
};

struct LogConfig {
  std::int64_t segment_bytes = 1 << 30;
  std::int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;  ///< -1: without limit
  std::int64_t retention_bytes = -1;                   ///< -1: without limit
  std::int64_t index_interval_bytes = 4096;
  std::int64_t max_message_bytes = 1048588;
  std::int64_t flush_messages = INT64_MAX;
  std::int64_t flush_ms = INT64_MAX;
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  bool log_append_time = false;
  std::int64_t timestamp_before_max_ms = INT64_MAX;       ///< message.timestamp.before.max.ms
  std::int64_t timestamp_after_max_ms = 3600'000;         ///< message.timestamp.after.max.ms
  std::int64_t delete_retention_ms = 24LL * 3600 * 1000;  ///< how long compaction keeps tombstones
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = INT64_MAX;
  double min_cleanable_dirty_ratio = 0.5;
  std::optional<kafka::Compression> compression = {};  ///< unset: as the producer sent it
  std::optional<int> compression_level = {};
  Durability durability = Durability::fsync;
};

}  // namespace meridian::storage
