#include "tests/simulation/scenario.h"

#include <fmt/core.h>

#include <boost/asio/co_spawn.hpp>

#include "broker/broker.h"
#include "common/base/log.h"
#include "common/client/operations.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/consumers.h"
#include "tests/simulation/retention.h"
#include "tests/simulation/shares.h"
#include "tests/simulation/sim_meta_store.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/transactions.h"
#include "tests/support/memory_disk.h"

namespace meridian::simulation {
namespace {

using namespace std::chrono_literals;
using kafka::ErrorCode;
constexpr std::int32_t partitions = 3;
constexpr int kafka_port = 9092;
const std::string topic = "t", group = "g";

/// A context whose suspended coroutines can be destroyed while what they refer to is still alive.
struct CrashableContext : boost::asio::io_context {
  using boost::asio::execution_context::shutdown;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed, bool verbose)
      : random_(seed),
        fsync_(seed % 2 == 0),
        verbose_(verbose),
        server_(std::make_unique<CrashableContext>()),
        network_(clock_, random_),
        disk_(*server_, clock_, random_) {
    if (random_.one_in(2)) network_.faults.cut_one_in = 50 + random_.below(500);
    network_.faults.delay_us_max = 1 + random_.below(5000);
  }
  ~Simulation() {
    crash(false);
    clients_.shutdown();
  }

  Outcome run() {
    boot();
    start_clients();
    const int crashes = 2 + static_cast<int>(random_.below(4));
    for (int i = 0; i < crashes; ++i) {
      steps(200 + random_.below(4000));
      if (random_.one_in(3)) {
        // Less than message.timestamp.after.max.ms, so that batches made before are still welcome.
        const auto ahead = std::chrono::minutes(random_.below(50)) - std::chrono::minutes(25);
        note(fmt::format("the wall clock is set {} min ahead", ahead.count()));
        clock_.set_wall(ahead);
        steps(200 + random_.below(1000));
      }
      if (random_.one_in(3)) {
        note("/more fails");
        disk_.break_under("/more");
        steps(200 + random_.below(2000));
      }
      note(fmt::format("crash after {} steps", steps_));
      crash(fsync_);
      ++outcome_.crashes;
      // Sometimes the directory that failed stays away for a life of the broker, or its volume is not mounted.
      const bool last = i + 1 == crashes;
      if (last || random_.one_in(2)) {
        disk_.break_under("");
        mount(last || random_.one_in(2));
      }
      // The machine is away for a while; clients meet refused connections.
      const auto back = clock_.now() + std::chrono::milliseconds(random_.below(500));
      while (clock_.now() < back && step(false)) {
      }
      boot();
    }
    steps(3000);
    stopping_ = true;  // clients finish what they are at
    const auto patience = clock_.now() + 120s;
    while (running_ > 0 && clock_.now() < patience && step(true)) {
    }
    if (running_ > 0) history_.problem("liveness: clients did not finish after the last restart");
    final_polls();
    history_.finish();
    outcome_.problems = history_.problems();
    outcome_.acknowledged = history_.acknowledged();
    return outcome_;
  }

 private:
  // ---- The world

  /// Without its volume /more is a directory with nothing in it.
  void mount(bool mounted) {
    if (mounted == mounted_) return;
    note(mounted ? "/more is mounted" : "/more is not mounted");
    mounted_ = mounted;
    const std::string there = "/more", away = "/volume";
    Status done = mounted ? disk_.remove_tree(there) : disk_.rename(there, away);
    if (done) done = mounted ? disk_.rename(away, there) : disk_.make_directories(there);
    if (!done) history_.problem(done.error().message);
  }

  void note(const std::string& what) {
    for (const char c : what) outcome_.trace = outcome_.trace * 1099511628211u + static_cast<unsigned char>(c);
    if (verbose_) fmt::print("{:10.3f} {}\n", std::chrono::duration<double>(clock_.now().time_since_epoch()).count() - 3600, what);
  }

  /// One handler of a context drawn by the seed, or the next timer. False when nothing is left.
  bool step(bool with_server) {
    ++steps_;
    CrashableContext* order[2] = {&clients_, with_server ? server_.get() : nullptr};
    if (random_.one_in(2)) std::swap(order[0], order[1]);
    for (auto* context : order) {
      if (!context) continue;
      context->restart();
      if (context->poll_one() > 0) return true;
    }
    return clock_.advance();
  }
  void steps(std::uint64_t n) {
    while (n-- > 0 && step(true)) {
    }
  }

  void boot() {
    config::Settings settings(metadata::broker_setting_table());
    const std::pair<const char*, std::string> values[] = {{"log.dirs", "/data,/more"},
                                                          {"listeners", fmt::format("sim:{}", kafka_port)},
                                                          {"admin.listener", "sim:9644"},
                                                          {"durability", fsync_ ? "fsync" : "page-cache"},
                                                          {"log.segment.bytes", "3000"},
                                                          {"offsets.topic.num.partitions", "2"},
                                                          {"transaction.state.log.num.partitions", "2"},
                                                          {"offsets.topic.segment.bytes", "2000"},
                                                          {"transaction.state.log.segment.bytes", "2000"},
                                                          {"share.coordinator.state.topic.num.partitions", "2"},
                                                          {"share.coordinator.state.topic.segment.bytes", "2000"},
                                                          {"share.coordinator.state.topic.prune.interval.ms", "400"},
                                                          {"share.coordinator.snapshot.update.records.per.snapshot", "10"},
                                                          {"group.share.min.record.lock.duration.ms", "1000"},
                                                          {"group.share.record.lock.duration.ms", "1000"},
                                                          {"group.share.delivery.count.limit", "10"},
                                                          {"group.share.min.session.timeout.ms", "1"},
                                                          {"group.share.min.heartbeat.interval.ms", "1"},
                                                          {"group.share.heartbeat.interval.ms", "1000"},
                                                          {"group.consumer.min.heartbeat.interval.ms", "1"},
                                                          {"group.consumer.heartbeat.interval.ms", "1000"},
                                                          {"group.share.session.timeout.ms", "3000"},
                                                          {"group.consumer.min.session.timeout.ms", "1"},
                                                          {"group.consumer.session.timeout.ms", std::to_string(Consumers::session_timeout.count())},
                                                          {"log.cleaner.backoff.ms", "100"},
                                                          {"log.retention.check.interval.ms", "300"},
                                                          {"transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"},
                                                          {"group.initial.rebalance.delay.ms", "10"},
                                                          {"log.flush.offset.checkpoint.interval.ms", "700"},
                                                          {"log.level", "error"}};
    for (const auto& [key, value] : values)
      if (auto done = settings.set(key, value); !done) history_.problem(done.error().message);
    shard_ = std::make_unique<async::Shard>(0, clock_, *server_);
    broker_ = std::make_unique<broker::Broker>(
        broker::Seams{clock_, disk_, network_, random_,
                      [this](const std::string&, async::Shard& control) -> Result<std::unique_ptr<metadata::MetaStore>> {
                        return std::unique_ptr<metadata::MetaStore>(std::make_unique<SimMetaStore>(meta_, control.context(), clock_, random_));
                      }},
        settings, std::vector{shard_.get()});
    boost::asio::co_spawn(*server_, broker_->start(), [this](std::exception_ptr error, Status status) {
      if (error || !status) history_.problem("the broker did not start: " + (error ? std::string("exception") : status.error().message));
    });
  }

  void crash(bool lose_unsynced) {
    server_->shutdown();  // every suspended coroutine of the broker dies here, wherever it waits
    clock_.forget(server_.get());
    broker_.reset();
    shard_.reset();
    server_ = std::make_unique<CrashableContext>();
    disk_.crash(lose_unsynced, *server_);
  }

  // ---- Clients

  client::Cluster& cluster() {
    clusters_.push_back(std::make_unique<client::Cluster>(network_, clients_, clock_, std::vector{io::Endpoint{"sim", kafka_port}}, "sim"));
    return *clusters_.back();
  }
  async::TimePoint soon() const { return actor_.soon(); }
  Task<> breath() { return actor_.breath(); }

  void spawn(Task<> task) {
    ++running_;
    boost::asio::co_spawn(clients_, std::move(task), [this](std::exception_ptr error) {
      if (error) history_.problem("a client threw");
      --running_;
    });
  }

  void start_clients() {
    for (std::int32_t n = 0; n < partitions; ++n) {
      spawn(produce(n));
      spawn(consume(n));
    }
    spawn(commit());
    spawn(administer());
    for (int member = 0; member < 2; ++member) spawn(rebalance(member));
    for (int client = 0; client < 2; ++client) spawn(transactions_.run(cluster(), client));
    spawn(retention_.produce(cluster()));
    spawn(retention_.consume(cluster()));
    spawn(shares_.produce(cluster()));
    for (int member = 0; member < 2; ++member) spawn(shares_.consume(cluster(), member));
    for (int member = 0; member < 3; ++member) spawn(consumers_.run(cluster(), member));
  }

  Task<> ensure_topic(client::Cluster& at) {
    while (!co_await client::create_topic(at, {.name = topic, .partitions = partitions}, soon())) co_await breath();
  }

  Task<> produce(std::int32_t partition) {
    auto& at = cluster();
    co_await ensure_topic(at);
    const auto producer = co_await actor_.producer_id(at);
    std::int32_t sequence = 0;
    for (int n = 0; !stopping_; ++n) {
      kafka::BatchBuilder builder;
      std::vector<std::string> values;
      for (std::uint64_t i = 0, count = 1 + random_.below(4); i < count; ++i) {
        values.push_back(fmt::format("{}-{}-{}", partition, n, i) + std::string(random_.below(100), '.'));
        builder.add(clock_.wall_ms(), std::nullopt, values.back());
      }
      const auto bytes = builder.finish(
          {.compression = static_cast<kafka::Compression>(random_.below(5)), .producer_id = producer, .producer_epoch = 0, .base_sequence = sequence});
      for (;;) {  // the same batch until it is acknowledged: an idempotent producer's retry
        const auto base = co_await client::append(at, topic, partition, *bytes, soon());
        if (base) {
          for (std::size_t i = 0; i < values.size(); ++i) history_.sent(partition, *base + static_cast<Offset>(i), values[i]);
          note(fmt::format("acked {}:{} +{}", partition, *base, values.size()));
          break;
        }
        if (stopping_) note(fmt::format("partition {} refuses: {}", partition, base.error().message));
        if (base.error().code == Errc::refused && base.error().message.find("OUT_OF_ORDER") != std::string::npos)
          history_.problem("producer: " + base.error().message);
        co_await breath();
      }
      sequence += static_cast<std::int32_t>(values.size());
      if (random_.one_in(3)) co_await breath();
    }
    co_await at.stop();
  }

  Task<> consume(std::int32_t partition) {
    auto& at = cluster();
    Offset next = 0;
    while (!stopping_) {
      const auto end = co_await client::list_offset(at, topic, partition, client::latest, soon());
      if (end && *end < next) history_.problem(fmt::format("HW monotone: partition {} ended at {}, now {}", partition, next, *end));
      const auto start = co_await client::list_offset(at, topic, partition, client::earliest, soon());
      if (start && *start > next) next = *start;  // deleted meanwhile
      if (end && *end > next)
        (void)co_await client::read_range(
            at, topic, partition, next, *end,
            [&](const kafka::RecordView& record) {
              history_.read(partition, record.offset, std::string(*record.value));
              next = record.offset + 1;
              return true;
            },
            soon());
      co_await breath();
    }
    co_await at.stop();
  }

  /// Deletes records, and moves logs between the directories.
  Task<> administer() {
    auto& at = cluster();
    co_await ensure_topic(at);
    while (!stopping_) {
      for (int i = 0; i < 5 && !stopping_; ++i) co_await breath();
      const auto partition = static_cast<std::int32_t>(random_.below(partitions));
      const auto start = co_await client::list_offset(at, topic, partition, client::earliest, soon());
      if (!start) continue;
      history_.starts_at(partition, *start);
      if (random_.one_in(3)) {
        const auto end = co_await client::list_offset(at, topic, partition, client::latest, soon());
        if (!end || *end <= *start) continue;
        const Offset before = *start + static_cast<Offset>(random_.below(static_cast<std::uint64_t>(*end - *start) / 4 + 1));
        history_.deleting(partition, before);
        const auto done = co_await at.call_any(kafka::DeleteRecordsRequest{.topics = {{topic, {{partition, before}}}}, .timeout_ms = 1000}, soon());
        if (done && done->topics.at(0).partitions.at(0).error_code == ErrorCode::none) history_.deleted(partition, before);
        if (done) note(fmt::format("deleted {} below {}", partition, before));
      } else {
        const std::string to = random_.one_in(2) ? "/data" : "/more";
        const auto done = co_await at.call_any(kafka::AlterReplicaLogDirsRequest{.dirs = {{to, {{topic, {partition}}}}}}, soon());
        if (done) note(fmt::format("{} moves to {}: {}", partition, to, kafka::error_name(done->results.at(0).partitions.at(0).error_code)));
      }
    }
    co_await at.stop();
  }

  Task<> commit() {
    auto& at = cluster();
    co_await ensure_topic(at);
    for (Offset n = 1; !stopping_; ++n) {
      const auto partition = static_cast<std::int32_t>(random_.below(partitions));
      client::GroupOffsets offsets;
      offsets[{topic, partition}] = {n, "m" + std::to_string(n)};
      if (co_await client::commit(at, "committer", offsets, soon())) {
        history_.committed(partition, n);
        ++outcome_.commits;
      }
      if (random_.one_in(4)) {
        const auto got = co_await client::committed(at, "committer", soon());
        if (got)
          for (const auto& [key, value] : *got) history_.fetched(key.second, value.first);
      }
      co_await breath();
    }
    co_await at.stop();
  }

  /// A group member by hand: join, sync, heartbeat. The leader gives all partitions to one member; nobody may see two owners.
  Task<> rebalance(int self) {
    auto& at = cluster();
    std::string member_id;
    while (!stopping_) {
      auto coordinator = co_await at.coordinator(group, 0, soon());
      if (!coordinator) {
        co_await breath();
        continue;
      }
      kafka::JoinGroupRequest join{.group_id = group,
                                   .session_timeout_ms = 6000,
                                   .rebalance_timeout_ms = 1000,
                                   .member_id = member_id,
                                   .protocol_type = "consumer",
                                   .protocols = {{"range", {"meta"}}}};
      auto joined = co_await (*coordinator)->call(join, clock_.now() + 10s);
      if (joined && !joined->member_id.empty()) member_id = joined->member_id;
      if (joined && joined->error_code == ErrorCode::unknown_member_id) member_id.clear();
      if (!joined || joined->error_code != ErrorCode::none) {
        co_await breath();
        continue;
      }
      kafka::SyncGroupRequest sync{
          .group_id = group, .generation_id = joined->generation_id, .member_id = member_id, .protocol_type = "consumer", .protocol_name = "range"};
      if (joined->leader == member_id)
        for (const auto& member : joined->members)
          sync.assignments.push_back({member.member_id, {member.member_id == joined->members[0].member_id ? "all" : "none"}});
      const auto synced = co_await (*coordinator)->call(sync, clock_.now() + 10s);
      if (!synced || synced->error_code != ErrorCode::none) continue;
      if (synced->assignment.data == "all") {
        auto& owner = owners_[joined->generation_id];
        if (!owner.empty() && owner != member_id)
          history_.problem(fmt::format("two owners in generation {}: {} and {}", joined->generation_id, owner, member_id));
        owner = member_id;
      }
      ++outcome_.rebalances;
      note(fmt::format("member {} in generation {}", self, joined->generation_id));
      for (int beat = 0; beat < 20 && !stopping_; ++beat) {
        co_await breath();
        const auto alive =
            co_await (*coordinator)->call(kafka::HeartbeatRequest{.group_id = group, .generation_id = joined->generation_id, .member_id = member_id}, soon());
        if (!alive || alive->error_code != ErrorCode::none) break;
      }
      if (random_.one_in(10)) {
        (void)co_await (*coordinator)->call(kafka::LeaveGroupRequest{.group_id = group, .member_id = member_id, .members = {{.member_id = member_id}}}, soon());
        member_id.clear();
      }
    }
    co_await at.stop();
  }

  void final_polls() {
    bool finished = false;
    boost::asio::co_spawn(
        clients_,
        [](Simulation& self) -> Task<> {
          auto& at = self.cluster();
          for (std::int32_t n = 0; n < partitions; ++n) {
            const auto end = co_await client::list_offset(at, topic, n, client::latest, self.clock_.now() + 30s);
            if (!end) {
              self.history_.problem("final poll: " + end.error().message);
              continue;
            }
            const auto start = co_await client::list_offset(at, topic, n, client::earliest, self.clock_.now() + 30s);
            if (start) self.history_.starts_at(n, *start);
            const auto read = co_await client::read_range(
                at, topic, n, start.value_or(0), *end,
                [&](const kafka::RecordView& record) {
                  self.history_.read(n, record.offset, std::string(*record.value));
                  return true;
                },
                self.clock_.now() + 60s);
            if (!read) self.history_.problem("final poll: " + read.error().message);
          }
          const auto got = co_await client::committed(at, "committer", self.clock_.now() + 30s);
          if (got)
            for (const auto& [key, value] : *got) self.history_.fetched(key.second, value.first);
          for (auto& problem : co_await self.transactions_.check(at)) self.history_.problem(std::move(problem));
          for (auto& problem : co_await self.retention_.check(at)) self.history_.problem(std::move(problem));
          for (auto& problem : co_await self.shares_.check(at)) self.history_.problem(std::move(problem));
          for (auto& problem : co_await self.consumers_.check(at)) self.history_.problem(std::move(problem));
          co_await at.stop();
        }(*this),
        [&](std::exception_ptr) { finished = true; });
    network_.faults = {};
    for (int i = 0; i < 1'000'000 && !finished; ++i) step(true);
    if (!finished) history_.problem("liveness: the final polls did not finish");
  }

  base::Random random_;
  bool fsync_;
  bool verbose_;
  bool mounted_ = true;
  SimClock clock_;
  CrashableContext clients_;
  std::unique_ptr<CrashableContext> server_;
  SimNetwork network_;
  testing::MemoryDisk disk_;
  MetaContent meta_;
  std::unique_ptr<async::Shard> shard_;
  std::unique_ptr<broker::Broker> broker_;
  std::vector<std::unique_ptr<client::Cluster>> clusters_;
  History history_;
  Outcome outcome_;
  Actor actor_{random_, clock_, clients_, stopping_};
  Transactions transactions_{random_, clock_, clients_, stopping_};
  Retention retention_{random_, clock_, clients_, stopping_};
  Shares shares_{random_, clock_, clients_, stopping_};
  Consumers consumers_{random_, clock_, clients_, stopping_};
  std::map<std::int32_t, std::string> owners_;
  bool stopping_ = false;
  int running_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace

Outcome run_single_node(std::uint64_t seed, bool verbose) {
  Simulation simulation(seed, verbose);
  return simulation.run();
}

}  // namespace meridian::simulation
