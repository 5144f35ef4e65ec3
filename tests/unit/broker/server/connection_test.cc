#include "broker/server/connection.h"

#include <gtest/gtest.h>

#include "tests/support/run_task.h"

namespace meridian::server {
namespace {

class Budget : public ::testing::Test {
 protected:
  void spawn(std::size_t bytes, int id) {
    boost::asio::co_spawn(
        context,
        [](MemoryBudget& of, std::size_t n, int who, std::vector<int>& log) -> Task<> {
          co_await of.acquire(n);
          log.push_back(who);
        }(budget, bytes, id, granted),
        [](std::exception_ptr) {});
  }
  void settle() {
    context.restart();
    context.poll();
  }
  boost::asio::io_context context;
  async::SystemClock clock;
  MemoryBudget budget{100, context, clock};
  std::vector<int> granted;
};

TEST_F(Budget, RequestsWaitUntilThereIsRoom) {
  spawn(60, 1);
  spawn(60, 2);
  settle();
  EXPECT_EQ(granted, std::vector{1});
  budget.release(60);
  settle();
  EXPECT_EQ(granted, (std::vector{1, 2}));
  EXPECT_EQ(budget.used(), 60u);
  budget.release(60);
}

TEST_F(Budget, OneRequestAlwaysFits) {
  spawn(1000, 1);
  settle();
  EXPECT_EQ(granted, std::vector{1});
  budget.release(1000);
}

TEST_F(Budget, StoppingLetsEverybodyGo) {
  spawn(100, 1);
  spawn(100, 2);
  settle();
  budget.stop();
  settle();
  EXPECT_EQ(granted.size(), 2u);
}

TEST(BufferPool, GivesBackWhatFits) {
  BufferPool pool;
  auto buffer = pool.take(1000);
  char* const address = buffer.bytes.get();
  pool.give(std::move(buffer));
  EXPECT_EQ(pool.take(500).bytes.get(), address);
  EXPECT_GE(pool.take(2000).capacity, 2000u);
}

kafka::FetchRequest fetch(std::int32_t session, std::int32_t epoch, std::vector<std::int32_t> partitions) {
  kafka::FetchRequest request;
  request.session_id = session;
  request.session_epoch = epoch;
  request.topics.push_back({.topic = "t", .topic_id = {}, .partitions = {}});
  for (const auto n : partitions) {
    kafka::FetchRequestPartition partition;
    partition.partition = n;
    request.topics[0].partitions.push_back(partition);
  }
  return request;
}

TEST(FetchSessions, Kip227AFullFetchOpensASessionAndIncrementsChangeIt) {
  FetchSessions sessions(10, 0, 1);
  const auto opened = sessions.open(fetch(0, 0, {0, 1}), false);
  ASSERT_TRUE(opened.session);
  EXPECT_FALSE(opened.incremental);
  const auto id = opened.session->id;
  auto more = fetch(id, 1, {2});
  more.forgotten_topics.push_back({.topic = "t", .topic_id = {}, .partitions = {0}});
  const auto next = sessions.open(more, false);
  EXPECT_TRUE(next.incremental);
  EXPECT_EQ(next.session->partitions.size(), 2u);
  EXPECT_EQ(sessions.open(fetch(id, 7, {}), false).error, kafka::ErrorCode::invalid_fetch_session_epoch);
  EXPECT_EQ(sessions.open(fetch(id + 1, 1, {}), false).error, kafka::ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(sessions.open(fetch(id, 2, {}), true).error, kafka::ErrorCode::fetch_session_topic_id_error);
  (void)sessions.open(fetch(id, -1, {0}), false);
  EXPECT_EQ(sessions.size(), 0u) << "epoch -1 closes it";
}

TEST(FetchSessions, TheLeastRecentlyUsedMakesRoom) {
  FetchSessions sessions(2, 0, 1);
  const auto first = sessions.open(fetch(0, 0, {0}), false).session->id;
  const auto second = sessions.open(fetch(0, 0, {0}), false).session->id;
  (void)sessions.open(fetch(first, 1, {}), false);
  (void)sessions.open(fetch(0, 0, {0}), false);
  EXPECT_TRUE(sessions.find(first));
  EXPECT_FALSE(sessions.find(second));
}

TEST(Dispatcher, AdvertisesWhatItServesAndProduceFromZero) {
  for (const auto& handler : handlers()) {
    EXPECT_EQ(find_handler(handler.api.key), &handler);
    EXPECT_EQ(handler.advertised_min, handler.api.key == 0 ? 0 : handler.api.versions.min) << handler.api.name << ": KAFKA-18659 concerns Produce alone";
  }
}

}  // namespace
}  // namespace meridian::server
