// What the share coordinator keeps of one partition of a share group, and its records in __share_group_state, in Kafka's schemas: key types
// 0 (snapshot) and 1 (update), values of version 0 in flexible encoding. docs/formats/share-group-state.md. Pure.
#pragma once

#include <optional>
#include <variant>

#include "common/base/interval_map.h"
#include "common/kafka/codec.h"
#include "common/kafka/messages/84_read_share_group_state.h"
#include "common/kafka/messages/85_write_share_group_state.h"
#include "common/kafka/record_batch.h"

namespace meridian::coordinator::share {

struct SharePartitionKey {
  std::string group;
  Uuid topic_id;
  std::int32_t partition = 0;
  void fields(this auto& self, auto& f) {
    f(self.group);
    f(self.topic_id);
    f(self.partition);
  }
  auto operator<=>(const SharePartitionKey&) const = default;
  /// What its partition of __share_group_state is computed from, and what FindCoordinator asks for.
  std::string coordinator_key() const { return group + ":" + topic_id.to_string() + ":" + std::to_string(partition); }
  static std::optional<SharePartitionKey> parse(std::string_view coordinator_key);
};

struct ShareSnapshotValue {  // key type 0: everything
  std::int32_t snapshot_epoch = 0;
  std::int32_t state_epoch = 0;
  std::int32_t leader_epoch = 0;
  Offset start_offset = -1;
  std::int32_t delivery_complete_count = -1;
  std::int64_t create_timestamp_ms = 0;
  std::int64_t write_timestamp_ms = 0;
  std::vector<kafka::ShareStateBatch> batches;
  void fields(this auto& self, auto& f) {
    f(self.snapshot_epoch);
    f(self.state_epoch);
    f(self.leader_epoch);
    f(self.start_offset);
    f(self.delivery_complete_count, kafka::tag(0, 0, -1));
    f(self.create_timestamp_ms);
    f(self.write_timestamp_ms);
    f(self.batches);
  }
};

struct ShareUpdateValue {  // 1: what changed since; start and leader epoch -1: unchanged
  std::int32_t snapshot_epoch = 0;
  std::int32_t leader_epoch = -1;
  Offset start_offset = -1;
  std::int32_t delivery_complete_count = -1;
  std::vector<kafka::ShareStateBatch> batches;
  void fields(this auto& self, auto& f) {
    f(self.snapshot_epoch);
    f(self.leader_epoch);
    f(self.start_offset);
    f(self.delivery_complete_count, kafka::tag(0, 0, -1));
    f(self.batches);
  }
};

struct ShareStateRecord {
  SharePartitionKey key;
  std::variant<std::monostate, ShareSnapshotValue, ShareUpdateValue> value;  ///< monostate: a tombstone
};

void add_share_record(kafka::BatchBuilder& batch, std::int64_t now_ms, const ShareStateRecord& record);
Result<ShareStateRecord> decode_share_record(const kafka::RecordView& record);

class ShareState {
 public:
  explicit ShareState(const ShareSnapshotValue& snapshot);

  void apply(const ShareUpdateValue& update);
  /// As a snapshot of the next epoch.
  ShareSnapshotValue next_snapshot(std::int64_t now_ms) const;
  std::vector<kafka::ShareStateBatch> batches() const;

  std::int32_t snapshot_epoch() const { return snapshot_epoch_; }
  std::int32_t state_epoch() const { return state_epoch_; }
  std::int32_t leader_epoch() const { return leader_epoch_; }
  Offset start_offset() const { return start_offset_; }
  std::int32_t complete_count() const { return complete_count_; }
  bool wants_snapshot(std::int64_t updates_max) const { return updates_ >= updates_max || !certain_; }
  bool certain() const { return certain_; }
  /// Something that is in here may not be in the log: only a snapshot makes it so.
  void not_written() { certain_ = false; }
  /// Takes over a newer snapshot of the same share-partition.
  void replace(const ShareSnapshotValue& snapshot);

  /// Where the last snapshot that is committed is in its partition: what lies below is not needed for this state. -1: not known.
  Offset snapshot_at = -1;

 private:
  struct Delivered {
    std::int8_t state;
    std::int16_t count;
    bool operator==(const Delivered&) const = default;
  };
  void add(const std::vector<kafka::ShareStateBatch>& batches);

  std::int32_t snapshot_epoch_;
  std::int32_t state_epoch_;
  std::int32_t leader_epoch_;
  Offset start_offset_;
  std::int32_t complete_count_;
  std::int64_t created_ms_;
  std::int64_t updates_ = 0;  ///< since the snapshot
  bool certain_ = true;
  base::IntervalMap<Delivered> delivered_;
};

}  // namespace meridian::coordinator::share
