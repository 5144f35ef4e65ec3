#include "broker/metadata/local_meta_store.h"

#include <sqlite3.h>

#include "common/base/check.h"

namespace meridian::metadata {
namespace {

constexpr const char* schema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL, create_rev INTEGER NOT NULL, mod_rev INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO meta VALUES('revision', 1);";

/// A prepared statement for the length of a scope.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { ok_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) == SQLITE_OK; }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  void bind(int at, ByteView bytes) { sqlite3_bind_blob64(statement_, at, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_TRANSIENT); }
  void bind(int at, Revision number) { sqlite3_bind_int64(statement_, at, number); }
  bool row() { return ok_ && (last_ = sqlite3_step(statement_)) == SQLITE_ROW; }
  /// Runs to the end.
  bool done() {
    while (row()) {
    }
    return ok_ && last_ == SQLITE_DONE;
  }
  Bytes bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data ? Bytes(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : Bytes();
  }
  Revision number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
  bool ok_ = false;
  int last_ = SQLITE_ERROR;
};

std::optional<KeyValue> find(sqlite3* db, const std::string& key) {
  Statement select(db, "SELECT value, create_rev, mod_rev FROM kv WHERE key = ?");
  select.bind(1, key);
  if (!select.row()) return std::nullopt;
  return KeyValue{key, select.bytes(0), select.number(1), select.number(2)};
}

/// The smallest string greater than every string with this prefix.
std::string prefix_end(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace

LocalMetaStore::LocalMetaStore(sqlite3* db, io::Disk& disk, boost::asio::io_context& context, async::Clock& clock)
    : db_(db), disk_(disk), context_(context), clock_(clock) {}

LocalMetaStore::~LocalMetaStore() { sqlite3_close(db_); }

Result<std::unique_ptr<LocalMetaStore>> LocalMetaStore::open(const std::string& path, io::Disk& disk, boost::asio::io_context& context, async::Clock& clock) {
  sqlite3* db = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK || sqlite3_exec(db, schema, nullptr, nullptr, nullptr) != SQLITE_OK) {
    auto error = fail(Errc::io, "cannot open metadata store " + path + ": " + (db ? sqlite3_errmsg(db) : "out of memory"));
    sqlite3_close(db);
    return error;
  }
  return std::unique_ptr<LocalMetaStore>(new LocalMetaStore(db, disk, context, clock));
}

// One call at a time, first come first served.
Task<> LocalMetaStore::enter() {
  if (!busy_) {
    busy_ = true;
    co_return;
  }
  async::Waiter turn(context_, clock_);
  queue_.push_back(&turn);
  co_await turn.wait();
}

void LocalMetaStore::leave() {
  if (queue_.empty()) {
    busy_ = false;
    return;
  }
  async::Waiter* next = queue_.front();
  queue_.pop_front();
  next->wake();
}

Task<Result<Snapshot>> LocalMetaStore::load(std::string prefix) {
  co_await enter();
  Snapshot snapshot;
  bool ok = false;
  co_await disk_.offload([&] {
    Statement revision(db_, "SELECT value FROM meta WHERE name = 'revision'");
    if (!revision.row()) return;
    snapshot.revision = revision.number(0);
    Statement select(db_, "SELECT key, value, create_rev, mod_rev FROM kv WHERE key >= ? AND (? = x'' OR key < ?) ORDER BY key");
    const std::string end = prefix_end(prefix);
    select.bind(1, prefix);
    select.bind(2, end);
    select.bind(3, end);
    while (select.row()) snapshot.pairs.push_back({select.bytes(0), select.bytes(1), select.number(2), select.number(3)});
    ok = true;
  });
  leave();
  if (!ok) co_return fail(Errc::io, std::string("metadata store: ") + sqlite3_errmsg(db_));
  co_return snapshot;
}

CommitResult LocalMetaStore::commit_blocking(const Txn& txn, WatchBatch& batch) {
  const auto run = [this](const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; };
  // A failed BEGIN or statement changes nothing; a failed COMMIT is rolled back: with one writer the outcome is always known.
  const auto failed = [&] {
    std::string message = sqlite3_errmsg(db_);
    run("ROLLBACK");
    return CommitResult{.outcome = CommitOutcome::refused, .revision = 0, .current = {}, .message = "metadata store: " + message};
  };
  if (!run("BEGIN IMMEDIATE")) return failed();
  CommitResult result{.outcome = CommitOutcome::committed, .revision = 0, .current = {}, .message = {}};
  for (const auto& compare : txn.compares) {
    const auto current = find(db_, compare.key);
    const Revision is = !current ? 0 : compare.target == Compare::Target::create ? current->create_revision : current->mod_revision;
    if (is != compare.expected) result.outcome = CommitOutcome::refused;
    result.current.push_back(current.value_or(KeyValue{compare.key, {}, 0, 0}));
  }
  if (result.outcome == CommitOutcome::refused) {
    run("ROLLBACK");
    result.message = "changed meanwhile";
    return result;
  }
  result.current.clear();
  Statement bump(db_, "UPDATE meta SET value = value + 1 WHERE name = 'revision' RETURNING value");
  if (!bump.row()) return failed();
  result.revision = batch.revision = bump.number(0);
  if (!bump.done()) return failed();
  for (const auto& [key, value] : txn.puts) {
    Statement put(db_, "INSERT INTO kv VALUES(?1, ?2, ?3, ?3) ON CONFLICT(key) DO UPDATE SET value = ?2, mod_rev = ?3 RETURNING create_rev");
    put.bind(1, key);
    put.bind(2, value);
    put.bind(3, result.revision);
    if (!put.row()) return failed();
    batch.changes.push_back({key, value, put.number(0), result.revision});
    if (!put.done()) return failed();
  }
  for (const auto& key : txn.deletes) {
    Statement erase(db_, "DELETE FROM kv WHERE key = ?");
    erase.bind(1, key);
    if (!erase.done()) return failed();
    batch.changes.push_back({key, {}, 0, 0});
  }
  if (!run("COMMIT")) return failed();
  return result;
}

Task<CommitResult> LocalMetaStore::commit(Txn txn) {
  co_await enter();
  CommitResult result;
  WatchBatch batch;
  co_await disk_.offload([&] { result = commit_blocking(txn, batch); });
  // Before leave(): the next commit's batch must not overtake this one.
  if (result.outcome == CommitOutcome::committed && on_batch_) on_batch_(batch);
  leave();
  co_return result;
}

Task<> LocalMetaStore::close() {
  co_await enter();
  on_batch_ = nullptr;
  leave();
}

}  // namespace meridian::metadata
