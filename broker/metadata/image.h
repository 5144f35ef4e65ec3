// MetadataImage: what this broker knows of the cluster at one revision. Immutable; shared by all shards.
#pragma once

#include <map>
#include <memory>
#include <set>

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

/// A configuration that is not a topic's: "broker/" (all brokers), "broker/1", "group/NAME", "client-metrics/NAME".
struct ResourceConfig {
  TopicConfigs values;
  Revision revision = 0;
};

/// Whom a quota is for (KIP-546): entity types "user", "client-id", "ip"; an empty name is the default of its type.
using QuotaEntity = std::map<std::string, std::string>;
struct Quota {
  std::map<std::string, double> values;  ///< producer_byte_rate, consumer_byte_rate, request_percentage, controller_mutation_rate
  Revision revision = 0;
};

struct MetadataImage {
  Revision revision = 0;
  /// The file's settings with the cluster's and this broker's dynamic ones over them. Never null once the service has started.
  std::shared_ptr<const config::Settings> settings;
  std::shared_ptr<const config::Settings> file_settings;
  std::map<std::string, ResourceConfig, std::less<>> resource_configs;
  std::map<QuotaEntity, Quota> quotas;
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
  bool settings_changed = false;  ///< of the broker: every topic's effective configuration may be another
  bool quotas_changed = false;
  std::set<std::string> groups_changed;  ///< whose configuration changed
};

/// Applies one committed batch. Fails on values that do not parse: a newer or damaged store must not be guessed at.
Result<ImagePtr> apply(const MetadataImage& image, const WatchBatch& batch, MetadataDelta& delta);

/// Topics that belong to the cluster itself.
bool is_internal_topic(std::string_view name);
/// Effective value of a group's setting: the group's, else the broker's, else the default. `name` is in group_setting_table().
std::string group_value(const MetadataImage& image, const std::string& group, std::string_view name);
/// Within the broker's limits.
std::int64_t group_integer(const MetadataImage& image, const std::string& group, std::string_view name);

}  // namespace meridian::metadata
