#include "common/kafka/messages/76_share_group_heartbeat.h"
#include "common/kafka/messages/77_share_group_describe.h"
#include "common/kafka/messages/78_share_fetch.h"
#include "common/kafka/messages/79_share_acknowledge.h"
#include "common/kafka/messages/83_initialize_share_group_state.h"
#include "common/kafka/messages/84_read_share_group_state.h"
#include "common/kafka/messages/85_write_share_group_state.h"
#include "common/kafka/messages/86_delete_share_group_state.h"
#include "common/kafka/messages/87_read_share_group_state_summary.h"
#include "common/kafka/messages/90_describe_share_group_offsets.h"
#include "common/kafka/messages/91_alter_share_group_offsets.h"
#include "common/kafka/messages/92_delete_share_group_offsets.h"
#include "common/kafka/messages/instantiate.h"

namespace meridian::kafka {

MERIDIAN_INSTANTIATE(ShareGroupHeartbeat)
MERIDIAN_INSTANTIATE(ShareGroupDescribe)
MERIDIAN_INSTANTIATE(ShareFetch)
MERIDIAN_INSTANTIATE(ShareAcknowledge)
MERIDIAN_INSTANTIATE(InitializeShareGroupState)
MERIDIAN_INSTANTIATE(ReadShareGroupState)
MERIDIAN_INSTANTIATE(WriteShareGroupState)
MERIDIAN_INSTANTIATE(DeleteShareGroupState)
MERIDIAN_INSTANTIATE(ReadShareGroupStateSummary)
MERIDIAN_INSTANTIATE(DescribeShareGroupOffsets)
MERIDIAN_INSTANTIATE(AlterShareGroupOffsets)
MERIDIAN_INSTANTIATE(DeleteShareGroupOffsets)

}  // namespace meridian::kafka
