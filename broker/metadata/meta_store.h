// MetaStore: the seam for cluster metadata. Keys, values and guards are etcd's model; LocalMetaStore keeps them in SQLite.
// One transaction = one revision = one atomic batch. Revisions grow, not necessarily by one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace meridian::metadata {

using Revision = std::int64_t;

struct KeyValue {
  std::string key;
  Bytes value;
  Revision create_revision = 0;
  Revision mod_revision = 0;
};

struct Snapshot {
  std::vector<KeyValue> pairs;  ///< by key
  Revision revision = 0;
};

/// Guard: the key's create or mod revision is `expected`; 0 = the key does not exist.
struct Compare {
  enum class Target { create, mod };
  std::string key;
  Target target = Target::mod;
  Revision expected = 0;
};

struct Txn {
  std::vector<Compare> compares;
  std::vector<std::pair<std::string, Bytes>> puts;
  std::vector<std::string> deletes;
  bool empty() const { return puts.empty() && deletes.empty(); }
};

enum class CommitOutcome {
  committed,
  refused,  ///< a guard failed; `current` holds the guarded keys
  unknown,  ///< the store may or may not have it: read again before deciding
};

struct CommitResult {
  CommitOutcome outcome = CommitOutcome::unknown;
  Revision revision = 0;
  std::vector<KeyValue> current;
  std::string message;
};

/// What one revision changed. A deleted key has `mod_revision` 0.
struct WatchBatch {
  Revision revision = 0;
  std::vector<KeyValue> changes;
};

class MetaStore {
 public:
  virtual ~MetaStore() = default;
  virtual Task<Result<Snapshot>> load(std::string prefix) = 0;
  virtual Task<CommitResult> commit(Txn txn) = 0;
  /// From now on `on_batch` gets every committed batch, in order, once each, on the store's shard. One watcher.
  virtual void watch(std::function<void(const WatchBatch&)> on_batch) = 0;
  /// Stops using the disk or the network.
  virtual Task<> close() = 0;
};

}  // namespace meridian::metadata
