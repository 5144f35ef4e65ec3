#include "cli/session.h"

#include <boost/asio/co_spawn.hpp>

namespace meridian::cli {

int tell(const Error& error) {
  complain(error.message);
  switch (error.code) {
    case Errc::closed:
    case Errc::timeout: return unreachable;
    case Errc::invalid: return usage;
    default: return failed;
  }
}

int Session::with_cluster(Task<Result<int>> (*command)(Session&, client::Cluster&, const void*), const void* arguments) {
  auto bootstrap = client::Cluster::parse_bootstrap(brokers);
  if (!bootstrap) return tell(bootstrap.error());
  client::Cluster cluster(network, context, clock, std::move(*bootstrap), "meridian-cli");
  Result<int> result = failed;
  std::exception_ptr escaped;
  boost::asio::co_spawn(
      context,
      [](Session& self, client::Cluster& at, Task<Result<int>> (*run)(Session&, client::Cluster&, const void*), const void* with, Result<int>& out) -> Task<> {
        out = co_await run(self, at, with);
        co_await at.stop();
      }(*this, cluster, command, arguments, result),
      [&](std::exception_ptr error) { escaped = error; });
  context.restart();
  context.run();
  if (escaped) std::rethrow_exception(escaped);
  return result ? *result : tell(result.error());
}

Result<io::HttpResponse> Session::call_mirror(io::HttpRequest request) {
  const auto to = io::Endpoint::parse(mirror);
  if (!to) return fail(to.error());
  Result<io::HttpResponse> result = fail(Errc::closed, "no answer");
  boost::asio::co_spawn(context, io::http_call(network, context, clock, *to, std::move(request), clock.now() + std::chrono::minutes(2)),
                        [&](std::exception_ptr error, Result<io::HttpResponse> answer) {
                          if (!error) result = std::move(answer);
                        });
  context.restart();
  context.run();
  if (!result) result.error().message = "mirror " + mirror + ": " + result.error().message;
  return result;
}

}  // namespace meridian::cli
