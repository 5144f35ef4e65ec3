// Topics control: decisions about topics, partitions and configurations. Pure: image and request in, transactions and answers out.
#pragma once

#include "broker/metadata/image.h"
#include "common/base/random.h"
#include "common/kafka/messages/all.h"

namespace meridian::metadata {

/// Partition records per transaction; with its guards this stays under etcd's default limit of 128 operations.
inline constexpr int partitions_per_txn = 90;
/// Partitions that one topic may have.
inline constexpr std::int32_t partitions_max = 100'000;

/// A decision about one topic. With `error` set nothing is to be written.
struct TopicDecision {
  kafka::ErrorCode error = kafka::ErrorCode::none;
  std::string message;
  std::vector<Txn> txns;  ///< in this order; the last one makes the change visible
  std::string name;
  Uuid id;
  std::int32_t partition_count = 0;
  TopicConfigs configs;
};

class TopicsControl {
 public:
  TopicsControl(const config::Settings& settings, std::int32_t node_id, base::Random& random) : settings_(settings), node_id_(node_id), random_(random) {}

  TopicDecision create(const MetadataImage& image, const kafka::CreateTopicsRequestTopic& request) const;
  TopicDecision remove(const MetadataImage& image, const TopicImage* topic) const;
  TopicDecision grow(const MetadataImage& image, const kafka::CreatePartitionsTopic& request) const;
  TopicDecision alter(const MetadataImage& image, const kafka::IncrementalAlterConfigsResource& request) const;
  /// Of a broker, a group or a client metrics subscription; an empty configuration is removed.
  TopicDecision alter_resource(const MetadataImage& image, const kafka::IncrementalAlterConfigsResource& request) const;
  /// `values`: what to set; missing values remove.
  TopicDecision alter_quota(const MetadataImage& image, const QuotaEntity& entity, const std::map<std::string, std::optional<double>>& values) const;
  TopicDecision update_features(const MetadataImage& image, const kafka::UpdateFeaturesRequest& request) const;
  Txn write_features(const MetadataImage& image, const FeatureLevels& levels) const;
  /// Transactions that raise the leader epoch of every partition this broker leads (after an unclean end).
  std::vector<Txn> reelect(const MetadataImage& image) const;

 private:
  std::expected<TopicConfigs, std::pair<kafka::ErrorCode, std::string>> altered(
      TopicConfigs configs, const std::vector<kafka::IncrementalAlterConfigsConfig>& changes, const config::Settings& table, const char* kind,
      const std::function<std::string(const TopicConfigs&, const config::Setting&)>& now) const;
  void add_partitions(TopicDecision& decision, std::int32_t first, std::int32_t end) const;
  Status check_config(const std::string& name, const std::optional<std::string>& value) const;

  const config::Settings& settings_;
  std::int32_t node_id_;
  base::Random& random_;
};

/// Kafka's ConfigResource types.
enum ResourceType : std::int8_t { topic_resource = 2, broker_resource = 4, broker_logger_resource = 8, client_metrics_resource = 16, group_resource = 32 };
/// Name in MetadataImage::resource_configs; nullopt for types that are not kept there.
std::optional<std::string> resource_path(std::int8_t type, const std::string& name);

/// Kafka's rules for topic names; the message says which one is broken.
Status check_topic_name(std::string_view name);

}  // namespace meridian::metadata
