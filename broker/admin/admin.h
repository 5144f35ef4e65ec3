// Admin: the broker's HTTP side: /metrics (Prometheus), /healthz, /v1/status (JSON).
#pragma once

#include "broker/server/server.h"
#include "common/io/http_server.h"

namespace meridian::admin {

class Admin {
 public:
  Admin(server::Services& services, server::Server& kafka, io::Network& network);

  Result<io::Endpoint> listen(const io::Endpoint& at) { return http_.listen(at); }
  void start() { http_.start(); }
  Task<> stop() { return http_.stop(); }

 private:
  Task<io::HttpResponse> handle(io::HttpRequest request);
  Task<std::string> metrics_text();

  server::Services& services_;
  server::Server& kafka_;
  io::HttpServer http_;
};

}  // namespace meridian::admin
