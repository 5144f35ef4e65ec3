// ShareSessions: which partitions the members of share groups fetch from this broker (KIP-932). A session belongs to a member and to its
// connection, and ends with either. Pure; on the control shard.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/uuid.h"
#include "common/kafka/error_code.h"

namespace meridian::server {

struct ShareMember {
  std::string group;
  std::string member;
  auto operator<=>(const ShareMember&) const = default;
};

struct SharePartitionId {
  Uuid topic_id;
  std::int32_t partition = 0;
  auto operator<=>(const SharePartitionId&) const = default;
};

class ShareSessions {
 public:
  /// Epochs of a request; what lies between counts the requests of a session.
  static constexpr std::int32_t opens = 0, closes = -1;

  struct Change {
    std::int32_t epoch = 0;
    std::vector<SharePartitionId> added;
    std::vector<SharePartitionId> forgotten;
    const void* connection = nullptr;
  };
  struct Opened {
    kafka::ErrorCode error = kafka::ErrorCode::none;
    std::vector<SharePartitionId> partitions;  ///< to fetch from, beginning with another one each time
  };
  /// For ShareFetch. SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED.
  Opened fetch(const ShareMember& who, const Change& change, std::size_t sessions_max);
  /// For ShareAcknowledge, which changes no partitions and cannot open a session.
  kafka::ErrorCode acknowledge(const ShareMember& who, std::int32_t epoch);
  /// Ends the sessions of a connection; whose they were.
  std::vector<ShareMember> disconnected(const void* connection);
  std::size_t size() const { return sessions_.size(); }

 private:
  struct Session {
    std::int32_t next_epoch = 1;
    std::vector<SharePartitionId> partitions;
    const void* connection = nullptr;
  };
  kafka::ErrorCode advance(const ShareMember& who, std::int32_t epoch);

  std::map<ShareMember, Session> sessions_;
};

}  // namespace meridian::server
