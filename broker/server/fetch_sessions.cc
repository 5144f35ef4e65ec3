#include "broker/server/fetch_sessions.h"

namespace meridian::server {

using kafka::ErrorCode;

namespace {
constexpr std::int32_t initial_epoch = 0, final_epoch = -1;
}

void FetchSessions::merge(FetchSession& session, const kafka::FetchRequest& request) {
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions) {
      auto& slot = session.partitions[{topic.topic, topic.topic_id, partition.partition}];
      slot.topic = topic.topic;
      slot.topic_id = topic.topic_id;
      slot.request = partition;
    }
  for (const auto& topic : request.forgotten_topics)
    for (const auto partition : topic.partitions) session.partitions.erase({topic.topic, topic.topic_id, partition});
}

FetchSession* FetchSessions::create(const kafka::FetchRequest& request, bool by_id) {
  if (slots_ == 0) return nullptr;
  if (sessions_.size() >= slots_) {
    sessions_.erase(order_.front().id);
    order_.pop_front();
  }
  FetchSession session;
  session.id = next_id_;
  next_id_ = next_id_ > INT32_MAX - step_ ? next_id_ % step_ + step_ : next_id_ + step_;
  session.by_id = by_id;
  session.epoch = 1;
  merge(session, request);
  const auto it = order_.insert(order_.end(), std::move(session));
  sessions_[it->id] = it;
  return &*it;
}

FetchSessions::Opened FetchSessions::open(const kafka::FetchRequest& request, bool by_id) {
  const auto found = sessions_.find(request.session_id);
  if (request.session_epoch == initial_epoch || request.session_epoch == final_epoch) {
    if (found != sessions_.end()) {
      order_.erase(found->second);
      sessions_.erase(found);
    }
    return {.session = request.session_epoch == initial_epoch ? create(request, by_id) : nullptr};
  }
  if (found == sessions_.end()) return {.error = ErrorCode::fetch_session_id_not_found};
  FetchSession& session = *found->second;
  if (session.epoch != request.session_epoch) return {.error = ErrorCode::invalid_fetch_session_epoch};
  if (session.by_id != by_id) return {.error = ErrorCode::fetch_session_topic_id_error};
  session.epoch = session.epoch == INT32_MAX ? 1 : session.epoch + 1;
  merge(session, request);
  order_.splice(order_.end(), order_, found->second);
  return {.session = &session, .incremental = true};
}

}  // namespace meridian::server
