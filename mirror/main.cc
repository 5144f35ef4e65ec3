// meridian-mirror: copies topics and consumer-group positions between clusters, as mirror.yaml or mm2.properties says.
#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <iostream>

#include "common/base/log.h"
#include "common/io/systemd.h"
#include "common/io/tcp_network.h"
#include "mirror/mirror.h"

namespace meridian {
namespace {

constexpr int usage_error = 2;

Task<int> serve(mirror::Mirror& mirror, boost::asio::io_context& context) {
  const auto admin = mirror.start();
  if (!admin) {
    std::cerr << "meridian-mirror: " << admin.error().message << std::endl;
    co_return 1;
  }
  // Before anybody is told: whoever waits for this line may send one at once.
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  std::cout << "ready admin=" << admin->to_string() << std::endl;
  io::notify_systemd_ready();
  const int signal = co_await signals.async_wait(boost::asio::use_awaitable);
  log::info("signal {}: stopping", signal);
  co_await mirror.stop();
  co_return 0;
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  using namespace meridian;
  CLI::App app{"Mirrors topics and consumer groups between Kafka clusters."};
  std::string config_file, admin;
  bool check = false;
  app.add_option("--config", config_file, "mirror.yaml, or MirrorMaker 2's mm2.properties")->required();
  app.add_option("--admin", admin, "HOST:PORT of the admin HTTP server; port 0 takes a free one");
  app.add_flag("--check", check, "read the configuration, say what it means, and stop");
  app.set_version_flag("--version", "meridian-mirror 0.1.0");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;
  }
  auto config = mirror::load_config(config_file);
  if (config && !admin.empty()) {
    auto endpoint = io::Endpoint::parse(admin);
    if (endpoint) config->admin = *endpoint;
    else config = fail(endpoint.error());
  }
  if (!config) {
    std::cerr << "meridian-mirror: " << config.error().message << std::endl;
    return usage_error;
  }
  log::configure(log::Level::info);
  for (const auto& key : config->unused) log::warn("{}: '{}' has no effect here", config_file, key);
  if (check) {
    for (const auto& link : config->links)
      std::cout << "link " << link.name << ": " << link.source << " (" << config->clusters.at(link.source).bootstrap << ") -> " << link.target << " ("
                << config->clusters.at(link.target).bootstrap << "), "
                << (link.policy.identity ? "same names" : "names prefixed with " + link.source + link.policy.separator) << ", "
                << kafka::compression_name(link.compression) << ", groups " << (link.follow_groups ? "followed" : "not followed") << std::endl;
    return 0;
  }
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context context(1);
  async::SystemClock clock;
  io::TcpNetwork network;
  int result = 1;
  {
    mirror::Mirror mirror(std::move(*config), network, context, clock);
    boost::asio::co_spawn(context, serve(mirror, context), [&](std::exception_ptr error, int code) {
      result = error ? 1 : code;
      context.stop();
    });
    context.run();
  }
  return result;
}
