#include "broker/metadata/client_metrics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/base/crc32c.h"
#include "common/config/settings.h"

namespace meridian::metadata {
namespace {

constexpr std::pair<std::string_view, std::string ClientIdentity::*> selector_names[] = {
    {"client_instance_id", &ClientIdentity::client_instance_id},       {"client_id", &ClientIdentity::client_id},
    {"client_software_name", &ClientIdentity::client_software_name},   {"client_software_version", &ClientIdentity::client_software_version},
    {"client_source_address", &ClientIdentity::client_source_address}, {"client_source_port", &ClientIdentity::client_source_port},
};

}  // namespace

Result<ClientMatch> ClientMatch::parse(std::string_view text) {
  ClientMatch match;
  for (const auto& part : config::split_list(text)) {
    const auto equals = part.find('=');
    const auto named =
        std::ranges::find(selector_names, std::string_view(part).substr(0, equals), &std::pair<std::string_view, std::string ClientIdentity::*>::first);
    if (equals == std::string::npos || named == std::end(selector_names)) return fail(Errc::invalid, "Illegal client matching pattern: " + part);
    auto pattern = base::Pattern::compile(std::string_view(part).substr(equals + 1));
    if (!pattern) return fail(Errc::invalid, "Illegal client matching pattern: " + part + ": " + pattern.error().message);
    match.selectors_.emplace_back(named->second, std::move(*pattern));
  }
  return match;
}

bool ClientMatch::matches(const ClientIdentity& client) const {
  return std::ranges::all_of(selectors_, [&client](const auto& selector) { return selector.second.matches(client.*selector.first); });
}

ClientSubscription client_subscription(const MetadataImage& image, const ClientIdentity& client) {
  constexpr std::string_view prefix = "client-metrics/";
  ClientSubscription subscription;
  std::set<std::string> metrics;
  for (auto it = image.resource_configs.lower_bound(std::string(prefix)); it != image.resource_configs.end() && it->first.starts_with(prefix); ++it) {
    const auto& values = it->second.values;
    const auto value = [&values](const char* name, const char* otherwise) {
      const auto found = values.find(name);
      return found == values.end() ? std::string(otherwise) : found->second;
    };
    const auto match = ClientMatch::parse(value("match", ""));
    if (!match || !match->matches(client)) continue;
    for (auto& metric : config::split_list(value("metrics", ""))) metrics.insert(std::move(metric));
    subscription.interval = std::min(subscription.interval, std::chrono::milliseconds(std::stoll(value("interval.ms", "300000"))));
  }
  if (metrics.contains("*")) metrics = {"*"};
  subscription.metrics.assign(metrics.begin(), metrics.end());
  subscription.id = static_cast<std::int32_t>(
      base::crc32c(fmt::format("{} {} {}", client.client_instance_id, fmt::join(subscription.metrics, ","), subscription.interval.count())));
  return subscription;
}

}  // namespace meridian::metadata
