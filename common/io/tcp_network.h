// TcpNetwork: Network on TCP sockets.
#pragma once

#include "common/io/network.h"

namespace meridian::io {

class TcpNetwork final : public Network {
 public:
  Result<std::unique_ptr<Listener>> listen(boost::asio::io_context& context, const Endpoint& at) override;
  Task<Result<std::unique_ptr<Stream>>> connect(boost::asio::io_context& context, Endpoint to, async::TimePoint deadline) override;
};

}  // namespace meridian::io
