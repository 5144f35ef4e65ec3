#include "tests/simulation/transactions.h"

#include <algorithm>

namespace meridian::simulation {
namespace {

using kafka::ErrorCode;
const std::string topic = "x";
constexpr std::int8_t transaction_key = 1;
constexpr std::int16_t transactional = 16;

bool again(ErrorCode error) { return kafka::is_retriable(error) || error == ErrorCode::concurrent_transactions; }

}  // namespace

Task<> Transactions::init(client::Cluster& at, Producer& producer) {
  for (;;) {
    auto coordinator = co_await at.coordinator(producer.id, transaction_key, soon());
    if (coordinator) {
      auto made = co_await (*coordinator)->call(kafka::InitProducerIdRequest{.transactional_id = producer.id, .transaction_timeout_ms = 5000}, soon());
      if (made && made->error_code == ErrorCode::none) {
        producer.producer_id = made->producer_id;
        producer.epoch = made->producer_epoch;
        producer.sequence[0] = producer.sequence[1] = 0;
        co_return;
      }
    }
    at.invalidate();
    co_await breath();
  }
}

Task<bool> Transactions::enrol(client::Cluster& at, Producer& producer) {
  constexpr std::int16_t clients_version_max = 3;
  for (;;) {
    auto coordinator = co_await at.coordinator(producer.id, transaction_key, soon());
    if (coordinator) {
      kafka::AddPartitionsToTxnRequest request;
      request.transactional_id = producer.id;
      request.producer_id = producer.producer_id;
      request.producer_epoch = producer.epoch;
      request.topics = {{topic, {0, 1}}};
      auto added = co_await (*coordinator)->call(request, soon(), clients_version_max);
      if (added && !added->topics.empty()) {
        const auto error = added->topics[0].partitions.at(0).error_code;
        if (error == ErrorCode::none) co_return true;
        if (!again(error)) co_return false;
      }
    }
    at.invalidate();
    co_await breath();
  }
}

Task<bool> Transactions::send(client::Cluster& at, Producer& producer, std::int32_t partition, std::string value) {
  kafka::BatchBuilder builder;
  builder.add(clock_.wall_ms(), "k", value);
  const auto bytes = builder.finish({.producer_id = producer.producer_id,
                                     .producer_epoch = producer.epoch,
                                     .base_sequence = producer.sequence[partition],
                                     .extra_attributes = transactional});
  for (;;) {
    auto leader = co_await at.leader(topic, partition, soon());
    if (leader) {
      kafka::ProduceRequest request;
      request.transactional_id = producer.id;
      request.acks = -1;
      request.timeout_ms = 1000;
      kafka::ProduceRequestPartition entry;
      entry.index = partition;
      Bytes copy = *bytes;
      entry.records.view = copy;
      request.topics = {{topic, {}, {entry}}};
      auto done = co_await (*leader)->call(std::move(request), soon(), producer.second ? 12 : 11);
      if (done && !done->topics.empty()) {
        const auto error = done->topics[0].partitions.at(0).error_code;
        if (error == ErrorCode::none) {
          ++producer.sequence[partition];
          co_return true;
        }
        if (!again(error)) co_return false;
      }
    }
    at.invalidate();
    co_await breath();
  }
}

Task<bool> Transactions::end(client::Cluster& at, Producer& producer, bool commit) {
  for (;;) {
    auto coordinator = co_await at.coordinator(producer.id, transaction_key, soon());
    if (coordinator) {
      kafka::EndTxnRequest request;
      request.transactional_id = producer.id;
      request.producer_id = producer.producer_id;
      request.producer_epoch = producer.epoch;
      request.committed = commit;
      auto ended = co_await (*coordinator)->call(request, soon(), producer.second ? 5 : 4);
      if (ended && ended->error_code == ErrorCode::none) {
        if (producer.second) {
          producer.producer_id = ended->producer_id;
          producer.epoch = ended->producer_epoch;
          producer.sequence[0] = producer.sequence[1] = 0;
        }
        co_return true;
      }
      if (ended && !again(ended->error_code)) co_return false;
    }
    at.invalidate();
    co_await breath();
  }
}

Task<> Transactions::run(client::Cluster& at, int self) {
  while (!co_await client::create_topic(at, {.name = topic, .partitions = 2}, soon())) co_await breath();
  Producer producer{.id = "tx" + std::to_string(self), .second = self % 2 == 1};
  co_await init(at, producer);
  for (int n = 0; !stopping_; ++n) {
    const std::string value = producer.id + "-" + std::to_string(n);
    const bool commit = !random_.one_in(3);
    outcomes_[value] = Outcome::unknown;
    bool good = producer.second || co_await enrol(at, producer);
    for (std::int32_t partition = 0; good && partition < 2; ++partition) good = co_await send(at, producer, partition, value);
    if (good && random_.one_in(10)) good = false;  // the client dies and comes back: its successor shuts it out
    if (good) good = co_await end(at, producer, commit);
    if (good) outcomes_[value] = commit ? Outcome::committed : Outcome::aborted;
    else co_await init(at, producer);
    if (random_.one_in(3)) co_await breath();
  }
  co_await at.stop();
}

// Everything that a read_committed consumer sees, once the last stable offset has come to the end.
Task<std::optional<std::string>> Transactions::read(client::Cluster& at, std::int32_t partition) {
  const auto deadline = clock_.now() + std::chrono::seconds(60);
  Offset next = 0;
  while (clock_.now() < deadline) {
    auto leader = co_await at.leader(topic, partition, soon());
    if (!leader) continue;
    kafka::FetchRequest request;
    request.max_wait_ms = 100;
    request.min_bytes = 1;
    request.isolation_level = 1;
    request.session_epoch = -1;
    kafka::FetchRequestPartition entry;
    entry.partition = partition;
    entry.fetch_offset = next;
    entry.partition_max_bytes = 1 << 20;
    request.topics = {{topic, {}, {entry}}};
    auto got = co_await (*leader)->call(std::move(request), soon(), 11);
    if (!got || got->topics.empty()) continue;
    const auto& result = got->topics[0].partitions.at(0);
    if (result.error_code != ErrorCode::none) co_return "read_committed: " + std::string(kafka::error_name(result.error_code));
    for (ByteView rest = result.records.view; !rest.empty();) {
      const auto header = kafka::parse_batch_header(rest);
      if (!header || static_cast<std::size_t>(header->size) > rest.size()) break;
      const auto& aborted = result.aborted_transactions;
      // Aborted from the transaction's first offset on, until its marker.
      const bool hidden = header->control() || std::ranges::any_of(*aborted, [&](const auto& entry_of) {
                            if (entry_of.producer_id != header->producer_id || entry_of.first_offset > header->base_offset) return false;
                            for (ByteView between = result.records.view; !between.empty();) {
                              const auto other = kafka::parse_batch_header(between);
                              if (!other || other->base_offset >= header->base_offset) return true;
                              if (other->control() && other->producer_id == header->producer_id && other->base_offset > entry_of.first_offset) return false;
                              between.remove_prefix(static_cast<std::size_t>(other->size));
                            }
                            return true;
                          });
      if (!hidden)
        (void)kafka::for_each_record(rest, [&](const kafka::RecordView& record) {
          if (record.offset >= next) ++seen_[partition][std::string(*record.value)];
          return true;
        });
      next = std::max(next, header->next_offset());
      rest.remove_prefix(static_cast<std::size_t>(header->size));
    }
    if (result.last_stable_offset == result.high_watermark && next >= result.high_watermark) co_return std::nullopt;
  }
  co_return "a transaction hangs: the last stable offset of partition " + std::to_string(partition) + " does not reach the end";
}

Task<std::vector<std::string>> Transactions::check(client::Cluster& at) {
  std::vector<std::string> problems;
  for (std::int32_t partition = 0; partition < 2; ++partition)
    if (auto problem = co_await read(at, partition)) problems.push_back(std::move(*problem));
  for (const auto& [value, outcome] : outcomes_) {
    const int first = seen_[0][value], second = seen_[1][value];
    if (first > 1 || second > 1) problems.push_back("duplicate: " + value);
    if (first != second) problems.push_back("half a transaction: " + value);
    if (outcome == Outcome::committed && first == 0) problems.push_back("lost-write: " + value + " was committed");
    if (outcome == Outcome::aborted && first > 0) problems.push_back("G1a: " + value + " was aborted and is read");
  }
  co_return problems;
}

}  // namespace meridian::simulation
