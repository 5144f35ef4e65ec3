// meridian bench: a load generator on librdkafka, against any Kafka. Open loop where a rate is given: latency counts from the time a
// record was due, so a stalled broker cannot hide behind a waiting client.
#include <librdkafka/rdkafka.h>

#include <boost/json/object.hpp>
#include <cmath>
#include <thread>

#include "cli/commands/commands.h"
#include "common/base/random.h"

namespace meridian::cli {
namespace {

namespace json = boost::json;
using Steady = std::chrono::steady_clock;

/// Log-linear: 64 buckets an octave, microseconds.
class Latencies {
 public:
  void add(std::int64_t us) {
    ++counts_[bucket(std::max<std::int64_t>(us, 1))];
    ++total_;
  }
  double quantile_ms(double q) const {
    auto left = static_cast<std::int64_t>(std::ceil(q * static_cast<double>(total_)));
    for (const auto& [b, n] : counts_)
      if ((left -= n) <= 0) return std::exp2(static_cast<double>(b + 1) / 64) / 1000;
    return 0;
  }
  std::int64_t total() const { return total_; }

 private:
  static int bucket(std::int64_t us) { return static_cast<int>(std::log2(static_cast<double>(us)) * 64); }
  std::map<int, std::int64_t> counts_;
  std::int64_t total_ = 0;
};

struct Progress {
  Latencies latencies;
  std::int64_t delivered = 0;
  std::int64_t failed = 0;
  Steady::time_point origin;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& progress = *static_cast<Progress*>(opaque);
  if (message->err) {
    ++progress.failed;
    return;
  }
  ++progress.delivered;
  const auto due = progress.origin + std::chrono::nanoseconds(reinterpret_cast<std::intptr_t>(message->_private));
  progress.latencies.add(std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - due).count());
}

rd_kafka_conf_t* make_conf(const Session& session, const BenchArguments& arguments, std::vector<std::pair<std::string, std::string>> properties) {
  properties.emplace_back("bootstrap.servers", session.brokers);
  for (const auto& text : arguments.properties)
    if (const auto equals = text.find('='); equals != std::string::npos) properties.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char problem[512];
  for (const auto& [key, value] : properties)
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), problem, sizeof problem) != RD_KAFKA_CONF_OK) {
      complain(problem);
      rd_kafka_conf_destroy(conf);
      return nullptr;
    }
  return conf;
}

double since(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

}  // namespace

int bench_produce(Session& session, const BenchArguments& arguments) {
  Progress progress;
  rd_kafka_conf_t* conf = make_conf(session, arguments,
                                    {{"acks", std::to_string(arguments.acks)},
                                     {"compression.type", arguments.compression},
                                     {"linger.ms", arguments.rate ? "1" : "50"},
                                     {"batch.size", "1000000"},
                                     {"queue.buffering.max.messages", "200000"},
                                     {"queue.buffering.max.kbytes", "262144"}});
  if (!conf) return usage;
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_conf_set_opaque(conf, &progress);
  char problem[512];
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
  if (!producer) {
    complain(problem);
    return failed;
  }
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, arguments.topic.c_str(), nullptr);
  std::string payload(static_cast<std::size_t>(arguments.size), '\0');
  base::Random random(1);
  for (char& c : payload) c = static_cast<char>('a' + random.below(26));
  progress.origin = Steady::now();
  for (std::int64_t n = 0; n < arguments.records;) {
    auto due = Steady::now() - progress.origin;
    if (arguments.rate > 0) {
      due = std::chrono::nanoseconds(n * 1'000'000'000 / arguments.rate);
      while (Steady::now() - progress.origin < due) {
        rd_kafka_poll(producer, 0);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    }
    const auto partition = static_cast<std::int32_t>(n % arguments.partitions);
    auto* when = reinterpret_cast<void*>(static_cast<std::intptr_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(due).count()));
    if (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, payload.data(), payload.size(), nullptr, 0, when) == 0) ++n;
    else rd_kafka_poll(producer, 10);
    if (n % 1000 == 0) rd_kafka_poll(producer, 0);
  }
  rd_kafka_flush(producer, 60'000);
  const double elapsed = since(progress.origin);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  const double megabytes = static_cast<double>(progress.delivered) * arguments.size / 1e6;
  print_object(session.format, json::object{{"records", progress.delivered},
                                            {"failed", progress.failed},
                                            {"seconds", elapsed},
                                            {"mb_per_second", megabytes / elapsed},
                                            {"records_per_second", static_cast<double>(progress.delivered) / elapsed},
                                            {"p50_ms", progress.latencies.quantile_ms(0.5)},
                                            {"p99_ms", progress.latencies.quantile_ms(0.99)},
                                            {"p999_ms", progress.latencies.quantile_ms(0.999)}});
  return progress.failed == 0 && progress.delivered == arguments.records ? done : failed;
}

int bench_consume(Session& session, const BenchArguments& arguments) {
  rd_kafka_conf_t* conf = make_conf(session, arguments,
                                    {{"group.id", "meridian-bench"},
                                     {"enable.auto.commit", "false"},
                                     {"auto.offset.reset", "earliest"},
                                     {"fetch.message.max.bytes", "4194304"},
                                     {"queued.max.messages.kbytes", "262144"},
                                     {"check.crcs", "true"}});
  if (!conf) return usage;
  char problem[512];
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof problem);
  if (!consumer) {
    complain(problem);
    return failed;
  }
  rd_kafka_poll_set_consumer(consumer);
  auto* list = rd_kafka_topic_partition_list_new(arguments.partitions);
  for (int n = 0; n < arguments.partitions; ++n) rd_kafka_topic_partition_list_add(list, arguments.topic.c_str(), n)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);
  auto* queue = rd_kafka_queue_get_consumer(consumer);
  std::vector<rd_kafka_message_t*> messages(10'000);
  std::int64_t records = 0, bytes = 0;
  auto begin = Steady::now();
  auto last = begin;
  while (records < arguments.records && since(last) < session.timeout_ms / 1000.0) {
    const auto n = rd_kafka_consume_batch_queue(queue, 100, messages.data(), messages.size());
    for (std::int64_t i = 0; i < n; ++i) {
      auto* message = messages[static_cast<std::size_t>(i)];
      if (!message->err) ++records, bytes += static_cast<std::int64_t>(message->len);
      rd_kafka_message_destroy(message);
    }
    if (n > 0) last = Steady::now();
  }
  const double elapsed = std::chrono::duration<double>(last - begin).count();
  rd_kafka_queue_destroy(queue);
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  print_object(session.format, json::object{{"records", records},
                                            {"seconds", elapsed},
                                            {"mb_per_second", static_cast<double>(bytes) / 1e6 / elapsed},
                                            {"records_per_second", static_cast<double>(records) / elapsed}});
  return records >= arguments.records ? done : failed;
}

}  // namespace meridian::cli
