// Calls a generic function with the request type of an API key: tests, fuzzers and printers walk all messages through it.
#pragma once

#include "common/kafka/messages/all.h"

namespace meridian::kafka {

template <class... Requests>
struct MessageList {
  /// Calls visit.template operator()<Request>() for the one of that key; false where Meridian does not know the key.
  static bool with(std::int16_t key, auto&& visit) { return ((Requests::api.key == key ? (visit.template operator()<Requests>(), true) : false) || ...); }
  static constexpr std::size_t count = sizeof...(Requests);
  static void each(auto&& visit) { (visit.template operator()<Requests>(), ...); }
};

using AllMessages = MessageList<
    ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest,
    HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest, DescribeGroupsRequest, ListGroupsRequest, ApiVersionsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, DeleteRecordsRequest, InitProducerIdRequest, OffsetForLeaderEpochRequest, AddPartitionsToTxnRequest, AddOffsetsToTxnRequest,
    EndTxnRequest, WriteTxnMarkersRequest, TxnOffsetCommitRequest, DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest, DescribeConfigsRequest,
    AlterConfigsRequest, AlterReplicaLogDirsRequest, DescribeLogDirsRequest, CreatePartitionsRequest, DeleteGroupsRequest, ElectLeadersRequest,
    IncrementalAlterConfigsRequest, AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest, OffsetDeleteRequest, DescribeClientQuotasRequest,
    AlterClientQuotasRequest, DescribeQuorumRequest, UpdateFeaturesRequest, DescribeClusterRequest, DescribeProducersRequest, DescribeTransactionsRequest,
    ListTransactionsRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupDescribeRequest, GetTelemetrySubscriptionsRequest, PushTelemetryRequest,
    ListConfigResourcesRequest, DescribeTopicPartitionsRequest, ShareGroupHeartbeatRequest, ShareGroupDescribeRequest, ShareFetchRequest,
    ShareAcknowledgeRequest, InitializeShareGroupStateRequest, ReadShareGroupStateRequest, WriteShareGroupStateRequest, DeleteShareGroupStateRequest,
    ReadShareGroupStateSummaryRequest, DescribeShareGroupOffsetsRequest, AlterShareGroupOffsetsRequest, DeleteShareGroupOffsetsRequest, AppendAtRequest>;

}  // namespace meridian::kafka
