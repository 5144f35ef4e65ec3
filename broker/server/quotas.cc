#include "broker/server/quotas.h"

#include <algorithm>
#include <cmath>

namespace meridian::server {
namespace {

constexpr std::size_t buckets_max = 10'000;

const char* quota_name(QuotaKind kind) {
  switch (kind) {
    case QuotaKind::produce: return "producer_byte_rate";
    case QuotaKind::fetch: return "consumer_byte_rate";
    case QuotaKind::request: return "request_percentage";
    case QuotaKind::mutation: return "controller_mutation_rate";
    case QuotaKind::connection: return "connection_creation_rate";
  }
  return "";
}

struct Found {
  metadata::QuotaEntity entity;
  double rate;
};

/// Kafka's order: the user before the client id, a name before the default.
std::optional<Found> strongest(const metadata::MetadataImage& image, QuotaKind kind, const std::string& user, const std::string& client_id) {
  const metadata::QuotaEntity order[] = {{{"user", user}, {"client-id", client_id}},
                                         {{"user", user}, {"client-id", ""}},
                                         {{"user", user}},
                                         {{"user", ""}, {"client-id", client_id}},
                                         {{"user", ""}, {"client-id", ""}},
                                         {{"user", ""}},
                                         {{"client-id", client_id}},
                                         {{"client-id", ""}}};
  for (const auto& entity : order) {
    const auto quota = image.quotas.find(entity);
    if (quota == image.quotas.end()) continue;
    if (const auto value = quota->second.values.find(quota_name(kind)); value != quota->second.values.end()) return Found{entity, value->second};
  }
  return std::nullopt;
}

}  // namespace

// The bucket of a quota, emptied by the time that has passed.
Quotas::Bucket& Quotas::bucket(const Key& key, double rate) {
  const auto now = control_.clock().now();
  if (buckets_.size() > buckets_max)
    std::erase_if(buckets_, [&](const auto& entry) { return now - entry.second.at > std::chrono::duration<double>(window_s_); });
  Bucket& found = buckets_[key];
  const double passed = std::chrono::duration<double>(now - found.at).count();
  found.level = std::max(0.0, found.level - passed * rate);
  found.at = now;
  return found;
}

Task<std::chrono::milliseconds> Quotas::charge_home(metadata::ImagePtr image, QuotaKind kind, std::string user, std::string client_id, double amount,
                                                    bool only_if_free) {
  const auto found = strongest(*image, kind, user, client_id);
  if (!found) co_return std::chrono::milliseconds(0);
  // A quota on a default counts for each client by itself; one on a user alone for all its clients together.
  const bool by_user = found->entity.contains("user"), by_client = found->entity.contains("client-id");
  Bucket& use = bucket({kind, by_user ? user : "", by_client ? client_id : "", found->entity}, found->rate);
  const double room = found->rate * window_s_;
  if (!only_if_free || use.level < room) {
    use.level += amount;
    if (only_if_free) co_return std::chrono::milliseconds(0);
  }
  const double over = use.level - room;
  const auto ms = static_cast<std::int64_t>(std::ceil(std::max(0.0, over) / found->rate * 1000));
  co_return std::chrono::milliseconds(only_if_free ? std::max<std::int64_t>(1, ms) : std::min<std::int64_t>(ms, static_cast<std::int64_t>(window_s_ * 1000)));
}

Task<std::chrono::milliseconds> Quotas::charge(metadata::ImagePtr image, QuotaKind kind, std::string user, std::string client_id, double amount) {
  if (image->quotas.empty()) co_return std::chrono::milliseconds(0);
  co_return co_await async::on(control_, charge_home(std::move(image), kind, std::move(user), std::move(client_id), amount, false));
}

Task<std::chrono::milliseconds> Quotas::admit_mutations(metadata::ImagePtr image, std::string user, std::string client_id, double partitions) {
  if (image->quotas.empty()) co_return std::chrono::milliseconds(0);
  co_return co_await async::on(control_, charge_home(std::move(image), QuotaKind::mutation, std::move(user), std::move(client_id), partitions, true));
}

std::chrono::milliseconds Quotas::admit_connection(const metadata::MetadataImage& image, const std::string& ip) {
  for (const auto& entity : {metadata::QuotaEntity{{"ip", ip}}, metadata::QuotaEntity{{"ip", ""}}}) {
    const auto quota = image.quotas.find(entity);
    if (quota == image.quotas.end()) continue;
    const auto rate = quota->second.values.find(quota_name(QuotaKind::connection));
    if (rate == quota->second.values.end()) continue;
    Bucket& use = bucket({QuotaKind::connection, ip, "", entity}, rate->second);
    const double over = use.level + 1 - rate->second * window_s_;
    if (over <= 0) {
      ++use.level;
      return std::chrono::milliseconds(0);
    }
    const double wait_s = rate->second > 0 ? std::min(over / rate->second, window_s_) : window_s_;
    return std::chrono::milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(wait_s * 1000)));
  }
  return std::chrono::milliseconds(0);
}

}  // namespace meridian::server
