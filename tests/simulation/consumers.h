// A group of the consumer protocol in the simulation (KIP-848): members that come, go, leave without a word and miss answers. Checked: nobody
// is given a partition that another member may still hold, and in the end every partition has a member.
#pragma once

#include <map>
#include <set>

#include "tests/simulation/actor.h"

namespace meridian::simulation {

class Consumers : Actor {
 public:
  /// What the broker's group.consumer.session.timeout.ms is set to.
  static constexpr std::chrono::milliseconds session_timeout{3000};

  using Actor::Actor;

  /// Member number `self` of the group, one life after the other.
  Task<> run(client::Cluster& at, int self);
  /// After the last restart: two new members take everything over; problems in words.
  Task<std::vector<std::string>> check(client::Cluster& at);

 private:
  using Partition = std::pair<Uuid, std::int32_t>;
  struct Member {
    std::string id;
    std::int32_t epoch = 0;
    std::set<Partition> owned;
    async::TimePoint session_ends;  ///< not before that the coordinator may take it for gone
  };
  Task<bool> beat(client::Cluster& at, Member& member);
  void take(Member& member, const std::set<Partition>& assigned);

  std::map<std::string, Member> members_;  ///< by id; who left without a word stays until its session ends
  std::vector<std::string> problems_;
};

}  // namespace meridian::simulation
