// GroupCoordinator, the part about groups under the consumer protocol (KIP-848).
#include "broker/coordinator/group/group_coordinator.h"
#include "common/base/log.h"
#include "common/base/pattern.h"

namespace meridian::coordinator::group {
namespace {

class ImageTopics final : public TopicView {
 public:
  explicit ImageTopics(metadata::ImagePtr image) : image_(std::move(image)) {}
  std::optional<Topic> find(const std::string& name) const override {
    const auto* topic = image_->topic(name);
    return topic ? std::optional(Topic{topic->id, static_cast<std::int32_t>(topic->partitions.size())}) : std::nullopt;
  }
  std::optional<std::string> name(const Uuid& id) const override {
    const auto it = image_->topic_names.find(id);
    return it == image_->topic_names.end() ? std::nullopt : std::optional(it->second);
  }
  Result<std::set<std::string>> matching(const std::string& regex) const override {
    const auto pattern = base::Pattern::compile(regex);
    if (!pattern) return fail(pattern.error());
    std::set<std::string> names;
    for (const auto& [name, topic] : image_->topics)
      if (pattern->matches(name)) names.insert(name);
    return names;
  }
  std::int64_t revision() const override { return image_->revision; }

 private:
  metadata::ImagePtr image_;
};

}  // namespace

std::shared_ptr<const TopicView> GroupCoordinator::topic_view(const async::Shard& shard) const { return std::make_shared<ImageTopics>(image_(shard)); }

ConsumerLimits GroupCoordinator::consumer_limits(const metadata::MetadataImage& image, const std::string& group) const {
  using std::chrono::milliseconds;
  const auto& settings = *image.settings;
  ConsumerLimits limits{.heartbeat_interval = milliseconds(metadata::group_integer(image, group, "consumer.heartbeat.interval.ms")),
                        .session_timeout = milliseconds(metadata::group_integer(image, group, "consumer.session.timeout.ms")),
                        .size_max = settings.integer("group.consumer.max.size"),
                        .assignors = config::split_list(settings.string("group.consumer.assignors"))};
  const std::string& policy = settings.string("group.consumer.migration.policy");
  limits.upgrade = policy == "bidirectional" || policy == "upgrade";
  limits.downgrade = policy == "bidirectional" || policy == "downgrade";
  limits.classic_size_max = options_.limits.size_max;
  return limits;
}

Task<kafka::ConsumerGroupHeartbeatResponse> GroupCoordinator::consumer_heartbeat(kafka::ConsumerGroupHeartbeatRequest request, std::string client_id,
                                                                                 std::string client_host) {
  auto& at = home(request.group_id);
  co_return co_await async::on(at, consumer_heartbeat_home(std::move(request), std::move(client_id), std::move(client_host)));
}

// What the group decides is in memory at once and told when it is committed: later heartbeats build on it, their records follow in the log.
Task<kafka::ConsumerGroupHeartbeatResponse> GroupCoordinator::consumer_heartbeat_home(kafka::ConsumerGroupHeartbeatRequest request, std::string client_id,
                                                                                      std::string client_host) {
  kafka::ConsumerGroupHeartbeatResponse response;
  response.error_code = request.group_id.empty() ? ErrorCode::invalid_request : co_await ready(request.group_id);
  if (response.error_code != ErrorCode::none) co_return response;
  PerShard& at = per_shard(home(request.group_id));
  const auto limits = consumer_limits(*image_(at.shard), request.group_id);
  if (auto refused = ConsumerGroup::check_request(request, limits)) co_return std::move(*refused);
  auto group = find(request.group_id);
  if (request.member_epoch == 0 && !group) group = find_or_create(request.group_id);
  const bool joins = request.member_epoch == 0;
  if (joins && !group->share && !group->consumer && !group->classic.has_members()) {
    response.error_code = co_await to_consumer(group);
  } else if (!group || group->share || (!group->consumer && !joins)) {
    response.error_code = ErrorCode::group_id_not_found;
    response.error_message = group ? "Group " + request.group_id + " is not a consumer group." : "Group " + request.group_id + " not found.";
  }
  if (response.error_code != ErrorCode::none) co_return response;

  const auto topics = topic_view(at.shard);
  std::vector<ConsumerRecord> records;
  const ConsumerGroup::Input input{request, std::move(client_id), std::move(client_host)};
  if (group->consumer) {
    response = group->consumer->heartbeat(input, *topics, limits, at.shard.clock().now(), records);
  } else {
    response = upgrade(group, input, *topics, limits, records);
    if (response.error_code != ErrorCode::none) co_return response;
  }
  if (const auto error = co_await changed(group, topics, limits, std::move(records), request.member_id); error != ErrorCode::none) {
    response = {};
    response.error_code = error;
  }
  co_return response;
}

Task<> GroupCoordinator::tick_consumer(std::shared_ptr<Group> group) {
  PerShard& at = per_shard(home(group->classic.id()));
  const auto topics = topic_view(at.shard);
  const auto limits = consumer_limits(*image_(at.shard), group->classic.id());
  std::vector<ConsumerRecord> records;
  group->consumer->tick(*topics, limits, at.shard.clock().now(), records);
  co_await changed(group, topics, limits, std::move(records));
}

Task<kafka::ConsumerGroupDescribeResponseDescribedGroup> GroupCoordinator::consumer_describe(std::string group) {
  auto& at = home(group);
  co_return co_await async::on(at, consumer_describe_home(std::move(group)));
}

Task<kafka::ConsumerGroupDescribeResponseDescribedGroup> GroupCoordinator::consumer_describe_home(std::string id) {
  kafka::ConsumerGroupDescribeResponseDescribedGroup out;
  out.group_id = id;
  out.error_code = id.empty() ? ErrorCode::invalid_group_id : co_await ready(id);
  if (out.error_code != ErrorCode::none) co_return out;
  const auto group = find(id);
  if (!group || !group->consumer) {
    out.error_code = ErrorCode::group_id_not_found;
    out.error_message = group ? "Group " + id + " is not a consumer group." : "Group " + id + " not found.";
    co_return out;
  }
  const auto& shard = per_shard(home(id)).shard;
  group->consumer->describe(out, consumer_limits(*image_(shard), id), *topic_view(shard));
  co_return out;
}

}  // namespace meridian::coordinator::group
