// The commands. Arguments come from main.cc, which alone knows the command-line parser.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/session.h"

namespace meridian::cli {

struct TopicArguments {
  std::vector<std::string> names;
  int partitions = -1;
  int replicas = -1;
  std::vector<std::string> configs;  ///< key=value; for alter also "key" alone: back to the default
  bool details = false;
};
Task<Result<int>> topic_create(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_list(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_describe(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_alter(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_delete(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_add_partitions(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_produce(Session& session, client::Cluster& cluster, const TopicArguments& arguments);
Task<Result<int>> topic_consume(Session& session, client::Cluster& cluster, const TopicArguments& arguments);

struct GroupArguments {
  std::vector<std::string> names;
  std::string topic;
  std::string to;  ///< start, end, an offset, or @milliseconds
};
Task<Result<int>> group_list(Session& session, client::Cluster& cluster, const GroupArguments& arguments);
Task<Result<int>> group_describe(Session& session, client::Cluster& cluster, const GroupArguments& arguments);
Task<Result<int>> group_delete(Session& session, client::Cluster& cluster, const GroupArguments& arguments);
Task<Result<int>> group_seek(Session& session, client::Cluster& cluster, const GroupArguments& arguments);

struct NoArguments {};
Task<Result<int>> cluster_info(Session& session, client::Cluster& cluster, const NoArguments&);
Task<Result<int>> cluster_health(Session& session, client::Cluster& cluster, const NoArguments&);

struct LinkArguments {
  std::string link;
  std::vector<std::string> groups;
  std::string topic;
  int partition = 0;
  std::int64_t offset = 0;
  bool reverse = false;
};
int link_list(Session& session);
int link_status(Session& session, const LinkArguments& arguments);
int link_groups(Session& session, const LinkArguments& arguments);
int link_history(Session& session, const LinkArguments& arguments);
/// `action`: "failover" or "failback".
int mirror_move(Session& session, const LinkArguments& arguments, const std::string& action);
int mirror_translate(Session& session, const LinkArguments& arguments);

struct DevArguments {
  std::vector<std::string> regions = {"us", "eu"};
  std::string directory;
  std::string durability = "fsync";
};
/// Starts a broker per region and a mirror between each pair, prints addresses, and stops them at Ctrl-C.
int dev_up(Session& session, const DevArguments& arguments);

struct BenchArguments {
  std::string topic = "bench";
  int partitions = 4;
  std::int64_t records = 1'000'000;
  int size = 1024;
  int rate = 0;  ///< records per second, open loop; 0: as fast as it goes
  int acks = -1;
  std::string compression = "none";
  std::vector<std::string> properties;
};
int bench_produce(Session& session, const BenchArguments& arguments);
int bench_consume(Session& session, const BenchArguments& arguments);

}  // namespace meridian::cli
