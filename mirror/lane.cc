#include "mirror/lane.h"

namespace meridian::mirror {
namespace {

using kafka::ErrorCode;
constexpr auto pause = std::chrono::milliseconds(20);
constexpr std::int32_t transaction_timeout_ms = 60'000;
constexpr std::int8_t transaction_key = 1;

std::unexpected<Error> refused(const char* what, ErrorCode error) {
  return fail(Errc::refused, std::string(what) + ": " + std::string(kafka::error_name(error)));
}

}  // namespace

const char* fence_name(FenceKind kind) {
  switch (kind) {
    case FenceKind::append_at: return "append-at";
    case FenceKind::transactional: return "transactional";
    case FenceKind::none: return "none";
  }
  return "none";
}

Task<Result<Fence>> Lane::take(std::string topic, std::vector<std::int32_t> partitions, async::TimePoint deadline) {
  auto broker = co_await target_.any(deadline);
  if (!broker) co_return fail(broker.error());
  const bool append_at = append_at_ && (*broker)->serves(kafka::AppendAtRequest::api);
  const bool transactional = !append_at && (*broker)->serves(kafka::AddPartitionsToTxnRequest::api) && (*broker)->serves(kafka::EndTxnRequest::api);
  auto fence = co_await init_producer(transactional, deadline);
  if (!fence) co_return fence;
  fence->kind = append_at ? FenceKind::append_at : transactional ? FenceKind::transactional : FenceKind::none;
  if (transactional)
    if (auto done = co_await abort_empty_transaction(topic, partitions, *fence, deadline); !done) co_return fail(done.error());
  if (fence->kind == FenceKind::none)
    for (const auto partition : partitions)
      if (auto done = co_await wait_until_still(topic, partition, deadline); !done) co_return fail(done.error());
  co_return fence;
}

Task<Result<Fence>> Lane::init_producer(bool transactional, async::TimePoint deadline) {
  for (;;) {
    auto broker = transactional ? co_await target_.coordinator(id_, transaction_key, deadline) : co_await target_.any(deadline);
    if (!broker) co_return fail(broker.error());
    kafka::InitProducerIdRequest request;
    if (transactional) request.transactional_id = id_;
    request.transaction_timeout_ms = transaction_timeout_ms;
    auto response = co_await (*broker)->call(request, deadline);
    if (!response) co_return fail(response.error());
    if (response->error_code == ErrorCode::none) co_return Fence{.producer_id = response->producer_id, .producer_epoch = response->producer_epoch};
    if (!kafka::is_retriable(response->error_code) || target_.clock().now() >= deadline) co_return refused("InitProducerId", response->error_code);
    co_await async::sleep_for(target_.context(), target_.clock(), pause);
  }
}

// AddPartitionsToTxn from 4 on is for brokers.
constexpr std::int16_t clients_version_max = 3;

Task<Status> Lane::abort_empty_transaction(std::string topic, std::vector<std::int32_t> partitions, Fence& fence, async::TimePoint deadline) {
  for (;;) {
    auto broker = co_await target_.coordinator(id_, transaction_key, deadline);
    if (!broker) co_return fail(broker.error());
    kafka::AddPartitionsToTxnRequest add;
    add.transactional_id = id_;
    add.producer_id = fence.producer_id;
    add.producer_epoch = fence.producer_epoch;
    add.topics = {{topic, partitions}};
    auto added = co_await (*broker)->call(add, deadline, clients_version_max);
    if (!added) co_return fail(added.error());
    ErrorCode error = ErrorCode::none;
    for (const auto& result : added->topics)
      for (const auto& partition : result.partitions)
        if (partition.error_code != ErrorCode::none) error = partition.error_code;
    if (error == ErrorCode::none) break;
    if (!kafka::is_retriable(error) || target_.clock().now() >= deadline) co_return refused("AddPartitionsToTxn", error);
    co_await async::sleep_for(target_.context(), target_.clock(), pause);
  }
  for (;;) {
    auto broker = co_await target_.coordinator(id_, transaction_key, deadline);
    if (!broker) co_return fail(broker.error());
    kafka::EndTxnRequest end;
    end.transactional_id = id_;
    end.producer_id = fence.producer_id;
    end.producer_epoch = fence.producer_epoch;
    end.committed = false;
    auto ended = co_await (*broker)->call(end, deadline);
    if (!ended) co_return fail(ended.error());
    if (ended->error_code == ErrorCode::none) {
      // Transaction version 2 (KIP-890) answers with the epoch that its markers carry; before that the epoch stays.
      if (ended->producer_id >= 0 && ended->producer_epoch >= 0) fence.producer_id = ended->producer_id, fence.producer_epoch = ended->producer_epoch;
      co_return Status{};
    }
    if (!kafka::is_retriable(ended->error_code) || target_.clock().now() >= deadline) co_return refused("EndTxn", ended->error_code);
    co_await async::sleep_for(target_.context(), target_.clock(), pause);
  }
}

Task<Status> Lane::wait_until_still(std::string topic, std::int32_t partition, async::TimePoint deadline) {
  constexpr auto still_for = std::chrono::seconds(2);
  auto since = target_.clock().now();
  Offset last = -1;
  while (target_.clock().now() - since < still_for) {
    const auto end = co_await client::list_offset(target_, topic, partition, client::latest, deadline);
    if (!end) co_return fail(end.error());
    if (*end != last) since = target_.clock().now();
    last = *end;
    co_await async::sleep_for(target_.context(), target_.clock(), std::chrono::milliseconds(100));
  }
  co_return Status{};
}

}  // namespace meridian::mirror
