#include "tests/simulation/sim_network.h"

#include <deque>

namespace meridian::simulation {

class SimNetwork::SimStream final : public io::Stream {
 public:
  SimStream(SimNetwork& network, boost::asio::io_context& context, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, std::string peer)
      : network_(network), in_(std::move(in)), out_(std::move(out)), peer_(std::move(peer)), waiter_(context, network.clock_) {
    in_->reader = &waiter_;
  }
  ~SimStream() override {
    in_->reader = nullptr;
    close();
  }

  Task<Result<std::size_t>> read_some(char* to, std::size_t n) override {
    while (in_->arrived.empty() && !in_->closed) co_await waiter_.wait();
    if (in_->arrived.empty()) co_return fail(Errc::closed, "closed");
    // Pieces of any size, so that frames arrive cut anywhere.
    n = std::min(n, in_->arrived.size());
    if (n > 1 && network_.random_.one_in(4)) n = 1 + network_.random_.below(n);
    std::memcpy(to, in_->arrived.data(), n);
    in_->arrived.erase(0, n);
    co_return n;
  }

  Task<Status> write(std::span<const ByteView> buffers) override {
    if (out_->closed) co_return fail(Errc::closed, "closed");
    Bytes bytes;
    for (const ByteView view : buffers) bytes += view;
    const auto& faults = network_.faults;
    if (faults.cut_one_in > 0 && network_.random_.one_in(faults.cut_one_in)) {
      bytes.resize(network_.random_.below(bytes.size() + 1));
      deliver(std::move(bytes));
      close();
      co_return fail(Errc::closed, "cut");
    }
    deliver(std::move(bytes));
    co_return Status{};
  }

  Task<Status> send_file(const io::FileSlice& slice) override {
    Bytes bytes(slice.size, '\0');
    const auto n = slice.file->read(slice.position, bytes.data(), bytes.size());
    if (!n || *n != bytes.size()) co_return fail(Errc::io, "file too short");
    const ByteView view = bytes;
    co_return co_await write(std::span(&view, 1));
  }

  void close() override {
    for (const auto& pipe : {in_, out_}) {
      pipe->closed = true;
      pipe->wake();
    }
  }

  std::string peer() const override { return peer_; }

 private:
  void deliver(Bytes bytes) {
    const auto delay = std::chrono::microseconds(network_.random_.below(network_.faults.delay_us_max + 1));
    const auto at = std::max(network_.clock_.now() + delay, out_->last_arrival);  // a stream keeps its order
    out_->last_arrival = at;
    network_.clock_.call_at(at, [pipe = out_, moved = std::move(bytes)] {
      if (pipe->closed) return;
      pipe->arrived += moved;
      pipe->wake();
    });
  }

  SimNetwork& network_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  std::string peer_;
  async::Waiter waiter_;
};

class SimNetwork::SimListener final : public io::Listener {
 public:
  SimListener(SimNetwork& network, boost::asio::io_context& context, io::Endpoint at)
      : network_(network), at_(std::move(at)), waiter_(context, network.clock_) {
    network_.listeners_[at_.port] = this;
  }
  ~SimListener() override { close(); }

  Task<Result<std::unique_ptr<io::Stream>>> accept(boost::asio::io_context& target) override {
    while (!closed_ && waiting_.empty()) co_await waiter_.wait();
    if (closed_) co_return fail(Errc::closed, "closed");
    auto [in, out] = waiting_.front();
    waiting_.pop_front();
    co_return std::make_unique<SimStream>(network_, target, in, out, "10.0.0.1:1000");
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    network_.listeners_.erase(at_.port);
    for (auto& [in, out] : waiting_)
      for (const auto& pipe : {in, out}) pipe->closed = true, pipe->wake();
    waiter_.wake();
  }

  io::Endpoint endpoint() const override { return at_; }

  void offer(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out) {
    waiting_.emplace_back(std::move(in), std::move(out));
    waiter_.wake();
  }

 private:
  SimNetwork& network_;
  io::Endpoint at_;
  async::Waiter waiter_;
  std::deque<std::pair<std::shared_ptr<Pipe>, std::shared_ptr<Pipe>>> waiting_;
  bool closed_ = false;
};

Result<std::unique_ptr<io::Listener>> SimNetwork::listen(boost::asio::io_context& context, const io::Endpoint& at) {
  io::Endpoint bound = at;
  if (bound.port == 0) bound.port = next_port_++;
  if (listeners_.contains(bound.port)) return fail(Errc::io, "port is taken");
  return std::make_unique<SimListener>(*this, context, bound);
}

Task<Result<std::unique_ptr<io::Stream>>> SimNetwork::connect(boost::asio::io_context& context, io::Endpoint to, async::TimePoint) {
  co_await async::sleep_for(context, clock_, std::chrono::microseconds(random_.below(faults.delay_us_max + 1)));
  const auto listener = listeners_.find(to.port);
  if (listener == listeners_.end()) co_return fail(Errc::closed, "connection refused");
  auto up = std::make_shared<Pipe>(), down = std::make_shared<Pipe>();
  auto stream = std::make_unique<SimStream>(*this, context, down, up, to.to_string());
  listener->second->offer(up, down);
  co_return stream;
}

}  // namespace meridian::simulation
