#include <gtest/gtest.h>

#include "common/base/log.h"
#include "tests/simulation/scenario.h"

namespace meridian::simulation {
namespace {

class SingleNode : public ::testing::TestWithParam<std::uint64_t> {
  void SetUp() override { log::configure(log::Level::error); }
};

TEST_P(SingleNode, NothingAcknowledgedIsLostOrChangedByCrashes) {
  const auto outcome = run_single_node(GetParam());
  for (const auto& problem : outcome.problems) ADD_FAILURE() << problem << "\nreplay: ./dev sim --seed " << GetParam();
}
INSTANTIATE_TEST_SUITE_P(Seeds, SingleNode, ::testing::Range<std::uint64_t>(1, 201));

TEST(Simulation, TheSameSeedGivesTheSameTrace) {
  const auto first = run_single_node(42), second = run_single_node(42);
  EXPECT_EQ(first.trace, second.trace);
  EXPECT_NE(first.trace, run_single_node(44).trace);
}

TEST(Simulation, TheWorkloadReachesWhatItIsMeantToTest) {
  std::size_t acknowledged = 0;
  int crashes = 0, rebalances = 0, commits = 0;
  for (std::uint64_t seed = 300; seed < 310; ++seed) {
    const auto outcome = run_single_node(seed);
    acknowledged += outcome.acknowledged;
    crashes += outcome.crashes;
    rebalances += outcome.rebalances;
    commits += outcome.commits;
  }
  EXPECT_GT(acknowledged, 500u);
  EXPECT_GT(crashes, 20);
  EXPECT_GT(rebalances, 20);
  EXPECT_GT(commits, 100);
}

}  // namespace
}  // namespace meridian::simulation
