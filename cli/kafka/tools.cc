#include "cli/kafka/tools.h"

#include <iostream>

namespace meridian::cli {
namespace {

using Command = Task<Result<int>> (*)(Session&, client::Cluster&, const KafkaOptions&);
using Words = std::vector<std::string>;

struct Tool {
  const char* name;
  const char* failure;  ///< what stands before an error
  Words valued;
  Words flags;
  Command command = nullptr;
  int (*console)(const KafkaOptions&) = nullptr;
};

const Tool tools[] = {
    {"kafka-topics.sh",
     "Error while executing topic command : ",
     {"bootstrap-server", "topic", "partitions", "replication-factor", "config", "command-config"},
     {"create", "alter", "delete", "list", "describe", "if-exists", "if-not-exists", "exclude-internal"},
     &kafka_topics},
    {"kafka-configs.sh",
     "Error while executing config command with args : ",
     {"bootstrap-server", "entity-type", "entity-name", "add-config", "delete-config", "topic", "broker", "client", "user", "ip", "group", "client-metrics",
      "command-config"},
     {"alter", "describe", "all", "entity-default", "broker-defaults", "client-defaults", "user-defaults", "ip-defaults"},
     &kafka_configs},
    {"kafka-consumer-groups.sh",
     "Error: Executing consumer group command failed due to ",
     {"bootstrap-server", "group", "topic", "to-offset", "shift-by", "to-datetime", "timeout", "command-config"},
     {"list", "describe", "delete", "delete-offsets", "reset-offsets", "execute", "dry-run", "to-earliest", "to-latest", "to-current", "all-groups",
      "all-topics", "state"},
     &kafka_consumer_groups},
    {"kafka-delete-records.sh", "Error: ", {"bootstrap-server", "offset-json-file", "command-config"}, {}, &kafka_delete_records},
    {"kafka-acls.sh",
     "Error while executing ACL command: ",
     {"bootstrap-server", "topic", "group", "allow-principal", "deny-principal", "allow-host", "deny-host", "operation", "resource-pattern-type",
      "transactional-id", "principal", "command-config"},
     {"add", "remove", "list", "force", "cluster", "producer", "consumer"},
     &kafka_acls},
    {"kafka-console-producer.sh",
     "",
     {"bootstrap-server", "topic", "property", "reader-property", "compression-codec", "producer-property", "command-property"},
     {},
     nullptr,
     &kafka_console_producer},
    {"kafka-console-consumer.sh",
     "",
     {"bootstrap-server", "topic", "group", "max-messages", "timeout-ms", "partition", "offset", "property", "formatter-property", "consumer-property",
      "command-property", "isolation-level"},
     {"from-beginning"},
     nullptr,
     &kafka_console_consumer},
};

struct Call {
  const Tool& tool;
  const KafkaOptions& options;
};

}  // namespace

std::optional<int> run_kafka_tool(const std::string& name, const std::vector<std::string>& words) {
  for (const auto& tool : tools) {
    if (name != tool.name) continue;
    const auto options = KafkaOptions::parse(words, tool.valued, tool.flags);
    if (!options) {
      std::cerr << options.error().message << "\n";
      return failed;
    }
    if (!options->has("bootstrap-server")) {
      std::cerr << "Missing required argument \"[bootstrap-server]\"\n";
      return failed;
    }
    if (tool.console) return tool.console(*options);
    Session session;
    session.brokers = *options->get("bootstrap-server");
    const Call call{tool, *options};
    return session.with_cluster(
        [](Session& at, client::Cluster& cluster, const void* raw) -> Task<Result<int>> {
          const auto& [called, given] = *static_cast<const Call*>(raw);
          const auto done = co_await called.command(at, cluster, given);
          if (done || done.error().code == Errc::closed || done.error().code == Errc::timeout) co_return done;
          // Kafka's tools tell what went wrong on stdout.
          std::cout << called.failure << done.error().message << "\n";
          co_return failed;
        },
        &call);
  }
  return std::nullopt;
}

}  // namespace meridian::cli
