// DescribeClientQuotas, AlterClientQuotas (KIP-546).
#include <map>

#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
enum Match : std::int8_t { exact = 0, of_default = 1, any = 2 };

bool matches(const kafka::DescribeClientQuotasRequest& request, const metadata::QuotaEntity& entity) {
  for (const auto& component : request.components) {
    const auto it = entity.find(component.entity_type);
    if (it == entity.end()) return false;
    if (component.match_type == exact && it->second != component.match.value_or("")) return false;
    if (component.match_type == of_default && !it->second.empty()) return false;
  }
  return !request.strict || entity.size() == request.components.size();
}

}  // namespace

Task<kafka::DescribeClientQuotasResponse> handle_describe_client_quotas(RequestContext& context, kafka::DescribeClientQuotasRequest& request) {
  kafka::DescribeClientQuotasResponse response;
  const auto refuse = [&response](ErrorCode error, std::string message) {
    response.error_code = error;
    response.error_message = std::move(message);
    return response;
  };
  if (!context.allowed(Operation::describe_configs, Resource::cluster, "kafka-cluster")) co_return refuse(ErrorCode::cluster_authorization_failed, "");
  std::set<std::string> types;
  for (const auto& component : request.components) {
    if (component.entity_type != "user" && component.entity_type != "client-id" && component.entity_type != "ip")
      co_return refuse(ErrorCode::unsupported_version, "Custom entity type '" + component.entity_type + "' not supported");
    if (!types.insert(component.entity_type).second) co_return refuse(ErrorCode::invalid_request, "Duplicate filter component entity type");
    if ((component.match_type == exact) != component.match.has_value())
      co_return refuse(ErrorCode::invalid_request, "A name belongs to an exact match, and to that alone");
    if (component.match_type < exact || component.match_type > any) co_return refuse(ErrorCode::invalid_request, "Unexpected match type");
  }
  response.entries.emplace();
  const auto image = context.image();
  for (const auto& [entity, quota] : image->quotas) {
    if (!matches(request, entity)) continue;
    auto& entry = response.entries->emplace_back();
    for (const auto& [type, name] : entity) entry.entity.push_back({type, name.empty() ? std::nullopt : std::optional(name)});
    for (const auto& [key, value] : quota.values) entry.values.push_back({key, value});
  }
  co_return response;
}

Task<kafka::AlterClientQuotasResponse> handle_alter_client_quotas(RequestContext& context, kafka::AlterClientQuotasRequest& request) {
  kafka::AlterClientQuotasResponse response;
  const bool allowed = context.allowed(Operation::alter_configs, Resource::cluster, "kafka-cluster");
  for (const auto& entry : request.entries) {
    auto& out = response.entries.emplace_back();
    metadata::QuotaEntity entity;
    for (const auto& part : entry.entity) {
      entity[part.entity_type] = part.entity_name.value_or("");
      out.entity.push_back({part.entity_type, part.entity_name});
    }
    if (!allowed || entity.size() != entry.entity.size()) {
      out.error_code = allowed ? ErrorCode::invalid_request : ErrorCode::cluster_authorization_failed;
      continue;
    }
    std::map<std::string, std::optional<double>> values;
    for (const auto& op : entry.ops) values[op.key] = op.remove ? std::nullopt : std::optional(op.value);
    const auto decision =
        co_await async::on(context.services.control, context.services.metadata.alter_quota(std::move(entity), std::move(values), request.validate_only));
    out.error_code = decision.error;
    if (decision.error != ErrorCode::none) out.error_message = decision.message;
  }
  co_return response;
}

}  // namespace meridian::server
