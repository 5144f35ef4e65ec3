#include "broker/metadata/broker_settings.h"

#include <algorithm>
#include <array>

namespace meridian::metadata {
namespace {

using config::Setting;
using enum config::Type;
constexpr std::int64_t ms_per_hour = 3600'000, ms_per_minute = 60'000;

constexpr Setting broker_table[] = {
    {"node.id", int32, "0", "This broker's id.", 0, INT32_MAX},
    {"log.dirs", list, "./meridian-data", "Data directories. The first also holds the metadata; new partitions go where the fewest are."},
    {"listeners", string, "127.0.0.1:9092", "HOST:PORT for Kafka clients; port 0 takes a free one."},
    {"advertised.listeners", string, nullptr, "HOST:PORT that clients are told; default: the listener."},
    {"admin.listener", string, "127.0.0.1:9644", "HOST:PORT of the admin HTTP server; port 0 takes a free one."},
    {"broker.rack", string, nullptr, "Rack or zone of this broker."},
    {"durability", string, "fsync", "fsync: an acknowledged record is on stable storage. page-cache: Kafka's default behaviour.", INT64_MIN, INT64_MAX,
     "fsync|page-cache"},
    {"shards", int32, "1", "I/O threads; each owns its partitions, groups and connections.", 1, 256},
    {"metadata.store", string, "local", "Where cluster metadata lives.", INT64_MIN, INT64_MAX, "local"},
    {"num.partitions", int32, "1", "Partitions of a topic that is created without a count.", 1, 100000},
    {"default.replication.factor", int32, "1", "Replicas of a topic that is created without a factor.", 1, 32767},
    {"min.insync.replicas", int32, "1", "Replicas that must have a record before acks=all answers.", 1, 32767},
    {"auto.create.topics.enable", boolean, "true", "Create a topic when a client asks for its metadata."},
    {"delete.topic.enable", boolean, "true", "Allow topic deletion."},
    {"compression.type", string, "producer", "Topic default: keep the producer's compression.", INT64_MIN, INT64_MAX,
     "producer|uncompressed|gzip|snappy|lz4|zstd"},
    {"message.max.bytes", int32, "1048588", "Largest record batch, bytes.", 0, INT32_MAX},
    {"log.segment.bytes", int32, "1073741824", "Segment size, bytes.", 14, INT32_MAX},
    {"log.roll.ms", int64, nullptr, "Segment age, ms; before log.roll.hours.", 1, INT64_MAX},
    {"log.roll.hours", int32, "168", "Segment age, hours.", 1, INT32_MAX},
    {"log.retention.ms", int64, nullptr, "Retention, ms; before .minutes and .hours; -1 keeps all.", -1, INT64_MAX},
    {"log.retention.minutes", int32, nullptr, "Retention, minutes.", -1, INT32_MAX},
    {"log.retention.hours", int32, "168", "Retention, hours.", -1, INT32_MAX},
    {"log.retention.bytes", int64, "-1", "Retention of a partition, bytes; -1 keeps all.", -1, INT64_MAX},
    {"log.retention.check.interval.ms", int64, "300000", "How often retention is enforced, ms.", 1, INT64_MAX},
    {"log.cleanup.policy", list, "delete", "delete, compact or both.", INT64_MIN, INT64_MAX, "delete|compact"},
    {"log.cleaner.enable", boolean, "true", "Compact topics whose cleanup.policy says so."},
    {"log.cleaner.backoff.ms", int64, "15000", "Pause of the log cleaner when no log needs compaction, ms.", 0, INT64_MAX},
    {"log.cleaner.dedupe.buffer.size", int64, "134217728", "Memory of one compaction run for keys, bytes; 24 a key.", 24576, INT64_MAX},
    {"log.cleaner.io.max.bytes.per.second", floating, "1.7976931348623157E308", "The log cleaner reads at most so much, bytes/s."},
    {"log.cleaner.delete.retention.ms", int64, "86400000", "How long tombstones are kept, ms.", 0, INT64_MAX},
    {"log.cleaner.min.cleanable.ratio", floating, "0.5", "Dirty share that starts compaction.", 0, 1},
    {"log.cleaner.min.compaction.lag.ms", int64, "0", "Age before a record may be compacted, ms.", 0, INT64_MAX},
    {"log.cleaner.max.compaction.lag.ms", int64, "9223372036854775807", "Age at which a record must be compacted, ms.", 1, INT64_MAX},
    {"log.segment.delete.delay.ms", int64, "60000", "Delay before a deleted segment's file goes, ms.", 0, INT64_MAX},
    {"log.flush.interval.messages", int64, "9223372036854775807", "page-cache: sync after so many records.", 1, INT64_MAX},
    {"log.flush.interval.ms", int64, "9223372036854775807", "page-cache: sync after so long, ms.", 0, INT64_MAX},
    {"log.flush.offset.checkpoint.interval.ms", int32, "60000", "How often recovery points are written, ms.", 0, INT32_MAX},
    {"log.index.interval.bytes", int32, "4096", "Bytes between index entries.", 0, INT32_MAX},
    {"log.index.size.max.bytes", int32, "10485760", "Index size at which Kafka rolls a segment.", 4, INT32_MAX},
    {"log.message.timestamp.type", string, "CreateTime", "CreateTime or LogAppendTime.", INT64_MIN, INT64_MAX, "CreateTime|LogAppendTime"},
    {"log.message.timestamp.before.max.ms", int64, "9223372036854775807", "Oldest accepted timestamp, ms before now.", 0, INT64_MAX},
    {"log.message.timestamp.after.max.ms", int64, "3600000", "Newest accepted timestamp, ms after now.", 0, INT64_MAX},
    {"log.preallocate", boolean, "false", "Preallocate segment files."},
    {"unclean.leader.election.enable", boolean, "false", "Allow a leader from outside the ISR."},
    {"producer.id.expiration.ms", int32, "86400000", "Idle producers are forgotten after, ms.", 1, INT32_MAX},
    {"socket.request.max.bytes", int32, "104857600", "Largest request frame, bytes.", 1, INT32_MAX},
    {"queued.max.request.bytes", int64, "268435456", "Memory for requests in work; reading pauses beyond it, bytes.", 1048576, INT64_MAX},
    {"max.connections", int32, "65536", "Connections beyond this are closed at once.", 1, INT32_MAX},
    {"connections.max.idle.ms", int64, "600000", "Idle connections are closed after, ms.", 1, INT64_MAX},
    {"fetch.max.bytes", int32, "57671680", "Largest fetch response, bytes.", 1024, INT32_MAX},
    {"max.incremental.fetch.session.cache.slots", int32, "1000", "Fetch sessions kept.", 0, INT32_MAX},
    {"offsets.topic.num.partitions", int32, "50", "Partitions of __consumer_offsets.", 1, 10000},
    {"offsets.topic.segment.bytes", int32, "104857600", "Segment size of __consumer_offsets, bytes.", 1, INT32_MAX},
    {"transaction.state.log.num.partitions", int32, "50", "Partitions of __transaction_state.", 1, 10000},
    {"transaction.state.log.segment.bytes", int32, "104857600", "Segment size of __transaction_state, bytes.", 1, INT32_MAX},
    {"transaction.max.timeout.ms", int32, "900000", "Longest transaction.timeout.ms that a producer may ask for, ms.", 1, INT32_MAX},
    {"transaction.abort.timed.out.transaction.cleanup.interval.ms", int32, "10000", "How often transactions that are open for too long are looked for, ms.", 1,
     INT32_MAX},
    {"transactional.id.expiration.ms", int32, "604800000", "Transactional ids that nobody uses are forgotten after, ms.", 1, INT32_MAX},
    {"transaction.remove.expired.transaction.cleanup.interval.ms", int32, "3600000", "How often unused transactional ids are looked for, ms.", 1, INT32_MAX},
    {"offsets.retention.minutes", int32, "10080", "Offsets of an empty group are kept, minutes.", 1, INT32_MAX},
    {"offsets.retention.check.interval.ms", int64, "600000", "How often expired offsets are looked for, ms.", 1, INT64_MAX},
    {"offset.metadata.max.bytes", int32, "4096", "Largest metadata string of a commit, bytes.", 0, INT32_MAX},
    {"group.min.session.timeout.ms", int32, "6000", "Smallest session timeout of a member, ms.", 0, INT32_MAX},
    {"group.max.session.timeout.ms", int32, "1800000", "Largest session timeout of a member, ms.", 0, INT32_MAX},
    {"group.initial.rebalance.delay.ms", int32, "3000", "A new group waits this long for more members, ms.", 0, INT32_MAX},
    {"group.max.size", int32, "2147483647", "Members of a group.", 1, INT32_MAX},
    {"group.consumer.heartbeat.interval.ms", int32, "5000", "Consumer protocol (KIP-848): heartbeat interval, ms.", 1, INT32_MAX},
    {"group.consumer.min.heartbeat.interval.ms", int32, "5000", "Consumer protocol: least heartbeat interval, also of a group's own setting, ms.", 1,
     INT32_MAX},
    {"group.consumer.max.heartbeat.interval.ms", int32, "15000", "Consumer protocol: largest heartbeat interval, ms.", 1, INT32_MAX},
    {"group.consumer.session.timeout.ms", int32, "45000", "Consumer protocol: a member that is silent for longer is removed, ms.", 1, INT32_MAX},
    {"group.consumer.min.session.timeout.ms", int32, "45000", "Consumer protocol: least session timeout, also of a group's own setting, ms.", 1, INT32_MAX},
    {"group.consumer.max.session.timeout.ms", int32, "60000", "Consumer protocol: largest session timeout, ms.", 1, INT32_MAX},
    {"group.consumer.max.size", int32, "2147483647", "Consumer protocol: members of a group.", 1, INT32_MAX},
    {"group.consumer.assignors", list, "uniform,range", "Consumer protocol: server-side assignors; the first is the default.", INT64_MIN, INT64_MAX,
     "uniform|range"},
    {"group.consumer.migration.policy", string, "bidirectional", "Groups with members in them change from the classic to the consumer protocol, and back.",
     INT64_MIN, INT64_MAX, "bidirectional|upgrade|downgrade|disabled"},
    {"group.share.heartbeat.interval.ms", int32, "5000", "Share groups (KIP-932): heartbeat interval, ms.", 1, INT32_MAX},
    {"group.share.min.heartbeat.interval.ms", int32, "5000", "Share groups: least heartbeat interval, also of a group's own setting, ms.", 1, INT32_MAX},
    {"group.share.max.heartbeat.interval.ms", int32, "15000", "Share groups: largest heartbeat interval, ms.", 1, INT32_MAX},
    {"group.share.session.timeout.ms", int32, "45000", "Share groups: a member that is silent for longer is removed, ms.", 1, INT32_MAX},
    {"group.share.min.session.timeout.ms", int32, "45000", "Share groups: least session timeout, also of a group's own setting, ms.", 1, INT32_MAX},
    {"group.share.max.session.timeout.ms", int32, "60000", "Share groups: largest session timeout, ms.", 1, INT32_MAX},
    {"group.share.max.size", int32, "200", "Share groups: members of a group.", 1, 1000},
    {"group.share.max.share.sessions", int32, "2000", "Share groups: members that fetch from this broker.", 1, INT32_MAX},
    {"group.share.record.lock.duration.ms", int32, "30000", "Share groups: how long a member holds a record that it was given, ms.", 1000, 3600000},
    {"group.share.min.record.lock.duration.ms", int32, "15000", "Share groups: least lock duration, also of a group's own setting, ms.", 1000, 30000},
    {"group.share.max.record.lock.duration.ms", int32, "60000", "Share groups: largest lock duration, ms.", 30000, 3600000},
    {"group.share.delivery.count.limit", int32, "5", "Share groups: how often a record is delivered.", 2, 10},
    {"group.share.min.delivery.count.limit", int32, "2", "Share groups: least limit of deliveries, also of a group's own setting.", 2, 5},
    {"group.share.max.delivery.count.limit", int32, "10", "Share groups: largest limit of deliveries.", 5, 25},
    {"group.share.partition.max.record.locks", int32, "2000", "Share groups: records of a partition that are given out at a time.", 100, 10000},
    {"group.share.min.partition.max.record.locks", int32, "100", "Share groups: least limit of records given out, also of a group's own setting.", 100, 2000},
    {"group.share.max.partition.max.record.locks", int32, "4000", "Share groups: largest limit of records given out.", 2000, 10000},
    {"share.coordinator.state.topic.num.partitions", int32, "50", "Partitions of __share_group_state.", 1, 10000},
    {"share.coordinator.state.topic.segment.bytes", int32, "104857600", "Segment size of __share_group_state, bytes.", 1, INT32_MAX},
    {"share.coordinator.snapshot.update.records.per.snapshot", int32, "500", "Updates of a share group's state between two snapshots of it.", 0, 500},
    {"share.coordinator.state.topic.prune.interval.ms", int32, "300000", "How often what is not needed is removed from __share_group_state, ms.", 1, INT32_MAX},
    {"quota.window.num", int32, "11", "Client quotas: windows over which use is averaged.", 1, INT32_MAX},
    {"quota.window.size.seconds", int32, "1", "Client quotas: length of a window, s.", 1, INT32_MAX},
    {"telemetry.max.bytes", int32, "1048576", "Largest PushTelemetry payload, bytes.", 1, INT32_MAX},
    {"log.level", string, "info", "Log verbosity.", INT64_MIN, INT64_MAX, "debug|info|warn|error"},
};

constexpr Setting topic_table[] = {
    {"cleanup.policy", list, "delete", "delete, compact or both.", INT64_MIN, INT64_MAX, "delete|compact", "log.cleanup.policy"},
    {"compression.gzip.level", int32, "-1", "Level of gzip, where the broker compresses.", -1, 9},
    {"compression.lz4.level", int32, "9", "Level of lz4, where the broker compresses.", 1, 17},
    {"compression.type", string, "producer", "producer keeps what the producer sent.", INT64_MIN, INT64_MAX, "producer|uncompressed|gzip|snappy|lz4|zstd",
     "compression.type"},
    {"compression.zstd.level", int32, "3", "Level of zstd, where the broker compresses.", -131072, 22},
    {"delete.retention.ms", int64, "86400000", "How long tombstones are kept, ms.", 0, INT64_MAX, nullptr, "log.cleaner.delete.retention.ms"},
    {"file.delete.delay.ms", int64, "60000", "Delay before a deleted segment's file goes, ms.", 0, INT64_MAX, nullptr, "log.segment.delete.delay.ms"},
    {"flush.messages", int64, "9223372036854775807", "page-cache: sync after so many records.", 1, INT64_MAX, nullptr, "log.flush.interval.messages"},
    {"flush.ms", int64, "9223372036854775807", "page-cache: sync after so long, ms.", 0, INT64_MAX, nullptr, "log.flush.interval.ms"},
    {"follower.replication.throttled.replicas", list, "", "Replicas whose following is throttled."},
    {"index.interval.bytes", int32, "4096", "Bytes between index entries.", 0, INT32_MAX, nullptr, "log.index.interval.bytes"},
    {"leader.replication.throttled.replicas", list, "", "Replicas whose leading is throttled."},
    {"local.retention.bytes", int64, "-2", "Tiered storage: local retention, bytes.", -2, INT64_MAX},
    {"local.retention.ms", int64, "-2", "Tiered storage: local retention, ms.", -2, INT64_MAX},
    {"max.compaction.lag.ms", int64, "9223372036854775807", "Age at which a record must be compacted, ms.", 1, INT64_MAX, nullptr,
     "log.cleaner.max.compaction.lag.ms"},
    {"max.message.bytes", int32, "1048588", "Largest record batch, bytes.", 0, INT32_MAX, nullptr, "message.max.bytes"},
    {"message.timestamp.after.max.ms", int64, "3600000", "Newest accepted timestamp, ms after now.", 0, INT64_MAX, nullptr,
     "log.message.timestamp.after.max.ms"},
    {"message.timestamp.before.max.ms", int64, "9223372036854775807", "Oldest accepted timestamp, ms before now.", 0, INT64_MAX, nullptr,
     "log.message.timestamp.before.max.ms"},
    {"message.timestamp.type", string, "CreateTime", "CreateTime or LogAppendTime.", INT64_MIN, INT64_MAX, "CreateTime|LogAppendTime",
     "log.message.timestamp.type"},
    {"min.cleanable.dirty.ratio", floating, "0.5", "Dirty share that starts compaction.", 0, 1, nullptr, "log.cleaner.min.cleanable.ratio"},
    {"min.compaction.lag.ms", int64, "0", "Age before a record may be compacted, ms.", 0, INT64_MAX, nullptr, "log.cleaner.min.compaction.lag.ms"},
    {"min.insync.replicas", int32, "1", "Replicas that must have a record before acks=all answers.", 1, INT32_MAX, nullptr, "min.insync.replicas"},
    {"preallocate", boolean, "false", "Preallocate segment files.", INT64_MIN, INT64_MAX, nullptr, "log.preallocate"},
    {"remote.storage.enable", boolean, "false", "Tiered storage.", INT64_MIN, INT64_MAX},
    {"retention.bytes", int64, "-1", "Retention of a partition, bytes; -1 keeps all.", -1, INT64_MAX, nullptr, "log.retention.bytes"},
    {"retention.ms", int64, "604800000", "Retention, ms; -1 keeps all.", -1, INT64_MAX, nullptr, "log.retention.ms"},
    {"segment.bytes", int32, "1073741824", "Segment size, bytes.", 14, INT32_MAX, nullptr, "log.segment.bytes"},
    {"segment.index.bytes", int32, "10485760", "Index size at which Kafka rolls a segment.", 4, INT32_MAX, nullptr, "log.index.size.max.bytes"},
    {"segment.jitter.ms", int64, "0", "Random reduction of the segment age, ms.", 0, INT64_MAX},
    {"segment.ms", int64, "604800000", "Segment age, ms.", 1, INT64_MAX, nullptr, "log.roll.ms"},
    {"unclean.leader.election.enable", boolean, "false", "Allow a leader from outside the ISR.", INT64_MIN, INT64_MAX, nullptr,
     "unclean.leader.election.enable"},
};

constexpr Setting group_table[] = {
    {"consumer.heartbeat.interval.ms", int32, "5000", "Heartbeat interval that members are told, ms.", 1, INT32_MAX, nullptr,
     "group.consumer.heartbeat.interval.ms"},
    {"consumer.session.timeout.ms", int32, "45000", "A member that is silent for longer is removed, ms.", 1, INT32_MAX, nullptr,
     "group.consumer.session.timeout.ms"},
    {"share.auto.offset.reset", string, "latest", "Where a share group begins: earliest, latest, or by_duration:PnDTnHnMn.nS before now."},
    {"share.delivery.count.limit", int32, "5", "How often a record is delivered.", 2, INT32_MAX, nullptr, "group.share.delivery.count.limit"},
    {"share.heartbeat.interval.ms", int32, "5000", "Heartbeat interval that members of a share group are told, ms.", 1, INT32_MAX, nullptr,
     "group.share.heartbeat.interval.ms"},
    {"share.isolation.level", string, "read_uncommitted", "read_committed: a share group sees records of committed transactions alone.", INT64_MIN, INT64_MAX,
     "read_committed|read_uncommitted"},
    {"share.partition.max.record.locks", int32, "2000", "Records of a partition that are given out at a time.", 100, INT32_MAX, nullptr,
     "group.share.partition.max.record.locks"},
    {"share.record.lock.duration.ms", int32, "30000", "How long a member holds a record that it was given, ms.", 1000, INT32_MAX, nullptr,
     "group.share.record.lock.duration.ms"},
    {"share.renew.acknowledge.enable", boolean, "true", "Members may hold a record for longer by asking (KIP-1222)."},
    {"share.session.timeout.ms", int32, "45000", "A member of a share group that is silent for longer is removed, ms.", 1, INT32_MAX, nullptr,
     "group.share.session.timeout.ms"},
};

constexpr Setting client_metrics_table[] = {
    {"interval.ms", int32, "300000", "How often a matching client pushes, ms.", 100, 3600000},
    {"match", list, "", "Which clients: SELECTOR=REGEX, all must match."},
    {"metrics", list, "", "Prefixes of the metrics to push; * for all."},
};

}  // namespace

std::span<const Setting> group_setting_table() { return group_table; }
std::span<const Setting> client_metrics_setting_table() { return client_metrics_table; }

bool is_dynamic(std::string_view name) {
  constexpr std::string_view read_where_used[] = {"log.retention.minutes",
                                                  "log.retention.hours",
                                                  "log.roll.hours",
                                                  "log.cleaner.backoff.ms",
                                                  "log.cleaner.dedupe.buffer.size",
                                                  "log.cleaner.io.max.bytes.per.second",
                                                  "producer.id.expiration.ms",
                                                  "max.connections",
                                                  "log.retention.check.interval.ms"};
  const bool default_of_topics = std::ranges::any_of(topic_table, [name](const Setting& topic) { return topic.broker_key && name == topic.broker_key; });
  return default_of_topics || std::ranges::find(read_where_used, name) != std::end(read_where_used);
}

std::span<const Setting> broker_setting_table() { return broker_table; }
std::span<const Setting> topic_setting_table() { return topic_table; }

std::int64_t retention_ms(const config::Settings& broker) {
  if (broker.is_set("log.retention.ms")) return broker.integer("log.retention.ms");
  if (broker.is_set("log.retention.minutes")) {
    const auto minutes = broker.integer("log.retention.minutes");
    return minutes < 0 ? -1 : minutes * ms_per_minute;
  }
  const auto hours = broker.integer("log.retention.hours");
  return hours < 0 ? -1 : hours * ms_per_hour;
}

std::int64_t roll_ms(const config::Settings& broker) {
  return broker.is_set("log.roll.ms") ? broker.integer("log.roll.ms") : broker.integer("log.roll.hours") * ms_per_hour;
}

std::optional<std::string> topic_value(const config::Settings& broker, const TopicConfigs& topic, const Setting& setting) {
  if (const auto it = topic.find(setting.name); it != topic.end()) return it->second;
  const std::string_view name = setting.name;
  if (name == "retention.ms") return std::to_string(retention_ms(broker));
  if (name == "segment.ms") return std::to_string(roll_ms(broker));
  if (setting.broker_key) return broker.raw(setting.broker_key);
  return setting.default_value;
}

storage::LogConfig log_config(const config::Settings& broker, const TopicConfigs& topic) {
  const config::Settings table(topic_table);
  const auto text = [&](std::string_view name) { return topic_value(broker, topic, *table.find(name)).value_or(""); };
  const auto number = [&](std::string_view name) { return std::stoll(text(name)); };
  const std::string policy = text("cleanup.policy"), type = text("compression.type");
  std::optional<kafka::Compression> compression;
  std::optional<int> level;
  if (type == "uncompressed") compression = kafka::Compression::none;
  else if (type != "producer") compression = kafka::parse_compression(type).value_or(kafka::Compression::none);
  if (type == "gzip" || type == "lz4" || type == "zstd") level = static_cast<int>(number("compression." + type + ".level"));
  return {.segment_bytes = number("segment.bytes"),
          .segment_ms = number("segment.ms"),
          .retention_ms = number("retention.ms"),
          .retention_bytes = number("retention.bytes"),
          .index_interval_bytes = number("index.interval.bytes"),
          .max_message_bytes = number("max.message.bytes"),
          .flush_messages = number("flush.messages"),
          .flush_ms = number("flush.ms"),
          .cleanup_delete = policy.find("delete") != std::string::npos,
          .cleanup_compact = policy.find("compact") != std::string::npos,
          .log_append_time = text("message.timestamp.type") == "LogAppendTime",
          .timestamp_before_max_ms = number("message.timestamp.before.max.ms"),
          .timestamp_after_max_ms = number("message.timestamp.after.max.ms"),
          .delete_retention_ms = number("delete.retention.ms"),
          .min_compaction_lag_ms = number("min.compaction.lag.ms"),
          .max_compaction_lag_ms = number("max.compaction.lag.ms"),
          .min_cleanable_dirty_ratio = std::stod(text("min.cleanable.dirty.ratio")),
          .compression = compression,
          .compression_level = level,
          .durability = broker.string("durability") == "fsync" ? storage::Durability::fsync : storage::Durability::page_cache};
}

}  // namespace meridian::metadata
