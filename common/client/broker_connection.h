// BrokerConnection: one connection to a Kafka broker: version negotiation, pipelined requests, deadlines. Our own small client,
// used by the mirror's writer, the CLI and tests.
#pragma once

#include <deque>
#include <map>

#include "common/async/gate.h"
#include "common/io/network.h"
#include "common/kafka/messages/all.h"

namespace meridian::client {

/// Belongs to one shard. Requests leave in the order of the calls; answers are matched by correlation id.
class BrokerConnection : public std::enable_shared_from_this<BrokerConnection> {
 public:
  struct World {
    io::Network& network;
    boost::asio::io_context& context;
    async::Clock& clock;
    async::Gate& gate;  ///< of the owner; runs the connection's reader and writer
    std::string client_id;
  };
  /// Connects and asks for ApiVersions.
  static Task<Result<std::shared_ptr<BrokerConnection>>> open(World world, io::Endpoint to, async::TimePoint deadline);

  /// Sends a request at the highest version that both sides know (at most `version_max`) and waits for the answer.
  /// Errc::closed or Errc::timeout: the broker may have acted all the same. Errc::invalid: no version in common.
  template <class Request>
  Task<Result<typename Request::Response>> call(Request request, async::TimePoint deadline, std::int16_t version_max = INT16_MAX) {
    const auto version = version_for(Request::api, version_max);
    if (version < 0) co_return fail(Errc::invalid, std::string(Request::api.name) + " is not served by " + peer());
    Bytes frame = begin_frame(Request::api, version);
    const auto correlation_id = next_correlation_id_ - 1;
    kafka::Encoder encoder(frame, version, Request::api.flexible(version));
    kafka::encode_message(encoder, request);
    const bool tagged_header = Request::api.flexible(version) && Request::api.key != kafka::ApiVersionsRequest::api.key;
    auto body = co_await exchange(std::move(frame), correlation_id, deadline);
    if (!body) co_return fail(body.error());
    // Response header version 1 ends in tagged fields; none is defined, so one zero byte.
    if (tagged_header && body->size() < 1) co_return fail(Errc::corrupt, "response is cut short");
    co_return decode<typename Request::Response>(std::move(*body), tagged_header ? 1 : 0, version);
  }

  /// -1 when there is none.
  std::int16_t version_for(const kafka::ApiInfo& api, std::int16_t version_max = INT16_MAX) const;
  bool serves(const kafka::ApiInfo& api) const { return version_for(api) >= 0; }
  bool closed() const { return closed_; }
  void close();
  const std::string& peer() const { return peer_; }
  /// The frame that the last Fetch response views into.
  const std::shared_ptr<Bytes>& last_frame() const { return last_frame_; }

  BrokerConnection(World world, std::unique_ptr<io::Stream> stream, io::Endpoint to);

 private:
  struct Pending {
    Pending(boost::asio::io_context& context, async::Clock& clock) : waiter(context, clock) {}
    async::Waiter waiter;
    std::optional<Bytes> body;
  };

  template <class Response>
  Result<Response> decode(Bytes body, std::size_t skip, std::int16_t version) {
    // Records in a response are views: the frame is kept until the next answer is decoded.
    last_frame_ = std::make_shared<Bytes>(std::move(body));
    return kafka::decode_message<Response>(ByteView(*last_frame_).substr(skip), version);
  }

  Bytes begin_frame(const kafka::ApiInfo& api, std::int16_t version);
  Task<Result<Bytes>> exchange(Bytes frame, std::int32_t correlation_id, async::TimePoint deadline);
  Task<> read_loop(std::shared_ptr<BrokerConnection> self);
  Task<> write_loop(std::shared_ptr<BrokerConnection> self);
  Task<bool> read_exactly(char* to, std::size_t n);

  World world_;
  std::unique_ptr<io::Stream> stream_;
  std::string peer_;
  std::map<std::int16_t, kafka::VersionRange> served_;
  std::map<std::int32_t, std::shared_ptr<Pending>> pending_;
  std::deque<Bytes> outgoing_;
  async::Waiter writable_;
  std::int32_t next_correlation_id_ = 1;
  bool closed_ = false;
  std::shared_ptr<Bytes> last_frame_;
};

}  // namespace meridian::client
