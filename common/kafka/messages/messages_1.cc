// Instantiates encoder and decoder of every message of this half, once, so that users compile fast.
#include "common/kafka/messages/00_produce.h"
#include "common/kafka/messages/01_fetch.h"
#include "common/kafka/messages/02_list_offsets.h"
#include "common/kafka/messages/03_metadata.h"
#include "common/kafka/messages/08_offset_commit.h"
#include "common/kafka/messages/09_offset_fetch.h"
#include "common/kafka/messages/10_find_coordinator.h"
#include "common/kafka/messages/11_join_group.h"
#include "common/kafka/messages/12_heartbeat.h"
#include "common/kafka/messages/13_leave_group.h"
#include "common/kafka/messages/14_sync_group.h"
#include "common/kafka/messages/15_describe_groups.h"
#include "common/kafka/messages/16_list_groups.h"
#include "common/kafka/messages/instantiate.h"

namespace meridian::kafka {

MERIDIAN_INSTANTIATE(Produce)
MERIDIAN_INSTANTIATE(Fetch)
MERIDIAN_INSTANTIATE(ListOffsets)
MERIDIAN_INSTANTIATE(Metadata)
MERIDIAN_INSTANTIATE(OffsetCommit)
MERIDIAN_INSTANTIATE(OffsetFetch)
MERIDIAN_INSTANTIATE(FindCoordinator)
MERIDIAN_INSTANTIATE(JoinGroup)
MERIDIAN_INSTANTIATE(Heartbeat)
MERIDIAN_INSTANTIATE(LeaveGroup)
MERIDIAN_INSTANTIATE(SyncGroup)
MERIDIAN_INSTANTIATE(DescribeGroups)
MERIDIAN_INSTANTIATE(ListGroups)

}  // namespace meridian::kafka
