// Virtual time: timers wait in a list, and the simulator moves the clock to the next of them when nothing else is left to do.
#pragma once

#include <functional>
#include <map>

#include "common/async/clock.h"

namespace meridian::simulation {

class SimClock final : public async::Clock {
 public:
  async::TimePoint now() const override { return now_; }
  std::int64_t wall_ms() const override {
    return 1'700'000'000'000 + std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch() + wall_ahead_).count();
  }
  /// Somebody sets the wall clock; time that is waited for goes on as before.
  void set_wall(async::Duration ahead) { wall_ahead_ = ahead; }

  void arm(boost::asio::steady_timer& timer, async::TimePoint at) override {
    timer.expires_at(async::TimePoint::max());
    disarm(timer);
    if (at == async::never) return;
    const auto entry = timers_.emplace(std::pair(at, next_id_++), Armed{&timer, &timer.get_executor().context()});
    armed_[&timer] = entry.first;
  }

  void disarm(boost::asio::steady_timer& timer) override {
    const auto it = armed_.find(&timer);
    if (it == armed_.end()) return;
    timers_.erase(it->second);
    armed_.erase(it);
  }

  /// Runs `action` at a time; for the simulated world itself (packets on their way).
  void call_at(async::TimePoint at, std::function<void()> action) { timers_.emplace(std::pair(at, next_id_++), Armed{nullptr, nullptr, std::move(action)}); }

  /// Moves to the next timer and lets it act; false when there is none.
  bool advance() {
    if (timers_.empty()) return false;
    auto node = timers_.extract(timers_.begin());
    now_ = std::max(now_, node.key().first);
    if (node.mapped().timer) {
      armed_.erase(node.mapped().timer);
      node.mapped().timer->cancel();
    } else {
      node.mapped().action();
    }
    return true;
  }

  /// A context dies with its timers.
  void forget(const void* context) {
    for (auto it = timers_.begin(); it != timers_.end();) {
      const bool dead = it->second.timer && it->second.context == context;
      if (dead) armed_.erase(it->second.timer);
      it = dead ? timers_.erase(it) : std::next(it);
    }
  }

 private:
  struct Armed {
    boost::asio::steady_timer* timer;
    const void* context;
    std::function<void()> action = {};
  };
  using Timers = std::map<std::pair<async::TimePoint, std::uint64_t>, Armed>;
  async::TimePoint now_{std::chrono::hours(1)};
  async::Duration wall_ahead_{};
  std::uint64_t next_id_ = 0;
  Timers timers_;
  std::map<boost::asio::steady_timer*, Timers::iterator> armed_;
};

}  // namespace meridian::simulation
