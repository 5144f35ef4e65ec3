// Fetch: whole batches below the high watermark, as slices of segment files. Waits for min_bytes up to max_wait_ms.
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;

struct Target {
  std::string topic;
  Uuid topic_id;
  kafka::FetchRequestPartition request;
  kafka::FetchResponsePartition result;
  std::size_t bytes = 0;
};

void check_epochs(replication::Replica& replica, Target& target) {
  const auto& request = target.request;
  auto& result = target.result;
  const auto epoch = replica.partition().leader_epoch();
  if (request.current_leader_epoch >= 0 && request.current_leader_epoch < epoch) result.error_code = ErrorCode::fenced_leader_epoch;
  else if (request.current_leader_epoch > epoch) result.error_code = ErrorCode::unknown_leader_epoch;
  if (result.error_code != ErrorCode::none || request.last_fetched_epoch < 0) return;
  const auto end = replica.log().leader_epochs().end_offset_for(request.last_fetched_epoch, replica.log().end_offset());
  if (end.epoch < 0) result.error_code = ErrorCode::offset_out_of_range;
  else if (end.epoch < request.last_fetched_epoch || end.start_offset < request.fetch_offset) result.diverging_epoch = {end.epoch, end.start_offset};
}

/// On the partition's home shard.
Task<> read_partition(Services& services, Target& target, std::size_t bytes_max, bool at_least_one, bool read_committed) {
  auto& result = target.result;
  result = {};
  result.partition_index = target.request.partition;
  result.high_watermark = -1;
  target.bytes = 0;
  const auto replica = services.replicas.find(target.topic, target.request.partition);
  if (!replica || (!target.topic_id.is_zero() && replica->topic_id() != target.topic_id)) {
    result.aborted_transactions.emplace();
    result.error_code =
        services.replicas.failed(target.topic, target.request.partition) ? ErrorCode::kafka_storage_error : ErrorCode::unknown_topic_or_partition;
    co_return;
  }
  check_epochs(*replica, target);
  if (result.error_code != ErrorCode::none) {
    result.aborted_transactions.emplace();
    co_return;
  }
  storage::Log& log = replica->log();
  result.high_watermark = replica->high_watermark();
  result.last_stable_offset = replica->last_stable_offset();
  result.log_start_offset = log.start_offset();
  if (read_committed) result.aborted_transactions.emplace();
  if (result.diverging_epoch.epoch >= 0) co_return;
  auto read = log.read(target.request.fetch_offset, read_committed ? result.last_stable_offset : result.high_watermark,
                       std::min(bytes_max, static_cast<std::size_t>(std::max(target.request.partition_max_bytes, 0))), at_least_one);
  if (!read) {
    result = {};
    result.partition_index = target.request.partition;
    result.high_watermark = -1;
    result.error_code = read.error().code == Errc::out_of_range ? ErrorCode::offset_out_of_range : ErrorCode::kafka_storage_error;
    co_return;
  }
  target.bytes = read->size;
  if (read->size > 0) {
    if (read_committed)
      for (const auto& aborted : log.aborted_transactions(target.request.fetch_offset, read->next_offset))
        result.aborted_transactions->push_back({aborted.producer_id, aborted.first_offset});
    result.records.body_size = read->size;
    result.records.body = std::make_shared<std::vector<io::FileSlice>>(std::move(read->slices));
  }
}

class Fetch {
 public:
  Fetch(RequestContext& context, kafka::FetchRequest& request)
      : context_(context),
        request_(request),
        by_id_(context.version >= 13),
        bytes_max_(static_cast<std::size_t>(
            std::max<std::int64_t>(0, std::min<std::int64_t>(request.max_bytes, context.services.settings.integer("fetch.max.bytes"))))) {}

  Task<kafka::FetchResponse> run() {
    kafka::FetchResponse response;
    const auto opened = context_.sessions.open(request_, by_id_);
    response.error_code = opened.error;
    if (opened.error != ErrorCode::none) co_return response;
    const std::int32_t session_id = opened.session ? opened.session->id : 0;
    collect(opened.session);
    co_await read_until_enough();
    response.session_id = session_id;
    FetchSession* session = context_.sessions.find(session_id);  // it may have been evicted meanwhile
    for (auto& target : targets_)
      if (!opened.incremental || tells_news(session, target)) add(response, target);
    co_return response;
  }

 private:
  void collect(const FetchSession* session) {
    const auto image = context_.image();
    const auto take = [&](const std::string& topic, const Uuid& id, const kafka::FetchRequestPartition& partition) {
      Target target{.topic = topic, .topic_id = id, .request = partition, .result = {}};
      if (by_id_) {
        const auto* known = image->topic(id);
        if (known) target.topic = known->name;
        else target.result.error_code = ErrorCode::unknown_topic_id;
      }
      if (target.result.error_code == ErrorCode::none && !context_.allowed(Operation::read, Resource::topic, target.topic))
        target.result.error_code = ErrorCode::topic_authorization_failed;
      target.result.partition_index = partition.partition;
      if (target.result.error_code != ErrorCode::none) {
        target.result.high_watermark = -1;
        target.result.aborted_transactions.emplace();
      }
      targets_.push_back(std::move(target));
    };
    if (session)
      for (const auto& [key, entry] : session->partitions) take(entry.topic, entry.topic_id, entry.request);
    else
      for (const auto& topic : request_.topics)
        for (const auto& partition : topic.partitions) take(topic.topic, topic.topic_id, partition);
    for (auto& target : targets_) refused_.push_back(target.result.error_code != ErrorCode::none);
  }

  /// True when the answer should go out now: enough bytes, an error, or a diverging epoch.
  Task<bool> read_all() {
    std::size_t total = 0;
    bool urgent = false;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      Target& target = targets_[i];
      if (!refused_[i])
        co_await async::on(context_.services.replicas.home(target.topic, target.request.partition),
                           read_partition(context_.services, target, bytes_max_ - std::min(total, bytes_max_), total == 0, request_.isolation_level == 1));
      urgent |= target.result.error_code != ErrorCode::none || target.result.diverging_epoch.epoch >= 0;
      total += target.bytes;
    }
    co_return urgent || static_cast<std::int64_t>(total) >= request_.min_bytes;
  }

  Task<> read_until_enough() {
    auto& clock = context_.shard.clock();
    const auto deadline = clock.now() + std::chrono::milliseconds(std::max(request_.max_wait_ms, 0));
    if (co_await read_all() || request_.max_wait_ms <= 0) co_return;
    auto waiter = std::make_shared<replication::FetchWaiter>(context_.shard);
    co_await watch_all(waiter, true);
    // Read once more after registering: what arrived in between woke nobody.
    while (!co_await read_all() && co_await context_.wait(waiter->waiter, deadline)) {
    }
    co_await watch_all(waiter, false);
  }

  Task<> watch_all(std::shared_ptr<replication::FetchWaiter> waiter, bool add) {
    for (std::size_t i = 0; i < targets_.size(); ++i)
      if (!refused_[i])
        co_await async::on(context_.services.replicas.home(targets_[i].topic, targets_[i].request.partition),
                           watch_partition(context_.services, targets_[i].topic, targets_[i].request.partition, waiter, add));
  }

  /// Incremental answers carry only partitions with something to say.
  bool tells_news(FetchSession* session, const Target& target) const {
    const auto& result = target.result;
    if (!session) return true;
    const auto it = session->partitions.find({by_id_ ? "" : target.topic, target.topic_id, target.request.partition});
    if (it == session->partitions.end()) return true;
    return target.bytes > 0 || result.error_code != ErrorCode::none || result.diverging_epoch.epoch >= 0 ||
           result.high_watermark != it->second.high_watermark || result.log_start_offset != it->second.log_start_offset;
  }

  void add(kafka::FetchResponse& response, Target& target) {
    if (FetchSession* session = context_.sessions.find(response.session_id)) {
      const auto it = session->partitions.find({by_id_ ? "" : target.topic, target.topic_id, target.request.partition});
      if (it != session->partitions.end()) {
        it->second.high_watermark = target.result.high_watermark;
        it->second.log_start_offset = target.result.log_start_offset;
      }
    }
    const bool same = !response.topics.empty() && response.topics.back().topic == target.topic && response.topics.back().topic_id == target.topic_id;
    if (!same) {
      auto& topic = response.topics.emplace_back();
      topic.topic = target.topic;
      topic.topic_id = target.topic_id;
    }
    response.topics.back().partitions.push_back(std::move(target.result));
  }

  RequestContext& context_;
  kafka::FetchRequest& request_;
  bool by_id_;
  std::size_t bytes_max_;
  std::vector<Target> targets_;
  std::vector<bool> refused_;
};

}  // namespace

Task<> watch_partition(Services& services, const std::string& topic, std::int32_t partition, std::shared_ptr<replication::FetchWaiter> waiter, bool add) {
  const auto replica = services.replicas.find(topic, partition);
  if (!replica) co_return;
  if (add) replica->add_waiter(waiter);
  else replica->remove_waiter(waiter);
}

Task<kafka::FetchResponse> handle_fetch(RequestContext& context, kafka::FetchRequest& request) {
  Fetch fetch(context, request);
  co_return co_await fetch.run();
}

}  // namespace meridian::server
