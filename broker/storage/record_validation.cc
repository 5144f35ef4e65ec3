#include "broker/storage/record_validation.h"

#include <fmt/format.h>

namespace meridian::storage {
namespace {

/// Why a timestamp is refused; empty: it is fine. Records without one (-1) are.
std::string timestamp_problem(const LogConfig& config, std::int64_t timestamp_ms, std::int64_t now_ms) {
  if (config.log_append_time || timestamp_ms < 0) return {};
  if (timestamp_ms > now_ms && timestamp_ms - now_ms > config.timestamp_after_max_ms)
    return fmt::format("Timestamp {} of message is further ahead of the broker's {} than message.timestamp.after.max.ms={}", timestamp_ms, now_ms,
                       config.timestamp_after_max_ms);
  if (timestamp_ms < now_ms && now_ms - timestamp_ms > config.timestamp_before_max_ms)
    return fmt::format("Timestamp {} of message is older against the broker's {} than message.timestamp.before.max.ms={}", timestamp_ms, now_ms,
                       config.timestamp_before_max_ms);
  return {};
}

}  // namespace

std::expected<std::int64_t, AppendFailure> validate_records(const LogConfig& config, const kafka::BatchHeader& header, ByteView batch, std::int64_t now_ms) {
  AppendFailure failure{AppendError::invalid_record, {}, {}};
  const auto refuse = [&failure](AppendError code, std::int32_t index, std::string message) {
    if (failure.records.empty()) failure.code = code;
    if (failure.records.size() < record_errors_max) failure.records.push_back({index, std::move(message)});
  };
  std::int64_t max_timestamp_ms = -1;
  // Between these a timestamp is fine; the exact rule is for the others.
  const std::int64_t fine_from = now_ms - std::min(config.timestamp_before_max_ms, now_ms),
                     fine_to = now_ms + std::min(config.timestamp_after_max_ms, INT64_MAX - now_ms);
  const bool keys_required = config.cleanup_compact && !header.control();
  const auto done = kafka::for_all_records(header, batch, [&](std::int32_t i, const kafka::RecordView& record) {
    max_timestamp_ms = std::max(max_timestamp_ms, record.timestamp_ms);
    if (record.offset - header.base_offset != i)
      return refuse(AppendError::invalid_record, i, fmt::format("Inner record has offset {}, expected {}", record.offset - header.base_offset, i));
    if (keys_required && !record.key) return refuse(AppendError::invalid_record, i, "Compacted topic cannot accept message without key");
    if (record.timestamp_ms >= fine_from && record.timestamp_ms <= fine_to) return;
    if (auto problem = timestamp_problem(config, record.timestamp_ms, now_ms); !problem.empty()) refuse(AppendError::invalid_timestamp, i, std::move(problem));
  });
  if (!done) return std::unexpected(AppendFailure{AppendError::corrupt, done.error().message, {}});
  if (failure.records.empty()) return max_timestamp_ms;
  failure.message = failure.code == AppendError::invalid_timestamp ? "One or more records have invalid timestamps" : "One or more records have been rejected";
  return std::unexpected(std::move(failure));
}

Result<Bytes> recompress(const kafka::BatchHeader& header, ByteView batch, kafka::Compression codec, std::optional<int> level) {
  Bytes storage;
  const auto body = kafka::detail::batch_body(header, batch, storage);
  if (!body) return fail(body.error());
  return kafka::with_body(batch, codec, *body, level);
}

}  // namespace meridian::storage
