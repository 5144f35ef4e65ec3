#include "broker/broker.h"

#include "common/base/log.h"

namespace meridian::broker {

/// coordinator::PartitionWriter over the replicas of __consumer_offsets: the one place that joins the two.
class GroupPartitions final : public coordinator::PartitionWriter {
 public:
  explicit GroupPartitions(replication::ReplicaManager& replicas) : replicas_(replicas) {}

  async::Shard& home(std::int32_t partition) override { return replicas_.home(topic, partition); }

  Task<Status> append(std::int32_t partition, Bytes batch) override {
    const auto replica = replicas_.find(topic, partition);
    if (!replica) co_return fail(Errc::not_found, "no such partition");
    const auto appended = replica->append(batch.data(), batch.size());
    if (!appended) co_return fail(Errc::io, appended.error().message);
    constexpr auto patience = std::chrono::seconds(5);  // offsets.commit.timeout.ms of Kafka
    if (co_await replica->wait_committed(appended->last_offset + 1, home(partition).clock().now() + patience)) co_return Status{};
    co_return fail(Errc::timeout, "not committed in time");
  }

  Task<Status> replay(std::int32_t partition, std::function<void(const kafka::RecordView&)> visit) override {
    const auto replica = replicas_.find(topic, partition);
    if (!replica) co_return fail(Errc::not_found, "no such partition");
    constexpr std::size_t chunk_bytes = 1u << 20;
    auto& log = replica->log();
    const Offset end = log.end_offset();
    for (Offset at = log.start_offset(); at < end;) {
      const auto read = log.read(at, end, chunk_bytes, true);
      if (!read) co_return fail(read.error());
      if (read->size == 0) break;
      for (const auto& slice : read->slices) {
        Bytes bytes(slice.size, '\0');
        if (const auto n = slice.file->read(slice.position, bytes.data(), bytes.size()); !n) co_return fail(n.error());
        for (ByteView rest = bytes; !rest.empty();) {
          const auto header = kafka::parse_batch_header(rest);
          if (!header) co_return fail(header.error());
          const auto done = kafka::for_each_record(rest, [&](const kafka::RecordView& record) {
            if (!header->control()) visit(record);
            return true;
          });
          if (!done) co_return fail(done.error());
          rest.remove_prefix(static_cast<std::size_t>(header->size));
        }
      }
      at = read->next_offset;
    }
    co_return Status{};
  }

 private:
  static inline const std::string topic = "__consumer_offsets";
  replication::ReplicaManager& replicas_;
};

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

Task<Status> Broker::start() {
  async::Shard& control = *shards_[0];
  const auto node_id = static_cast<std::int32_t>(settings_.integer("node.id"));
  const std::string directory = settings_.string("log.dirs");
  const auto kafka_at = io::Endpoint::parse(settings_.string("listeners"));
  if (!kafka_at) co_return fail(kafka_at.error());
  const auto admin_at = io::Endpoint::parse(settings_.string("admin.listener"));
  if (!admin_at) co_return fail(admin_at.error());

  replicas_ = std::make_unique<replication::ReplicaManager>(shards_, seams_.disk, settings_, directory, node_id);
  if (auto done = replicas_->prepare(); !done) co_return done;
  auto store = seams_.open_store(directory, control);
  if (!store) co_return fail(store.error());
  store_ = std::move(*store);
  metadata_ = std::make_unique<metadata::MetadataService>(*store_, metadata::TopicsControl(settings_, node_id, seams_.random), seams_.random, control.context(),
                                                          seams_.clock);
  cache_ = std::make_unique<server::MetadataCache>(shards_);
  // Replicas before the cache: whoever sees a topic finds its log.
  if (auto done = co_await metadata_->start(replicas_->was_clean(), {replicas_.get(), cache_.get()}); !done) co_return done;
  if (const auto* offsets = metadata_->image()->topic("__consumer_offsets")) {
    // The group's partition is a hash modulo this count: the topic's own count rules over the setting.
    if (auto done = settings_.set("offsets.topic.num.partitions", std::to_string(offsets->partitions.size())); !done) co_return done;
  }
  group_partitions_ = std::make_unique<GroupPartitions>(*replicas_);
  groups_ = std::make_unique<coordinator::group::GroupCoordinator>(*group_partitions_, shards_, group_options(), seams_.random.next());
  groups_->start();
  co_await groups_->load();

  io::Endpoint advertised;
  if (const auto given = settings_.raw("advertised.listeners")) {
    const auto parsed = io::Endpoint::parse(*given);
    if (!parsed) co_return fail(parsed.error());
    advertised = *parsed;
  }
  services_.emplace(server::Services{settings_, *cache_, *metadata_, control, *replicas_, *groups_, authorizer_, registry_, node_id, advertised});
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
  replicas_->start_maintenance();
  server_->start();
  admin_->start();
  co_return Status{};
}

Task<Status> Broker::stop() {
  if (admin_) co_await admin_->stop();
  // Groups before connections: parked JoinGroups are answered, so that their connections can end.
  if (groups_) co_await groups_->stop();
  if (server_) co_await server_->stop();
  if (metadata_) co_await metadata_->stop();
  Status result;
  if (replicas_) result = co_await replicas_->stop();
  co_return result;
}

}  // namespace meridian::broker
