// Quotas: what clients may use of this broker (KIP-13, KIP-124, KIP-599, KIP-546, KIP-612). Use is counted per quota in a bucket that empties at
// the quota's rate and holds quota.window.num windows' worth; what goes over it is paid with waiting: the reply names the time and the
// connection is not read from until it has passed (KIP-219).
#pragma once

#include <map>

#include "broker/metadata/image.h"
#include "common/async/shard.h"

namespace meridian::server {

enum class QuotaKind { produce, fetch, request, mutation, connection };

class Quotas {
 public:
  /// Lives on `control`. `window`: seconds that a bucket holds.
  Quotas(async::Shard& control, double window_s) : control_(control), window_s_(window_s) {}

  /// Counts `amount` (bytes; percent of one thread times seconds; partitions) against the strongest quota that names this client. How long
  /// it has to wait. Any shard; without quotas in the image it costs nothing.
  Task<std::chrono::milliseconds> charge(metadata::ImagePtr image, QuotaKind kind, std::string user, std::string client_id, double amount);
  /// The same for mutations, before they are made: nothing is counted where the client is over its quota already.
  Task<std::chrono::milliseconds> admit_mutations(metadata::ImagePtr image, std::string user, std::string client_id, double partitions);
  /// For how long a connection from `ip` is held before it is closed (KIP-612); 0: it is welcome, and counted. On `control`.
  std::chrono::milliseconds admit_connection(const metadata::MetadataImage& image, const std::string& ip);

 private:
  struct Bucket {
    double level = 0;
    async::TimePoint at{};
  };
  using Key = std::tuple<QuotaKind, std::string, std::string, metadata::QuotaEntity>;
  Bucket& bucket(const Key& key, double rate);
  Task<std::chrono::milliseconds> charge_home(metadata::ImagePtr image, QuotaKind kind, std::string user, std::string client_id, double amount,
                                              bool only_if_free);

  async::Shard& control_;
  double window_s_;
  std::map<Key, Bucket> buckets_;
};

}  // namespace meridian::server
