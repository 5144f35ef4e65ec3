#include "broker/server/share_sessions.h"

#include <algorithm>
#include <set>

namespace meridian::server {

using kafka::ErrorCode;

// The session is there and the request is its next; or its last, which ends it.
ErrorCode ShareSessions::advance(const ShareMember& who, std::int32_t epoch) {
  const auto found = sessions_.find(who);
  if (found == sessions_.end()) return ErrorCode::share_session_not_found;
  if (epoch == closes) {
    sessions_.erase(found);
    return ErrorCode::none;
  }
  Session& session = found->second;
  if (epoch != session.next_epoch) return ErrorCode::invalid_share_session_epoch;
  session.next_epoch = epoch == INT32_MAX ? 1 : epoch + 1;
  return ErrorCode::none;
}

ShareSessions::Opened ShareSessions::fetch(const ShareMember& who, const Change& change, std::size_t sessions_max) {
  if (change.epoch == opens) {
    if (!sessions_.contains(who) && sessions_.size() >= sessions_max) return {ErrorCode::share_session_limit_reached, {}};
    sessions_[who] = Session{};
  } else if (const auto error = advance(who, change.epoch); error != ErrorCode::none || change.epoch == closes) {
    return {error, {}};
  }
  Session& session = sessions_.at(who);
  session.connection = change.connection;
  std::set<SharePartitionId> known(session.partitions.begin(), session.partitions.end());
  for (const auto& id : change.added)
    if (known.insert(id).second) session.partitions.push_back(id);
  const std::set<SharePartitionId> forgotten(change.forgotten.begin(), change.forgotten.end());
  std::erase_if(session.partitions, [&forgotten](const auto& id) { return forgotten.contains(id); });
  Opened opened{ErrorCode::none, session.partitions};
  if (!opened.partitions.empty())
    std::ranges::rotate(opened.partitions, opened.partitions.begin() + change.epoch % static_cast<std::int64_t>(opened.partitions.size()));
  return opened;
}

ErrorCode ShareSessions::acknowledge(const ShareMember& who, std::int32_t epoch) {
  return epoch == opens ? ErrorCode::invalid_share_session_epoch : advance(who, epoch);
}

std::vector<ShareMember> ShareSessions::disconnected(const void* connection) {
  std::vector<ShareMember> ended;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    if (it->second.connection != connection) {
      ++it;
      continue;
    }
    ended.push_back(it->first);
    it = sessions_.erase(it);
  }
  return ended;
}

}  // namespace meridian::server
