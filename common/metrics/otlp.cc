#include "common/metrics/otlp.h"

#include <fmt/format.h>

#include <cmath>
#include <protozero/exception.hpp>

// A field of another wire type than the schema's is bad input here, no mistake of ours: protozero's checks throw.
#define protozero_assert(x)                                       \
  do {                                                            \
    if (!(x)) throw protozero::unknown_pbf_wire_type_exception{}; \
  } while (false)
#include <protozero/pbf_reader.hpp>

namespace meridian::metrics {
namespace {

using protozero::pbf_reader;

// Field numbers: opentelemetry/proto/{metrics,resource,common}/v1.
namespace field {
constexpr protozero::pbf_tag_type data_resource_metrics = 1;
constexpr protozero::pbf_tag_type resource_metrics_scope_metrics = 2;
constexpr protozero::pbf_tag_type scope_metrics_metrics = 2;
constexpr protozero::pbf_tag_type metric_name = 1, metric_gauge = 5, metric_sum = 7;
constexpr protozero::pbf_tag_type points = 1, sum_temporality = 2, sum_monotonic = 3;
constexpr protozero::pbf_tag_type point_double = 4, point_int = 6, point_attributes = 7;
constexpr protozero::pbf_tag_type key = 1, value = 2;
constexpr protozero::pbf_tag_type value_string = 1, value_bool = 2, value_int = 3, value_double = 4;
}  // namespace field
constexpr std::int32_t temporality_delta = 1;

std::pair<std::string, std::string> attribute(pbf_reader message) {
  std::pair<std::string, std::string> out;
  while (message.next()) {
    if (message.tag() == field::key) {
      out.first = message.get_string();
    } else if (message.tag() == field::value) {
      auto value = message.get_message();
      while (value.next()) {
        switch (value.tag()) {
          case field::value_string: out.second = value.get_string(); break;
          case field::value_bool: out.second = value.get_bool() ? "true" : "false"; break;
          case field::value_int: out.second = std::to_string(value.get_int64()); break;
          case field::value_double: out.second = fmt::format("{}", value.get_double()); break;
          default: value.skip();
        }
      }
    } else {
      message.skip();
    }
  }
  return out;
}

OtlpPoint point(pbf_reader message) {
  OtlpPoint out;
  out.value = std::nan("");
  while (message.next()) {
    switch (message.tag()) {
      case field::point_double: out.value = message.get_double(); break;
      case field::point_int: out.value = static_cast<double>(message.get_sfixed64()); break;
      case field::point_attributes: out.attributes.push_back(attribute(message.get_message())); break;
      default: message.skip();
    }
  }
  return out;
}

/// A Gauge or a Sum: its points, and what they are.
void add_points(pbf_reader message, bool sum, std::vector<OtlpPoint>& out) {
  const std::size_t first = out.size();
  bool delta = false, monotonic = false;
  while (message.next()) {
    if (message.tag() == field::points) out.push_back(point(message.get_message()));
    else if (sum && message.tag() == field::sum_temporality) delta = message.get_enum() == temporality_delta;
    else if (sum && message.tag() == field::sum_monotonic) monotonic = message.get_bool();
    else message.skip();
  }
  for (std::size_t i = first; i < out.size(); ++i) {
    out[i].sum = monotonic;
    out[i].delta = delta;
  }
}

void add_metric(pbf_reader message, std::vector<OtlpPoint>& out) {
  const std::size_t first = out.size();
  std::string name;
  while (message.next()) {
    switch (message.tag()) {
      case field::metric_name: name = message.get_string(); break;
      case field::metric_gauge: add_points(message.get_message(), false, out); break;
      case field::metric_sum: add_points(message.get_message(), true, out); break;
      default: message.skip();
    }
  }
  for (std::size_t i = first; i < out.size(); ++i) out[i].name = name;
}

}  // namespace

Result<std::vector<OtlpPoint>> parse_otlp(ByteView bytes, std::size_t points_max) {
  std::vector<OtlpPoint> out;
  try {
    pbf_reader data(bytes.data(), bytes.size());
    while (data.next(field::data_resource_metrics)) {
      auto resource = data.get_message();
      while (resource.next(field::resource_metrics_scope_metrics)) {
        auto scope = resource.get_message();
        while (scope.next(field::scope_metrics_metrics)) {
          add_metric(scope.get_message(), out);
          if (out.size() > points_max) return fail(Errc::corrupt, fmt::format("more than {} metric points", points_max));
        }
      }
    }
  } catch (const protozero::exception& e) {
    return fail(Errc::corrupt, fmt::format("no OpenTelemetry metrics: {}", e.what()));
  }
  return out;
}

}  // namespace meridian::metrics
