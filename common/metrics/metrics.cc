#include "common/metrics/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::metrics {

void Histogram::observe(double seconds) {
  const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(bounds, seconds) - bounds.begin());
  buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
  nanoseconds_.fetch_add(static_cast<std::uint64_t>(seconds * 1e9), std::memory_order_relaxed);
}

std::string label(const char* name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out + "\"";
}

Counter& Registry::counter(const std::string& name, const char* help, const std::string& labels) {
  std::lock_guard lock(mutex_);
  Family& family = families_[name];
  family.help = help;
  family.type = "counter";
  Counter*& slot = family.counters[labels];
  if (!slot) slot = &counters_.emplace_back();
  return *slot;
}

Histogram& Registry::histogram(const std::string& name, const char* help, const std::string& labels) {
  std::lock_guard lock(mutex_);
  Family& family = families_[name];
  family.help = help;
  family.type = "histogram";
  Histogram*& slot = family.histograms[labels];
  if (!slot) slot = &histograms_.emplace_back();
  return *slot;
}

void Registry::gauge(const std::string& name, const char* help, std::function<void(const Emit&)> read) {
  std::lock_guard lock(mutex_);
  Family& family = families_[name];
  family.help = help;
  family.type = "gauge";
  family.read = std::move(read);
}

std::string Registry::text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  const auto line = [&](const std::string& name, const std::string& labels, const std::string& value) {
    out += labels.empty() ? fmt::format("{} {}\n", name, value) : fmt::format("{}{{{}}} {}\n", name, labels, value);
  };
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    for (const auto& [labels, counter] : family.counters) line(name, labels, std::to_string(counter->value()));
    if (family.read) family.read([&](const std::string& labels, double value) { line(name, labels, fmt::format("{}", value)); });
    for (const auto& [labels, histogram] : family.histograms) {
      std::uint64_t total = 0;
      const std::string separator = labels.empty() ? "" : ",";
      for (std::size_t i = 0; i <= Histogram::bounds.size(); ++i) {
        total += histogram->buckets_[i].load(std::memory_order_relaxed);
        const std::string bound = i < Histogram::bounds.size() ? fmt::format("{}", Histogram::bounds[i]) : "+Inf";
        line(name + "_bucket", labels + separator + label("le", bound), std::to_string(total));
      }
      line(name + "_sum", labels, fmt::format("{}", static_cast<double>(histogram->nanoseconds_.load(std::memory_order_relaxed)) / 1e9));
      line(name + "_count", labels, std::to_string(total));
    }
  }
  return out;
}

}  // namespace meridian::metrics
