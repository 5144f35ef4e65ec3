// What consumers of the classic protocol put into the opaque bytes of JoinGroup and SyncGroup (Kafka's ConsumerProtocolSubscription and
// ConsumerProtocolAssignment): an INT16 version, then a field list in classic encoding.
#pragma once

#include "common/kafka/codec.h"

namespace meridian::kafka {

struct ConsumerTopicPartitions {
  std::string topic;
  std::vector<std::int32_t> partitions;
  void fields(this auto& self, auto& f) {
    f(self.topic);
    f(self.partitions);
  }
};

struct ConsumerSubscription {  // versions 0 to 3
  std::vector<std::string> topics;
  std::optional<Blob> user_data;
  std::vector<ConsumerTopicPartitions> owned;
  std::int32_t generation = -1;
  std::optional<std::string> rack;
  void fields(this auto& self, auto& f) {
    f(self.topics);
    f(self.user_data);
    f(self.owned, since(1));
    f(self.generation, since(2));
    f(self.rack, since(3));
  }
};

struct ConsumerAssignment {  // version 0 to 3
  std::vector<ConsumerTopicPartitions> assigned;
  std::optional<Blob> user_data;
  void fields(this auto& self, auto& f) {
    f(self.assigned);
    f(self.user_data);
  }
};

/// Versions above the newest known one are read as the newest: fields are only ever added at the end.
template <class T>
Result<T> decode_consumer_protocol(ByteView bytes) {
  constexpr std::int16_t newest = 3;
  if (bytes.size() < 2) return fail(Errc::corrupt, "consumer protocol data is cut short");
  const auto version = base::load_be<std::int16_t>(bytes.data());
  if (version < 0) return fail(Errc::corrupt, "consumer protocol data of a negative version");
  return decode_struct<T>(bytes.substr(2), std::min(version, newest), false);
}

template <class T>
Bytes encode_consumer_protocol(const T& value, std::int16_t version) {
  Bytes out;
  base::append_be(out, version);
  encode_struct(out, value, version, false);
  return out;
}

}  // namespace meridian::kafka
