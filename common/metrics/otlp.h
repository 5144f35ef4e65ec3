// Metrics that clients push: OpenTelemetry's MetricsData (opentelemetry-proto 1.0, metrics/v1/metrics.proto), the kinds that Kafka clients send
// (KIP-714): gauges and sums. Points of other kinds are left out.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace meridian::metrics {

struct OtlpPoint {
  std::string name;  ///< dotted: org.apache.kafka.producer.connection.creation.rate
  std::vector<std::pair<std::string, std::string>> attributes;
  double value = 0;
  bool sum = false;    ///< only grows
  bool delta = false;  ///< since the client's last push, not since its start
};

/// Errc::corrupt where the bytes are no MetricsData or hold more than `points_max` points.
Result<std::vector<OtlpPoint>> parse_otlp(ByteView bytes, std::size_t points_max);

}  // namespace meridian::metrics
