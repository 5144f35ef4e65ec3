#include "broker/admin/admin.h"

#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>

namespace meridian::admin {
namespace {

constexpr const char* prometheus_text = "text/plain; version=0.0.4";

/// Resident memory, bytes; 0 where /proc is not there.
double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Of one partition, gathered on its shard before the text is written.
struct PartitionSample {
  std::string labels;
  double high_watermark, log_start, bytes;
};

struct PartitionSamples {
  std::vector<PartitionSample> known;  ///< of a directory that failed meanwhile, too
  double offline = 0;
};

}  // namespace

Admin::Admin(server::Services& services, server::Server& kafka, io::Network& network)
    : services_(services),
      kafka_(kafka),
      http_(network, services.control.context(), services.control.clock(), [this](io::HttpRequest request) { return handle(std::move(request)); }) {
  auto& registry = services_.registry;
  registry.gauge("meridian_build_info", "1", [](const auto& emit) { emit(metrics::label("version", "0.1.0"), 1); });
  registry.gauge("meridian_kafka_connections", "Open Kafka connections",
                 [this](const auto& emit) { emit("", static_cast<double>(kafka_.connection_count())); });
  registry.gauge("meridian_metadata_revision", "Newest published metadata revision",
                 [this](const auto& emit) { emit("", static_cast<double>(services_.cache.image(services_.control)->revision)); });
  registry.gauge("meridian_partitions", "Partitions of this broker",
                 [this](const auto& emit) { emit("", static_cast<double>(services_.cache.image(services_.control)->partition_count)); });
  registry.gauge("process_resident_memory_bytes", "Resident memory", [](const auto& emit) { emit("", resident_bytes()); });
}

Task<std::string> Admin::metrics_text() {
  auto samples = std::make_shared<PartitionSamples>();
  const auto image = services_.cache.image(services_.control);
  for (const auto& [name, topic] : image->topics)
    for (std::int32_t n = 0; n < static_cast<std::int32_t>(topic->partitions.size()); ++n)
      co_await async::on(services_.replicas.home(name, n),
                         [](server::Services& services, std::string of, std::int32_t partition, PartitionSamples& out) -> Task<> {
                           if (services.replicas.offline(of, partition)) ++out.offline;
                           const auto replica = services.replicas.find(of, partition);
                           if (!replica) co_return;
                           out.known.push_back({metrics::label("topic", of) + "," + metrics::label("partition", std::to_string(partition)),
                                                static_cast<double>(replica->high_watermark()), static_cast<double>(replica->log().start_offset()),
                                                static_cast<double>(replica->log().size_bytes())});
                         }(services_, name, n, *samples));
  auto& registry = services_.registry;
  const auto gauge = [&](const char* name, const char* help, double PartitionSample::* field) {
    registry.gauge(name, help, [samples, field](const auto& emit) {
      for (const auto& sample : samples->known) emit(sample.labels, sample.*field);
    });
  };
  registry.gauge("meridian_offline_partitions", "Partitions whose log directory has failed or is away",
                 [samples](const auto& emit) { emit("", samples->offline); });
  gauge("meridian_partition_high_watermark", "High watermark", &PartitionSample::high_watermark);
  gauge("meridian_partition_log_start_offset", "Log start offset", &PartitionSample::log_start);
  gauge("meridian_partition_size_bytes", "Size of the log", &PartitionSample::bytes);
  co_return registry.text() + services_.telemetry.text();
}

Task<io::HttpResponse> Admin::handle(io::HttpRequest request) {
  if (request.method != "GET") co_return io::HttpResponse{.status = 405, .content_type = "text/plain", .body = "GET only\n"};
  if (request.path == "/metrics") co_return io::HttpResponse{.content_type = prometheus_text, .body = co_await metrics_text()};
  if (request.path == "/healthz") co_return io::HttpResponse{.content_type = "text/plain", .body = "ok\n"};
  if (request.path == "/v1/status") {
    const auto image = services_.cache.image(services_.control);
    const boost::json::object status{{"cluster_id", image->cluster_id},
                                     {"node_id", services_.node_id},
                                     {"kafka", services_.advertised.to_string()},
                                     {"topics", image->topics.size()},
                                     {"partitions", image->partition_count},
                                     {"connections", kafka_.connection_count()},
                                     {"metadata_revision", image->revision},
                                     {"log_bytes", co_await services_.replicas.size_bytes()},
                                     {"durability", services_.settings.string("durability")}};
    co_return io::HttpResponse{.body = boost::json::serialize(status) + "\n"};
  }
  co_return io::HttpResponse{.status = 404, .content_type = "text/plain", .body = "not found: /metrics, /healthz, /v1/status\n"};
}

}  // namespace meridian::admin
