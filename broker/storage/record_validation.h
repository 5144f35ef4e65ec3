// What a client's records must be like before they enter a log (Kafka's LogValidator): framing, offsets, timestamps, keys.
#pragma once

#include "broker/storage/log.h"

namespace meridian::storage {

/// Checks every record of a batch whose envelope is valid; compressed bodies are unfolded for it. Reports up to
/// `record_errors_max` records with the first rule that each broke. The result is the largest timestamp of the records, -1 for none:
/// what the header claims is not to be relied on.
std::expected<std::int64_t, AppendFailure> validate_records(const LogConfig& config, const kafka::BatchHeader& header, ByteView batch, std::int64_t now_ms);
inline constexpr std::size_t record_errors_max = 100;

/// The same batch with its body compressed otherwise (topic setting compression.type).
Result<Bytes> recompress(const kafka::BatchHeader& header, ByteView batch, kafka::Compression codec, std::optional<int> level);

}  // namespace meridian::storage
