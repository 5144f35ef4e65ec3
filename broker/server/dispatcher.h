// Dispatcher: the handler table. What it lists is what ApiVersions advertises and what is served.
#pragma once

#include <span>

#include "broker/server/request_context.h"

namespace meridian::server {

/// An encoded response body; splices are file slices to be sent in between.
struct Reply {
  Bytes body;
  std::vector<kafka::Splice> splices;
};

struct Handler {
  const kafka::ApiInfo& api;
  std::int16_t advertised_min;  ///< below api.versions.min only for Produce (KAFKA-18659)
  bool pipelined;               ///< the next request of the connection may start once context.appended was called
  /// An error means that the body did not decode: the connection is closed.
  Task<Result<Reply>> (*run)(RequestContext& context, ByteView body);
};

std::span<const Handler> handlers();
const Handler* find_handler(std::int16_t key);

}  // namespace meridian::server
