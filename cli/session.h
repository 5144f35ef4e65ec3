// Session: one run of the command line: where to connect, how to print, and a loop to run coroutines on.
#pragma once

#include <chrono>

#include "cli/output.h"
#include "common/client/operations.h"
#include "common/io/http_server.h"
#include "common/io/tcp_network.h"

namespace meridian::cli {

struct Session {
  std::string brokers = "127.0.0.1:9092";
  std::string mirror = "127.0.0.1:9645";
  Format format = Format::table;
  int timeout_ms = 15'000;
  bool dry_run = false;
  bool yes = false;

  boost::asio::io_context context{1};
  async::SystemClock clock;
  io::TcpNetwork network;

  async::TimePoint deadline() { return clock.now() + std::chrono::milliseconds(timeout_ms); }

  /// Runs a command against the cluster of --brokers and returns its exit code. `command` is called with the connected cluster.
  int with_cluster(Task<Result<int>> (*command)(Session&, client::Cluster&, const void*), const void* arguments);
  template <class Arguments>
  int with_cluster(Task<Result<int>> (*command)(Session&, client::Cluster&, const Arguments&), const Arguments& arguments) {
    struct Bound {
      Task<Result<int>> (*command)(Session&, client::Cluster&, const Arguments&);
      const Arguments& arguments;
    } bound{command, arguments};
    return with_cluster(
        [](Session& session, client::Cluster& cluster, const void* raw) -> Task<Result<int>> {
          const auto& call = *static_cast<const Bound*>(raw);
          return call.command(session, cluster, call.arguments);
        },
        &bound);
  }
  /// One HTTP call to the mirror's admin server; prints why when it fails.
  Result<io::HttpResponse> call_mirror(io::HttpRequest request);
};

/// Exit code for an error, after telling it.
int tell(const Error& error);

}  // namespace meridian::cli
