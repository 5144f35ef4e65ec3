#include "common/kafka/messages/47_offset_delete.h"
#include "common/kafka/messages/48_describe_client_quotas.h"
#include "common/kafka/messages/49_alter_client_quotas.h"
#include "common/kafka/messages/55_describe_quorum.h"
#include "common/kafka/messages/57_update_features.h"
#include "common/kafka/messages/65_describe_transactions.h"
#include "common/kafka/messages/66_list_transactions.h"
#include "common/kafka/messages/68_consumer_group_heartbeat.h"
#include "common/kafka/messages/69_consumer_group_describe.h"
#include "common/kafka/messages/71_get_telemetry_subscriptions.h"
#include "common/kafka/messages/72_push_telemetry.h"
#include "common/kafka/messages/74_list_config_resources.h"
#include "common/kafka/messages/75_describe_topic_partitions.h"
#include "common/kafka/messages/instantiate.h"

namespace meridian::kafka {

MERIDIAN_INSTANTIATE(OffsetDelete)
MERIDIAN_INSTANTIATE(DescribeClientQuotas)
MERIDIAN_INSTANTIATE(AlterClientQuotas)
MERIDIAN_INSTANTIATE(DescribeQuorum)
MERIDIAN_INSTANTIATE(UpdateFeatures)
MERIDIAN_INSTANTIATE(DescribeTransactions)
MERIDIAN_INSTANTIATE(ListTransactions)
MERIDIAN_INSTANTIATE(ConsumerGroupHeartbeat)
MERIDIAN_INSTANTIATE(ConsumerGroupDescribe)
MERIDIAN_INSTANTIATE(GetTelemetrySubscriptions)
MERIDIAN_INSTANTIATE(PushTelemetry)
MERIDIAN_INSTANTIATE(ListConfigResources)
MERIDIAN_INSTANTIATE(DescribeTopicPartitions)

}  // namespace meridian::kafka
