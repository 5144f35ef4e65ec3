#include "broker/server/dispatcher.h"

#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;

/// APIs whose handlers do next to nothing but wait for other members: their time is no measure of what they cost.
template <class Request>
constexpr bool waits = std::same_as<Request, kafka::JoinGroupRequest> || std::same_as<Request, kafka::SyncGroupRequest>;

template <class Request, auto handle>
Task<Result<Reply>> run(RequestContext& context, ByteView body) {
  const auto began = context.shard.clock().now();
  auto request = kafka::decode_message<Request>(body, context.version);
  if (!request) co_return fail(request.error());
  // Before the work: a pipelining producer has its next requests on the way already.
  if constexpr (std::same_as<Request, kafka::ProduceRequest>) co_await context.charge(QuotaKind::produce, static_cast<double>(body.size()));
  typename Request::Response response = co_await handle(context, *request);
  if (!context.image()->quotas.empty()) {
    if constexpr (std::same_as<Request, kafka::FetchRequest> || std::same_as<Request, kafka::ShareFetchRequest>) {
      std::size_t bytes = 0;
      for (const auto& topic : response.topics)
        for (const auto& partition : topic.partitions) bytes += partition.records.size();
      co_await context.charge(QuotaKind::fetch, static_cast<double>(bytes));
    }
    if constexpr (!waits<Request>)
      co_await context.charge(QuotaKind::request, std::chrono::duration<double>(context.shard.clock().now() - began - context.waited).count() * 100);
    if constexpr (requires { response.throttle_time_ms; }) response.throttle_time_ms = static_cast<std::int32_t>(context.throttle.count());
  }
  Reply reply;
  kafka::Encoder encoder(reply.body, context.version, Request::api.flexible(context.version));
  kafka::encode_message(encoder, response);
  reply.splices = std::move(encoder.splices);
  co_return reply;
}

/// KIP-511: letters, digits, and between them also dots and dashes.
bool valid_software(std::string_view name) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !name.empty() && plain(name.front()) && plain(name.back()) && std::ranges::all_of(name, [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

template <class Request, auto handle>
constexpr Handler entry(bool pipelined = false, std::int16_t advertised_min = Request::api.versions.min) {
  return {Request::api, advertised_min, pipelined, &run<Request, handle>};
}

constexpr Handler table[] = {
    entry<kafka::ProduceRequest, handle_produce>(true, 0),
    entry<kafka::FetchRequest, handle_fetch>(),
    entry<kafka::ListOffsetsRequest, handle_list_offsets>(),
    entry<kafka::MetadataRequest, handle_metadata>(),
    entry<kafka::OffsetCommitRequest, handle_offset_commit>(),
    entry<kafka::OffsetFetchRequest, handle_offset_fetch>(),
    entry<kafka::FindCoordinatorRequest, handle_find_coordinator>(),
    entry<kafka::JoinGroupRequest, handle_join_group>(),
    entry<kafka::HeartbeatRequest, handle_heartbeat>(),
    entry<kafka::LeaveGroupRequest, handle_leave_group>(),
    entry<kafka::SyncGroupRequest, handle_sync_group>(),
    entry<kafka::DescribeGroupsRequest, handle_describe_groups>(),
    entry<kafka::ListGroupsRequest, handle_list_groups>(),
    entry<kafka::ApiVersionsRequest, handle_api_versions>(),
    entry<kafka::CreateTopicsRequest, handle_create_topics>(),
    entry<kafka::DeleteTopicsRequest, handle_delete_topics>(),
    entry<kafka::InitProducerIdRequest, handle_init_producer_id>(),
    entry<kafka::OffsetForLeaderEpochRequest, handle_offset_for_leader_epoch>(),
    entry<kafka::AddPartitionsToTxnRequest, handle_add_partitions_to_txn>(),
    entry<kafka::AddOffsetsToTxnRequest, handle_add_offsets_to_txn>(),
    entry<kafka::EndTxnRequest, handle_end_txn>(),
    entry<kafka::WriteTxnMarkersRequest, handle_write_txn_markers>(),
    entry<kafka::TxnOffsetCommitRequest, handle_txn_offset_commit>(),
    entry<kafka::DescribeConfigsRequest, handle_describe_configs>(),
    entry<kafka::CreatePartitionsRequest, handle_create_partitions>(),
    entry<kafka::DeleteGroupsRequest, handle_delete_groups>(),
    entry<kafka::IncrementalAlterConfigsRequest, handle_incremental_alter_configs>(),
    entry<kafka::OffsetDeleteRequest, handle_offset_delete>(),
    entry<kafka::UpdateFeaturesRequest, handle_update_features>(),
    entry<kafka::DescribeClusterRequest, handle_describe_cluster>(),
    entry<kafka::DescribeProducersRequest, handle_describe_producers>(),
    entry<kafka::DescribeTransactionsRequest, handle_describe_transactions>(),
    entry<kafka::ListTransactionsRequest, handle_list_transactions>(),
    entry<kafka::ConsumerGroupHeartbeatRequest, handle_consumer_group_heartbeat>(),
    entry<kafka::ConsumerGroupDescribeRequest, handle_consumer_group_describe>(),
    entry<kafka::DeleteRecordsRequest, handle_delete_records>(),
    entry<kafka::DescribeLogDirsRequest, handle_describe_log_dirs>(),
    entry<kafka::AlterReplicaLogDirsRequest, handle_alter_replica_log_dirs>(),
    entry<kafka::ElectLeadersRequest, handle_elect_leaders>(),
    entry<kafka::AlterPartitionReassignmentsRequest, handle_alter_partition_reassignments>(),
    entry<kafka::ListPartitionReassignmentsRequest, handle_list_partition_reassignments>(),
    entry<kafka::DescribeQuorumRequest, handle_describe_quorum>(),
    entry<kafka::DescribeAclsRequest, handle_describe_acls>(),
    entry<kafka::CreateAclsRequest, handle_create_acls>(),
    entry<kafka::DeleteAclsRequest, handle_delete_acls>(),
    entry<kafka::DescribeClientQuotasRequest, handle_describe_client_quotas>(),
    entry<kafka::AlterClientQuotasRequest, handle_alter_client_quotas>(),
    entry<kafka::AlterConfigsRequest, handle_alter_configs>(),
    entry<kafka::ListConfigResourcesRequest, handle_list_config_resources>(),
    entry<kafka::DescribeTopicPartitionsRequest, handle_describe_topic_partitions>(),
    entry<kafka::GetTelemetrySubscriptionsRequest, handle_get_telemetry_subscriptions>(),
    entry<kafka::PushTelemetryRequest, handle_push_telemetry>(),
    entry<kafka::ShareGroupHeartbeatRequest, handle_share_group_heartbeat>(),
    entry<kafka::ShareGroupDescribeRequest, handle_share_group_describe>(),
    entry<kafka::ShareFetchRequest, handle_share_fetch>(),
    entry<kafka::ShareAcknowledgeRequest, handle_share_acknowledge>(),
    entry<kafka::InitializeShareGroupStateRequest, handle_initialize_share_group_state>(),
    entry<kafka::ReadShareGroupStateRequest, handle_read_share_group_state>(),
    entry<kafka::WriteShareGroupStateRequest, handle_write_share_group_state>(),
    entry<kafka::DeleteShareGroupStateRequest, handle_delete_share_group_state>(),
    entry<kafka::ReadShareGroupStateSummaryRequest, handle_read_share_group_state_summary>(),
    entry<kafka::DescribeShareGroupOffsetsRequest, handle_describe_share_group_offsets>(),
    entry<kafka::AlterShareGroupOffsetsRequest, handle_alter_share_group_offsets>(),
    entry<kafka::DeleteShareGroupOffsetsRequest, handle_delete_share_group_offsets>(),
    entry<kafka::AppendAtRequest, handle_append_at>(true),
};

}  // namespace

std::span<const Handler> handlers() { return table; }

const Handler* find_handler(std::int16_t key) {
  for (const auto& handler : table)
    if (handler.api.key == key) return &handler;
  return nullptr;
}

Task<kafka::ApiVersionsResponse> handle_api_versions(RequestContext& context, kafka::ApiVersionsRequest& request) {
  constexpr std::int16_t names_software = 3;
  constexpr std::int16_t knows_zero = 4;  // clients below cannot read a feature that begins at 0 (KAFKA-17011)
  kafka::ApiVersionsResponse response;
  if (context.version >= names_software) {
    if (!valid_software(request.client_software_name) || !valid_software(request.client_software_version)) {
      response.error_code = ErrorCode::invalid_request;
      co_return response;
    }
    context.software = {request.client_software_name, request.client_software_version};
  }
  for (const auto& handler : table) response.api_keys.push_back({handler.api.key, handler.advertised_min, handler.api.versions.max});
  const auto image = context.image();
  for (const auto& feature : metadata::supported_features())
    if (feature.min > 0 || context.version >= knows_zero) response.supported_features.push_back({feature.name, feature.min, feature.max});
  response.finalized_features_epoch = image->features_revision;
  for (const auto& [name, level] : image->features) response.finalized_features.push_back({name, level, level});
  co_return response;
}

Task<kafka::UpdateFeaturesResponse> handle_update_features(RequestContext& context, kafka::UpdateFeaturesRequest& request) {
  kafka::UpdateFeaturesResponse response;
  if (!context.allowed(Operation::alter, Resource::cluster, "kafka-cluster")) {
    response.error_code = ErrorCode::cluster_authorization_failed;
    co_return response;
  }
  const auto updates = request.feature_updates;
  const auto decision = co_await async::on(context.services.control, context.services.metadata.update_features(std::move(request)));
  response.error_code = decision.error;
  if (decision.error != ErrorCode::none) response.error_message = decision.message;
  if (decision.error == ErrorCode::none)
    for (const auto& update : updates) response.results.push_back({update.feature, decision.error, std::nullopt});
  co_return response;
}

}  // namespace meridian::server
