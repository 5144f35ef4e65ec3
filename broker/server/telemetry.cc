#include "broker/server/telemetry.h"

#include <fmt/format.h>

#include <cmath>

#include "common/base/log.h"
#include "common/kafka/compression.h"
#include "common/metrics/metrics.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
using std::chrono::milliseconds;
constexpr std::size_t unfolded_factor = 16;

/// org.apache.kafka.producer.connection.creation.rate as Prometheus spells names.
std::string prometheus_name(std::string_view name) {
  std::string out;
  for (const char c : name) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0]))) out.insert(0, "_");
  return out;
}

}  // namespace

Telemetry::Client& Telemetry::find(const Uuid& id, const metadata::ClientIdentity& identity, const metadata::ClientSubscription& subscription) {
  if (!clients_.contains(id) && clients_.size() >= clients_max) {
    forget_silent();
    if (clients_.size() >= clients_max) forget(std::ranges::min_element(clients_, {}, [](const auto& entry) { return entry.second.seen; }));
  }
  Client& client = clients_[id];
  client.client_id = identity.client_id;
  if (client.interval.count() == 0) client.interval = subscription.interval;
  client.seen = clock_.now();
  return client;
}

void Telemetry::forget_silent() {
  const auto now = clock_.now();
  for (auto it = clients_.begin(); it != clients_.end();) {
    const auto client = it++;
    if (client->second.seen + 3 * client->second.interval < now) forget(client);
  }
}

void Telemetry::forget(std::map<Uuid, Client>::iterator client) {
  series_total_ -= client->second.series.size();
  clients_.erase(client);
}

kafka::GetTelemetrySubscriptionsResponse Telemetry::subscription(const metadata::MetadataImage& image, Uuid id, const metadata::ClientIdentity& identity) {
  kafka::GetTelemetrySubscriptionsResponse response;
  const auto subscription = metadata::client_subscription(image, identity);
  Client& client = find(id, identity, subscription);
  const auto now = clock_.now();
  response.client_instance_id = id;
  if (client.asked && !client.must_ask && now < *client.asked + client.interval) {
    response.error_code = ErrorCode::throttling_quota_exceeded;
    return response;
  }
  client.asked = now;
  client.must_ask = false;
  client.interval = subscription.interval;
  response.subscription_id = subscription.id;
  for (const auto codec : {kafka::Compression::zstd, kafka::Compression::lz4, kafka::Compression::gzip, kafka::Compression::snappy})
    response.accepted_compression_types.push_back(static_cast<std::int8_t>(codec));
  response.push_interval_ms = static_cast<std::int32_t>(subscription.interval.count());
  response.telemetry_max_bytes = bytes_max_;
  response.requested_metrics = subscription.metrics;
  return response;
}

ErrorCode Telemetry::check_push(const Client& client, const kafka::PushTelemetryRequest& request, const metadata::ClientSubscription& subscription) const {
  if (client.terminating) return ErrorCode::invalid_request;
  const bool asked_since = client.asked && (!client.pushed || *client.asked > *client.pushed);
  if (client.pushed && !asked_since && !request.terminating && clock_.now() < *client.pushed + client.interval) return ErrorCode::throttling_quota_exceeded;
  if (request.subscription_id != subscription.id) return ErrorCode::unknown_subscription_id;
  if (request.compression_type < 0 || request.compression_type > static_cast<std::int8_t>(kafka::Compression::zstd))
    return ErrorCode::unsupported_compression_type;
  return static_cast<std::int64_t>(request.metrics.data.size()) > bytes_max_ ? ErrorCode::telemetry_too_large : ErrorCode::none;
}

ErrorCode Telemetry::push(const metadata::MetadataImage& image, const kafka::PushTelemetryRequest& request, const metadata::ClientIdentity& identity) {
  if (request.client_instance_id.is_zero()) return ErrorCode::invalid_request;
  const auto subscription = metadata::client_subscription(image, identity);
  Client& client = find(request.client_instance_id, identity, subscription);
  const auto error = check_push(client, request, subscription);
  client.must_ask = error == ErrorCode::unknown_subscription_id || error == ErrorCode::unsupported_compression_type;
  if (error == ErrorCode::throttling_quota_exceeded) return error;
  client.pushed = clock_.now();
  client.terminating = request.terminating;
  if (error != ErrorCode::none || subscription.metrics.empty()) return error;  // nothing was asked for
  const auto plain = kafka::decompress(static_cast<kafka::Compression>(request.compression_type), request.metrics.data,
                                       static_cast<std::size_t>(bytes_max_) * unfolded_factor);
  const auto points = plain ? metrics::parse_otlp(*plain, series_max) : fail(plain.error());
  if (!points) {
    log::warn("metrics of client {} ({}): {}", identity.client_id, identity.client_instance_id, points.error().message);
    return ErrorCode::invalid_record;
  }
  take(client, identity.client_instance_id, *points);
  return ErrorCode::none;
}

void Telemetry::take(Client& client, const std::string& instance, const std::vector<metrics::OtlpPoint>& points) {
  for (const auto& point : points) {
    if (std::isnan(point.value)) continue;
    std::string labels = metrics::label("client_id", client.client_id) + "," + metrics::label("client_instance_id", instance);
    for (const auto& [key, value] : point.attributes)
      if (const auto name = prometheus_name(key); name != "client_id" && name != "client_instance_id") labels += "," + metrics::label(name.c_str(), value);
    const Series series{prometheus_name(point.name), std::move(labels)};
    if (!client.series.contains(series)) {
      if (client.series.size() >= series_max || series_total_ >= series_total_max || series.first.size() + series.second.size() > series_bytes_max) continue;
      ++series_total_;
    }
    Value& slot = client.series[series];
    slot.value = point.delta ? slot.value + point.value : point.value;
    slot.sum = point.sum;
  }
}

std::string Telemetry::text() {
  forget_silent();
  std::map<std::string, std::vector<std::pair<const std::string*, Value>>> families;
  for (const auto& [id, client] : clients_)
    for (const auto& [series, value] : client.series) families[series.first].emplace_back(&series.second, value);
  std::string out;
  for (const auto& [name, samples] : families) {
    out += fmt::format("# HELP {} Pushed by clients\n# TYPE {} {}\n", name, name, samples.front().second.sum ? "counter" : "gauge");
    for (const auto& [labels, value] : samples) out += fmt::format("{}{{{}}} {}\n", name, *labels, value.value);
  }
  return out;
}

}  // namespace meridian::server
