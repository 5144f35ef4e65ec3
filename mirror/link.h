// Link: copies topics and group positions from one cluster to another, and moves groups over and back.
//
// Parts: link.cc (life, discovery, taking a partition over), link_copy.cc (reading, writing, mapping), link_groups.cc (group follow,
// failover, failback), link_status.cc (what people and metrics are told). All on one shard.
#pragma once

#include <boost/json/object.hpp>
#include <set>

#include "common/metrics/metrics.h"
#include "mirror/lane.h"
#include "mirror/partition_copier.h"
#include "mirror/target_topics.h"

namespace meridian::mirror {

/// What became of one partition of one group.
struct GroupPosition {
  Offset source = -1;                ///< committed on the source, as last seen
  std::optional<Offset> translated;  ///< nullopt: beyond what is replicated
  Offset target = -1;                ///< committed on the target by us
  std::string metadata;
};
using GroupPositions = std::map<std::pair<std::string, std::int32_t>, GroupPosition>;  ///< by source topic and partition

struct MoveOptions {
  bool dry_run = false;
  std::vector<std::string> groups;  ///< empty: all that are followed
};

class Link {
 public:
  Link(LinkConfig config, const MirrorConfig& mirror, io::Network& network, boost::asio::io_context& context, async::Clock& clock, metrics::Registry& registry);
  ~Link();

  void start();
  Task<> stop();

  const std::string& name() const { return config_.name; }
  boost::json::object status() const;
  boost::json::object group_status() const;
  /// Plan or carry out; the report names every group and partition. `http_status` is 409 where it was refused.
  Task<boost::json::object> failover(MoveOptions options, int& http_status);
  Task<boost::json::object> failback(MoveOptions options, int& http_status);
  Task<boost::json::object> history();
  Result<boost::json::object> translate(const std::string& topic, std::int32_t partition, Offset offset, bool reverse) const;
  void emit_metrics(const std::string& metric, const metrics::Registry::Emit& emit) const;

 private:
  using Key = std::pair<std::string, std::int32_t>;
  struct Copy {
    Copy(const std::string& topic, std::int32_t partition, const std::string& remote) : copier(topic, partition, remote) {}
    PartitionCopier copier;
    Fence fence;
    int generation = 0;  ///< of the take-over; answers to sends of an earlier one are ignored
    int in_flight = 0;
    bool failed = false;
    bool fatal = false;  ///< the failure needs a new take-over, not a retry
    std::size_t chunks_written = 0;
  };
  using CopyPtr = std::shared_ptr<Copy>;
  enum class State { connecting, active, failed_over };

  async::TimePoint in(std::chrono::milliseconds from_now) const { return clock_.now() + from_now; }
  Task<bool> pause(std::chrono::milliseconds duration);

  // link.cc
  Task<> run();
  Task<Status> connect();
  Task<> discovery_loop();
  Task<Status> discover();
  Task<Status> ensure_target_topic(std::string topic, const kafka::MetadataResponseTopic& source, const kafka::MetadataResponseTopic* target);
  bool wanted(const std::string& topic) const;
  void watch_incarnation(const std::string& topic, const Uuid& id);
  Task<> take_over(std::string topic, std::vector<std::int32_t> partitions);
  Task<Status> take_over_once(std::string topic, std::vector<std::int32_t> partitions);
  Task<Status> prepare(CopyPtr copy, Fence fence);
  Task<Result<Offset>> read_tail(const PartitionCopier& copier, Fence fence, Offset from, Offset end, std::vector<TailMatcher::TailRecord>& tail);
  Task<> heartbeat_loop();

  // link_copy.cc
  Task<> pump();
  void take(const ReadEvent& event);
  void kick(const CopyPtr& copy);
  Task<> send(CopyPtr copy, std::shared_ptr<PartitionCopier::Batch> batch, int generation);
  Task<Result<Offset>> write_batch(CopyPtr copy, std::shared_ptr<PartitionCopier::Batch> batch, bool& fatal);
  Task<> recover(CopyPtr copy, int generation);
  void restart(const CopyPtr& copy);
  Task<> out_of_range(CopyPtr copy);
  Task<> persist_loop();
  Task<Status> persist();
  Task<> ends_loop();

  // link_groups.cc
  Task<> follow_loop();
  Task<Status> follow_once();
  Task<Status> follow_group(std::string group);
  void load_state(const KeyedRecords& links);
  Task<Status> write_state(std::string state, boost::json::object details);
  boost::json::object plan_group(const std::string& group, const GroupPositions& positions, client::GroupOffsets& commits) const;
  std::vector<std::string> chosen(const MoveOptions& options) const;
  Task<Status> wait_caught_up(std::chrono::milliseconds patience);

  std::int64_t lag_records() const;
  std::optional<std::int64_t> replicated_through_ms() const;
  boost::json::object at_risk() const;
  Copy* find(const std::string& topic, std::int32_t partition) const;

  LinkConfig config_;
  ClusterConfig source_config_;
  boost::asio::io_context& context_;
  async::Clock& clock_;
  client::Cluster source_;
  client::Cluster target_;
  CompactedTopic map_topic_;
  CompactedTopic links_topic_;
  CompactedTopic source_links_;  ///< the source's own links topic, for the guard against loops
  KeyedRecords source_links_records_;
  std::string source_cluster_id_;
  std::string target_cluster_id_;
  std::unique_ptr<KafkaReader> reader_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::map<Key, CopyPtr> copies_;
  std::map<Key, OffsetMap> loaded_maps_;
  std::map<std::string, Uuid> source_ids_;  ///< of topics, as first seen
  std::set<Key> touched_;                   ///< copies with something to seal
  std::map<std::string, GroupPositions> groups_;
  std::map<std::string, std::string> group_problems_;
  State state_ = State::connecting;
  bool stopping_ = false;
  bool source_reachable_ = false;
  bool target_reachable_ = false;
  async::TimePoint source_seen_{};
  std::int64_t source_seen_wall_ms_ = -1;
  std::string last_error_;
  std::uint64_t gaps_ = 0;
  async::TimePoint configs_synced_{};
  async::Gate gate_;
  async::Waiter stop_;
  async::Waiter drained_;
  metrics::Counter& records_;
  metrics::Counter& bytes_;
  metrics::Counter& retries_;
};

}  // namespace meridian::mirror
