#include "broker/metadata/features.h"

namespace meridian::metadata {
namespace {

constexpr FeatureRange features[] = {
    // Kafka's scale, 3.3-IV3 to 4.1-IV1: tools read and raise it; nothing here depends on it.
    {"metadata.version", 7, 27},
    {"transaction.version", 0, 2},
    {"group.version", 0, 1},
    {"share.version", 0, 1},
};

}  // namespace

std::span<const FeatureRange> supported_features() { return features; }

FeatureLevels default_features() {
  FeatureLevels levels;
  for (const auto& feature : features) levels[feature.name] = feature.max;
  return levels;
}

}  // namespace meridian::metadata
