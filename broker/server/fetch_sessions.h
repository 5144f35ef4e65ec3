// FetchSessions: incremental fetch (KIP-227). A session remembers the partitions of a fetcher and what it was last told, so that
// requests and responses carry changes alone. One cache per shard; an unknown id sends the client back to a full fetch.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <unordered_map>

#include "common/kafka/messages/01_fetch.h"

namespace meridian::server {

struct SessionPartition {
  std::string topic;
  Uuid topic_id;
  kafka::FetchRequestPartition request;
  Offset high_watermark = -1;  ///< last told
  Offset log_start_offset = -1;
};

/// Topics by name or, from version 13, by id: whichever the request used.
using SessionKey = std::tuple<std::string, Uuid, std::int32_t>;

struct FetchSession {
  std::int32_t id = 0;
  std::int32_t epoch = 0;
  bool by_id = false;
  std::map<SessionKey, SessionPartition> partitions;
};

class FetchSessions {
 public:
  /// `id_base` keeps the ids of different shards apart.
  FetchSessions(std::size_t slots, std::int32_t shard, std::int32_t shard_count) : slots_(slots), next_id_(shard + shard_count), step_(shard_count) {}

  struct Opened {
    kafka::ErrorCode error = kafka::ErrorCode::none;
    FetchSession* session = nullptr;  ///< null: a full fetch without a session
    bool incremental = false;
  };
  /// Applies the session fields of a request. `by_id`: version 13 and later.
  Opened open(const kafka::FetchRequest& request, bool by_id);
  /// A session that may have gone while its fetch waited.
  FetchSession* find(std::int32_t id) {
    const auto it = sessions_.find(id);
    return it == sessions_.end() ? nullptr : &*it->second;
  }
  std::size_t size() const { return sessions_.size(); }

 private:
  FetchSession* create(const kafka::FetchRequest& request, bool by_id);
  static void merge(FetchSession& session, const kafka::FetchRequest& request);

  std::size_t slots_;
  std::int32_t next_id_;
  std::int32_t step_;
  std::list<FetchSession> order_;  ///< least recently used first
  std::unordered_map<std::int32_t, std::list<FetchSession>::iterator> sessions_;
};

}  // namespace meridian::server
