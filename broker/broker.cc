#include "broker/broker.h"

#include "broker/coordinator_partitions.h"
#include "broker/metadata/group_limits.h"
#include "common/base/log.h"

namespace meridian::broker {

Broker::Broker(Seams seams, config::Settings settings, std::vector<async::Shard*> shards)
    : seams_(std::move(seams)), settings_(std::move(settings)), shards_(std::move(shards)) {}

Broker::~Broker() = default;

coordinator::group::CoordinatorOptions Broker::group_options() const {
  using std::chrono::milliseconds;
  coordinator::group::CoordinatorOptions options;
  options.limits.session_timeout_min = milliseconds(settings_.integer("group.min.session.timeout.ms"));
  options.limits.session_timeout_max = milliseconds(settings_.integer("group.max.session.timeout.ms"));
  options.limits.initial_rebalance_delay = milliseconds(settings_.integer("group.initial.rebalance.delay.ms"));
  options.limits.size_max = settings_.integer("group.max.size");
  options.partition_count = static_cast<std::int32_t>(settings_.integer("offsets.topic.num.partitions"));
  options.offset_metadata_bytes_max = settings_.integer("offset.metadata.max.bytes");
  options.offsets_retention = std::chrono::minutes(settings_.integer("offsets.retention.minutes"));
  options.expiry_interval = milliseconds(settings_.integer("offsets.retention.check.interval.ms"));
  return options;
}

coordinator::transaction::CoordinatorOptions Broker::transaction_options() const {
  using std::chrono::milliseconds;
  coordinator::transaction::CoordinatorOptions options;
  options.partition_count = static_cast<std::int32_t>(settings_.integer("transaction.state.log.num.partitions"));
  options.timeout_max_ms = static_cast<std::int32_t>(settings_.integer("transaction.max.timeout.ms"));
  options.timeout_check_interval = milliseconds(settings_.integer("transaction.abort.timed.out.transaction.cleanup.interval.ms"));
  options.expiration = milliseconds(settings_.integer("transactional.id.expiration.ms"));
  options.expiration_check_interval = milliseconds(settings_.integer("transaction.remove.expired.transaction.cleanup.interval.ms"));
  return options;
}

coordinator::share::ShareCoordinatorOptions Broker::share_options() const {
  return {.partition_count = static_cast<std::int32_t>(settings_.integer("share.coordinator.state.topic.num.partitions")),
          .updates_per_snapshot = settings_.integer("share.coordinator.snapshot.update.records.per.snapshot"),
          .prune_interval = std::chrono::milliseconds(settings_.integer("share.coordinator.state.topic.prune.interval.ms"))};
}

Task<Result<std::int64_t>> Broker::allocate_producer_id() { co_return co_await async::on(*shards_[0], metadata_->next_producer_id()); }

Task<> Broker::start_coordinators() {
  group_partitions_ = std::make_unique<CoordinatorPartitions>(*replicas_, server::offsets_topic);
  share_state_partitions_ = std::make_unique<CoordinatorPartitions>(*replicas_, server::share_state_topic);
  shares_ = std::make_unique<coordinator::share::ShareCoordinator>(*share_state_partitions_, shards_, share_options());
  share_partitions_ = std::make_unique<server::SharePartitions>(*replicas_, *shares_, *cache_, shards_);
  groups_ = std::make_unique<coordinator::group::GroupCoordinator>(
      *group_partitions_, *shares_, shards_, group_options(), [this](const async::Shard& shard) { return cache_->image(shard); }, seams_.random.next());
  transaction_partitions_ = std::make_unique<CoordinatorPartitions>(*replicas_, server::transactions_topic);
  markers_ = std::make_unique<Markers>(*replicas_, *cache_, shards_);
  markers_->tell(*groups_);
  transactions_ = std::make_unique<coordinator::transaction::TransactionCoordinator>(
      *transaction_partitions_, *markers_, std::bind_front(&Broker::allocate_producer_id, this), shards_, transaction_options());
  shares_->start();
  share_partitions_->start();
  groups_->start();
  transactions_->start();
  // Groups first: transactions that are being ended tell them of their markers.
  co_await groups_->load();
  deleted_topics_->tell(*groups_);
  co_await transactions_->load();
}

Task<Status> Broker::start() {
  async::Shard& control = *shards_[0];
  const auto node_id = static_cast<std::int32_t>(settings_.integer("node.id"));
  const auto directories = config::split_list(settings_.string("log.dirs"));
  if (auto done = metadata::check_group_limits(settings_); !done) co_return done;
  const auto kafka_at = io::Endpoint::parse(settings_.string("listeners"));
  if (!kafka_at) co_return fail(kafka_at.error());
  const auto admin_at = io::Endpoint::parse(settings_.string("admin.listener"));
  if (!admin_at) co_return fail(admin_at.error());

  replicas_ = std::make_unique<replication::ReplicaManager>(shards_, seams_.disk, settings_, directories, node_id);
  if (auto done = replicas_->prepare(seams_.random); !done) co_return done;
  auto store = seams_.open_store(directories.front(), control);
  if (!store) co_return fail(store.error());
  store_ = std::move(*store);
  metadata_ = std::make_unique<metadata::MetadataService>(*store_, settings_, metadata::TopicsControl(settings_, node_id, seams_.random), seams_.random,
                                                          control.context(), seams_.clock);
  cache_ = std::make_unique<server::MetadataCache>(shards_);
  deleted_topics_ = std::make_unique<DeletedTopics>();
  // Replicas before the cache: whoever sees a topic finds its log.
  if (auto done = co_await metadata_->start(replicas_->was_clean(), {replicas_.get(), cache_.get(), deleted_topics_.get()}); !done) co_return done;
  // A key's partition is a hash modulo this count: the topic's own count rules over the setting.
  for (const auto& [topic, setting] :
       {std::pair{server::offsets_topic, "offsets.topic.num.partitions"}, std::pair{server::transactions_topic, "transaction.state.log.num.partitions"},
        std::pair{server::share_state_topic, "share.coordinator.state.topic.num.partitions"}})
    if (const auto* existing = metadata_->image()->topic(topic))
      if (auto done = settings_.set(setting, std::to_string(existing->partitions.size())); !done) co_return done;
  co_await start_coordinators();

  io::Endpoint advertised;
  if (const auto given = settings_.raw("advertised.listeners")) {
    const auto parsed = io::Endpoint::parse(*given);
    if (!parsed) co_return fail(parsed.error());
    advertised = *parsed;
  }
  quotas_ =
      std::make_unique<server::Quotas>(control, static_cast<double>(settings_.integer("quota.window.num") * settings_.integer("quota.window.size.seconds")));
  telemetry_ = std::make_unique<server::Telemetry>(seams_.clock, static_cast<std::int32_t>(settings_.integer("telemetry.max.bytes")));
  services_.emplace(server::Services{settings_, *cache_, *metadata_, control, *replicas_, *groups_, *shares_, *transactions_, *markers_, authorizer_, *quotas_,
                                     *telemetry_, *share_partitions_, share_sessions_, registry_, node_id, advertised});
  server_ = std::make_unique<server::Server>(*services_, shards_, seams_.network);
  auto bound = server_->listen(*kafka_at);
  if (!bound) co_return fail(bound.error());
  kafka_endpoint_ = *bound;
  if (advertised.host.empty()) services_->advertised = kafka_endpoint_;
  if (services_->advertised.host == "0.0.0.0" || services_->advertised.host == "::")
    co_return fail(Errc::invalid, "clients cannot connect to " + services_->advertised.host + ": set advertised.listeners to a HOST:PORT that they can reach");
  admin_ = std::make_unique<admin::Admin>(*services_, *server_, seams_.network);
  auto admin_bound = admin_->listen(*admin_at);
  if (!admin_bound) co_return fail(admin_bound.error());
  admin_endpoint_ = *admin_bound;
  replicas_->start_maintenance(seams_.storage_failed);
  server_->start();
  admin_->start();
  co_return Status{};
}

Task<Status> Broker::stop() {
  if (admin_) co_await admin_->stop();
  // Groups before connections: parked JoinGroups are answered, so that their connections can end.
  if (transactions_) co_await transactions_->stop();
  if (groups_) co_await groups_->stop();
  if (server_) co_await server_->stop();
  // After the connections: what their members held is given back.
  if (share_partitions_) co_await share_partitions_->stop();
  if (shares_) co_await shares_->stop();
  if (metadata_) co_await metadata_->stop();
  Status result;
  if (replicas_) result = co_await replicas_->stop();
  co_return result;
}

}  // namespace meridian::broker
