// What joins the coordinators to replication: coordinator::PartitionWriter over the replicas of a coordinator's topic, and the writer of
// transaction markers over the replicas of any topic.
#pragma once

#include "broker/coordinator/group/group_coordinator.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/request_context.h"

namespace meridian::broker {

class CoordinatorPartitions final : public coordinator::PartitionWriter {
 public:
  CoordinatorPartitions(replication::ReplicaManager& replicas, std::string topic) : replicas_(replicas), topic_(std::move(topic)) {}

  async::Shard& home(std::int32_t partition) override { return replicas_.home(topic_, partition); }
  std::int32_t leader_epoch(std::int32_t partition) override;
  Task<Result<Offset>> append(std::int32_t partition, Bytes batch) override;
  Task<std::expected<Offset, kafka::ErrorCode>> append_in_transaction(std::int32_t partition, Bytes batch, std::uint64_t ticket) override;
  std::uint64_t begin_verification(std::int32_t partition, std::int64_t producer_id) override;
  void end_verification(std::int32_t partition, std::int64_t producer_id, std::uint64_t ticket) override;
  Task<Status> replay(std::int32_t partition, Visit visit, VisitMarker visit_marker) override;
  Task<Status> remove_before(std::int32_t partition, Offset offset) override;

 private:
  replication::ReplicaManager& replicas_;
  std::string topic_;
};

/// Tells the group coordinator of deleted topics, once there is one.
class DeletedTopics final : public metadata::MetadataPublisher {
 public:
  void tell(coordinator::group::GroupCoordinator& groups) { groups_ = &groups; }
  Task<> publish(metadata::ImagePtr, metadata::MetadataDelta delta) override {
    std::set<std::string> names;
    for (const auto& topic : delta.removed) names.insert(topic->name);
    if (groups_ && !names.empty()) co_await groups_->topics_deleted(std::move(names));
  }

 private:
  coordinator::group::GroupCoordinator* groups_ = nullptr;
};

class Markers final : public coordinator::transaction::MarkerWriter {
 public:
  using Partitions = std::set<coordinator::transaction::TopicPartition>;
  Markers(replication::ReplicaManager& replicas, server::MetadataCache& cache, std::vector<async::Shard*> shards)
      : replicas_(replicas), cache_(cache), shards_(std::move(shards)) {}
  /// Told of markers in __consumer_offsets. Set before the first write.
  void tell(coordinator::group::GroupCoordinator& groups) { groups_ = &groups; }

  Task<Partitions> write(Partitions partitions, kafka::TransactionMarker marker, kafka::MarkerProducer producer, std::int16_t version) override;
  Task<kafka::ErrorCode> write_one(coordinator::transaction::TopicPartition at, kafka::TransactionMarker marker, kafka::MarkerProducer producer) override;

 private:
  struct Written {
    std::shared_ptr<replication::Replica> replica;  ///< null: nothing to wait for
    Offset end = -1;
    kafka::ErrorCode error = kafka::ErrorCode::none;
  };
  Task<Written> append(coordinator::transaction::TopicPartition at, kafka::TransactionMarker marker, kafka::MarkerProducer producer, bool once);
  Task<kafka::ErrorCode> commit(coordinator::transaction::TopicPartition at, Written written, std::int64_t producer_id, bool committed);
  bool gone(const coordinator::transaction::TopicPartition& at);

  replication::ReplicaManager& replicas_;
  server::MetadataCache& cache_;
  std::vector<async::Shard*> shards_;
  coordinator::group::GroupCoordinator* groups_ = nullptr;
};

}  // namespace meridian::broker
