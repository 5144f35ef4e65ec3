// HttpServer: a small HTTP/1.1 server for /metrics, /healthz and JSON, on the Network seam with Beast's parser.
#pragma once

#include <functional>

#include "common/async/gate.h"
#include "common/io/network.h"

namespace meridian::io {

struct HttpRequest {
  std::string method;
  std::string path;  ///< without the query
  std::string query;
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// Belongs to one shard. Requests over 1 MiB, and connections over `connections_max`, are refused.
class HttpServer {
 public:
  using Handler = std::function<Task<HttpResponse>(HttpRequest)>;
  HttpServer(Network& network, boost::asio::io_context& context, async::Clock& clock, Handler handler);
  ~HttpServer();

  Result<Endpoint> listen(const Endpoint& at);
  void start();
  Task<> stop();

  static constexpr std::size_t request_bytes_max = 1u << 20;
  static constexpr std::size_t connections_max = 256;

 private:
  Task<> accept_loop();
  Task<> serve(std::shared_ptr<Stream> stream);

  Network& network_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  Handler handler_;
  std::unique_ptr<Listener> listener_;
  async::Gate gate_;
  std::vector<Stream*> streams_;
};

/// One request to an HTTP server; the whole call ends by `deadline`.
Task<Result<HttpResponse>> http_call(Network& network, boost::asio::io_context& context, async::Clock& clock, Endpoint to, HttpRequest request,
                                     async::TimePoint deadline);

}  // namespace meridian::io
