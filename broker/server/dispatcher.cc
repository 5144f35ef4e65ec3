#include "broker/server/dispatcher.h"

#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

template <class Request, auto handle>
Task<Result<Reply>> run(RequestContext& context, ByteView body) {
  auto request = kafka::decode_message<Request>(body, context.version);
  if (!request) co_return fail(request.error());
  const typename Request::Response response = co_await handle(context, *request);
  Reply reply;
  kafka::Encoder encoder(reply.body, context.version, Request::api.flexible(context.version));
  kafka::encode_message(encoder, response);
  reply.splices = std::move(encoder.splices);
  co_return reply;
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
    entry<kafka::DescribeConfigsRequest, handle_describe_configs>(),
    entry<kafka::CreatePartitionsRequest, handle_create_partitions>(),
    entry<kafka::DeleteGroupsRequest, handle_delete_groups>(),
    entry<kafka::IncrementalAlterConfigsRequest, handle_incremental_alter_configs>(),
    entry<kafka::DescribeClusterRequest, handle_describe_cluster>(),
    entry<kafka::AppendAtRequest, handle_append_at>(true),
};

}  // namespace

std::span<const Handler> handlers() { return table; }

const Handler* find_handler(std::int16_t key) {
  for (const auto& handler : table)
    if (handler.api.key == key) return &handler;
  return nullptr;
}

Task<kafka::ApiVersionsResponse> handle_api_versions(RequestContext&, kafka::ApiVersionsRequest&) {
  kafka::ApiVersionsResponse response;
  for (const auto& handler : table) response.api_keys.push_back({handler.api.key, handler.advertised_min, handler.api.versions.max});
  co_return response;
}

}  // namespace meridian::server
