// Metrics that clients push (KIP-714): who is asked for what, what is refused, what /metrics tells.
#include "broker/server/telemetry.h"

#include <gtest/gtest.h>

#include "common/kafka/compression.h"
#include "tests/simulation/sim_clock.h"
#include "tests/support/otlp_payload.h"

namespace meridian::server {
namespace {

using kafka::ErrorCode;
using std::chrono::milliseconds;

class TelemetryTest : public ::testing::Test {
 protected:
  TelemetryTest() {
    id.bytes[0] = 7;
    identity.client_instance_id = id.to_string();
    identity.client_id = "app-1";
    identity.client_software_name = "librdkafka";
    subscribe("all", {{"match", "client_id=app-.*"}, {"metrics", "*"}, {"interval.ms", "1000"}});
  }
  void subscribe(const std::string& name, metadata::TopicConfigs values) { image.resource_configs["client-metrics/" + name].values = std::move(values); }
  ErrorCode push(const std::vector<test::OtlpMetric>& metrics, kafka::Compression codec = kafka::Compression::none, bool terminating = false) {
    kafka::PushTelemetryRequest request;
    request.client_instance_id = id;
    request.subscription_id = subscription;
    request.compression_type = static_cast<std::int8_t>(codec);
    request.terminating = terminating;
    request.metrics.data = *kafka::compress(codec, test::otlp_payload(metrics));
    return telemetry.push(image, request, identity);
  }
  void ask() {
    const auto answer = telemetry.subscription(image, id, identity);
    ASSERT_EQ(answer.error_code, ErrorCode::none);
    subscription = answer.subscription_id;
  }
  void later(milliseconds by) {
    clock.call_at(clock.now() + by, [] {});
    while (clock.advance()) {
    }
  }

  simulation::SimClock clock;
  Telemetry telemetry{clock, 4096};
  metadata::MetadataImage image;
  metadata::ClientIdentity identity;
  Uuid id;
  std::int32_t subscription = 0;
};

TEST_F(TelemetryTest, ASubscriptionIsForTheClientsThatItMatches) {
  const auto wanted = telemetry.subscription(image, id, identity);
  EXPECT_EQ(wanted.requested_metrics, std::vector<std::string>{"*"});
  EXPECT_EQ(wanted.push_interval_ms, 1000);
  EXPECT_EQ(wanted.client_instance_id, id);
  Uuid other;
  other.bytes[0] = 8;
  identity.client_id = "batch";
  const auto unwanted = telemetry.subscription(image, other, identity);
  EXPECT_TRUE(unwanted.requested_metrics.empty());
  EXPECT_NE(unwanted.subscription_id, wanted.subscription_id);
}

TEST_F(TelemetryTest, SeveralSubscriptionsAskForEverythingAtTheShortestInterval) {
  image.resource_configs.clear();
  subscribe("a", {{"metrics", "org.apache.kafka.producer."}, {"interval.ms", "5000"}});
  subscribe("b", {{"metrics", "org.apache.kafka.consumer."}, {"interval.ms", "2000"}, {"match", "client_software_name=librdkafka,client_id=app-1"}});
  const auto answer = telemetry.subscription(image, id, identity);
  EXPECT_EQ(answer.requested_metrics, (std::vector<std::string>{"org.apache.kafka.consumer.", "org.apache.kafka.producer."}));
  EXPECT_EQ(answer.push_interval_ms, 2000);
}

TEST_F(TelemetryTest, WhatIsPushedIsTold) {
  ask();
  EXPECT_EQ(
      push({{.name = "org.apache.kafka.producer.record.queue.time.avg", .value = 2.5}, {.name = "sent.total", .value = 3, .sum = true, .attribute = "a\"b"}},
           kafka::Compression::zstd),
      ErrorCode::none);
  const auto text = telemetry.text();
  EXPECT_NE(text.find("# TYPE org_apache_kafka_producer_record_queue_time_avg "
                      "gauge\norg_apache_kafka_producer_record_queue_time_avg{client_id=\"app-1\",client_instance_id=\"" +
                      id.to_string() + "\"} 2.5\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("# TYPE sent_total counter"), std::string::npos) << text;
  EXPECT_NE(text.find("topic=\"a\\\"b\""), std::string::npos) << text;
}

TEST_F(TelemetryTest, DeltasAddUpAndCumulativeSumsReplace) {
  ask();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(push({{.name = "d", .value = 2, .sum = true, .delta = true}, {.name = "c", .value = 2, .sum = true}}), ErrorCode::none);
    later(milliseconds(1000));
  }
  const auto text = telemetry.text();
  EXPECT_NE(text.find("} 6\n"), std::string::npos) << text;
  EXPECT_NE(text.find("} 2\n"), std::string::npos) << text;
}

TEST_F(TelemetryTest, AClientThatAsksOrPushesTooOftenIsThrottled) {
  ask();
  EXPECT_EQ(telemetry.subscription(image, id, identity).error_code, ErrorCode::throttling_quota_exceeded);
  EXPECT_EQ(push({}), ErrorCode::none);
  EXPECT_EQ(push({}), ErrorCode::throttling_quota_exceeded);
  EXPECT_EQ(push({}, kafka::Compression::none, true), ErrorCode::none) << "the last one is let through";
  later(milliseconds(1000));
  EXPECT_EQ(push({}), ErrorCode::invalid_request) << "it had said that it ends";
}

TEST_F(TelemetryTest, AChangedSubscriptionIsAskedForAtOnce) {
  ask();
  subscribe("more", {{"metrics", "x."}, {"interval.ms", "500"}});
  EXPECT_EQ(push({}), ErrorCode::unknown_subscription_id);
  later(milliseconds(1));
  ask();
  EXPECT_EQ(push({}), ErrorCode::none);
}

TEST_F(TelemetryTest, BadPushesAreRefused) {
  ask();
  EXPECT_EQ(push({{.name = std::string(5000, 'x'), .value = 1}}), ErrorCode::telemetry_too_large);
  later(milliseconds(1000));
  EXPECT_EQ(push({}, static_cast<kafka::Compression>(0)), ErrorCode::none);
  later(milliseconds(1000));
  kafka::PushTelemetryRequest request;
  request.subscription_id = subscription;
  EXPECT_EQ(telemetry.push(image, request, identity), ErrorCode::invalid_request) << "no instance id";
  request.client_instance_id = id;
  request.compression_type = 9;
  EXPECT_EQ(telemetry.push(image, request, identity), ErrorCode::unsupported_compression_type);
  later(milliseconds(1000));
  request.compression_type = 4;
  request.metrics.data = "not zstd";
  EXPECT_EQ(telemetry.push(image, request, identity), ErrorCode::invalid_record);
  later(milliseconds(1000));
  request.metrics.data = *kafka::compress(kafka::Compression::zstd, std::string(1 << 20, '\0'));  // unfolds to more than 16 times the limit
  EXPECT_EQ(telemetry.push(image, request, identity), ErrorCode::invalid_record);
  EXPECT_EQ(telemetry.text(), "");
}

TEST_F(TelemetryTest, NoClientTakesMoreThanItsShare) {
  ask();
  EXPECT_EQ(push({{.name = "short", .value = 1}, {.name = "long", .value = 1, .attribute = std::string(1100, 'x')}}), ErrorCode::none);
  const auto text = telemetry.text();
  EXPECT_NE(text.find("short"), std::string::npos);
  EXPECT_EQ(text.find("long"), std::string::npos);
  image.resource_configs.clear();
  later(milliseconds(1000));
  const auto unasked = telemetry.subscription(image, id, identity);
  subscription = unasked.subscription_id;
  EXPECT_EQ(push({{.name = "unasked", .value = 1}}), ErrorCode::none);
  EXPECT_EQ(telemetry.text().find("unasked"), std::string::npos);
}

TEST_F(TelemetryTest, SilentClientsAreForgotten) {
  ask();
  EXPECT_EQ(push({{.name = "m", .value = 1}}), ErrorCode::none);
  later(milliseconds(2900));
  EXPECT_NE(telemetry.text(), "");
  later(milliseconds(200));
  EXPECT_EQ(telemetry.text(), "");
}

TEST(ClientMatch, SaysWhatIsWrong) {
  for (const char* bad : {"client_id", "client_name=x", "client_id=("}) EXPECT_FALSE(metadata::ClientMatch::parse(bad)) << bad;
  EXPECT_TRUE(metadata::ClientMatch::parse(""));
}

}  // namespace
}  // namespace meridian::server
