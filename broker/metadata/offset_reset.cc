#include "broker/metadata/offset_reset.h"

#include <charconv>
#include <cmath>

namespace meridian::metadata {
namespace {

/// Milliseconds of PnDTnHnMn.nS; NaN where it is none. Units come in this order, each at most once, at least one.
double parse_duration(std::string_view text) {
  struct Unit {
    char letter;
    bool of_time;
    double ms;
  };
  constexpr Unit units[] = {{'D', false, 86'400'000}, {'H', true, 3'600'000}, {'M', true, 60'000}, {'S', true, 1'000}};
  if (text.empty() || text.front() != 'P') return NAN;
  text.remove_prefix(1);
  double total = 0;
  bool in_time = false, any = false;
  std::size_t next = 0;
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time) {
      in_time = true;
      any = false;  // something has to follow
      text.remove_prefix(1);
      continue;
    }
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || end == text.data() + text.size() || std::signbit(number)) return NAN;
    while (next < std::size(units) && (units[next].letter != *end || units[next].of_time != in_time)) ++next;
    if (next == std::size(units)) return NAN;
    const bool whole = number == std::floor(number);
    if (!whole && units[next].letter != 'S') return NAN;
    total += number * units[next++].ms;
    any = true;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return any ? total : NAN;
}

}  // namespace

Result<OffsetReset> OffsetReset::parse(std::string_view text) {
  constexpr std::string_view prefix = "by_duration:";
  constexpr double duration_ms_max = 1e15;
  if (text == "earliest") return OffsetReset{Where::earliest};
  if (text == "latest") return OffsetReset{Where::latest};
  if (text.starts_with(prefix))
    if (const double ms = parse_duration(text.substr(prefix.size())); ms >= 0 && ms < duration_ms_max)
      return OffsetReset{Where::by_duration, static_cast<std::int64_t>(ms)};
  return fail(Errc::invalid,
              "Invalid value " + std::string(text) + " for configuration share.auto.offset.reset: must be earliest, latest or by_duration:PnDTnHnMn.nS");
}

}  // namespace meridian::metadata
