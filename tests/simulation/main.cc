// meridian-sim: replays one seed (--seed N) with a trace, or runs many (--seeds FIRST COUNT).
#include <fmt/core.h>

#include <cstring>
#include <string>

#include "common/base/log.h"
#include "tests/simulation/scenario.h"

int main(int argc, char** argv) {
  using namespace meridian;
  log::configure(argc == 3 ? log::Level::warn : log::Level::error);
  std::uint64_t first = 1, count = 1;
  if (argc == 3 && !std::strcmp(argv[1], "--seed")) first = std::stoull(argv[2]);
  else if (argc == 4 && !std::strcmp(argv[1], "--seeds")) first = std::stoull(argv[2]), count = std::stoull(argv[3]);
  else {
    fmt::print(stderr, "usage: meridian-sim --seed N | --seeds FIRST COUNT\n");
    return 2;
  }
  int bad = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto outcome = simulation::run_single_node(seed, count == 1);
    for (const auto& problem : outcome.problems) fmt::print("seed {}: {}\n", seed, problem);
    if (!outcome.problems.empty()) fmt::print("replay: ./dev sim --seed {}\n", seed);
    if (count == 1 || !outcome.problems.empty())
      fmt::print("seed {}: {} acknowledged, {} crashes, {} rebalances, {} commits, trace {:016x}\n", seed, outcome.acknowledged, outcome.crashes,
                 outcome.rebalances, outcome.commits, outcome.trace);
    bad += !outcome.problems.empty();
  }
  fmt::print("{} seeds, {} with problems\n", count, bad);
  return bad ? 1 : 0;
}
