#include "mirror/config.h"

#include <gtest/gtest.h>

#include <fstream>

namespace meridian::mirror {
namespace {

std::string file(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + name;
  std::ofstream(path) << text;
  return path;
}

TEST(MirrorConfig, YamlWithDefaults) {
  const auto config = load_config(file("a.yaml", "clusters:\n  us: {bootstrap: \"a:1\"}\n  eu: {bootstrap: \"b:1\"}\nlinks:\n  - {source: us, target: eu}\n"));
  ASSERT_TRUE(config) << config.error().message;
  const auto& link = config->links.at(0);
  EXPECT_EQ(link.name, "us-eu");
  EXPECT_EQ(link.policy.remote_topic("t"), "us.t");
  EXPECT_TRUE(link.topics.takes("orders"));
  EXPECT_FALSE(link.topics.takes("x.internal"));
  EXPECT_FALSE(link.groups.takes("console-consumer-7"));
}

TEST(MirrorConfig, ErrorsNameThePlaceAndSuggest) {
  const auto config = load_config(
      file("b.yaml", "clusters:\n  us: {bootstrap: \"a:1\"}\n  eu: {bootstrap: \"b:1\"}\nlinks:\n  - {source: us, target: eu, compresion: zstd}\n"));
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(":5:"), std::string::npos) << config.error().message;
  EXPECT_NE(config.error().message.find("did you mean 'compression'?"), std::string::npos) << config.error().message;
}

TEST(MirrorConfig, UnknownClustersAndBadPatternsAreRefused) {
  EXPECT_FALSE(load_config(file("c.yaml", "clusters:\n  us: {bootstrap: \"a:1\"}\nlinks:\n  - {source: us, target: mars}\n")));
  EXPECT_FALSE(load_config(
      file("d.yaml", "clusters:\n  us: {bootstrap: \"a:1\"}\n  eu: {bootstrap: \"b:1\"}\nlinks:\n  - {source: us, target: eu, topics: [\"(\"]}\n")));
  EXPECT_FALSE(load_config("/nowhere/mirror.yaml"));
}

TEST(MirrorConfig, Mm2PropertiesWithLinkOverrides) {
  const auto config = load_config(file("mm2.properties",
                                       "clusters = A, B\nA.bootstrap.servers = a:1\nB.bootstrap.servers = b:1\n"
                                       "topics = x.*\nA->B.enabled = true\nA->B.topics = foo, \\\n  bar\nB->A.enabled = false\n"
                                       "tasks.max = 9\nreplication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy\n"));
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->links.size(), 1u);
  EXPECT_TRUE(config->links[0].topics.takes("bar"));
  EXPECT_FALSE(config->links[0].topics.takes("xyz")) << "the link's own property wins";
  EXPECT_TRUE(config->links[0].policy.identity);
  EXPECT_EQ(config->unused, std::vector<std::string>{"tasks.max"}) << "nothing is ignored in silence";
}

TEST(ReplicationPolicy, NamesCyclesAndInternalTopics) {
  ReplicationPolicy policy{.source = "us", .target = "eu"};
  EXPECT_EQ(policy.source_topic("us.t"), "t");
  EXPECT_EQ(policy.source_topic("t"), std::nullopt);
  EXPECT_TRUE(policy.is_cycle("eu.t"));
  EXPECT_TRUE(policy.is_cycle("ap.eu.t"));
  EXPECT_FALSE(policy.is_cycle("ap.t"));
  EXPECT_TRUE(ReplicationPolicy::is_internal("__consumer_offsets"));
  EXPECT_TRUE(ReplicationPolicy::is_internal("mm2-offsets.us.internal"));
  policy.identity = true;
  EXPECT_EQ(policy.remote_topic("t"), "t");
  EXPECT_EQ(policy.remote_topic("heartbeats"), "us.heartbeats") << "heartbeats are told apart by their source";
}

}  // namespace
}  // namespace meridian::mirror
