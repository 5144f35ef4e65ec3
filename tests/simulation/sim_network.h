// Byte streams in memory: delivered late, in pieces, or cut. One address space; every listener has a port.
#pragma once

#include <map>

#include "common/async/waiter.h"
#include "common/base/random.h"
#include "common/io/network.h"
#include "tests/simulation/sim_clock.h"

namespace meridian::simulation {

struct NetworkFaults {
  std::uint64_t delay_us_max = 500;
  std::uint64_t cut_one_in = 0;  ///< a write cuts its connection; 0 = never
};

class SimNetwork final : public io::Network {
 public:
  SimNetwork(SimClock& clock, base::Random& random) : clock_(clock), random_(random) {}

  Result<std::unique_ptr<io::Listener>> listen(boost::asio::io_context& context, const io::Endpoint& at) override;
  Task<Result<std::unique_ptr<io::Stream>>> connect(boost::asio::io_context& context, io::Endpoint to, async::TimePoint deadline) override;

  NetworkFaults faults;

 private:
  /// One direction of a connection.
  struct Pipe {
    Bytes arrived;
    bool closed = false;
    async::Waiter* reader = nullptr;
    async::TimePoint last_arrival{};
    void wake() {
      if (reader) reader->wake();
    }
  };
  class SimStream;
  class SimListener;

  SimClock& clock_;
  base::Random& random_;
  std::map<int, SimListener*> listeners_;
  int next_port_ = 20000;
};

}  // namespace meridian::simulation
