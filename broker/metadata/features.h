// Features: what a cluster has agreed to use (KIP-584). A feature's finalized level is cluster-wide, kept in the metadata store, and changes
// through UpdateFeatures. Clients choose their protocol by it: transaction.version 2 is KIP-890, group.version 1 is KIP-848,
// share.version 1 KIP-932.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace meridian::metadata {

struct FeatureRange {
  const char* name;
  std::int16_t min;
  std::int16_t max;  ///< the level of a new cluster
};

std::span<const FeatureRange> supported_features();
/// Finalized levels; a feature at level 0 is not listed.
using FeatureLevels = std::map<std::string, std::int16_t, std::less<>>;
FeatureLevels default_features();

}  // namespace meridian::metadata
