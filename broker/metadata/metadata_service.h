// MetadataService: keeps the image in step with the store, hands every change to the publishers, and carries out what
// topics_control decides. One node is its own controller. Lives on the control shard (shard 0).
#pragma once

#include <deque>

#include "broker/metadata/topics_control.h"
#include "common/async/gate.h"

namespace meridian::metadata {

/// Told of every image, in order. The next change waits until publish() has returned.
class MetadataPublisher {
 public:
  virtual ~MetadataPublisher() = default;
  virtual Task<> publish(ImagePtr image, MetadataDelta delta) = 0;
};

class MetadataService {
 public:
  MetadataService(MetaStore& store, const config::Settings& settings, TopicsControl control, base::Random& random, boost::asio::io_context& context,
                  async::Clock& clock);

  /// Loads the store, makes a new cluster where it is empty, raises leader epochs after an unclean end, publishes the image.
  Task<Status> start(bool clean, std::vector<MetadataPublisher*> publishers);
  Task<> stop();

  ImagePtr image() const { return image_; }

  /// Each returns when the change is committed and published. With `validate_only` nothing is written.
  Task<TopicDecision> create_topic(kafka::CreateTopicsRequestTopic request, bool validate_only);
  Task<TopicDecision> delete_topic(std::string name);
  Task<TopicDecision> create_partitions(kafka::CreatePartitionsTopic request, bool validate_only);
  /// Of a topic or any other resource.
  Task<TopicDecision> alter_configs(kafka::IncrementalAlterConfigsResource request, bool validate_only);
  Task<TopicDecision> alter_quota(QuotaEntity entity, std::map<std::string, std::optional<double>> values, bool validate_only);
  /// One decision for the whole request: all levels change, or none.
  Task<TopicDecision> update_features(kafka::UpdateFeaturesRequest request);
  Task<std::string> random_id() { co_return random_.uuid().to_string(); }
  /// A producer id that was never given out before.
  Task<Result<std::int64_t>> next_producer_id();

 private:
  /// Decides on the newest image and carries out, again when somebody else was faster.
  Task<TopicDecision> carry_out_again(std::function<TopicDecision()> decide, bool validate_only);
  Task<TopicDecision> carry_out(TopicDecision decision, bool validate_only, kafka::ErrorCode when_refused);
  Task<Status> sweep_orphans();
  Task<> publish_loop();
  Task<> wait_published(Revision revision);

  MetaStore& store_;
  std::shared_ptr<const config::Settings> file_settings_;
  TopicsControl control_;
  base::Random& random_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  async::Gate gate_;
  std::vector<MetadataPublisher*> publishers_;
  ImagePtr image_;  ///< newest committed
  Revision published_ = 0;
  std::deque<WatchBatch> batches_;
  async::Waiter batch_arrived_;
  std::vector<std::pair<Revision, async::Waiter*>> waiting_;
  std::int64_t producer_id_next_ = 0;
  std::int64_t producer_id_end_ = 0;
};

}  // namespace meridian::metadata
