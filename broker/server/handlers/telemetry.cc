// Metrics that clients push (KIP-714).
#include "broker/server/handlers/handlers.h"

namespace meridian::server {
namespace {

metadata::ClientIdentity identity(const RequestContext& context, const Uuid& instance) {
  return {.client_instance_id = instance.to_string(),
          .client_id = context.client_id,
          .client_software_name = context.software.name,
          .client_software_version = context.software.version,
          .client_source_address = context.client_host.substr(1),
          .client_source_port = context.client_port};
}

}  // namespace

Task<kafka::GetTelemetrySubscriptionsResponse> handle_get_telemetry_subscriptions(RequestContext& context, kafka::GetTelemetrySubscriptionsRequest& request) {
  auto& services = context.services;
  Uuid id = request.client_instance_id;
  // A client that has no id yet gets one.
  if (id.is_zero()) id = *Uuid::parse(co_await async::on(services.control, services.metadata.random_id()));
  co_return co_await async::on(
      services.control, [](Services& at, metadata::ImagePtr image, Uuid of, metadata::ClientIdentity client) -> Task<kafka::GetTelemetrySubscriptionsResponse> {
        co_return at.telemetry.subscription(*image, of, client);
      }(services, context.image(), id, identity(context, id)));
}

Task<kafka::PushTelemetryResponse> handle_push_telemetry(RequestContext& context, kafka::PushTelemetryRequest& request) {
  kafka::PushTelemetryResponse response;
  response.error_code = co_await async::on(
      context.services.control,
      [](Services& at, metadata::ImagePtr image, const kafka::PushTelemetryRequest& push, metadata::ClientIdentity client) -> Task<kafka::ErrorCode> {
        co_return at.telemetry.push(*image, push, client);
      }(context.services, context.image(), request, identity(context, request.client_instance_id)));
  co_return response;
}

}  // namespace meridian::server
