// Mirror: all links of one process, and the admin HTTP server for people, Prometheus and the CLI.
#pragma once

#include "common/io/http_server.h"
#include "mirror/link.h"

namespace meridian::mirror {

class Mirror {
 public:
  Mirror(MirrorConfig config, io::Network& network, boost::asio::io_context& context, async::Clock& clock);

  Result<io::Endpoint> start();
  Task<> stop();

 private:
  Task<io::HttpResponse> handle(io::HttpRequest request);
  Task<io::HttpResponse> handle_link(Link& link, std::string action, io::HttpRequest request);
  Link* find(std::string_view name);

  MirrorConfig config_;
  metrics::Registry registry_;
  std::vector<std::unique_ptr<Link>> links_;
  io::HttpServer http_;
};

}  // namespace meridian::mirror
