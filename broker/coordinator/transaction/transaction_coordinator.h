// TransactionCoordinator: the transactional ids of this broker. Holds their state in memory, keeps it in __transaction_state through
// PartitionWriter, and writes the markers that end a transaction through MarkerWriter.
//
// A transactional id lives on the home shard of its partition; every public call may come from any shard. One write per id is under way at a
// time; whoever comes meanwhile waits a moment and is then told CONCURRENT_TRANSACTIONS.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "broker/coordinator/partition_writer.h"
#include "broker/coordinator/transaction/transaction.h"
#include "common/async/gate.h"
#include "common/kafka/messages/all.h"

namespace meridian::coordinator::transaction {

/// Ends transactions in their partitions. Implemented in broker/coordinator_partitions.cc.
class MarkerWriter {
 public:
  virtual ~MarkerWriter() = default;
  /// Writes a marker to each partition and returns when all are committed; the result is those where it has to be tried again. A partition is
  /// left out only on proof that its topic is gone. Under `version` 2 a partition that has the marker's epoch already is not written again.
  virtual Task<std::set<TopicPartition>> write(std::set<TopicPartition> partitions, kafka::TransactionMarker marker, kafka::MarkerProducer producer,
                                               std::int16_t version) = 0;
  /// One partition, with the error that a client is told (WriteTxnMarkers).
  virtual Task<ErrorCode> write_one(TopicPartition at, kafka::TransactionMarker marker, kafka::MarkerProducer producer) = 0;
};

struct CoordinatorOptions {
  std::int32_t partition_count = 50;
  std::int32_t timeout_max_ms = 900'000;                         ///< transaction.max.timeout.ms
  std::chrono::milliseconds timeout_check_interval{10'000};      ///< transaction.abort.timed.out.transaction.cleanup.interval.ms
  std::chrono::milliseconds expiration{7LL * 24 * 3600 * 1000};  ///< transactional.id.expiration.ms
  std::chrono::milliseconds expiration_check_interval{3600'000};
};

class TransactionCoordinator {
 public:
  using AllocateProducerId = std::function<Task<Result<std::int64_t>>()>;
  TransactionCoordinator(PartitionWriter& writer, MarkerWriter& markers, AllocateProducerId allocate, std::vector<async::Shard*> shards,
                         CoordinatorOptions options);
  ~TransactionCoordinator();

  void start();
  Task<> stop();
  /// Reads every partition of the topic; called once it exists. Transactions that were being ended are ended.
  Task<> load();

  Task<kafka::InitProducerIdResponse> init_producer(kafka::InitProducerIdRequest request);
  Task<ErrorCode> add_partitions(std::string transactional_id, Producer producer, std::set<TopicPartition> partitions, std::int16_t client_version);
  /// Are they part of the open transaction? One answer each.
  Task<std::map<TopicPartition, ErrorCode>> verify(std::string transactional_id, Producer producer, std::set<TopicPartition> partitions);
  Task<std::pair<ErrorCode, Producer>> end(std::string transactional_id, Producer producer, bool commit, std::int16_t client_version);
  Task<kafka::DescribeTransactionsResponseTransactionState> describe(std::string transactional_id);
  struct Listed {
    std::string transactional_id;
    std::int64_t producer_id;
    State state;
    std::int64_t started_ms;
  };
  Task<std::vector<Listed>> list();

 private:
  struct Entry {
    std::optional<Transaction> transaction;  ///< none until the first InitProducerId is written
    bool busy = false;                       ///< a write or a completion is under way
    std::vector<async::Waiter*> waiting;
  };
  struct Partition {
    enum class Load { none, loading, loaded } load = Load::none;
    std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries;
  };
  struct PerShard {
    explicit PerShard(async::Shard& home) : shard(home), gate(home.context(), home.clock()), timer(home.context(), home.clock()) {}
    async::Shard& shard;
    async::Gate gate;
    async::Waiter timer;
  };

  std::int32_t index(std::string_view id) const { return partition_of(id, options_.partition_count); }
  async::Shard& home(std::string_view id) { return writer_.home(index(id)); }
  PerShard& per_shard(const async::Shard& shard) { return *per_shard_[static_cast<std::size_t>(shard.id())]; }
  Partition& partition(std::string_view id) { return partitions_[static_cast<std::size_t>(index(id))]; }

  Task<ErrorCode> ready(std::string id);
  std::shared_ptr<Entry> find(std::string_view id);
  Task<std::shared_ptr<Entry>> find_idle(std::string id);
  Task<ErrorCode> write(std::string id, std::shared_ptr<Entry> entry, Transaction next);
  Task<> complete(std::string id, std::shared_ptr<Entry> entry);
  void start_completion(const std::string& id, const std::shared_ptr<Entry>& entry);
  void release(Entry& entry);
  Task<> load_partition(std::int32_t index);
  Task<> timeout_loop(PerShard& home);
  Task<> expiration_loop(PerShard& home);

  Task<kafka::InitProducerIdResponse> init_home(kafka::InitProducerIdRequest request);
  Task<ErrorCode> add_home(std::string id, Producer producer, std::set<TopicPartition> partitions, std::int16_t client_version);
  Task<std::map<TopicPartition, ErrorCode>> verify_home(std::string id, Producer producer, std::set<TopicPartition> partitions);
  Task<std::pair<ErrorCode, Producer>> end_home(std::string id, Producer producer, bool commit, std::int16_t client_version);
  Task<kafka::DescribeTransactionsResponseTransactionState> describe_home(std::string id);

  PartitionWriter& writer_;
  MarkerWriter& markers_;
  AllocateProducerId allocate_;
  std::vector<async::Shard*> shards_;
  CoordinatorOptions options_;
  std::vector<Partition> partitions_;
  std::vector<std::unique_ptr<PerShard>> per_shard_;
  std::atomic<bool> stopped_{false};  ///< read on every shard
};

}  // namespace meridian::coordinator::transaction
