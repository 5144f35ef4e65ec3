// Kafka's scripts under their own names: the same binary, called as kafka-topics.sh and so on, takes their options and prints their lines.
#pragma once

#include "cli/kafka/options.h"
#include "cli/session.h"

namespace meridian::cli {

/// Runs the tool that `name` (a file name, e.g. "kafka-topics.sh") stands for; nullopt where it is none.
std::optional<int> run_kafka_tool(const std::string& name, const std::vector<std::string>& words);

Task<Result<int>> kafka_topics(Session& session, client::Cluster& cluster, const KafkaOptions& options);
Task<Result<int>> kafka_configs(Session& session, client::Cluster& cluster, const KafkaOptions& options);
Task<Result<int>> kafka_consumer_groups(Session& session, client::Cluster& cluster, const KafkaOptions& options);
Task<Result<int>> kafka_delete_records(Session& session, client::Cluster& cluster, const KafkaOptions& options);
Task<Result<int>> kafka_acls(Session& session, client::Cluster& cluster, const KafkaOptions& options);
int kafka_console_producer(const KafkaOptions& options);
int kafka_console_consumer(const KafkaOptions& options);

}  // namespace meridian::cli
