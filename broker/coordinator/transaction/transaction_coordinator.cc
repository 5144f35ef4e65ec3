#include "broker/coordinator/transaction/transaction_coordinator.h"

#include <boost/asio/post.hpp>

#include "common/base/log.h"

namespace meridian::coordinator::transaction {
namespace {

/// How long a request waits for the write or completion that is under way before it is told to come again.
constexpr auto patience = std::chrono::milliseconds(500);
/// Pause between attempts to write what could not be written.
constexpr auto retry_pause = std::chrono::milliseconds(500);

}  // namespace

TransactionCoordinator::TransactionCoordinator(PartitionWriter& writer, MarkerWriter& markers, AllocateProducerId allocate, std::vector<async::Shard*> shards,
                                               CoordinatorOptions options)
    : writer_(writer),
      markers_(markers),
      allocate_(std::move(allocate)),
      shards_(std::move(shards)),
      options_(options),
      partitions_(static_cast<std::size_t>(options.partition_count)) {
  for (auto* shard : shards_) per_shard_.push_back(std::make_unique<PerShard>(*shard));
}

TransactionCoordinator::~TransactionCoordinator() = default;

void TransactionCoordinator::start() {
  for (auto& home : per_shard_)
    boost::asio::post(home->shard.context(), [this, &at = *home] {
      at.gate.spawn(timeout_loop(at), "transaction timeouts");
      at.gate.spawn(expiration_loop(at), "transactional id expiration");
    });
}

Task<> TransactionCoordinator::stop() {
  stopped_ = true;
  for (auto& home : per_shard_)
    co_await async::on(home->shard, [](TransactionCoordinator& self, PerShard& at) -> Task<> {
      for (std::size_t i = 0; i < self.partitions_.size(); ++i)
        if (&self.writer_.home(static_cast<std::int32_t>(i)) == &at.shard)
          for (auto& [id, entry] : self.partitions_[i].entries)
            for (auto* waiter : entry->waiting) waiter->wake();
      at.timer.wake();
      co_await at.gate.close();
    }(*this, *home));
}

Task<> TransactionCoordinator::load() {
  for (std::int32_t i = 0; i < options_.partition_count; ++i) co_await async::on(writer_.home(i), load_partition(i));
}

Task<> TransactionCoordinator::load_partition(std::int32_t i) {
  Partition& at = partitions_[static_cast<std::size_t>(i)];
  if (at.load != Partition::Load::none) co_return;
  at.load = Partition::Load::loading;
  const auto visit = [&at, i](const kafka::BatchHeader&, const kafka::RecordView& view) {
    auto record = decode_transaction(view);
    auto transaction = !record ? fail(record.error()) : record->value ? decode(*record->value) : Result<Transaction>(Transaction{});
    if (!transaction) return log::warn("__transaction_state-{} offset {}: {}", i, view.offset, transaction.error().message);
    if (!record->value) return void(at.entries.erase(record->transactional_id));
    auto& entry = at.entries[record->transactional_id];
    if (!entry) entry = std::make_shared<Entry>();
    entry->transaction = std::move(*transaction);
  };
  const auto done = co_await writer_.replay(i, visit, [](const kafka::BatchHeader&, const kafka::TransactionMarker&) {});
  if (!done) {
    at.load = Partition::Load::none;
    at.entries.clear();
    if (done.error().code != Errc::not_found) log::warn("__transaction_state-{} cannot be loaded: {}", i, done.error().message);
    co_return;
  }
  at.load = Partition::Load::loaded;
  for (auto& [id, entry] : at.entries)
    if (entry->transaction->preparing()) start_completion(id, entry);
}

// On the home shard. Loads the partition on first use.
Task<ErrorCode> TransactionCoordinator::ready(std::string id) {
  if (stopped_) co_return ErrorCode::coordinator_not_available;
  Partition& at = partition(id);
  if (at.load == Partition::Load::none) co_await load_partition(index(id));
  if (at.load == Partition::Load::loading) co_return ErrorCode::coordinator_load_in_progress;
  co_return at.load == Partition::Load::loaded ? ErrorCode::none : ErrorCode::not_coordinator;
}

std::shared_ptr<TransactionCoordinator::Entry> TransactionCoordinator::find(std::string_view id) {
  auto& entries = partition(id).entries;
  const auto it = entries.find(id);
  return it == entries.end() ? nullptr : it->second;
}

// The entry once nothing is under way for it, or as it is when that takes too long.
Task<std::shared_ptr<TransactionCoordinator::Entry>> TransactionCoordinator::find_idle(std::string id) {
  auto& shard = home(id);
  const auto deadline = shard.clock().now() + patience;
  for (;;) {
    auto entry = find(id);
    if (!entry || !entry->busy || stopped_ || shard.clock().now() >= deadline) co_return entry;
    async::Waiter waiter(shard.context(), shard.clock());
    entry->waiting.push_back(&waiter);
    co_await waiter.wait(deadline);
    std::erase(entry->waiting, &waiter);
  }
}

void TransactionCoordinator::release(Entry& entry) {
  entry.busy = false;
  for (auto* waiter : entry.waiting) waiter->wake();
}

// Writes the next state and takes it over. The entry is the caller's (busy) until release().
Task<ErrorCode> TransactionCoordinator::write(std::string id, std::shared_ptr<Entry> entry, Transaction next) {
  kafka::BatchBuilder batch;
  add_transaction(batch, next.updated_ms, {id, encode(next)});
  const auto done = co_await writer_.write(index(id), std::move(batch));
  if (!done) {
    // Perhaps it is in the log all the same; what is written next follows it there and overrules it.
    log::warn("transaction {}: state {} not written: {}", id, state_name(next.state), done.error().message);
    co_return ErrorCode::coordinator_not_available;
  }
  entry->transaction = std::move(next);
  co_return ErrorCode::none;
}

void TransactionCoordinator::start_completion(const std::string& id, const std::shared_ptr<Entry>& entry) {
  entry->busy = true;
  per_shard(home(id)).gate.spawn(complete(id, entry), "transaction completion");
}

// From a prepared state to a complete one: markers everywhere, then the record that says so. Goes on until it is done: what was prepared has
// been promised.
Task<> TransactionCoordinator::complete(std::string id, std::shared_ptr<Entry> entry) {
  auto& shard = home(id);
  const Transaction& prepared = *entry->transaction;
  const kafka::TransactionMarker marker{.commit = prepared.state == State::prepare_commit, .coordinator_epoch = writer_.leader_epoch(index(id))};
  auto left = prepared.partitions;
  while (!stopped_ && !left.empty()) {
    left = co_await markers_.write(std::move(left), marker, {prepared.producer.id, prepared.producer.epoch}, prepared.client_version);
    if (left.empty()) break;
    log::warn("transaction {}: {} partitions without their marker yet, first {}-{}", id, left.size(), left.begin()->topic, left.begin()->partition);
    co_await async::sleep_for(shard.context(), shard.clock(), retry_pause);
  }
  while (!stopped_ && co_await write(id, entry, transaction::complete(*entry->transaction, shard.clock().wall_ms())) != ErrorCode::none)
    co_await async::sleep_for(shard.context(), shard.clock(), retry_pause);
  release(*entry);
}

Task<kafka::InitProducerIdResponse> TransactionCoordinator::init_producer(kafka::InitProducerIdRequest request) {
  auto& at = home(*request.transactional_id);
  co_return co_await async::on(at, init_home(std::move(request)));
}

Task<kafka::InitProducerIdResponse> TransactionCoordinator::init_home(kafka::InitProducerIdRequest request) {
  const std::string id = *request.transactional_id;
  kafka::InitProducerIdResponse response;
  response.error_code = id.empty() ? ErrorCode::invalid_request : co_await ready(id);
  if (response.error_code == ErrorCode::none && (request.transaction_timeout_ms <= 0 || request.transaction_timeout_ms > options_.timeout_max_ms))
    response.error_code = ErrorCode::invalid_transaction_timeout;
  if (response.error_code != ErrorCode::none) co_return response;

  auto entry = co_await find_idle(id);
  std::int64_t fresh_id = -1;
  if (!entry || !entry->transaction || entry->transaction->exhausted()) {
    const auto allocated = co_await allocate_();
    if (!allocated) {
      response.error_code = ErrorCode::coordinator_not_available;
      co_return response;
    }
    fresh_id = *allocated;
    entry = co_await find_idle(id);
  }
  if (!entry) {
    auto& slot = partition(id).entries[id];
    if (!slot) slot = std::make_shared<Entry>();
    entry = slot;
  }
  const auto now_ms = home(id).clock().wall_ms();
  const Transaction* present = entry->transaction ? &*entry->transaction : nullptr;
  auto decision = entry->busy
                      ? Decision::refuse(ErrorCode::concurrent_transactions)
                      : transaction::init_producer(present, {request.producer_id, request.producer_epoch}, fresh_id, request.transaction_timeout_ms, now_ms);
  response.error_code = decision.error;
  if (decision.next) {
    entry->busy = true;
    const auto written = co_await write(id, entry, std::move(*decision.next));
    if (written != ErrorCode::none) response.error_code = written;
    if (entry->transaction && entry->transaction->preparing()) start_completion(id, entry);
    else release(*entry);
  }
  if (response.error_code != ErrorCode::none) co_return response;
  response.producer_id = decision.answer.id;
  response.producer_epoch = decision.answer.epoch;
  co_return response;
}

Task<ErrorCode> TransactionCoordinator::add_partitions(std::string transactional_id, Producer producer, std::set<TopicPartition> partitions,
                                                       std::int16_t client_version) {
  auto& at = home(transactional_id);
  co_return co_await async::on(at, add_home(std::move(transactional_id), producer, std::move(partitions), client_version));
}

Task<ErrorCode> TransactionCoordinator::add_home(std::string id, Producer producer, std::set<TopicPartition> partitions, std::int16_t client_version) {
  if (id.empty()) co_return ErrorCode::invalid_request;
  if (const auto error = co_await ready(id); error != ErrorCode::none) co_return error;
  const auto entry = co_await find_idle(id);
  const Transaction* present = entry && entry->transaction ? &*entry->transaction : nullptr;
  if (entry && entry->busy) co_return ErrorCode::concurrent_transactions;
  auto decision = transaction::add_partitions(present, producer, partitions, client_version, home(id).clock().wall_ms());
  if (!decision.next) co_return decision.error;
  entry->busy = true;
  const auto written = co_await write(id, entry, std::move(*decision.next));
  release(*entry);
  co_return written;
}

Task<std::map<TopicPartition, ErrorCode>> TransactionCoordinator::verify(std::string transactional_id, Producer producer, std::set<TopicPartition> partitions) {
  auto& at = home(transactional_id);
  co_return co_await async::on(at, verify_home(std::move(transactional_id), producer, std::move(partitions)));
}

Task<std::map<TopicPartition, ErrorCode>> TransactionCoordinator::verify_home(std::string id, Producer producer, std::set<TopicPartition> partitions) {
  std::map<TopicPartition, ErrorCode> answers;
  const auto error = id.empty() ? ErrorCode::invalid_request : co_await ready(id);
  const auto entry = error == ErrorCode::none ? co_await find_idle(id) : nullptr;
  const Transaction* present = entry && entry->transaction ? &*entry->transaction : nullptr;
  for (const auto& partition : partitions)
    answers[partition] = error != ErrorCode::none ? error
                         : entry && entry->busy   ? ErrorCode::concurrent_transactions
                                                  : verify_partition(present, producer, partition);
  co_return answers;
}

Task<std::pair<ErrorCode, Producer>> TransactionCoordinator::end(std::string transactional_id, Producer producer, bool commit, std::int16_t client_version) {
  auto& at = home(transactional_id);
  co_return co_await async::on(at, end_home(std::move(transactional_id), producer, commit, client_version));
}

Task<std::pair<ErrorCode, Producer>> TransactionCoordinator::end_home(std::string id, Producer producer, bool commit, std::int16_t client_version) {
  const auto error = id.empty() ? ErrorCode::invalid_request : co_await ready(id);
  if (error != ErrorCode::none) co_return std::pair{error, Producer{}};
  auto entry = co_await find_idle(id);
  std::int64_t fresh_id = -1;
  if (client_version >= 2 && entry && entry->transaction && entry->transaction->exhausted()) {
    const auto allocated = co_await allocate_();
    if (!allocated) co_return std::pair{ErrorCode::coordinator_not_available, Producer{}};
    fresh_id = *allocated;
    entry = co_await find_idle(id);
  }
  const Transaction* present = entry && entry->transaction ? &*entry->transaction : nullptr;
  if (entry && entry->busy) co_return std::pair{ErrorCode::concurrent_transactions, Producer{}};
  auto decision = end_transaction(present, producer, commit, client_version, fresh_id, home(id).clock().wall_ms());
  if (!decision.next) co_return std::pair{decision.error, decision.answer};
  entry->busy = true;
  const auto written = co_await write(id, entry, std::move(*decision.next));
  if (written == ErrorCode::none) start_completion(id, entry);
  else release(*entry);
  co_return std::pair{written, decision.answer};
}

Task<kafka::DescribeTransactionsResponseTransactionState> TransactionCoordinator::describe(std::string transactional_id) {
  auto& at = home(transactional_id);
  co_return co_await async::on(at, describe_home(std::move(transactional_id)));
}

Task<kafka::DescribeTransactionsResponseTransactionState> TransactionCoordinator::describe_home(std::string id) {
  kafka::DescribeTransactionsResponseTransactionState out;
  out.transactional_id = id;
  out.error_code = id.empty() ? ErrorCode::invalid_request : co_await ready(id);
  if (out.error_code != ErrorCode::none) co_return out;
  const auto entry = find(id);
  if (!entry || !entry->transaction) {
    out.error_code = ErrorCode::transactional_id_not_found;
    co_return out;
  }
  const Transaction& transaction = *entry->transaction;
  out.transaction_state = state_name(transaction.state);
  out.transaction_timeout_ms = transaction.timeout_ms;
  out.transaction_start_time_ms = transaction.started_ms;
  out.producer_id = transaction.producer.id;
  out.producer_epoch = transaction.producer.epoch;
  for (const auto& [topic, partition] : transaction.partitions) {
    if (out.topics.empty() || out.topics.back().topic != topic) out.topics.push_back({topic, {}});
    out.topics.back().partitions.push_back(partition);
  }
  co_return out;
}

Task<std::vector<TransactionCoordinator::Listed>> TransactionCoordinator::list() {
  std::vector<Listed> out;
  for (std::int32_t i = 0; i < options_.partition_count; ++i)
    co_await async::on(writer_.home(i), [](Partition& at, std::vector<Listed>& to) -> Task<> {
      for (const auto& [id, entry] : at.entries)
        if (entry->transaction) to.push_back({id, entry->transaction->producer.id, entry->transaction->state, entry->transaction->started_ms});
      co_return;
    }(partitions_[static_cast<std::size_t>(i)], out));
  co_return out;
}

// Aborts transactions that have been open for longer than their client allowed.
Task<> TransactionCoordinator::timeout_loop(PerShard& home) {
  auto& clock = home.shard.clock();
  while (!home.gate.closed() && !stopped_ && !co_await home.timer.wait(clock.now() + options_.timeout_check_interval)) {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (&writer_.home(static_cast<std::int32_t>(i)) != &home.shard || partitions_[i].load != Partition::Load::loaded) continue;
      const auto entries = partitions_[i].entries;
      for (const auto& [id, entry] : entries) {
        if (stopped_ || entry->busy || !entry->transaction || !entry->transaction->timed_out(clock.wall_ms())) continue;
        log::info("transaction {} is aborted: open for longer than its {} ms", id, entry->transaction->timeout_ms);
        entry->busy = true;
        auto decision = fence(*entry->transaction, clock.wall_ms());
        if (co_await write(id, entry, std::move(*decision.next)) == ErrorCode::none) start_completion(id, entry);
        else release(*entry);
      }
    }
  }
}

// Forgets ids that nobody has used for long.
Task<> TransactionCoordinator::expiration_loop(PerShard& home) {
  async::Waiter waiter(home.shard.context(), home.shard.clock());
  auto& clock = home.shard.clock();
  auto due = clock.now() + options_.expiration_check_interval;
  while (!home.gate.closed() && !stopped_) {
    // Short waits, so that stopping is not held up.
    co_await waiter.wait(std::min(due, clock.now() + std::chrono::milliseconds(200)));
    if (clock.now() < due) continue;
    due = clock.now() + options_.expiration_check_interval;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (&writer_.home(static_cast<std::int32_t>(i)) != &home.shard) continue;
      const auto entries = partitions_[i].entries;
      for (const auto& [id, entry] : entries) {
        if (entry->busy || !entry->transaction || entry->transaction->state == State::ongoing || entry->transaction->preparing()) continue;
        if (clock.wall_ms() - entry->transaction->updated_ms < options_.expiration.count()) continue;
        entry->busy = true;
        kafka::BatchBuilder batch;
        add_transaction(batch, clock.wall_ms(), {id, std::nullopt});
        if (co_await writer_.write(static_cast<std::int32_t>(i), std::move(batch))) partitions_[i].entries.erase(id);
        release(*entry);
      }
    }
  }
}

}  // namespace meridian::coordinator::transaction
