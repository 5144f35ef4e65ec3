#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "common/async/waiter.h"
#include "common/base/log.h"
#include "common/kafka/codec.h"
#include "mirror/kafka_reader.h"

namespace meridian::mirror {
namespace {

class RdkafkaReader final : public KafkaReader {
 public:
  RdkafkaReader(rd_kafka_t* handle, int read_fd, int write_fd, boost::asio::io_context& context, async::Clock& clock)
      : handle_(handle), queue_(rd_kafka_queue_get_consumer(handle)), write_fd_(write_fd), readable_(context, read_fd), waiter_(context, clock) {
    rd_kafka_queue_io_event_enable(queue_, write_fd_, "1", 1);
    arm();
  }

  ~RdkafkaReader() override {
    rd_kafka_queue_io_event_enable(queue_, -1, nullptr, 0);
    for (auto* message : messages_) rd_kafka_message_destroy(message);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_consumer_close(handle_);
    rd_kafka_destroy(handle_);
    ::close(write_fd_);
  }

  void add(const std::string& topic, std::int32_t partition, Offset from) override {
    change(topic, partition, [from](rd_kafka_topic_partition_t* entry) { entry->offset = from; }, &rd_kafka_incremental_assign);
  }

  void remove(const std::string& topic, std::int32_t partition) override {
    change(topic, partition, [](rd_kafka_topic_partition_t*) {}, &rd_kafka_incremental_unassign);
  }

  Task<> wait(async::TimePoint deadline) override { co_await waiter_.wait(deadline); }
  void wake() override { waiter_.wake(); }

  std::size_t poll(std::size_t max, const std::function<void(const ReadEvent&)>& visit) override {
    messages_.resize(max);
    const auto n = rd_kafka_consume_batch_queue(queue_, 0, messages_.data(), max);
    messages_.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    for (auto* message : messages_) {
      visit_one(*message, visit);
      rd_kafka_message_destroy(message);
    }
    const std::size_t count = messages_.size();
    messages_.clear();
    // The descriptor fires once per empty-to-filled change: look again while there is something.
    if (count > 0) waiter_.wake();
    return count;
  }

 private:
  void change(const std::string& topic, std::int32_t partition, auto&& prepare, auto&& apply) {
    auto* list = rd_kafka_topic_partition_list_new(1);
    prepare(rd_kafka_topic_partition_list_add(list, topic.c_str(), partition));
    if (auto* error = apply(handle_, list)) {
      log::warn("reader: {}-{}: {}", topic, partition, rd_kafka_error_string(error));
      rd_kafka_error_destroy(error);
    }
    rd_kafka_topic_partition_list_destroy(list);
  }

  void visit_one(const rd_kafka_message_t& message, const std::function<void(const ReadEvent&)>& visit) {
    ReadEvent event;
    std::string topic = message.rkt ? rd_kafka_topic_name(message.rkt) : "";
    event.topic = &topic;
    event.partition = message.partition;
    event.offset = message.offset;
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      event.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
      if (message.key) event.key = ByteView(static_cast<const char*>(message.key), message.key_len);
      if (message.payload) event.value = ByteView(static_cast<const char*>(message.payload), message.len);
      encode_headers(message);
      event.headers = headers_;
    } else {
      event.kind = kind_of(message.err);
      event.message = message.payload ? std::string(static_cast<const char*>(message.payload), message.len) : rd_kafka_err2str(message.err);
    }
    visit(event);
  }

  static ReadEvent::Kind kind_of(rd_kafka_resp_err_t error) {
    switch (error) {
      case RD_KAFKA_RESP_ERR__PARTITION_EOF: return ReadEvent::Kind::end;
      case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: return ReadEvent::Kind::out_of_range;
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return ReadEvent::Kind::unknown;
      default: return ReadEvent::Kind::error;
    }
  }

  void encode_headers(const rd_kafka_message_t& message) {
    headers_.clear();
    rd_kafka_headers_t* list = nullptr;
    std::size_t count = 0;
    if (rd_kafka_message_headers(&message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) count = rd_kafka_header_cnt(list);
    kafka::append_varint(headers_, static_cast<std::int64_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      const void* value = nullptr;
      std::size_t size = 0;
      rd_kafka_header_get_all(list, i, &name, &value, &size);
      const std::string_view key(name);
      kafka::append_varint(headers_, static_cast<std::int64_t>(key.size()));
      headers_ += key;
      kafka::append_varint(headers_, value ? static_cast<std::int64_t>(size) : -1);
      if (value) headers_.append(static_cast<const char*>(value), size);
    }
  }

  void arm() {
    readable_.async_read_some(boost::asio::buffer(signal_), [this](boost::system::error_code error, std::size_t) {
      if (error) return;
      waiter_.wake();
      arm();
    });
  }

  rd_kafka_t* handle_;
  rd_kafka_queue_t* queue_;
  int write_fd_;
  boost::asio::posix::stream_descriptor readable_;
  char signal_[64];
  async::Waiter waiter_;
  std::vector<rd_kafka_message_t*> messages_;
  Bytes headers_;
};

}  // namespace

Result<std::unique_ptr<KafkaReader>> make_reader(const ClusterConfig& cluster, const std::string& client_id, boost::asio::io_context& context,
                                                 async::Clock& clock) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char problem[512];
  std::vector<std::pair<std::string, std::string>> properties = {
      {"bootstrap.servers", cluster.bootstrap},
      {"client.id", client_id},
      {"group.id", client_id},  // librdkafka wants one; nothing is committed and nothing joined
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "error"},
      {"isolation.level", "read_committed"},
      {"check.crcs", "true"},
      {"allow.auto.create.topics", "false"},
      {"fetch.wait.max.ms", "100"},
      {"fetch.message.max.bytes", "4194304"},
      {"queued.max.messages.kbytes", "65536"},
      {"reconnect.backoff.max.ms", "1000"},
      {"topic.metadata.refresh.interval.ms", "5000"},
      {"log_level", "3"},
  };
  properties.insert(properties.end(), cluster.client.begin(), cluster.client.end());
  for (const auto& [key, value] : properties)
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), problem, sizeof problem) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return fail(Errc::invalid, "cluster " + cluster.alias + ": " + problem);
    }
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof problem);
  if (!handle) {
    rd_kafka_conf_destroy(conf);
    return fail(Errc::invalid, "cluster " + cluster.alias + ": " + problem);
  }
  rd_kafka_poll_set_consumer(handle);
  int fds[2];
  if (::pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) {
    rd_kafka_destroy(handle);
    return fail(Errc::io, "no pipe for the reader");
  }
  return std::make_unique<RdkafkaReader>(handle, fds[0], fds[1], context, clock);
}

}  // namespace meridian::mirror
