// What a handler may use: the broker's services, and the request's own circumstances.
#pragma once

#include "broker/coordinator/group/group_coordinator.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/metadata/metadata_service.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/authorizer.h"
#include "broker/server/fetch_sessions.h"
#include "broker/server/quotas.h"
#include "broker/server/share_partitions.h"
#include "broker/server/share_sessions.h"
#include "broker/server/telemetry.h"
#include "common/io/network.h"
#include "common/metrics/metrics.h"

namespace meridian::server {

/// The metadata image per shard, so that handlers read it without crossing; and the way to the control shard.
class MetadataCache final : public metadata::MetadataPublisher {
 public:
  explicit MetadataCache(std::vector<async::Shard*> shards)
      : shards_(std::move(shards)), images_(shards_.size(), std::make_shared<metadata::MetadataImage>()) {}
  Task<> publish(metadata::ImagePtr image, metadata::MetadataDelta) override {
    for (std::size_t i = 0; i < shards_.size(); ++i)
      co_await async::on(*shards_[i], [](metadata::ImagePtr& slot, metadata::ImagePtr value) -> Task<> {
        slot = std::move(value);
        co_return;
      }(images_[i], image));
  }
  const metadata::ImagePtr& image(const async::Shard& shard) const { return images_[static_cast<std::size_t>(shard.id())]; }

 private:
  std::vector<async::Shard*> shards_;
  std::vector<metadata::ImagePtr> images_;
};

inline constexpr const char* offsets_topic = "__consumer_offsets";
inline constexpr const char* transactions_topic = "__transaction_state";
inline constexpr const char* share_state_topic = "__share_group_state";

struct Services {
  const config::Settings& settings;
  MetadataCache& cache;
  metadata::MetadataService& metadata;  ///< on the control shard
  async::Shard& control;
  replication::ReplicaManager& replicas;
  coordinator::group::GroupCoordinator& groups;
  coordinator::share::ShareCoordinator& shares;
  coordinator::transaction::TransactionCoordinator& transactions;
  coordinator::transaction::MarkerWriter& markers;
  const Authorizer& authorizer;
  Quotas& quotas;
  Telemetry& telemetry;  ///< on the control shard
  SharePartitions& share_partitions;
  ShareSessions& share_sessions;  ///< on the control shard
  metrics::Registry& registry;
  std::int32_t node_id;
  io::Endpoint advertised;
};

/// What the client at the other end of a connection calls itself (KIP-511).
struct ClientSoftware {
  std::string name = "unknown";
  std::string version = "unknown";
};

struct RequestContext {
  Services& services;
  async::Shard& shard;  ///< of the connection
  FetchSessions& sessions;
  const void* connection;    ///< which one: share sessions end with it
  ClientSoftware& software;  ///< of the connection; set by ApiVersions
  Principal principal;
  std::string client_id;
  std::string client_host;  ///< "/" and the address
  std::string client_port;
  std::int16_t version = 0;
  /// Produce: called once everything is appended, in order; the next request of the connection may start.
  std::function<void()> appended;
  bool no_response = false;  ///< acks=0
  /// How much of the time so far others took: it is not charged as the request's (KIP-124).
  async::Duration waited{0};
  /// For how long this client is not read from after the reply, because it is over a quota.
  std::chrono::milliseconds throttle{0};

  /// As long as it lives, time passes that is not the request's own.
  class Waiting {
   public:
    explicit Waiting(RequestContext& context) : context_(context), since_(context.shard.clock().now()) {}
    ~Waiting() { context_.waited += context_.shard.clock().now() - since_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    RequestContext& context_;
    async::TimePoint since_;
  };
  Task<bool> wait(async::Waiter& waiter, async::TimePoint deadline) {
    const Waiting waiting(*this);
    co_return co_await waiter.wait(deadline);
  }
  metadata::ImagePtr image() const { return services.cache.image(shard); }
  /// Name of the user, as quotas know it.
  std::string user() const { return std::string(principal.name.substr(principal.name.find(':') + 1)); }
  Task<> charge(QuotaKind kind, double amount) { throttle = std::max(throttle, co_await services.quotas.charge(image(), kind, user(), client_id, amount)); }
  /// False: the client is over its controller_mutation_rate. Clients below `strict_since` are let through and throttled.
  Task<bool> may_mutate(std::size_t partitions, std::int16_t strict_since) {
    const auto wait = co_await services.quotas.admit_mutations(image(), user(), client_id, static_cast<double>(partitions));
    throttle = std::max(throttle, wait);
    co_return wait.count() == 0 || version < strict_since;
  }
  bool allowed(Operation operation, Resource resource, std::string_view name) const { return services.authorizer.allows(principal, operation, resource, name); }
};

}  // namespace meridian::server
