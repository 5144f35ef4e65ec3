#include "broker/metadata/image.h"

#include <algorithm>
#include <set>

#include "broker/metadata/group_limits.h"

namespace meridian::metadata {
namespace {

template <class T>
Status decode_into(const KeyValue& change, const std::function<void(T)>& use) {
  auto record = decode_record<T>(change.value);
  if (!record) return fail(record.error().code, "metadata key " + change.key + ": " + record.error().message);
  use(std::move(*record));
  return {};
}

struct TopicChange {
  std::optional<TopicRecord> record;
  Revision revision = 0;
};

/// Cluster-wide dynamic settings over the file's, this broker's own over both. A value that this version does not take is left out.
std::shared_ptr<const config::Settings> effective_settings(const MetadataImage& image) {
  auto settings = std::make_shared<config::Settings>(*image.file_settings);
  for (const auto& resource : {std::string("broker/"), "broker/" + settings->string("node.id")})
    if (const auto it = image.resource_configs.find(resource); it != image.resource_configs.end())
      for (const auto& [name, value] : it->second.values) (void)settings->set(name, value);
  return settings;
}

class Builder {
 public:
  explicit Builder(const MetadataImage& from) : image_(std::make_shared<MetadataImage>(from)) {}

  Status take(const KeyValue& change) {
    const std::string& key = change.key;
    const bool deleted = change.mod_revision == 0;
    if (key == cluster_key && !deleted)
      return decode_into<ClusterRecord>(change, [&](ClusterRecord record) { image_->cluster_id = std::move(record.cluster_id); });
    if (key == features_key && !deleted) {
      image_->features_revision = change.mod_revision;
      image_->features.clear();
      return decode_into<FeaturesRecord>(change, [&](FeaturesRecord record) {
        for (auto& entry : record.entries) image_->features[entry.name] = entry.level;
      });
    }
    if (key.starts_with("t/")) {
      TopicChange& topic = topics_[key.substr(2)];
      topic.revision = change.mod_revision;
      if (deleted) return {};
      return decode_into<TopicRecord>(change, [&](TopicRecord record) { topic.record = record; });
    }
    if (key.starts_with("p/")) {
      touched_ids_.insert(key.substr(2, key.rfind('/') - 2));
      if (deleted) {
        image_->partition_records.erase(key);
        image_->partition_revisions.erase(key);
        return {};
      }
      image_->partition_revisions[key] = change.mod_revision;
      return decode_into<PartitionRecord>(change, [&](PartitionRecord record) { image_->partition_records[key] = std::move(record); });
    }
    if (key.starts_with("c/topic/")) {
      auto& [configs, revision] = configs_[key.substr(8)];
      revision = change.mod_revision;
      if (deleted) return {};
      return decode_into<ConfigRecord>(change, [&](ConfigRecord record) {
        for (auto& entry : record.entries) configs[entry.name] = entry.value;
      });
    }
    if (key.starts_with("c/")) {
      const std::string resource = key.substr(2);
      resource_changes_.insert(resource);
      image_->resource_configs.erase(resource);
      if (deleted) return {};
      auto& config = image_->resource_configs[resource];
      config.revision = change.mod_revision;
      return decode_into<ConfigRecord>(change, [&](ConfigRecord record) {
        for (auto& entry : record.entries) config.values[entry.name] = entry.value;
      });
    }
    if (key.starts_with("q/")) {
      quotas_changed_ = true;
      const auto entity = decode_quota_key(key);
      if (!entity) return fail(entity.error());
      image_->quotas.erase(*entity);
      if (deleted) return {};
      auto& quota = image_->quotas[*entity];
      quota.revision = change.mod_revision;
      return decode_into<QuotaRecord>(change, [&](QuotaRecord record) {
        for (auto& entry : record.entries) quota.values[entry.name] = entry.value;
      });
    }
    return {};  // keys of other subsystems
  }

  ImagePtr finish(Revision revision, MetadataDelta& delta) {
    std::set<std::string> names;
    for (const auto& [name, change] : topics_) names.insert(name);
    for (const auto& [name, change] : configs_) names.insert(name);
    for (const auto& [name, topic] : image_->topics)
      if (touched_ids_.contains(topic->id.to_string())) names.insert(name);
    for (const auto& name : names) rebuild(name, delta);
    delta.quotas_changed = quotas_changed_;
    for (const auto& resource : resource_changes_) {
      if (resource.starts_with("group/")) delta.groups_changed.insert(resource.substr(6));
      if (resource.starts_with("broker/")) delta.settings_changed = true;
    }
    if (image_->file_settings && (delta.settings_changed || !image_->settings)) image_->settings = effective_settings(*image_);
    image_->revision = revision;
    image_->partition_count = 0;
    for (const auto& [name, topic] : image_->topics) image_->partition_count += topic->partitions.size();
    return image_;
  }

 private:
  void rebuild(const std::string& name, MetadataDelta& delta) {
    const auto old = image_->topics.find(name);
    const std::shared_ptr<const TopicImage> before = old == image_->topics.end() ? nullptr : old->second;
    const auto change = topics_.find(name);
    if (change == topics_.end() && !before) return;  // a configuration without its topic
    if (change != topics_.end() && !change->second.record) {
      if (before) remove(before, delta);
      return;
    }
    auto topic = before ? std::make_shared<TopicImage>(*before) : std::make_shared<TopicImage>();
    topic->name = name;
    std::int32_t count = static_cast<std::int32_t>(topic->partitions.size());
    if (change != topics_.end()) {
      if (before && before->id != change->second.record->id) {  // deleted and created again between two images
        remove(before, delta);
        topic = std::make_shared<TopicImage>();
        topic->name = name;
      }
      topic->id = change->second.record->id;
      topic->revision = change->second.revision;
      count = change->second.record->partition_count;
    }
    topic->partitions.assign(static_cast<std::size_t>(count), {});
    for (std::int32_t n = 0; n < count; ++n)
      if (const auto record = image_->partition_records.find(partition_key(topic->id, n)); record != image_->partition_records.end())
        topic->partitions[static_cast<std::size_t>(n)] = record->second;
    if (const auto config = configs_.find(name); config != configs_.end()) {
      topic->configs = config->second.first;
      topic->config_revision = config->second.second;
    }
    image_->topics[name] = topic;
    image_->topic_names[topic->id] = name;
    delta.changed.push_back(std::move(topic));
  }

  void remove(const std::shared_ptr<const TopicImage>& topic, MetadataDelta& delta) {
    image_->topic_names.erase(topic->id);
    image_->topics.erase(topic->name);
    delta.removed.push_back(topic);
  }

  std::shared_ptr<MetadataImage> image_;
  std::map<std::string, TopicChange> topics_;
  std::map<std::string, std::pair<TopicConfigs, Revision>> configs_;
  std::set<std::string> touched_ids_;
  std::set<std::string> resource_changes_;
  bool quotas_changed_ = false;
};

}  // namespace

Result<ImagePtr> apply(const MetadataImage& image, const WatchBatch& batch, MetadataDelta& delta) {
  Builder builder(image);
  for (const auto& change : batch.changes)
    if (auto done = builder.take(change); !done) return fail(done.error());
  return builder.finish(batch.revision, delta);
}

bool is_internal_topic(std::string_view name) { return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state"; }

namespace {

/// What the group sets itself; nullptr: nothing.
const std::string* own_group_value(const MetadataImage& image, const std::string& group, std::string_view name) {
  const auto own = image.resource_configs.find("group/" + group);
  if (own == image.resource_configs.end()) return nullptr;
  const auto value = own->second.values.find(name);
  return value == own->second.values.end() ? nullptr : &value->second;
}

const config::Setting& group_setting(std::string_view name) { return *std::ranges::find(group_setting_table(), name, &config::Setting::name); }

std::string default_group_value(const MetadataImage& image, const config::Setting& setting) {
  return setting.broker_key ? image.settings->raw(setting.broker_key).value_or("") : setting.default_value;
}

}  // namespace

std::string group_value(const MetadataImage& image, const std::string& group, std::string_view name) {
  if (const auto* own = own_group_value(image, group, name)) return *own;
  return default_group_value(image, group_setting(name));
}

std::int64_t group_integer(const MetadataImage& image, const std::string& group, std::string_view name) {
  const auto& setting = group_setting(name);
  if (const auto* own = own_group_value(image, group, name))
    return setting.broker_key ? within_limits(*image.settings, setting.broker_key, std::stoll(*own)) : std::stoll(*own);
  return std::stoll(default_group_value(image, setting));  // within them too, or the broker does not start
}

}  // namespace meridian::metadata
