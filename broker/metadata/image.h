// MetadataImage: what this broker knows of the cluster at one revision. Immutable; shared by all shards.
#pragma once

#include <map>
#include <memory>

#include "broker/metadata/broker_settings.h"
#include "broker/metadata/features.h"
#include "broker/metadata/meta_store.h"
#include "broker/metadata/records.h"

namespace meridian::metadata {

struct TopicImage {
  std::string name;
  Uuid id;
  TopicConfigs configs;
  std::vector<PartitionRecord> partitions;
  Revision revision = 0;         ///< of the topic's key
  Revision config_revision = 0;  ///< of its configuration's key; 0 = none
};

struct MetadataImage {
  Revision revision = 0;
  std::string cluster_id;
  FeatureLevels features;          ///< finalized levels above 0
  Revision features_revision = 0;  ///< rises with every change; 0 = never written
  std::map<std::string, std::shared_ptr<const TopicImage>, std::less<>> topics;
  std::map<Uuid, std::string> topic_names;
  std::map<std::string, PartitionRecord> partition_records;  ///< by key; also of topics that are not committed yet
  std::map<std::string, Revision> partition_revisions;
  std::size_t partition_count = 0;

  const TopicImage* topic(std::string_view name) const {
    const auto it = topics.find(name);
    return it == topics.end() ? nullptr : it->second.get();
  }
  const TopicImage* topic(const Uuid& id) const {
    const auto it = topic_names.find(id);
    return it == topic_names.end() ? nullptr : topic(it->second);
  }
  const PartitionRecord* partition(std::string_view name, std::int32_t n) const {
    const TopicImage* found = topic(name);
    return found && n >= 0 && n < static_cast<std::int32_t>(found->partitions.size()) ? &found->partitions[static_cast<std::size_t>(n)] : nullptr;
  }
};

using ImagePtr = std::shared_ptr<const MetadataImage>;

/// What changed between two images; a first load is a delta from the empty image, so publishers have one code path.
struct MetadataDelta {
  std::vector<std::shared_ptr<const TopicImage>> changed;  ///< new, grown, re-led or re-configured
  std::vector<std::shared_ptr<const TopicImage>> removed;
};

/// Applies one committed batch. Fails on values that do not parse: a newer or damaged store must not be guessed at.
Result<ImagePtr> apply(const MetadataImage& image, const WatchBatch& batch, MetadataDelta& delta);

/// Topics that belong to the cluster itself.
bool is_internal_topic(std::string_view name);

}  // namespace meridian::metadata
