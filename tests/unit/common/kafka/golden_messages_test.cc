// Bytes written by Apache Kafka 4.3.1's serializers (tests/golden/GoldenMessages.java) must decode, and encode to the same bytes.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/kafka/messages/dispatch.h"

namespace meridian::kafka {
namespace {

Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

template <class T>
void expect_round_trip(const Bytes& golden, std::int16_t version, bool flexible, const std::string& line) {
  const auto message = decode_message<T>(golden, version);
  ASSERT_TRUE(message) << message.error().message << " in " << line;
  Bytes again;
  Encoder encoder(again, version, flexible);
  encode_message(encoder, *message);
  EXPECT_EQ(again, golden) << line;
}

TEST(GoldenMessages, EveryApiAndVersionDecodesAndEncodesToKafkasBytes) {
  std::ifstream file(std::string(MERIDIAN_SOURCE_DIR) + "/tests/golden/protocol/kafka-4.3.1.txt");
  ASSERT_TRUE(file);
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    std::istringstream in(line);
    int key = 0, seed = 0;
    std::int16_t version = 0;
    std::string kind, hex;
    in >> key >> kind >> version >> seed >> hex;
    const Bytes golden = from_hex(hex);
    const bool known = AllMessages::with(static_cast<std::int16_t>(key), [&]<class Request>() {
      const bool flexible = Request::api.flexible(version);
      if (kind == "request") expect_round_trip<Request>(golden, version, flexible, line);
      else expect_round_trip<typename Request::Response>(golden, version, flexible, line);
    });
    EXPECT_TRUE(known) << line;
    ++count;
  }
  EXPECT_GT(count, 1000);
}

TEST(Decoder, EveryTruncationOfAGoldenMessageIsAnError) {
  std::ifstream file(std::string(MERIDIAN_SOURCE_DIR) + "/tests/golden/protocol/kafka-4.3.1.txt");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream in(line);
    int key = 0, seed = 0;
    std::int16_t version = 0;
    std::string kind, hex;
    in >> key >> kind >> version >> seed >> hex;
    if (seed != 0 || kind != "request") continue;
    const Bytes golden = from_hex(hex);
    AllMessages::with(static_cast<std::int16_t>(key), [&]<class Request>() {
      for (std::size_t n = 0; n < golden.size(); ++n) EXPECT_FALSE(decode_message<Request>(ByteView(golden).substr(0, n), version)) << line << " cut at " << n;
    });
  }
}

TEST(Decoder, AnArrayThatUnfoldsBeyondTheLimitIsRefused) {
  Bytes bytes;
  base::append_be<std::int32_t>(bytes, 100'000'000);  // group names, two bytes each would be enough
  bytes.resize(100'000'100, '\0');
  EXPECT_FALSE(decode_message<DeleteGroupsRequest>(bytes, 0));
}

TEST(Varint, ZigzagMatchesProtobufsExamples) {
  const std::pair<std::int64_t, Bytes> cases[] = {{0, Bytes(1, 0)}, {-1, "\x01"},      {1, "\x02"},
                                                  {-2, "\x03"},     {150, "\xac\x02"}, {INT64_MIN, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}};
  for (const auto& [value, expected] : cases) {
    Bytes out;
    append_varint(out, value);
    EXPECT_EQ(out, expected);
    std::size_t at = 0;
    EXPECT_EQ(read_varint(out, at), value);
    EXPECT_EQ(at, out.size());
  }
}

}  // namespace
}  // namespace meridian::kafka
