// Telemetry: what clients push of their own metrics (KIP-714), kept per client until it has been silent for three intervals, and told in
// /metrics. Clients are asked for cumulative sums; deltas are added up.
#pragma once

#include <map>

#include "broker/metadata/client_metrics.h"
#include "common/async/clock.h"
#include "common/kafka/messages/71_get_telemetry_subscriptions.h"
#include "common/kafka/messages/72_push_telemetry.h"
#include "common/metrics/otlp.h"

namespace meridian::server {

class Telemetry {
 public:
  /// Clients that are known at a time; beyond them the one that has been silent for longest is forgotten.
  static constexpr std::size_t clients_max = 10'000;
  /// Series of one client, of all clients, and bytes of one's name and labels; what goes beyond is left out.
  static constexpr std::size_t series_max = 2'000, series_total_max = 200'000, series_bytes_max = 1'024;

  /// Lives on one shard. `bytes_max`: of one push, as sent; unfolded it may be 16 times as large.
  Telemetry(async::Clock& clock, std::int32_t bytes_max) : clock_(clock), bytes_max_(bytes_max) {}

  /// `client.client_instance_id` is the request's.
  kafka::GetTelemetrySubscriptionsResponse subscription(const metadata::MetadataImage& image, Uuid id, const metadata::ClientIdentity& client);
  kafka::ErrorCode push(const metadata::MetadataImage& image, const kafka::PushTelemetryRequest& request, const metadata::ClientIdentity& client);
  /// Prometheus text of everything that was pushed.
  std::string text();

 private:
  using Series = std::pair<std::string, std::string>;  ///< metric, labels
  struct Value {
    double value = 0;
    bool sum = false;
  };
  struct Client {
    std::string client_id;
    std::chrono::milliseconds interval{};           ///< that it was told
    std::optional<async::TimePoint> asked, pushed;  ///< last request of each kind that was let through
    bool must_ask = false;                          ///< its last push was refused with something that asking again heals
    bool terminating = false;
    async::TimePoint seen{};
    std::map<Series, Value> series;
  };
  Client& find(const Uuid& id, const metadata::ClientIdentity& client, const metadata::ClientSubscription& subscription);
  kafka::ErrorCode check_push(const Client& client, const kafka::PushTelemetryRequest& request, const metadata::ClientSubscription& subscription) const;
  void take(Client& client, const std::string& instance, const std::vector<metrics::OtlpPoint>& points);
  void forget_silent();
  void forget(std::map<Uuid, Client>::iterator client);

  async::Clock& clock_;
  std::int32_t bytes_max_;
  std::map<Uuid, Client> clients_;
  std::size_t series_total_ = 0;
};

}  // namespace meridian::server
