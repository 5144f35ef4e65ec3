// Small text files beside the logs, in Kafka's formats: offset checkpoints and partition.metadata (docs/formats/checkpoints.md).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/base/uuid.h"
#include "common/io/disk.h"

namespace meridian::storage {

/// (topic, partition) -> offset.
using OffsetCheckpoint = std::map<std::pair<std::string, std::int32_t>, Offset>;

Bytes encode_checkpoint(const OffsetCheckpoint& offsets);
Result<OffsetCheckpoint> decode_checkpoint(ByteView text);
/// A missing file is an empty checkpoint.
Result<OffsetCheckpoint> read_checkpoint(io::Disk& disk, const std::string& path);

Bytes encode_partition_metadata(const Uuid& topic_id);
std::optional<Uuid> decode_partition_metadata(ByteView text);

inline constexpr const char* recovery_checkpoint_file = "recovery-point-offset-checkpoint";
inline constexpr const char* start_checkpoint_file = "log-start-offset-checkpoint";
inline constexpr const char* cleaner_checkpoint_file = "cleaner-offset-checkpoint";
inline constexpr const char* partition_metadata_file = "partition.metadata";
inline constexpr const char* clean_shutdown_file = ".kafka_cleanshutdown";

}  // namespace meridian::storage
