// meridian-broker: a node of a regional cluster; with no configuration, a complete single-node region.
#include <CLI/CLI.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <future>
#include <iostream>

#include "broker/broker.h"
#include "broker/metadata/local_meta_store.h"
#include "common/base/log.h"
#include "common/io/posix_disk.h"
#include "common/io/systemd.h"
#include "common/io/tcp_network.h"

namespace meridian {
namespace {

constexpr int usage_error = 2;
constexpr int blocking_threads = 4;

struct Arguments {
  std::string config_file;
  std::string data_directory;
  std::string kafka;
  std::string admin;
  std::vector<std::string> assignments;
};

Result<config::Settings> settings_from(const Arguments& arguments) {
  config::Settings settings(metadata::broker_setting_table());
  if (!arguments.config_file.empty())
    if (auto done = settings.load_yaml(arguments.config_file); !done) return fail(done.error());
  const std::pair<const char*, const std::string&> flags[] = {
      {"log.dirs", arguments.data_directory}, {"listeners", arguments.kafka}, {"admin.listener", arguments.admin}};
  for (const auto& [key, value] : flags)
    if (!value.empty())
      if (auto done = settings.set(key, value); !done) return fail(done.error());
  for (const auto& assignment : arguments.assignments)
    if (auto done = settings.set_assignment(assignment); !done) return fail(done.error());
  return settings;
}

/// Until a signal comes, or `signals` is cancelled because nothing can be served any more.
Task<Status> serve(broker::Broker& node, boost::asio::signal_set& signals) {
  if (auto done = co_await node.start(); !done) {
    (void)co_await node.stop();
    co_return done;
  }
  // Before anybody is told: whoever waits for this line may send one at once. During a start they end the process.
  signals.add(SIGINT);
  signals.add(SIGTERM);
  std::cout << "ready kafka=" << node.kafka_endpoint().to_string() << " admin=" << node.admin_endpoint().to_string() << std::endl;
  io::notify_systemd_ready();
  boost::system::error_code cancelled;
  const int signal = co_await signals.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  if (!cancelled) log::info("signal {}: stopping", signal);
  const auto stopped = co_await node.stop();
  if (cancelled) co_return fail(Errc::io, "no log directory works any more");
  co_return stopped;
}

/// One process a directory. One that cannot be used is the broker's to leave out, but for the first, which holds the metadata.
Result<std::vector<std::unique_ptr<io::FileLock>>> lock_directories(const std::vector<std::string>& directories, io::Disk& disk) {
  std::vector<std::unique_ptr<io::FileLock>> locks;
  if (directories.empty()) return fail(Errc::invalid, "log.dirs names no directory");
  for (const auto& directory : directories) {
    if (disk.exists(directory + "/meta.properties"))
      return fail(Errc::refused,
                  directory + " holds meta.properties: it is Apache Kafka's, whose logs are not taken over (a mirror copies them); name another directory");
    Status made = disk.make_directories(directory);
    auto lock = made ? io::FileLock::acquire(directory + "/.lock") : fail(made.error());
    if (lock) locks.push_back(std::move(*lock));
    else if (directory == directories.front() || lock.error().code == Errc::refused) return fail(lock.error());
  }
  return locks;
}

int run(const config::Settings& settings) {
  const std::string level = settings.string("log.level");
  log::configure(level == "debug" ? log::Level::debug : level == "info" ? log::Level::info : level == "warn" ? log::Level::warn : log::Level::error);
  const auto fail_with = [](const Error& error) {
    std::cerr << "meridian-broker: " << error.message << std::endl;
    return error.code == Errc::invalid ? usage_error : 1;
  };
  async::SystemClock clock;
  io::PosixDisk disk(blocking_threads);
  io::TcpNetwork network;
  base::Random random(base::system_seed());
  const auto locks = lock_directories(config::split_list(settings.string("log.dirs")), disk);
  if (!locks) return fail_with(locks.error());

  std::vector<std::unique_ptr<async::Shard>> shards;
  std::vector<async::Shard*> pointers;
  for (int i = 0; i < settings.integer("shards"); ++i) pointers.push_back(shards.emplace_back(std::make_unique<async::Shard>(i, clock)).get());
  boost::asio::signal_set signals(pointers[0]->context());
  broker::Broker node({clock, disk, network, random,
                       [&](const std::string& data, async::Shard& control) -> Result<std::unique_ptr<metadata::MetaStore>> {
                         auto store = metadata::LocalMetaStore::open(data + "/metadata.db", disk, control.context(), clock);
                         if (!store) return fail(store.error());
                         return std::unique_ptr<metadata::MetaStore>(std::move(*store));
                       },
                       [&signals] { signals.cancel(); }},
                      settings, pointers);
  for (auto& shard : shards) shard->start(shards.size() > 1);
  std::promise<Status> finished;
  boost::asio::co_spawn(pointers[0]->context(), serve(node, signals), [&finished](std::exception_ptr error, Status status) {
    if (error) finished.set_exception(error);
    else finished.set_value(std::move(status));
  });
  const Status status = finished.get_future().get();
  for (auto& shard : shards) shard->stop();
  return status ? 0 : fail_with(status.error());
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  using namespace meridian;
  CLI::App app{"A Kafka-compatible broker. With no options: ./meridian-data, 127.0.0.1:9092, admin on 127.0.0.1:9644."};
  Arguments arguments;
  app.add_option("--config", arguments.config_file, "YAML file of settings");
  app.add_option("--data-dir", arguments.data_directory, "data directories, separated by commas (log.dirs)");
  app.add_option("--kafka", arguments.kafka, "HOST:PORT for Kafka clients (listeners); port 0 takes a free one");
  app.add_option("--admin", arguments.admin, "HOST:PORT of the admin HTTP server (admin.listener)");
  app.add_option("--set", arguments.assignments, "KEY=VALUE, any setting; repeatable")->allow_extra_args(false);
  app.set_version_flag("--version", "meridian-broker 0.1.0");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;
  }
  const auto settings = settings_from(arguments);
  if (!settings) {
    std::cerr << "meridian-broker: " << settings.error().message << std::endl;
    return usage_error;
  }
  std::signal(SIGPIPE, SIG_IGN);
  return run(*settings);
}
