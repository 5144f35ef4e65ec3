// ACLs: without an authorizer each request is answered as Kafka answers it, SECURITY_DISABLED.
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

constexpr const char* no_authorizer = "No Authorizer is configured.";

}  // namespace

Task<kafka::DescribeAclsResponse> handle_describe_acls(RequestContext&, kafka::DescribeAclsRequest&) {
  kafka::DescribeAclsResponse response;
  response.error_code = kafka::ErrorCode::security_disabled;
  response.error_message = no_authorizer;
  co_return response;
}

Task<kafka::CreateAclsResponse> handle_create_acls(RequestContext&, kafka::CreateAclsRequest& request) {
  kafka::CreateAclsResponse response;
  for (std::size_t i = 0; i < request.creations.size(); ++i) response.results.push_back({kafka::ErrorCode::security_disabled, no_authorizer});
  co_return response;
}

Task<kafka::DeleteAclsResponse> handle_delete_acls(RequestContext&, kafka::DeleteAclsRequest& request) {
  kafka::DeleteAclsResponse response;
  for (std::size_t i = 0; i < request.filters.size(); ++i) response.filter_results.push_back({kafka::ErrorCode::security_disabled, no_authorizer, {}});
  co_return response;
}

}  // namespace meridian::server
