// ShareFetch and ShareAcknowledge (KIP-932): a member takes records, and says what became of others.
#include <algorithm>

#include "broker/server/handlers/handlers.h"
#include "common/async/on_all.h"

namespace meridian::server {
namespace {

using coordinator::share::AcknowledgeType;
using kafka::ErrorCode;

constexpr std::int8_t record_limit_mode = 1;  // KIP-1206

/// What is wrong with acknowledgements whatever their records are like.
bool well_formed(const std::vector<kafka::AcknowledgementBatch>& batches, bool renews) {
  Offset next = 0;
  for (const auto& batch : batches) {
    const auto& types = batch.acknowledge_types;
    if (batch.first_offset < next || batch.last_offset < batch.first_offset || batch.last_offset == INT64_MAX) return false;
    if (types.size() != 1 && static_cast<Offset>(types.size()) != batch.last_offset - batch.first_offset + 1) return false;
    if (!std::ranges::all_of(
            types, [renews](std::int8_t type) { return type >= AcknowledgeType::gap && type <= (renews ? AcknowledgeType::renew : AcknowledgeType::reject); }))
      return false;
    next = batch.last_offset + 1;
  }
  return true;
}

/// What can be said of a request before its session: the feature, who asks, and whether it may.
ErrorCode check_member(const RequestContext& context, const std::optional<std::string>& group, const std::optional<std::string>& member) {
  if (!context.image()->features.contains("share.version")) return ErrorCode::unsupported_version;
  if (!group || !member || member->empty()) return ErrorCode::invalid_request;
  return context.allowed(Operation::read, Resource::group, *group) ? ErrorCode::none : ErrorCode::group_authorization_failed;
}

Task<ErrorCode> acknowledge(RequestContext& context, const ShareMember& who, const SharePartitionId& id, std::vector<kafka::AcknowledgementBatch> batches,
                            bool renews) {
  const auto* topic = context.image()->topic(id.topic_id);
  if (!topic) co_return ErrorCode::unknown_topic_id;
  if (!context.allowed(Operation::read, Resource::topic, topic->name)) co_return ErrorCode::topic_authorization_failed;
  if (!well_formed(batches, renews)) co_return ErrorCode::invalid_request;
  co_return co_await context.services.share_partitions.acknowledge({who.group, id.topic_id, id.partition}, topic->name, who.member, std::move(batches));
}

using Acknowledged = std::map<SharePartitionId, ErrorCode>;

/// What a request says of its partitions; side by side, so that one sync may serve them all. A partition that is named twice: the last counts.
/// `answers_empty`: also of partitions of which nothing is said.
template <class Topic>
Task<Acknowledged> acknowledge_all(RequestContext& context, ShareMember who, std::vector<Topic>& topics, bool renews, bool answers_empty) {
  std::map<SharePartitionId, std::vector<kafka::AcknowledgementBatch>> said;
  for (auto& topic : topics)
    for (auto& partition : topic.partitions)
      if (answers_empty || !partition.acknowledgement_batches.empty())
        said[{topic.topic_id, partition.partition_index}] = std::move(partition.acknowledgement_batches);
  Acknowledged done;
  std::vector<async::ShardTask> work;
  for (auto& [id, batches] : said)
    work.push_back({&context.shard,
                    [](RequestContext& at, const ShareMember& member, const SharePartitionId& partition, std::vector<kafka::AcknowledgementBatch> batches,
                       bool renew, ErrorCode& out) -> Task<> {
                      out = co_await acknowledge(at, member, partition, std::move(batches), renew);
                    }(context, who, id, std::move(batches), renews, done[id])});
  const RequestContext::Waiting waiting(context);
  co_await async::on_all(context.shard, std::move(work));
  co_return done;
}

std::int32_t lock_timeout_ms(const RequestContext& context, const std::string& group) {
  return static_cast<std::int32_t>(metadata::group_integer(*context.image(), group, "share.record.lock.duration.ms"));
}

/// The partitions of an answer under their topics.
template <class Topic, class Partition>
std::vector<Topic> by_topic(std::map<SharePartitionId, Partition> partitions) {
  std::vector<Topic> topics;
  for (auto& [id, partition] : partitions) {
    if (topics.empty() || topics.back().topic_id != id.topic_id) topics.emplace_back().topic_id = id.topic_id;
    partition.partition_index = id.partition;
    topics.back().partitions.push_back(std::move(partition));
  }
  return topics;
}

class ShareFetch {
 public:
  ShareFetch(RequestContext& context, kafka::ShareFetchRequest& request)
      : context_(context), request_(request), group_(request.group_id.value_or("")), member_(request.member_id.value_or("")) {}

  Task<kafka::ShareFetchResponse> run() {
    if (const auto error = check_member(context_, request_.group_id, request_.member_id); error != ErrorCode::none) co_return refuse(error);
    const bool opens = request_.share_session_epoch == ShareSessions::opens, closes = request_.share_session_epoch == ShareSessions::closes;
    // Who renews locks fetches nothing beside that (KIP-1222).
    const bool fetches = request_.max_wait_ms != 0 || request_.min_bytes != 0 || request_.max_bytes != 0 || request_.max_records != 0;
    if ((opens && says_anything()) || (request_.is_renew_ack && fetches)) co_return refuse(ErrorCode::invalid_request);
    const auto opened = co_await open();
    if (opened.error != ErrorCode::none) co_return refuse(opened.error);
    response_.acquisition_lock_timeout_ms = lock_timeout_ms(context_, group_);
    for (const auto& [id, error] : co_await acknowledge_all(context_, {group_, member_}, request_.topics, request_.is_renew_ack, false))
      answers_[id].acknowledge_error_code = error;
    if (closes) co_await context_.services.share_partitions.release(group_, member_);
    else if (!request_.is_renew_ack && request_.max_records > 0) co_await fetch(opened.partitions);
    response_.topics = by_topic<kafka::ShareFetchResponseTopic>(std::move(answers_));
    co_return std::move(response_);
  }

 private:
  struct Target {
    SharePartitionId id;
    std::string topic;
  };

  static kafka::ShareFetchResponse refuse(ErrorCode error) {
    kafka::ShareFetchResponse response;
    response.error_code = error;
    return response;
  }
  bool says_anything() const {
    return std::ranges::any_of(request_.topics, [](const auto& topic) {
      return std::ranges::any_of(topic.partitions, [](const auto& partition) { return !partition.acknowledgement_batches.empty(); });
    });
  }

  Task<ShareSessions::Opened> open() {
    ShareSessions::Change change{.epoch = request_.share_session_epoch, .added = {}, .forgotten = {}, .connection = context_.connection};
    for (const auto& topic : request_.topics)
      for (const auto& partition : topic.partitions) change.added.push_back({topic.topic_id, partition.partition_index});
    for (const auto& topic : request_.forgotten_topics)
      for (const auto partition : topic.partitions) change.forgotten.push_back({topic.topic_id, partition});
    const auto sessions_max = static_cast<std::size_t>(context_.services.settings.integer("group.share.max.share.sessions"));
    co_return co_await async::on(context_.services.control,
                                 [](ShareSessions& sessions, ShareMember who, ShareSessions::Change what, std::size_t max) -> Task<ShareSessions::Opened> {
                                   co_return sessions.fetch(who, what, max);
                                 }(context_.services.share_sessions, {group_, member_}, std::move(change), sessions_max));
  }

  Task<> fetch(const std::vector<SharePartitionId>& partitions) {
    for (const auto& id : partitions) {
      const auto* topic = context_.image()->topic(id.topic_id);
      const auto error = !topic                                                             ? ErrorCode::unknown_topic_id
                         : !context_.allowed(Operation::read, Resource::topic, topic->name) ? ErrorCode::topic_authorization_failed
                                                                                            : ErrorCode::none;
      if (error == ErrorCode::none) targets_.push_back({id, topic->name});
      else answers_[id].error_code = error;
    }
    const bool urgent = !answers_.empty();  // an error, or an acknowledgement that is waited for
    auto& clock = context_.shard.clock();
    const auto deadline = clock.now() + std::chrono::milliseconds(std::max(request_.max_wait_ms, 0));
    if (urgent || request_.max_wait_ms <= 0 || co_await enough()) co_return co_await acquire();
    auto waiter = std::make_shared<replication::FetchWaiter>(context_.shard);
    co_await watch_all(waiter, true);
    // Once more after registering: what came in between woke nobody.
    while (!co_await enough() && co_await context_.wait(waiter->waiter, deadline)) {
    }
    co_await watch_all(waiter, false);
    co_await acquire();
  }

  std::size_t bytes_max() const { return static_cast<std::size_t>(std::max(request_.max_bytes, 0)); }

  /// True when there is as much as the member wants to wait for, or something to complain of.
  Task<bool> enough() {
    std::size_t total = 0;
    for (const auto& target : targets_) {
      const auto there = co_await ask(target, {.member = member_, .bytes_max = bytes_max(), .at_least_one = bytes_max() > 0, .acquire = false});
      if (there.error != ErrorCode::none) co_return true;
      total += there.bytes;
      if (static_cast<std::int64_t>(total) >= std::max(request_.min_bytes, 1)) co_return true;
    }
    co_return false;
  }

  Task<> acquire() {
    std::size_t bytes = 0;
    std::int64_t records = 0;
    for (const auto& target : targets_) {
      if (records >= request_.max_records) break;
      auto found = co_await ask(target, {.member = member_,
                                         .records_max = request_.max_records - records,
                                         .batch_size = request_.batch_size,
                                         .strict = request_.share_acquire_mode == record_limit_mode,
                                         .bytes_max = bytes_max() - std::min(bytes, bytes_max()),
                                         .at_least_one = bytes == 0 && bytes_max() > 0,
                                         .wait = bytes == 0});
      if (found.error == ErrorCode::none && found.acquired.empty()) continue;
      bytes += found.bytes;
      for (const auto& range : found.acquired) records += range.last_offset - range.first_offset + 1;
      auto& out = answers_[target.id];
      out.error_code = found.error;
      out.current_leader = {context_.services.node_id, found.leader_epoch};
      out.records = std::move(found.records);
      out.acquired_records = std::move(found.acquired);
    }
  }

  Task<SharePartitions::Fetched> ask(const Target& target, SharePartitions::Wanted wanted) {
    co_return co_await context_.services.share_partitions.fetch({group_, target.id.topic_id, target.id.partition}, target.topic, std::move(wanted));
  }

  Task<> watch_all(std::shared_ptr<replication::FetchWaiter> waiter, bool add) {
    for (const auto& target : targets_)
      co_await async::on(context_.services.replicas.home(target.topic, target.id.partition),
                         watch_partition(context_.services, target.topic, target.id.partition, waiter, add));
  }

  RequestContext& context_;
  kafka::ShareFetchRequest& request_;
  std::string group_;
  std::string member_;
  std::vector<Target> targets_;
  std::map<SharePartitionId, kafka::ShareFetchResponsePartition> answers_;
  kafka::ShareFetchResponse response_;
};

}  // namespace

Task<kafka::ShareFetchResponse> handle_share_fetch(RequestContext& context, kafka::ShareFetchRequest& request) {
  ShareFetch fetch(context, request);
  co_return co_await fetch.run();
}

Task<kafka::ShareAcknowledgeResponse> handle_share_acknowledge(RequestContext& context, kafka::ShareAcknowledgeRequest& request) {
  kafka::ShareAcknowledgeResponse response;
  const std::string group = request.group_id.value_or(""), member = request.member_id.value_or("");
  response.error_code = check_member(context, request.group_id, request.member_id);
  if (response.error_code != ErrorCode::none) co_return response;
  response.error_code = co_await async::on(context.services.control, [](ShareSessions& sessions, ShareMember who, std::int32_t epoch) -> Task<ErrorCode> {
    co_return sessions.acknowledge(who, epoch);
  }(context.services.share_sessions, {group, member}, request.share_session_epoch));
  if (response.error_code != ErrorCode::none) co_return response;
  response.acquisition_lock_timeout_ms = lock_timeout_ms(context, group);
  std::map<SharePartitionId, kafka::ShareAcknowledgeResponsePartition> answers;
  for (const auto& [id, error] : co_await acknowledge_all(context, {group, member}, request.topics, request.is_renew_ack, true)) answers[id].error_code = error;
  response.topics = by_topic<kafka::ShareAcknowledgeResponseTopic>(std::move(answers));
  if (request.share_session_epoch == ShareSessions::closes) co_await context.services.share_partitions.release(group, member);
  co_return response;
}

}  // namespace meridian::server
