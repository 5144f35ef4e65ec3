// MetricsData as a client makes it, written with protozero's writer.
#pragma once

#include <protozero/pbf_writer.hpp>
#include <string>

namespace meridian::test {

struct OtlpMetric {
  std::string name;
  double value = 0;
  bool sum = false;
  bool delta = false;
  std::string attribute;  ///< value of "topic"; empty: none
};

inline std::string otlp_payload(const std::vector<OtlpMetric>& metrics) {
  std::string out;
  protozero::pbf_writer data(out);
  protozero::pbf_writer resource(data, 1), scope(resource, 2);
  for (const auto& metric : metrics) {
    protozero::pbf_writer message(scope, 2);
    message.add_string(1, metric.name);
    protozero::pbf_writer content(message, metric.sum ? 7 : 5);
    {
      protozero::pbf_writer point(content, 1);
      point.add_fixed64(3, 1);
      point.add_double(4, metric.value);
      if (!metric.attribute.empty()) {
        protozero::pbf_writer attribute(point, 7);
        attribute.add_string(1, "topic");
        protozero::pbf_writer value(attribute, 2);
        value.add_string(1, metric.attribute);
      }
    }
    if (metric.sum) {
      content.add_enum(2, metric.delta ? 1 : 2);
      content.add_bool(3, true);
    }
  }
  return out;
}

}  // namespace meridian::test
