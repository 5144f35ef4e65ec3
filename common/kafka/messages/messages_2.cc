// Instantiates encoder and decoder of every message of this half, once, so that users compile fast.
#include "common/kafka/messages/18_api_versions.h"
#include "common/kafka/messages/19_create_topics.h"
#include "common/kafka/messages/20000_append_at.h"
#include "common/kafka/messages/20_delete_topics.h"
#include "common/kafka/messages/22_init_producer_id.h"
#include "common/kafka/messages/23_offset_for_leader_epoch.h"
#include "common/kafka/messages/24_add_partitions_to_txn.h"
#include "common/kafka/messages/26_end_txn.h"
#include "common/kafka/messages/32_describe_configs.h"
#include "common/kafka/messages/37_create_partitions.h"
#include "common/kafka/messages/42_delete_groups.h"
#include "common/kafka/messages/44_incremental_alter_configs.h"
#include "common/kafka/messages/60_describe_cluster.h"
#include "common/kafka/messages/61_describe_producers.h"
#include "common/kafka/messages/instantiate.h"

namespace meridian::kafka {

MERIDIAN_INSTANTIATE(ApiVersions)
MERIDIAN_INSTANTIATE(CreateTopics)
MERIDIAN_INSTANTIATE(DeleteTopics)
MERIDIAN_INSTANTIATE(InitProducerId)
MERIDIAN_INSTANTIATE(OffsetForLeaderEpoch)
MERIDIAN_INSTANTIATE(AddPartitionsToTxn)
MERIDIAN_INSTANTIATE(EndTxn)
MERIDIAN_INSTANTIATE(DescribeConfigs)
MERIDIAN_INSTANTIATE(CreatePartitions)
MERIDIAN_INSTANTIATE(DeleteGroups)
MERIDIAN_INSTANTIATE(IncrementalAlterConfigs)
MERIDIAN_INSTANTIATE(DescribeCluster)
MERIDIAN_INSTANTIATE(DescribeProducers)
MERIDIAN_INSTANTIATE(AppendAt)

}  // namespace meridian::kafka
