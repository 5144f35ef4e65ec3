// Transactional clients of the simulation: each writes a value to two partitions in one transaction, by the first or the second protocol
// (KIP-98, KIP-890), and commits or aborts it. Checked in the end: all or nothing, no aborted read (G1a), no lost write, nothing hangs.
#pragma once

#include <map>

#include "tests/simulation/actor.h"

namespace meridian::simulation {

class Transactions : Actor {
 public:
  using Actor::Actor;

  /// Client number `self`; even ones speak the first protocol.
  Task<> run(client::Cluster& at, int self);
  /// After the last restart: reads as read_committed does; problems in words.
  Task<std::vector<std::string>> check(client::Cluster& at);

 private:
  enum class Outcome { unknown, committed, aborted };
  struct Producer {
    std::string id;
    bool second = false;  ///< protocol
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
    std::int32_t sequence[2] = {0, 0};
  };
  Task<> init(client::Cluster& at, Producer& producer);
  Task<bool> enrol(client::Cluster& at, Producer& producer);
  Task<bool> send(client::Cluster& at, Producer& producer, std::int32_t partition, std::string value);
  Task<bool> end(client::Cluster& at, Producer& producer, bool commit);
  Task<std::optional<std::string>> read(client::Cluster& at, std::int32_t partition);

  std::map<std::string, Outcome> outcomes_;
  std::map<std::string, int> seen_[2];
};

}  // namespace meridian::simulation
