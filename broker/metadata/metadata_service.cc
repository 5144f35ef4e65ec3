#include "broker/metadata/metadata_service.h"

#include "common/base/log.h"

namespace meridian::metadata {
namespace {
/// Producer ids are taken from the store in blocks; the rest of a block is lost with the process.
constexpr std::int64_t producer_id_block = 1000;
}  // namespace

MetadataService::MetadataService(MetaStore& store, const config::Settings& settings, TopicsControl control, base::Random& random,
                                 boost::asio::io_context& context, async::Clock& clock)
    : store_(store),
      file_settings_(std::make_shared<config::Settings>(settings)),
      control_(control),
      random_(random),
      context_(context),
      clock_(clock),
      gate_(context, clock),
      image_(std::make_shared<MetadataImage>()),
      batch_arrived_(context, clock) {}

Task<Status> MetadataService::start(bool clean, std::vector<MetadataPublisher*> publishers) {
  publishers_ = std::move(publishers);
  auto snapshot = co_await store_.load("");
  if (!snapshot) co_return fail(snapshot.error());
  MetadataDelta delta;
  MetadataImage empty;
  empty.file_settings = file_settings_;
  auto image = apply(empty, WatchBatch{snapshot->revision, std::move(snapshot->pairs)}, delta);
  if (!image) co_return fail(image.error());
  image_ = *image;
  if (image_->cluster_id.empty()) {
    Txn txn;
    txn.compares.push_back({.key = cluster_key, .target = Compare::Target::create, .expected = 0});
    txn.puts.emplace_back(cluster_key, encode_record(ClusterRecord{random_.uuid().to_string()}));
    const auto made = co_await store_.commit(std::move(txn));
    if (made.outcome != CommitOutcome::committed) co_return fail(Errc::io, made.message);
  }
  if (image_->features_revision == 0) {
    const auto made = co_await store_.commit(control_.write_features(*image_, default_features()));
    if (made.outcome != CommitOutcome::committed) co_return fail(Errc::io, made.message);
  }
  if (!clean)
    for (auto& txn : control_.reelect(*image_)) {
      const auto done = co_await store_.commit(std::move(txn));
      if (done.outcome != CommitOutcome::committed) co_return fail(Errc::io, done.message);
    }
  if (auto swept = co_await sweep_orphans(); !swept) co_return swept;
  // Read again rather than patch: what was just written is part of the first image that anybody sees.
  snapshot = co_await store_.load("");
  if (!snapshot) co_return fail(snapshot.error());
  delta = {};
  image = apply(empty, WatchBatch{snapshot->revision, std::move(snapshot->pairs)}, delta);
  if (!image) co_return fail(image.error());
  image_ = *image;
  for (auto* publisher : publishers_) co_await publisher->publish(image_, delta);
  published_ = image_->revision;
  store_.watch([this](const WatchBatch& batch) {
    batches_.push_back(batch);
    batch_arrived_.wake();
  });
  gate_.spawn(publish_loop(), "metadata publisher");
  co_return Status{};
}

// Partitions of a topic whose creation or deletion was cut short.
Task<Status> MetadataService::sweep_orphans() {
  Txn txn;
  for (const auto& [key, record] : image_->partition_records) {
    const auto id = Uuid::parse(std::string_view(key).substr(2, 22));
    const TopicImage* topic = id ? image_->topic(*id) : nullptr;
    if (topic && std::stoll(key.substr(25)) < static_cast<std::int64_t>(topic->partitions.size())) continue;
    txn.deletes.push_back(key);
    if (txn.deletes.size() < partitions_per_txn) continue;
    const auto done = co_await store_.commit(std::exchange(txn, {}));
    if (done.outcome != CommitOutcome::committed) co_return fail(Errc::io, done.message);
  }
  if (txn.empty()) co_return Status{};
  const auto done = co_await store_.commit(std::move(txn));
  if (done.outcome != CommitOutcome::committed) co_return fail(Errc::io, done.message);
  co_return Status{};
}

Task<> MetadataService::stop() {
  co_await store_.close();
  batch_arrived_.wake();
  for (auto& [revision, waiter] : waiting_) waiter->wake();
  co_await gate_.close();
}

Task<> MetadataService::publish_loop() {
  while (!gate_.closed()) {
    if (batches_.empty()) {
      co_await batch_arrived_.wait();
      continue;
    }
    const WatchBatch batch = std::move(batches_.front());
    batches_.pop_front();
    MetadataDelta delta;
    auto next = apply(*image_, batch, delta);
    if (!next) {
      log::error("metadata revision {} is not understood and not applied: {}", batch.revision, next.error().message);
    } else {
      image_ = *next;
      for (auto* publisher : publishers_) co_await publisher->publish(image_, delta);
    }
    published_ = batch.revision;
    std::erase_if(waiting_, [this](const auto& entry) {
      if (entry.first > published_) return false;
      entry.second->wake();
      return true;
    });
  }
}

Task<> MetadataService::wait_published(Revision revision) {
  if (published_ >= revision || gate_.closed()) co_return;
  async::Waiter waiter(context_, clock_);
  waiting_.emplace_back(revision, &waiter);
  co_await waiter.wait();
  std::erase_if(waiting_, [&waiter](const auto& entry) { return entry.second == &waiter; });
}

Task<TopicDecision> MetadataService::carry_out(TopicDecision decision, bool validate_only, kafka::ErrorCode when_refused) {
  if (decision.error != kafka::ErrorCode::none || validate_only) co_return decision;
  Revision revision = 0;
  for (auto& txn : decision.txns) {
    const bool guarded = !txn.compares.empty();
    const auto done = co_await store_.commit(std::move(txn));
    if (done.outcome == CommitOutcome::committed) {
      revision = done.revision;
      continue;
    }
    decision.error = done.outcome == CommitOutcome::refused && guarded && !done.current.empty() ? when_refused : kafka::ErrorCode::unknown_server_error;
    decision.message = done.message;
    break;
  }
  co_await wait_published(revision);
  co_return decision;
}

Task<TopicDecision> MetadataService::create_topic(kafka::CreateTopicsRequestTopic request, bool validate_only) {
  co_return co_await carry_out(control_.create(*image_, request), validate_only, kafka::ErrorCode::topic_already_exists);
}

Task<TopicDecision> MetadataService::delete_topic(std::string name) {
  co_return co_await carry_out(control_.remove(*image_, image_->topic(name)), false, kafka::ErrorCode::unknown_topic_or_partition);
}

Task<TopicDecision> MetadataService::create_partitions(kafka::CreatePartitionsTopic request, bool validate_only) {
  co_return co_await carry_out(control_.grow(*image_, request), validate_only, kafka::ErrorCode::invalid_partitions);
}

Task<TopicDecision> MetadataService::alter_configs(kafka::IncrementalAlterConfigsResource request, bool validate_only) {
  const auto decide = [this, &request] {
    return request.resource_type == topic_resource ? control_.alter(*image_, request) : control_.alter_resource(*image_, request);
  };
  co_return co_await carry_out_again(decide, validate_only);
}

Task<TopicDecision> MetadataService::alter_quota(QuotaEntity entity, std::map<std::string, std::optional<double>> values, bool validate_only) {
  co_return co_await carry_out_again([this, &entity, &values] { return control_.alter_quota(*image_, entity, values); }, validate_only);
}

Task<TopicDecision> MetadataService::carry_out_again(std::function<TopicDecision()> decide, bool validate_only) {
  constexpr int attempts_max = 8;
  TopicDecision decision;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    decision = co_await carry_out(decide(), validate_only, kafka::ErrorCode::request_timed_out);
    if (decision.error != kafka::ErrorCode::request_timed_out) break;
  }
  co_return decision;
}

Task<TopicDecision> MetadataService::update_features(kafka::UpdateFeaturesRequest request) {
  co_return co_await carry_out(control_.update_features(*image_, request), request.validate_only, kafka::ErrorCode::feature_update_failed);
}

Task<Result<std::int64_t>> MetadataService::next_producer_id() {
  while (producer_id_next_ == producer_id_end_) {
    const auto now = co_await store_.load(producer_id_key);
    if (!now) co_return fail(now.error());
    if (producer_id_next_ != producer_id_end_) break;  // somebody else took a block while we waited
    Txn txn;
    ProducerIdRecord record;
    Revision expected = 0;
    if (!now->pairs.empty()) {
      const auto decoded = decode_record<ProducerIdRecord>(now->pairs[0].value);
      if (!decoded) co_return fail(decoded.error());
      record = *decoded;
      expected = now->pairs[0].mod_revision;
    }
    const std::int64_t first = record.next;
    record.next += producer_id_block;
    txn.compares.push_back({.key = producer_id_key, .target = Compare::Target::mod, .expected = expected});
    txn.puts.emplace_back(producer_id_key, encode_record(record));
    const auto done = co_await store_.commit(std::move(txn));
    if (done.outcome == CommitOutcome::committed && producer_id_next_ == producer_id_end_) {
      producer_id_next_ = first;
      producer_id_end_ = record.next;
    } else if (done.outcome == CommitOutcome::refused && done.current.empty()) {
      co_return fail(Errc::io, done.message);
    }
  }
  co_return producer_id_next_++;
}

}  // namespace meridian::metadata
