// A topic with little retention.bytes in the simulation: its log's beginning goes while it is written and read. Checked: what is read is what
// was sent, at its place; nothing goes but from the beginning; as much as retention.bytes stays, and not much more.
#pragma once

#include <map>

#include "tests/simulation/actor.h"

namespace meridian::simulation {

class Retention : Actor {
 public:
  using Actor::Actor;

  Task<> produce(client::Cluster& at);
  Task<> consume(client::Cluster& at);
  /// After the last restart; problems in words.
  Task<std::vector<std::string>> check(client::Cluster& at);

 private:
  /// Reads from `next_` to the end, and compares.
  Task<> read(client::Cluster& at);
  std::size_t bytes_from(Offset start) const;

  std::map<Offset, std::string> sent_;    ///< acknowledged
  std::map<Offset, std::size_t> bytes_;   ///< of batches, by base offset
  std::map<Offset, std::string> values_;  ///< as first read
  Offset next_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace meridian::simulation
