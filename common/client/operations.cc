#include "common/client/operations.h"

namespace meridian::client {
namespace {

using kafka::ErrorCode;
constexpr std::int32_t fetch_bytes_max = 8 << 20;
constexpr auto retry_pause = std::chrono::milliseconds(50);
constexpr std::int16_t topics_by_name = 9;  // OffsetCommit and OffsetFetch: topics go by id above

std::unexpected<Error> refused(const std::string& what, ErrorCode error, const std::optional<std::string>& message = {}) {
  return fail(Errc::refused, what + ": " + std::string(kafka::error_name(error)) + (message && !message->empty() ? " (" + *message + ")" : ""));
}

}  // namespace

Task<Result<Offset>> list_offset(Cluster& cluster, std::string topic, std::int32_t partition, std::int64_t timestamp, async::TimePoint deadline) {
  for (;;) {
    auto leader = co_await cluster.leader(topic, partition, deadline);
    if (!leader) co_return fail(leader.error());
    kafka::ListOffsetsRequest request;
    request.topics = {{topic, {{.partition_index = partition, .timestamp = timestamp}}}};
    auto response = co_await (*leader)->call(request, deadline);
    if (!response) co_return fail(response.error());
    if (response->topics.empty() || response->topics[0].partitions.empty()) co_return fail(Errc::corrupt, "ListOffsets answered nothing");
    const auto& result = response->topics[0].partitions[0];
    if (result.error_code == ErrorCode::none) co_return result.offset;
    if (!kafka::is_retriable(result.error_code) || cluster.clock().now() >= deadline) co_return refused("ListOffsets of " + topic, result.error_code);
    cluster.invalidate();
    co_await async::sleep_for(cluster.context(), cluster.clock(), retry_pause);
  }
}

Task<Result<PartitionOffsets>> end_offsets(Cluster& cluster, std::vector<std::pair<std::string, std::int32_t>> partitions, async::TimePoint deadline) {
  std::map<std::shared_ptr<BrokerConnection>, std::map<std::string, std::vector<kafka::ListOffsetsRequestPartition>>> by_leader;
  for (const auto& [topic, partition] : partitions) {
    auto leader = co_await cluster.leader(topic, partition, deadline);
    if (!leader) {
      if (leader.error().code == Errc::not_found) continue;
      co_return fail(leader.error());
    }
    by_leader[*leader][topic].push_back({.partition_index = partition, .timestamp = latest});
  }
  PartitionOffsets out;
  for (const auto& [leader, topics] : by_leader) {
    kafka::ListOffsetsRequest request;
    for (const auto& [topic, wanted] : topics) request.topics.push_back({topic, wanted});
    auto response = co_await leader->call(request, deadline);
    if (!response) co_return fail(response.error());
    for (const auto& topic : response->topics)
      for (const auto& result : topic.partitions) {
        if (result.error_code == ErrorCode::none) out[{topic.name, result.partition_index}] = result.offset;
        else if (kafka::is_retriable(result.error_code)) cluster.invalidate();
      }
  }
  co_return out;
}

Task<Status> read_range(Cluster& cluster, std::string topic, std::int32_t partition, Offset from, Offset end,
                        std::function<bool(const kafka::RecordView&)> visit, async::TimePoint deadline,
                        std::function<bool(const kafka::BatchHeader&)> visit_control) {
  while (from < end) {
    auto leader = co_await cluster.leader(topic, partition, deadline);
    if (!leader) co_return fail(leader.error());
    kafka::FetchRequest request;
    request.max_wait_ms = 100;
    request.min_bytes = 1;
    request.max_bytes = fetch_bytes_max;
    kafka::FetchRequestPartition wanted;
    wanted.partition = partition;
    wanted.fetch_offset = from;
    wanted.partition_max_bytes = fetch_bytes_max;
    request.topics = {{topic, {}, {wanted}}};
    auto response = co_await (*leader)->call(request, deadline, 12);  // 13 wants topic ids
    if (!response) co_return fail(response.error());
    const auto frame = (*leader)->last_frame();
    auto error = response->error_code;
    if (error == ErrorCode::none && (response->topics.empty() || response->topics[0].partitions.empty()))
      co_return fail(Errc::corrupt, "Fetch answered nothing");
    if (error == ErrorCode::none) error = response->topics[0].partitions[0].error_code;
    if (error != ErrorCode::none) {
      if (!kafka::is_retriable(error) || cluster.clock().now() >= deadline) co_return refused("Fetch of " + topic, error);
      cluster.invalidate();
      co_await async::sleep_for(cluster.context(), cluster.clock(), retry_pause);
      continue;
    }
    ByteView rest = response->topics[0].partitions[0].records.view;
    while (!rest.empty()) {
      const auto header = kafka::parse_batch_header(rest);
      if (!header || static_cast<std::size_t>(header->size) > rest.size()) break;  // the last batch may be cut
      bool stop = header->control() && header->base_offset < end && visit_control && !visit_control(*header);
      if (!header->control()) {
        const auto done = kafka::for_each_record(rest, [&](const kafka::RecordView& record) {
          if (record.offset < from) return true;
          stop = record.offset >= end || !visit(record);
          return !stop;
        });
        if (!done) co_return done;
      }
      if (stop) co_return Status{};
      from = header->next_offset();
      rest.remove_prefix(static_cast<std::size_t>(header->size));
    }
    if (cluster.clock().now() >= deadline) co_return fail(Errc::timeout, "reading " + topic + " took too long");
  }
  co_return Status{};
}

Task<Result<Offset>> append(Cluster& cluster, std::string topic, std::int32_t partition, Bytes batch, async::TimePoint deadline) {
  std::optional<Error> last;  ///< what the broker said before the time ran out
  for (;;) {
    auto leader = co_await cluster.leader(topic, partition, deadline);
    if (!leader) co_return fail(last.value_or(leader.error()));
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 10'000;
    kafka::ProduceRequestPartition entry;
    entry.index = partition;
    entry.records.view = batch;
    request.topics = {{topic, {}, {entry}}};
    auto response = co_await (*leader)->call(request, deadline, 12);
    if (!response) co_return fail(last.value_or(response.error()));
    if (response->topics.empty() || response->topics[0].partitions.empty()) co_return fail(Errc::corrupt, "Produce answered nothing");
    const auto& result = response->topics[0].partitions[0];
    if (result.error_code == ErrorCode::none) co_return result.base_offset;
    last = refused("Produce to " + topic, result.error_code, result.error_message).error();
    if (!kafka::is_retriable(result.error_code) || cluster.clock().now() >= deadline) co_return fail(*last);
    cluster.invalidate();
    co_await async::sleep_for(cluster.context(), cluster.clock(), retry_pause);
  }
}

Task<Status> create_topic(Cluster& cluster, NewTopic topic, async::TimePoint deadline) {
  auto controller = co_await cluster.controller(deadline);
  if (!controller) co_return fail(controller.error());
  kafka::CreateTopicsRequest request;
  kafka::CreateTopicsRequestTopic entry;
  entry.name = topic.name;
  entry.num_partitions = topic.partitions;
  entry.replication_factor = topic.replication_factor;
  for (auto& [name, value] : topic.configs) entry.configs.push_back({name, value});
  request.topics = {entry};
  auto response = co_await (*controller)->call(request, deadline);
  if (!response) co_return fail(response.error());
  if (response->topics.empty()) co_return fail(Errc::corrupt, "CreateTopics answered nothing");
  const auto& result = response->topics[0];
  if (result.error_code == ErrorCode::none || result.error_code == ErrorCode::topic_already_exists) co_return Status{};
  co_return refused("cannot create topic " + topic.name, result.error_code, result.error_message);
}

Task<Status> create_partitions(Cluster& cluster, std::string topic, std::int32_t count, async::TimePoint deadline) {
  auto controller = co_await cluster.controller(deadline);
  if (!controller) co_return fail(controller.error());
  kafka::CreatePartitionsRequest request;
  request.topics = {{topic, count, std::nullopt}};
  auto response = co_await (*controller)->call(request, deadline);
  if (!response) co_return fail(response.error());
  if (response->results.empty() || response->results[0].error_code != ErrorCode::none)
    co_return refused("cannot grow topic " + topic, response->results.empty() ? ErrorCode::unknown_server_error : response->results[0].error_code,
                      response->results.empty() ? std::nullopt : response->results[0].error_message);
  co_return Status{};
}

Task<Result<std::map<std::string, std::string>>> topic_configs(Cluster& cluster, std::string topic, async::TimePoint deadline) {
  constexpr std::int8_t topic_resource = 2, dynamic_topic_config = 1;
  kafka::DescribeConfigsRequest request;
  request.resources = {{topic_resource, topic, std::nullopt}};
  auto response = co_await cluster.call_any(request, deadline);
  if (!response) co_return fail(response.error());
  if (response->results.empty()) co_return fail(Errc::corrupt, "DescribeConfigs answered nothing");
  if (response->results[0].error_code != ErrorCode::none)
    co_return refused("configuration of " + topic, response->results[0].error_code, response->results[0].error_message);
  std::map<std::string, std::string> out;
  for (const auto& entry : response->results[0].configs)
    if (entry.config_source == dynamic_topic_config && entry.value) out[entry.name] = *entry.value;
  co_return out;
}

Task<Status> alter_topic_configs(Cluster& cluster, std::string topic, std::map<std::string, std::optional<std::string>> values, async::TimePoint deadline) {
  constexpr std::int8_t topic_resource = 2, set = 0, remove = 1;
  kafka::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = topic_resource;
  resource.resource_name = topic;
  for (auto& [name, value] : values) resource.configs.push_back({name, value ? set : remove, value});
  auto controller = co_await cluster.controller(deadline);
  if (!controller) co_return fail(controller.error());
  auto response = co_await (*controller)->call(request, deadline);
  if (!response) co_return fail(response.error());
  if (response->results.empty() || response->results[0].error_code != ErrorCode::none)
    co_return refused("configuration of " + topic, response->results.empty() ? ErrorCode::unknown_server_error : response->results[0].error_code,
                      response->results.empty() ? std::nullopt : response->results[0].error_message);
  co_return Status{};
}

Task<Result<GroupOffsets>> committed(Cluster& cluster, std::string group, async::TimePoint deadline) {
  for (;;) {
    auto coordinator = co_await cluster.coordinator(group, 0, deadline);
    if (!coordinator) co_return fail(coordinator.error());
    kafka::OffsetFetchRequest request;
    request.group_id = group;
    kafka::OffsetFetchRequestGroup entry;
    entry.group_id = group;
    request.groups = {entry};
    auto response = co_await (*coordinator)->call(request, deadline, topics_by_name);
    if (!response) co_return fail(response.error());
    auto error = response->error_code;
    auto* topics = &response->topics;
    if (!response->groups.empty()) {
      error = response->groups[0].error_code;
      topics = &response->groups[0].topics;
    }
    if (error == ErrorCode::none) {
      GroupOffsets out;
      for (const auto& topic : *topics)
        for (const auto& partition : topic.partitions)
          if (partition.committed_offset >= 0) out[{topic.name, partition.partition_index}] = {partition.committed_offset, partition.metadata.value_or("")};
      co_return out;
    }
    if (!kafka::is_retriable(error) || cluster.clock().now() >= deadline) co_return refused("offsets of group " + group, error);
    co_await async::sleep_for(cluster.context(), cluster.clock(), retry_pause);
  }
}

Task<Status> commit(Cluster& cluster, std::string group, GroupOffsets offsets, async::TimePoint deadline) {
  kafka::OffsetCommitRequest request;
  request.group_id = group;
  for (const auto& [key, value] : offsets) {
    if (request.topics.empty() || request.topics.back().name != key.first) request.topics.push_back({key.first, {}});
    kafka::OffsetCommitRequestPartition partition;
    partition.partition_index = key.second;
    partition.committed_offset = value.first;
    partition.committed_metadata = value.second;
    request.topics.back().partitions.push_back(std::move(partition));
  }
  for (;;) {
    auto coordinator = co_await cluster.coordinator(group, 0, deadline);
    if (!coordinator) co_return fail(coordinator.error());
    auto response = co_await (*coordinator)->call(request, deadline, topics_by_name);
    if (!response) co_return fail(response.error());
    ErrorCode error = ErrorCode::none;
    for (const auto& topic : response->topics)
      for (const auto& partition : topic.partitions)
        if (partition.error_code != ErrorCode::none) error = partition.error_code;
    if (error == ErrorCode::none) co_return Status{};
    if (!kafka::is_retriable(error) || error == ErrorCode::unknown_topic_or_partition || cluster.clock().now() >= deadline)
      co_return refused("commit for group " + group, error);
    co_await async::sleep_for(cluster.context(), cluster.clock(), retry_pause);
  }
}

Task<Result<kafka::DescribeGroupsResponseGroup>> describe_group(Cluster& cluster, std::string group, async::TimePoint deadline) {
  auto coordinator = co_await cluster.coordinator(group, 0, deadline);
  if (!coordinator) co_return fail(coordinator.error());
  kafka::DescribeGroupsRequest request;
  request.groups = {group};
  auto response = co_await (*coordinator)->call(request, deadline);
  if (!response) co_return fail(response.error());
  if (response->groups.empty()) co_return fail(Errc::corrupt, "DescribeGroups answered nothing");
  auto& only = response->groups[0];
  if (only.error_code == ErrorCode::group_id_not_found) only.group_state = "Dead";
  else if (only.error_code != ErrorCode::none) co_return refused("group " + group, only.error_code, only.error_message);
  if (only.group_state != "Dead" || !(*coordinator)->serves(kafka::ConsumerGroupDescribeRequest::api)) co_return std::move(only);
  // Groups of the consumer protocol (KIP-848) are told of by their own API.
  kafka::ConsumerGroupDescribeRequest consumer;
  consumer.group_ids = {group};
  auto described = co_await (*coordinator)->call(consumer, deadline);
  if (!described) co_return fail(described.error());
  if (described->groups.empty() || described->groups[0].error_code != ErrorCode::none) co_return std::move(only);
  only.error_code = ErrorCode::none;
  only.group_state = described->groups[0].group_state;
  only.protocol_type = "consumer";
  for (const auto& member : described->groups[0].members)
    only.members.push_back(
        {.member_id = member.member_id, .group_instance_id = member.instance_id, .client_id = member.client_id, .client_host = member.client_host});
  co_return std::move(only);
}

Task<Result<std::vector<kafka::ListGroupsResponseGroup>>> list_groups(Cluster& cluster, async::TimePoint deadline) {
  auto known = co_await cluster.metadata(std::vector<std::string>{}, deadline);
  if (!known) co_return fail(known.error());
  std::vector<kafka::ListGroupsResponseGroup> out;
  for (const auto& broker : known->brokers) {
    auto node = co_await cluster.node(broker.node_id, deadline);
    if (!node) co_return fail(node.error());
    auto response = co_await (*node)->call(kafka::ListGroupsRequest{}, deadline);
    if (!response) co_return fail(response.error());
    if (response->error_code != ErrorCode::none) co_return refused("ListGroups", response->error_code);
    out.insert(out.end(), response->groups.begin(), response->groups.end());
  }
  co_return out;
}

}  // namespace meridian::client
