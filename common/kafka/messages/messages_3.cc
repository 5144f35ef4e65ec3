#include "common/kafka/messages/21_delete_records.h"
#include "common/kafka/messages/25_add_offsets_to_txn.h"
#include "common/kafka/messages/27_write_txn_markers.h"
#include "common/kafka/messages/28_txn_offset_commit.h"
#include "common/kafka/messages/29_describe_acls.h"
#include "common/kafka/messages/30_create_acls.h"
#include "common/kafka/messages/31_delete_acls.h"
#include "common/kafka/messages/33_alter_configs.h"
#include "common/kafka/messages/34_alter_replica_log_dirs.h"
#include "common/kafka/messages/35_describe_log_dirs.h"
#include "common/kafka/messages/43_elect_leaders.h"
#include "common/kafka/messages/45_alter_partition_reassignments.h"
#include "common/kafka/messages/46_list_partition_reassignments.h"
#include "common/kafka/messages/instantiate.h"

namespace meridian::kafka {

MERIDIAN_INSTANTIATE(DeleteRecords)
MERIDIAN_INSTANTIATE(AddOffsetsToTxn)
MERIDIAN_INSTANTIATE(WriteTxnMarkers)
MERIDIAN_INSTANTIATE(TxnOffsetCommit)
MERIDIAN_INSTANTIATE(DescribeAcls)
MERIDIAN_INSTANTIATE(CreateAcls)
MERIDIAN_INSTANTIATE(DeleteAcls)
MERIDIAN_INSTANTIATE(AlterConfigs)
MERIDIAN_INSTANTIATE(AlterReplicaLogDirs)
MERIDIAN_INSTANTIATE(DescribeLogDirs)
MERIDIAN_INSTANTIATE(ElectLeaders)
MERIDIAN_INSTANTIATE(AlterPartitionReassignments)
MERIDIAN_INSTANTIATE(ListPartitionReassignments)

}  // namespace meridian::kafka
