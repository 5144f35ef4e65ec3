// kafka-console-producer.sh and kafka-console-consumer.sh, on librdkafka.
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <csignal>
#include <iostream>

#include "cli/kafka/tools.h"

namespace meridian::cli {
namespace {

using Properties = std::map<std::string, std::string>;

Properties properties_of(const KafkaOptions& options, std::initializer_list<const char*> names) {
  Properties out;
  for (const char* name : names)
    for (const auto& text : options.all(name))
      if (const auto equals = text.find('='); equals != std::string::npos) out[text.substr(0, equals)] = text.substr(equals + 1);
  return out;
}

rd_kafka_t* make_client(rd_kafka_type_t type, const KafkaOptions& options, Properties properties) {
  properties.emplace("bootstrap.servers", *options.get("bootstrap-server"));
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [key, value] : properties)
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) {
      std::cerr << why << "\n";
      rd_kafka_conf_destroy(conf);
      return nullptr;
    }
  rd_kafka_t* client = rd_kafka_new(type, conf, why, sizeof why);
  if (!client) std::cerr << why << "\n";
  return client;
}

std::string unescape(std::string text) { return text == "\\t" ? "\t" : text; }

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

int kafka_console_producer(const KafkaOptions& options) {
  const auto topic = options.get("topic");
  if (!topic) {
    std::cerr << "Missing required argument \"[topic]\"\n";
    return failed;
  }
  auto reading = properties_of(options, {"property", "reader-property"});
  auto properties = properties_of(options, {"producer-property", "command-property"});
  if (const auto codec = options.get("compression-codec")) properties["compression.type"] = *codec;
  const bool keyed = reading["parse.key"] == "true";
  const std::string separator = unescape(reading.contains("key.separator") ? reading["key.separator"] : "\t");
  rd_kafka_t* client = make_client(RD_KAFKA_PRODUCER, options, std::move(properties));
  if (!client) return failed;
  int status = done;
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
    std::string key;
    if (keyed) {
      const auto at = line.find(separator);
      if (at == std::string::npos) {
        std::cerr << "No key separator found on line number " << number << ": '" << line << "'\n";
        status = failed;
        break;
      }
      key = line.substr(0, at);
      line.erase(0, at + separator.size());
    }
    rd_kafka_resp_err_t error;
    do {
      error = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic->c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(line.data(), line.size()),
                                RD_KAFKA_V_KEY(keyed ? key.data() : nullptr, keyed ? key.size() : 0), RD_KAFKA_V_END);
      if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) rd_kafka_poll(client, 100);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (error) std::cerr << "Error when sending message to topic " << *topic << ": " << rd_kafka_err2str(error) << "\n", status = failed;
    rd_kafka_poll(client, 0);
  }
  if (rd_kafka_flush(client, 60'000)) std::cerr << rd_kafka_outq_len(client) << " messages were not delivered\n", status = failed;
  rd_kafka_destroy(client);
  return status;
}

int kafka_console_consumer(const KafkaOptions& options) {
  const auto topic = options.get("topic");
  if (!topic) {
    std::cerr << "Exactly one of --include/--topic is required. \n";
    return failed;
  }
  auto printing = properties_of(options, {"property", "formatter-property"});
  auto properties = properties_of(options, {"consumer-property", "command-property"});
  properties.emplace(
      "group.id", options.get("group").value_or("console-consumer-" + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count() % 100'000)));
  if (!options.has("group")) properties.emplace("enable.auto.commit", "false");
  properties["auto.offset.reset"] = options.has("from-beginning") ? "earliest" : "latest";
  if (const auto isolation = options.get("isolation-level")) properties["isolation.level"] = *isolation;
  properties["enable.partition.eof"] = "false";
  rd_kafka_t* client = make_client(RD_KAFKA_CONSUMER, options, std::move(properties));
  if (!client) return failed;
  rd_kafka_poll_set_consumer(client);
  rd_kafka_topic_partition_list_t* wanted = rd_kafka_topic_partition_list_new(1);
  if (const auto partition = options.number("partition"); options.has("partition") && partition) {
    auto* at = rd_kafka_topic_partition_list_add(wanted, topic->c_str(), static_cast<std::int32_t>(*partition));
    const auto offset = options.get("offset").value_or(options.has("from-beginning") ? "earliest" : "latest");
    at->offset = offset == "earliest" ? RD_KAFKA_OFFSET_BEGINNING : offset == "latest" ? RD_KAFKA_OFFSET_END : std::atoll(offset.c_str());
    rd_kafka_assign(client, wanted);
  } else {
    rd_kafka_topic_partition_list_add(wanted, topic->c_str(), RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(client, wanted);
  }
  rd_kafka_topic_partition_list_destroy(wanted);
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  const auto limit = options.has("max-messages") ? options.number("max-messages").value_or(-1) : -1;
  const auto patience = options.has("timeout-ms") ? options.number("timeout-ms").value_or(-1) : -1;
  const std::string separator = unescape(printing.contains("key.separator") ? printing["key.separator"] : "\t");
  std::int64_t seen = 0;
  auto last = std::chrono::steady_clock::now();
  while (!interrupted && (limit < 0 || seen < limit)) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 100);
    if (!message) {
      const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - last).count();
      if (patience >= 0 && idle >= patience) break;
      continue;
    }
    if (message->err) {
      std::cerr << rd_kafka_message_errstr(message) << "\n";
    } else {
      if (printing["print.timestamp"] == "true") std::cout << "CreateTime:" << rd_kafka_message_timestamp(message, nullptr) << separator;
      if (printing["print.partition"] == "true") std::cout << "Partition:" << message->partition << separator;
      if (printing["print.offset"] == "true") std::cout << "Offset:" << message->offset << separator;
      if (printing["print.key"] == "true")
        std::cout << (message->key ? std::string_view(static_cast<char*>(message->key), message->key_len) : std::string_view("null")) << separator;
      std::cout << (message->payload ? std::string_view(static_cast<char*>(message->payload), message->len) : std::string_view("null")) << "\n";
      ++seen;
      last = std::chrono::steady_clock::now();
    }
    rd_kafka_message_destroy(message);
  }
  std::cout.flush();
  std::cerr << "Processed a total of " << seen << " messages\n";
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return done;
}

}  // namespace meridian::cli
