#include "common/io/http_server.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "common/base/log.h"

namespace meridian::io {

namespace http = boost::beast::http;

HttpServer::HttpServer(Network& network, boost::asio::io_context& context, async::Clock& clock, Handler handler)
    : network_(network), context_(context), clock_(clock), handler_(std::move(handler)), gate_(context, clock) {}

HttpServer::~HttpServer() = default;

Result<Endpoint> HttpServer::listen(const Endpoint& at) {
  auto listener = network_.listen(context_, at);
  if (!listener) return fail(listener.error());
  listener_ = std::move(*listener);
  return listener_->endpoint();
}

void HttpServer::start() { gate_.spawn(accept_loop(), "http acceptor"); }

Task<> HttpServer::stop() {
  if (listener_) listener_->close();
  for (auto* stream : streams_) stream->close();
  co_await gate_.close();
}

Task<> HttpServer::accept_loop() {
  while (!gate_.closed()) {
    auto stream = co_await listener_->accept(context_);
    if (!stream) {
      if (stream.error().code == Errc::closed) break;
      co_await async::sleep_for(context_, clock_, std::chrono::milliseconds(10));
      continue;
    }
    if (streams_.size() < connections_max) gate_.spawn(serve(std::move(*stream)), "http connection");
  }
}

namespace {

/// Feeds a parser from the stream until it is done; false when the peer ended or sent nonsense.
template <class Parser>
Task<bool> read_message(Stream& stream, Parser& parser, std::string& buffered) {
  boost::system::error_code error;
  while (!parser.is_done()) {
    if (!buffered.empty()) {
      const auto used = parser.put(boost::asio::buffer(buffered), error);
      buffered.erase(0, used);
      if (error && error != http::error::need_more) co_return false;
      if (parser.is_done()) break;
    }
    char chunk[8192];
    const auto n = co_await stream.read_some(chunk, sizeof chunk);
    if (!n) {
      parser.put_eof(error);
      co_return parser.is_done();
    }
    buffered.append(chunk, *n);
  }
  co_return true;
}

}  // namespace

Task<> HttpServer::serve(std::shared_ptr<Stream> stream) {
  streams_.push_back(stream.get());
  std::string buffered;
  while (!gate_.closed()) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(request_bytes_max);
    parser.eager(true);
    if (!co_await read_message(*stream, parser, buffered)) break;
    const auto& message = parser.get();
    HttpRequest request;
    request.method = std::string(message.method_string());
    const std::string target(message.target());
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.body = message.body();
    const bool keep = message.keep_alive();
    HttpResponse response;
    try {
      response = co_await handler_(std::move(request));
    } catch (const std::exception& e) {
      response = {.status = 500, .content_type = "text/plain", .body = std::string(e.what()) + "\n"};
    }
    const std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                             std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)))) +
                             "\r\nContent-Type: " + response.content_type + "\r\nContent-Length: " + std::to_string(response.body.size()) +
                             (keep ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    const ByteView parts[] = {head, response.body};
    if (!co_await stream->write(parts) || !keep) break;
  }
  std::erase(streams_, stream.get());
  stream->close();
}

Task<Result<HttpResponse>> http_call(Network& network, boost::asio::io_context& context, async::Clock& clock, Endpoint to, HttpRequest request,
                                     async::TimePoint deadline) {
  auto stream = co_await network.connect(context, to, deadline);
  if (!stream) co_return fail(stream.error());
  // The watchdog ends the stream at the deadline, which ends every wait below.
  bool done = false, expired = false;
  async::Gate gate(context, clock);
  async::Waiter watchdog(context, clock);
  gate.spawn(
      [](async::Waiter& waiter, async::TimePoint at, Stream& ended, bool& finished, bool& late) -> Task<> {
        if (co_await waiter.wait(at) || finished) co_return;
        late = true;
        ended.close();
      }(watchdog, deadline, **stream, done, expired),
      "http deadline");
  const std::string head = request.method + " " + request.path + (request.query.empty() ? "" : "?" + request.query) + " HTTP/1.1\r\nHost: " + to.to_string() +
                           "\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n\r\n";
  const ByteView parts[] = {head, request.body};
  http::response_parser<http::string_body> parser;
  parser.body_limit(64u << 20);
  parser.eager(true);
  std::string buffered;
  const bool ok = co_await (*stream)->write(parts) && co_await read_message(**stream, parser, buffered);
  done = true;
  watchdog.wake();
  co_await gate.close();
  if (expired) co_return fail(Errc::timeout, "no answer from " + to.to_string() + " in time");
  if (!ok) co_return fail(Errc::closed, "no HTTP answer from " + to.to_string());
  co_return HttpResponse{
      .status = static_cast<int>(parser.get().result_int()), .content_type = std::string(parser.get()[http::field::content_type]), .body = parser.get().body()};
}

}  // namespace meridian::io
