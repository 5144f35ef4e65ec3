#include "common/io/tcp_network.h"

#include <sys/sendfile.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

namespace meridian::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

class TcpStream final : public Stream {
 public:
  explicit TcpStream(tcp::socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    const auto remote = socket_.remote_endpoint(ignored);
    peer_ = remote.address().to_string() + ":" + std::to_string(remote.port());
  }

  Task<Result<std::size_t>> read_some(char* to, std::size_t n) override {
    auto [error, got] = co_await socket_.async_read_some(asio::buffer(to, n), use_tuple);
    if (error) co_return fail(Errc::closed, error == asio::error::eof ? "closed by the peer" : error.message());
    co_return got;
  }

  Task<Status> write(std::span<const ByteView> buffers) override {
    std::vector<asio::const_buffer> parts;
    parts.reserve(buffers.size());
    for (const ByteView view : buffers) parts.emplace_back(view.data(), view.size());
    auto [error, n] = co_await asio::async_write(socket_, parts, use_tuple);
    if (error) co_return fail(Errc::closed, error.message());
    co_return Status{};
  }

  Task<Status> send_file(const FileSlice& slice) override {
    off_t at = static_cast<off_t>(slice.position);
    std::size_t left = slice.size;
    while (left > 0) {
      const ssize_t sent = ::sendfile(socket_.native_handle(), slice.file->descriptor(), &at, left);
      if (sent > 0) {
        left -= static_cast<std::size_t>(sent);
        continue;
      }
      // The peer would wait for bytes that no longer exist: only ending the connection is honest.
      if (sent == 0) co_return fail(Errc::io, "a segment file ends before the bytes promised");
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return fail(Errc::closed, std::generic_category().message(errno));
      auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, use_tuple);
      if (error) co_return fail(Errc::closed, error.message());
    }
    co_return Status{};
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  std::string peer() const override { return peer_; }

 private:
  tcp::socket socket_;
  std::string peer_;
};

class TcpListener final : public Listener {
 public:
  TcpListener(tcp::acceptor acceptor, std::string host) : acceptor_(std::move(acceptor)), host_(std::move(host)) {}

  Task<Result<std::unique_ptr<Stream>>> accept(asio::io_context& target) override {
    tcp::socket socket(target);
    auto [error] = co_await acceptor_.async_accept(socket, use_tuple);
    if (error) co_return fail(acceptor_.is_open() ? Errc::io : Errc::closed, error.message());
    co_return std::make_unique<TcpStream>(std::move(socket));
  }

  void close() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }

  Endpoint endpoint() const override { return {host_, acceptor_.local_endpoint().port()}; }

 private:
  tcp::acceptor acceptor_;
  std::string host_;
};

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  int port = -1;
  if (colon != std::string_view::npos) {
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size()) port = -1;
  }
  if (colon == std::string_view::npos || colon == 0 || port < 0 || port > 65535) return fail(Errc::invalid, "'" + std::string(text) + "' is not HOST:PORT");
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Endpoint{std::string(host), port};
}

Result<std::unique_ptr<Listener>> TcpNetwork::listen(asio::io_context& context, const Endpoint& at) {
  boost::system::error_code error;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(at.host, std::to_string(at.port), tcp::resolver::passive, error);
  if (error || found.empty()) return fail(Errc::invalid, "cannot resolve " + at.host + ": " + error.message());
  const auto endpoint = found.begin()->endpoint();
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(Errc::io, "cannot listen on " + at.to_string() + ": " + error.message());
  return std::make_unique<TcpListener>(std::move(acceptor), at.host);
}

Task<Result<std::unique_ptr<Stream>>> TcpNetwork::connect(asio::io_context& context, Endpoint to, async::TimePoint deadline) {
  using namespace asio::experimental::awaitable_operators;
  tcp::resolver resolver(context);
  auto [resolve_error, found] = co_await resolver.async_resolve(to.host, std::to_string(to.port), use_tuple);
  if (resolve_error) co_return fail(Errc::closed, "cannot resolve " + to.host + ": " + resolve_error.message());
  tcp::socket socket(context);
  asio::steady_timer timer(context, deadline);
  auto raced = co_await (asio::async_connect(socket, found, use_tuple) || timer.async_wait(use_tuple));
  if (raced.index() == 1) co_return fail(Errc::timeout, "no connection to " + to.to_string() + " in time");
  const auto error = std::get<0>(std::get<0>(raced));
  if (error) co_return fail(Errc::closed, "cannot connect to " + to.to_string() + ": " + error.message());
  co_return std::make_unique<TcpStream>(std::move(socket));
}

}  // namespace meridian::io
