#include "broker/coordinator_partitions.h"

namespace meridian::broker {
namespace {

using coordinator::transaction::TopicPartition;
using kafka::ErrorCode;

/// How long a write may wait to be committed (Kafka: offsets.commit.timeout.ms).
constexpr auto patience = std::chrono::seconds(5);

}  // namespace

std::int32_t CoordinatorPartitions::leader_epoch(std::int32_t partition) {
  const auto replica = replicas_.find(topic_, partition);
  return replica ? replica->partition().leader_epoch() : 0;
}

Task<Result<Offset>> CoordinatorPartitions::append(std::int32_t partition, Bytes batch) {
  const auto replica = replicas_.find(topic_, partition);
  if (!replica) co_return fail(Errc::not_found, "no such partition");
  const auto appended = replica->append(batch.data(), batch.size());
  if (!appended) co_return fail(Errc::io, appended.error().message);
  if (co_await replica->wait_committed(appended->last_offset + 1, home(partition).clock().now() + patience)) co_return appended->base_offset;
  co_return fail(Errc::timeout, "not committed in time");
}

Task<std::expected<Offset, ErrorCode>> CoordinatorPartitions::append_in_transaction(std::int32_t partition, Bytes batch, std::uint64_t ticket) {
  const auto replica = replicas_.find(topic_, partition);
  if (!replica) co_return std::unexpected(ErrorCode::coordinator_not_available);
  // Offsets of a transaction carry no sequences; the epoch and the open transaction are what counts.
  const auto appended = replica->append(batch.data(), batch.size(), {.ticket = ticket});
  if (!appended) switch (appended.error().code) {
      case storage::AppendError::invalid_producer_epoch: co_return std::unexpected(ErrorCode::invalid_producer_epoch);
      case storage::AppendError::invalid_txn_state: co_return std::unexpected(ErrorCode::invalid_txn_state);
      case storage::AppendError::too_large: co_return std::unexpected(ErrorCode::invalid_commit_offset_size);
      default: co_return std::unexpected(ErrorCode::coordinator_not_available);
    }
  if (co_await replica->wait_committed(appended->last_offset + 1, home(partition).clock().now() + patience)) co_return appended->base_offset;
  co_return std::unexpected(ErrorCode::request_timed_out);
}

std::uint64_t CoordinatorPartitions::begin_verification(std::int32_t partition, std::int64_t producer_id) {
  const auto replica = replicas_.find(topic_, partition);
  return replica ? replica->log().producer_state().begin_verification(producer_id) : 0;
}

void CoordinatorPartitions::end_verification(std::int32_t partition, std::int64_t producer_id, std::uint64_t ticket) {
  if (const auto replica = replicas_.find(topic_, partition)) replica->log().producer_state().end_verification(producer_id, ticket);
}

Task<Status> CoordinatorPartitions::replay(std::int32_t partition, Visit visit, VisitMarker visit_marker) {
  const auto replica = replicas_.find(topic_, partition);
  if (!replica) co_return fail(Errc::not_found, "no such partition");
  constexpr std::size_t chunk_bytes = 1u << 20;
  auto& log = replica->log();
  const Offset end = log.end_offset();
  for (Offset at = log.start_offset(); at < end;) {
    const auto read = log.read(at, end, chunk_bytes, true);
    if (!read) co_return fail(read.error());
    if (read->size == 0) break;
    for (const auto& slice : read->slices) {
      Bytes bytes(slice.size, '\0');
      if (const auto n = slice.file->read(slice.position, bytes.data(), bytes.size()); !n) co_return fail(n.error());
      for (ByteView rest = bytes; !rest.empty();) {
        const auto header = kafka::parse_batch_header(rest);
        if (!header) co_return fail(header.error());
        const ByteView batch = rest.substr(0, static_cast<std::size_t>(header->size));
        if (header->control()) {
          const auto marker = kafka::parse_marker(batch);
          if (!marker) co_return fail(marker.error());
          if (*marker) visit_marker(*header, **marker);
        } else if (const auto done = kafka::for_each_record(batch,
                                                            [&](const kafka::RecordView& record) {
                                                              visit(*header, record);
                                                              return true;
                                                            });
                   !done) {
          co_return fail(done.error());
        }
        rest.remove_prefix(static_cast<std::size_t>(header->size));
      }
    }
    at = read->next_offset;
  }
  co_return Status{};
}

Task<Status> CoordinatorPartitions::remove_before(std::int32_t partition, Offset offset) {
  const auto [error, start] = co_await replicas_.delete_records(topic_, partition, offset);
  if (error != ErrorCode::none) co_return fail(Errc::io, std::string(kafka::error_name(error)));
  co_return Status{};
}

// The proof that a marker is not needed: the metadata does not have the partition any more. A partition that is merely not open is no proof.
bool Markers::gone(const TopicPartition& at) {
  for (auto* shard : shards_)
    if (shard->is_current()) return cache_.image(*shard)->partition(at.topic, at.partition) == nullptr;
  return false;
}

// On the partition's home shard. `once`: not again where the marker is already.
Task<Markers::Written> Markers::append(TopicPartition at, kafka::TransactionMarker marker, kafka::MarkerProducer producer, bool once) {
  const auto replica = replicas_.find(at.topic, at.partition);
  if (!replica) co_return Written{nullptr, -1, gone(at) ? ErrorCode::unknown_topic_or_partition : ErrorCode::not_leader_or_follower};
  if (!replica->partition().leads()) co_return Written{nullptr, -1, ErrorCode::not_leader_or_follower};
  const auto& known = replica->log().producer_state().producers();
  const auto it = known.find(producer.id);
  if (once && it != known.end() && it->second.epoch == producer.epoch && it->second.transaction_start < 0)
    co_return Written{replica, replica->log().end_offset(), ErrorCode::none};
  const auto appended = replica->append_marker(marker, producer);
  if (appended) co_return Written{replica, appended->last_offset + 1, ErrorCode::none};
  co_return Written{nullptr, -1,
                    appended.error().code == storage::AppendError::invalid_producer_epoch ? ErrorCode::invalid_producer_epoch : ErrorCode::kafka_storage_error};
}

Task<ErrorCode> Markers::commit(TopicPartition at, Written written, std::int64_t producer_id, bool committed) {
  if (written.error != ErrorCode::none) co_return written.error;
  if (!co_await written.replica->wait_committed(written.end, replicas_.home(at.topic, at.partition).clock().now() + patience))
    co_return ErrorCode::request_timed_out;
  if (at.topic == server::offsets_topic && groups_) co_await groups_->transaction_ended(at.partition, producer_id, committed);
  co_return ErrorCode::none;
}

Task<Markers::Partitions> Markers::write(Partitions partitions, kafka::TransactionMarker marker, kafka::MarkerProducer producer, std::int16_t version) {
  // All appends before the first wait: one sync serves those that share a log.
  std::vector<std::pair<TopicPartition, Written>> written;
  for (const auto& at : partitions)
    written.emplace_back(at, co_await async::on(replicas_.home(at.topic, at.partition), append(at, marker, producer, version >= 2)));
  Partitions left;
  for (auto& [at, result] : written) {
    const auto error = co_await async::on(replicas_.home(at.topic, at.partition), commit(at, std::move(result), producer.id, marker.commit));
    // A newer epoch is there: a later transaction of this producer has been ended already, and this one with it.
    if (error != ErrorCode::none && error != ErrorCode::unknown_topic_or_partition && error != ErrorCode::invalid_producer_epoch) left.insert(at);
  }
  co_return left;
}

Task<ErrorCode> Markers::write_one(TopicPartition at, kafka::TransactionMarker marker, kafka::MarkerProducer producer) {
  auto& home = replicas_.home(at.topic, at.partition);
  auto written = co_await async::on(home, append(at, marker, producer, false));
  co_return co_await async::on(home, commit(at, std::move(written), producer.id, marker.commit));
}

}  // namespace meridian::broker
