// A share group in the simulation (KIP-932): a producer, and members that accept, release, reject and renew what they are given, or forget it.
// Checked: a record that was accepted or rejected never comes again, every record comes, and in the end the group has done with all.
#pragma once

#include <map>
#include <set>

#include "tests/simulation/actor.h"

namespace meridian::simulation {

class Shares : Actor {
 public:
  using Actor::Actor;

  Task<> produce(client::Cluster& at);
  Task<> consume(client::Cluster& at, int self);
  /// After the last restart: accepts what is left; problems in words.
  Task<std::vector<std::string>> check(client::Cluster& at);

 private:
  using Place = std::pair<std::int32_t, Offset>;
  struct Member {
    std::string id;
    std::int32_t epoch = 0;
    std::int32_t session = 0;
    Uuid topic_id;
    std::set<std::int32_t> assigned;
    std::map<std::int32_t, std::vector<kafka::AcknowledgementBatch>> to_say;
    bool accepts_all = false;
  };
  Task<bool> beat(client::Cluster& at, Member& member);
  Task<bool> fetch(client::Cluster& at, Member& member);
  void take(Member& member, const kafka::ShareFetchResponsePartition& answer);
  void said(std::int32_t partition, const std::vector<kafka::AcknowledgementBatch>& batches);

  std::map<Place, std::string> sent_;  ///< acknowledged to the producer
  std::map<Place, int> came_;          ///< deliveries
  std::set<Place> done_;               ///< accepted or rejected, with success
  std::vector<std::string> problems_;
};

}  // namespace meridian::simulation
