// One node under fire: a real broker on simulated clock, disk, network and metadata store is crashed at random awaits while
// clients produce, fetch, join groups and commit. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meridian::simulation {

struct Outcome {
  std::vector<std::string> problems;
  std::size_t acknowledged = 0;
  int crashes = 0;
  int rebalances = 0;
  int commits = 0;
  std::uint64_t trace = 0;  ///< hash of everything that clients saw; the same for the same seed
};

/// Even seeds run durability=fsync and lose what was not synced; odd ones run page-cache and lose the process alone.
Outcome run_single_node(std::uint64_t seed, bool verbose = false);

}  // namespace meridian::simulation
