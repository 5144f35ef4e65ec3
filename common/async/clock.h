// Clock: the seam for time. Production is SystemClock; simulation moves a virtual clock by hand.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>

namespace meridian::async {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
inline constexpr TimePoint never = TimePoint::max();

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  /// Milliseconds since the Unix epoch: record timestamps and retention only; never for waiting.
  virtual std::int64_t wall_ms() const = 0;
  /// Makes `timer` expire at `at` by this clock. Thread-safe across shards; `timer` belongs to the caller's.
  virtual void arm(boost::asio::steady_timer& timer, TimePoint at) = 0;
  virtual void disarm(boost::asio::steady_timer& timer) = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  std::int64_t wall_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  void arm(boost::asio::steady_timer& timer, TimePoint at) override { timer.expires_at(at); }
  void disarm(boost::asio::steady_timer&) override {}
};

}  // namespace meridian::async
