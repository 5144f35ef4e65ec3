// MirrorConfig: clusters and links, from mirror.yaml or an existing mm2.properties.
#pragma once

#include <chrono>
#include <map>

#include "common/config/settings.h"
#include "common/io/network.h"
#include "common/kafka/compression.h"
#include "mirror/replication_policy.h"

namespace meridian::mirror {

struct ClusterConfig {
  std::string alias;
  std::string bootstrap;
  std::vector<std::pair<std::string, std::string>> client;  ///< extra librdkafka properties
};

enum class GroupPolicy {
  never_back,   ///< a group's position on the target only moves forward
  source_wins,  ///< it follows the source, also back
};

struct LinkConfig {
  std::string name;  ///< "us-eu" unless given
  std::string source;
  std::string target;
  ReplicationPolicy policy;
  NameFilter topics;
  NameFilter groups;
  kafka::Compression compression = kafka::Compression::zstd;
  GroupPolicy group_policy = GroupPolicy::never_back;
  bool follow_groups = true;
  bool heartbeats = true;
  std::int16_t replication_factor = -1;  ///< of mirrored topics; -1: the target's default
  int lanes = 4;
  bool append_at = true;  ///< write at named offsets where the target can; otherwise fence with transactions as on any Kafka
  std::chrono::milliseconds refresh_topics{1000};
  std::chrono::milliseconds refresh_groups{500};
};

struct MirrorConfig {
  io::Endpoint admin{"127.0.0.1", 9645};
  std::map<std::string, ClusterConfig> clusters;
  std::vector<LinkConfig> links;
  std::vector<std::string> unused;  ///< properties of an mm2.properties that mean nothing here; told at start
};

/// By the file's name: *.properties is MirrorMaker 2's, everything else YAML. Errors name line and column where there is one.
Result<MirrorConfig> load_config(const std::string& path);

}  // namespace meridian::mirror
