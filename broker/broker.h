// Broker: the composition root. Builds the services in order and stops them in reverse. Everything that touches the world comes
// in through the seams, so that the simulator runs the same broker.
#pragma once

#include <memory>
#include <optional>

#include "broker/admin/admin.h"
#include "broker/metadata/metadata_service.h"
#include "broker/server/server.h"

namespace meridian::broker {

class CoordinatorPartitions;
class DeletedTopics;
class Markers;

struct Seams {
  async::Clock& clock;
  io::Disk& disk;
  io::Network& network;
  base::Random& random;
  /// Opens the metadata store; called once, blocks.
  std::function<Result<std::unique_ptr<metadata::MetaStore>>(const std::string& data_directory, async::Shard& control)> open_store;
  /// Every log directory has failed: nothing can be served any more. On the control shard; may be empty.
  std::function<void()> storage_failed = {};
};

class Broker {
 public:
  /// `shards[0]` is the control shard.
  Broker(Seams seams, config::Settings settings, std::vector<async::Shard*> shards);
  ~Broker();

  /// Ready to answer requests when it returns. Runs on the control shard.
  Task<Status> start();
  /// Clean shutdown: every reply that can be given is given, everything is on stable storage. Runs on the control shard.
  Task<Status> stop();

  io::Endpoint kafka_endpoint() const { return kafka_endpoint_; }
  io::Endpoint admin_endpoint() const { return admin_endpoint_; }

 private:
  coordinator::group::CoordinatorOptions group_options() const;
  coordinator::transaction::CoordinatorOptions transaction_options() const;
  coordinator::share::ShareCoordinatorOptions share_options() const;
  Task<> start_coordinators();
  Task<Result<std::int64_t>> allocate_producer_id();

  Seams seams_;
  config::Settings settings_;
  std::vector<async::Shard*> shards_;
  metrics::Registry registry_;
  server::AllowEverybody authorizer_;
  std::unique_ptr<metadata::MetaStore> store_;
  std::unique_ptr<metadata::MetadataService> metadata_;
  std::unique_ptr<replication::ReplicaManager> replicas_;
  std::unique_ptr<DeletedTopics> deleted_topics_;
  std::unique_ptr<CoordinatorPartitions> group_partitions_;
  std::unique_ptr<CoordinatorPartitions> share_state_partitions_;
  std::unique_ptr<coordinator::share::ShareCoordinator> shares_;
  std::unique_ptr<coordinator::group::GroupCoordinator> groups_;
  std::unique_ptr<CoordinatorPartitions> transaction_partitions_;
  std::unique_ptr<Markers> markers_;
  std::unique_ptr<coordinator::transaction::TransactionCoordinator> transactions_;
  std::unique_ptr<server::MetadataCache> cache_;
  std::unique_ptr<server::Quotas> quotas_;
  std::unique_ptr<server::Telemetry> telemetry_;
  std::unique_ptr<server::SharePartitions> share_partitions_;
  server::ShareSessions share_sessions_;
  std::optional<server::Services> services_;
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<admin::Admin> admin_;
  io::Endpoint kafka_endpoint_;
  io::Endpoint admin_endpoint_;
};

}  // namespace meridian::broker
