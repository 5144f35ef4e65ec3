// Metrics: counters, gauges and histograms, and the Prometheus text writer (exposition format 0.0.4).
// Names: base units, counters end in _total. Unknown is an absent sample, never 0.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace meridian::metrics {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Durations in seconds, buckets from 100 microseconds to 100 s in steps of about 3.
class Histogram {
 public:
  static constexpr std::array<double, 13> bounds = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3, 10, 30, 100};
  void observe(double seconds);

 private:
  friend class Registry;
  std::array<std::atomic<std::uint64_t>, bounds.size() + 1> buckets_{};
  std::atomic<std::uint64_t> nanoseconds_{0};
};

/// Labels as they appear in the text: `topic="orders",partition="3"`; use label() to build them.
std::string label(const char* name, std::string_view value);

/// Handles stay valid as long as the registry. Registering is for start-up and rare events; counting takes no lock.
class Registry {
 public:
  Counter& counter(const std::string& name, const char* help, const std::string& labels = "");
  Histogram& histogram(const std::string& name, const char* help, const std::string& labels = "");
  /// `read` is called when the text is written, on that thread; samples(labels, value) may be emitted any number of times.
  using Emit = std::function<void(const std::string& labels, double value)>;
  void gauge(const std::string& name, const char* help, std::function<void(const Emit&)> read);

  std::string text() const;

 private:
  struct Family {
    std::string help;
    const char* type = "";
    std::map<std::string, Counter*> counters;
    std::map<std::string, Histogram*> histograms;
    std::function<void(const Emit&)> read;
  };
  mutable std::mutex mutex_;  ///< guards the maps; not taken while counting
  std::map<std::string, Family> families_;
  std::deque<Counter> counters_;
  std::deque<Histogram> histograms_;
};

}  // namespace meridian::metrics
