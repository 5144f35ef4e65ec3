#include "broker/metadata/group_limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::metadata {

namespace {

constexpr std::string_view kinds[] = {"consumer.", "share."};

struct Limits {
  std::string min_key, max_key;
  std::int64_t min, max;
};

std::optional<Limits> limits_of(const config::Settings& broker, std::string_view broker_key) {
  for (const auto kind : kinds) {
    const std::string prefix = fmt::format("group.{}", kind);
    if (!broker_key.starts_with(prefix)) continue;
    const auto rest = broker_key.substr(prefix.size());
    Limits limits{fmt::format("{}min.{}", prefix, rest), fmt::format("{}max.{}", prefix, rest), 0, 0};
    if (!broker.find(limits.min_key)) return std::nullopt;
    limits.min = broker.integer(limits.min_key);
    limits.max = broker.integer(limits.max_key);
    return limits;
  }
  return std::nullopt;
}

Status check(const Limits& limits, std::string_view name, std::int64_t value) {
  if (value < limits.min) return fail(Errc::invalid, fmt::format("{} must be greater than or equal to {}", name, limits.min_key));
  if (value > limits.max) return fail(Errc::invalid, fmt::format("{} must be less than or equal to {}", name, limits.max_key));
  return {};
}

/// `value` gives the setting of this name, which `prefix` begins.
template <class Value>
Status check_silence(std::string_view prefix, const Value& value) {
  for (const auto kind : kinds) {
    const auto session = fmt::format("{}{}session.timeout.ms", prefix, kind), heartbeat = fmt::format("{}{}heartbeat.interval.ms", prefix, kind);
    if (value(session) <= value(heartbeat)) return fail(Errc::invalid, fmt::format("{} must be greater than {}", session, heartbeat));
  }
  return {};
}

}  // namespace

Status check_group_limits(const config::Settings& broker) {
  for (const auto& setting : broker.table()) {
    const auto limits = limits_of(broker, setting.name);
    if (!limits) continue;
    if (limits->max < limits->min) return fail(Errc::invalid, fmt::format("{} must be greater than or equal to {}", limits->max_key, limits->min_key));
    if (auto done = check(*limits, setting.name, broker.integer(setting.name)); !done) return done;
  }
  return check_silence("group.", [&](const std::string& name) { return broker.integer(name); });
}

Status check_group_configs(const config::Settings& broker, const TopicConfigs& own) {
  const auto& table = group_setting_table();
  const auto broker_key = [&](std::string_view name) {
    const auto setting = std::ranges::find(table, name, &config::Setting::name);
    return setting == table.end() ? nullptr : setting->broker_key;
  };
  for (const auto& [name, value] : own)
    if (const char* key = broker_key(name))
      if (const auto limits = limits_of(broker, key))
        if (auto done = check(*limits, name, std::stoll(value)); !done) return done;
  return check_silence("", [&](const std::string& name) {
    const auto set = own.find(name);
    return set == own.end() ? broker.integer(broker_key(name)) : std::stoll(set->second);
  });
}

std::int64_t within_limits(const config::Settings& broker, std::string_view broker_key, std::int64_t value) {
  const auto limits = limits_of(broker, broker_key);
  return limits ? std::clamp(value, limits->min, std::max(limits->min, limits->max)) : value;
}

}  // namespace meridian::metadata
