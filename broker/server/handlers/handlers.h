// The handlers, one function an API. Each authorises, validates, splits by partition, calls the domain and maps errors; none
// holds state. Requests are taken by reference: they live in the dispatcher's frame until the handler returns.
#pragma once

#include "broker/server/request_context.h"

namespace meridian::server {

/// What whoever asks may do with a group: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
inline constexpr std::int32_t group_operations = 0xd48;

Task<kafka::ProduceResponse> handle_produce(RequestContext& context, kafka::ProduceRequest& request);
Task<kafka::AppendAtResponse> handle_append_at(RequestContext& context, kafka::AppendAtRequest& request);
Task<kafka::FetchResponse> handle_fetch(RequestContext& context, kafka::FetchRequest& request);
Task<kafka::ListOffsetsResponse> handle_list_offsets(RequestContext& context, kafka::ListOffsetsRequest& request);
Task<kafka::OffsetForLeaderEpochResponse> handle_offset_for_leader_epoch(RequestContext& context, kafka::OffsetForLeaderEpochRequest& request);
Task<kafka::MetadataResponse> handle_metadata(RequestContext& context, kafka::MetadataRequest& request);
Task<kafka::DescribeClusterResponse> handle_describe_cluster(RequestContext& context, kafka::DescribeClusterRequest& request);
Task<kafka::ApiVersionsResponse> handle_api_versions(RequestContext& context, kafka::ApiVersionsRequest& request);
Task<kafka::UpdateFeaturesResponse> handle_update_features(RequestContext& context, kafka::UpdateFeaturesRequest& request);
Task<kafka::CreateTopicsResponse> handle_create_topics(RequestContext& context, kafka::CreateTopicsRequest& request);
Task<kafka::DeleteTopicsResponse> handle_delete_topics(RequestContext& context, kafka::DeleteTopicsRequest& request);
Task<kafka::CreatePartitionsResponse> handle_create_partitions(RequestContext& context, kafka::CreatePartitionsRequest& request);
Task<kafka::DescribeConfigsResponse> handle_describe_configs(RequestContext& context, kafka::DescribeConfigsRequest& request);
Task<kafka::IncrementalAlterConfigsResponse> handle_incremental_alter_configs(RequestContext& context, kafka::IncrementalAlterConfigsRequest& request);
Task<kafka::InitProducerIdResponse> handle_init_producer_id(RequestContext& context, kafka::InitProducerIdRequest& request);
Task<kafka::FindCoordinatorResponse> handle_find_coordinator(RequestContext& context, kafka::FindCoordinatorRequest& request);
Task<kafka::JoinGroupResponse> handle_join_group(RequestContext& context, kafka::JoinGroupRequest& request);
Task<kafka::SyncGroupResponse> handle_sync_group(RequestContext& context, kafka::SyncGroupRequest& request);
Task<kafka::HeartbeatResponse> handle_heartbeat(RequestContext& context, kafka::HeartbeatRequest& request);
Task<kafka::LeaveGroupResponse> handle_leave_group(RequestContext& context, kafka::LeaveGroupRequest& request);
Task<kafka::OffsetCommitResponse> handle_offset_commit(RequestContext& context, kafka::OffsetCommitRequest& request);
Task<kafka::OffsetFetchResponse> handle_offset_fetch(RequestContext& context, kafka::OffsetFetchRequest& request);
Task<kafka::DescribeGroupsResponse> handle_describe_groups(RequestContext& context, kafka::DescribeGroupsRequest& request);
Task<kafka::ListGroupsResponse> handle_list_groups(RequestContext& context, kafka::ListGroupsRequest& request);
Task<kafka::DeleteGroupsResponse> handle_delete_groups(RequestContext& context, kafka::DeleteGroupsRequest& request);

Task<kafka::ConsumerGroupHeartbeatResponse> handle_consumer_group_heartbeat(RequestContext& context, kafka::ConsumerGroupHeartbeatRequest& request);
Task<kafka::ConsumerGroupDescribeResponse> handle_consumer_group_describe(RequestContext& context, kafka::ConsumerGroupDescribeRequest& request);
Task<kafka::OffsetDeleteResponse> handle_offset_delete(RequestContext& context, kafka::OffsetDeleteRequest& request);
Task<kafka::AddPartitionsToTxnResponse> handle_add_partitions_to_txn(RequestContext& context, kafka::AddPartitionsToTxnRequest& request);
Task<kafka::AddOffsetsToTxnResponse> handle_add_offsets_to_txn(RequestContext& context, kafka::AddOffsetsToTxnRequest& request);
Task<kafka::EndTxnResponse> handle_end_txn(RequestContext& context, kafka::EndTxnRequest& request);
Task<kafka::TxnOffsetCommitResponse> handle_txn_offset_commit(RequestContext& context, kafka::TxnOffsetCommitRequest& request);
Task<kafka::WriteTxnMarkersResponse> handle_write_txn_markers(RequestContext& context, kafka::WriteTxnMarkersRequest& request);
Task<kafka::DescribeProducersResponse> handle_describe_producers(RequestContext& context, kafka::DescribeProducersRequest& request);
Task<kafka::DescribeTransactionsResponse> handle_describe_transactions(RequestContext& context, kafka::DescribeTransactionsRequest& request);
Task<kafka::ListTransactionsResponse> handle_list_transactions(RequestContext& context, kafka::ListTransactionsRequest& request);

Task<kafka::DeleteRecordsResponse> handle_delete_records(RequestContext& context, kafka::DeleteRecordsRequest& request);
Task<kafka::DescribeLogDirsResponse> handle_describe_log_dirs(RequestContext& context, kafka::DescribeLogDirsRequest& request);
Task<kafka::AlterReplicaLogDirsResponse> handle_alter_replica_log_dirs(RequestContext& context, kafka::AlterReplicaLogDirsRequest& request);
Task<kafka::ElectLeadersResponse> handle_elect_leaders(RequestContext& context, kafka::ElectLeadersRequest& request);
Task<kafka::AlterPartitionReassignmentsResponse> handle_alter_partition_reassignments(RequestContext& context,
                                                                                      kafka::AlterPartitionReassignmentsRequest& request);
Task<kafka::ListPartitionReassignmentsResponse> handle_list_partition_reassignments(RequestContext& context, kafka::ListPartitionReassignmentsRequest& request);
Task<kafka::DescribeQuorumResponse> handle_describe_quorum(RequestContext& context, kafka::DescribeQuorumRequest& request);
Task<kafka::DescribeAclsResponse> handle_describe_acls(RequestContext& context, kafka::DescribeAclsRequest& request);
Task<kafka::CreateAclsResponse> handle_create_acls(RequestContext& context, kafka::CreateAclsRequest& request);
Task<kafka::DeleteAclsResponse> handle_delete_acls(RequestContext& context, kafka::DeleteAclsRequest& request);
Task<kafka::DescribeClientQuotasResponse> handle_describe_client_quotas(RequestContext& context, kafka::DescribeClientQuotasRequest& request);
Task<kafka::AlterClientQuotasResponse> handle_alter_client_quotas(RequestContext& context, kafka::AlterClientQuotasRequest& request);
Task<kafka::AlterConfigsResponse> handle_alter_configs(RequestContext& context, kafka::AlterConfigsRequest& request);
Task<kafka::ListConfigResourcesResponse> handle_list_config_resources(RequestContext& context, kafka::ListConfigResourcesRequest& request);
Task<kafka::DescribeTopicPartitionsResponse> handle_describe_topic_partitions(RequestContext& context, kafka::DescribeTopicPartitionsRequest& request);
Task<kafka::ShareGroupHeartbeatResponse> handle_share_group_heartbeat(RequestContext& context, kafka::ShareGroupHeartbeatRequest& request);
Task<kafka::ShareGroupDescribeResponse> handle_share_group_describe(RequestContext& context, kafka::ShareGroupDescribeRequest& request);
Task<kafka::ShareFetchResponse> handle_share_fetch(RequestContext& context, kafka::ShareFetchRequest& request);
Task<kafka::ShareAcknowledgeResponse> handle_share_acknowledge(RequestContext& context, kafka::ShareAcknowledgeRequest& request);
Task<kafka::InitializeShareGroupStateResponse> handle_initialize_share_group_state(RequestContext& context, kafka::InitializeShareGroupStateRequest& request);
Task<kafka::ReadShareGroupStateResponse> handle_read_share_group_state(RequestContext& context, kafka::ReadShareGroupStateRequest& request);
Task<kafka::WriteShareGroupStateResponse> handle_write_share_group_state(RequestContext& context, kafka::WriteShareGroupStateRequest& request);
Task<kafka::DeleteShareGroupStateResponse> handle_delete_share_group_state(RequestContext& context, kafka::DeleteShareGroupStateRequest& request);
Task<kafka::ReadShareGroupStateSummaryResponse> handle_read_share_group_state_summary(RequestContext& context,
                                                                                      kafka::ReadShareGroupStateSummaryRequest& request);
Task<kafka::DescribeShareGroupOffsetsResponse> handle_describe_share_group_offsets(RequestContext& context, kafka::DescribeShareGroupOffsetsRequest& request);
Task<kafka::AlterShareGroupOffsetsResponse> handle_alter_share_group_offsets(RequestContext& context, kafka::AlterShareGroupOffsetsRequest& request);
Task<kafka::DeleteShareGroupOffsetsResponse> handle_delete_share_group_offsets(RequestContext& context, kafka::DeleteShareGroupOffsetsRequest& request);

/// On the partition's home shard: `waiter` is woken by new records there, from now on or no longer.
Task<> watch_partition(Services& services, const std::string& topic, std::int32_t partition, std::shared_ptr<replication::FetchWaiter> waiter, bool add);
/// Creates a coordinator's topic if it is not there; used by FindCoordinator and Metadata.
Task<bool> ensure_internal_topic(Services& services, async::Shard& caller, const char* name);
Task<kafka::GetTelemetrySubscriptionsResponse> handle_get_telemetry_subscriptions(RequestContext& context, kafka::GetTelemetrySubscriptionsRequest& request);
Task<kafka::PushTelemetryResponse> handle_push_telemetry(RequestContext& context, kafka::PushTelemetryRequest& request);

}  // namespace meridian::server
