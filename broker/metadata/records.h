// Metadata values: a version byte, then a field list in flexible encoding. Keys: docs/formats/metadata.md.
#pragma once

#include <map>

#include "common/kafka/codec.h"

namespace meridian::metadata {

struct ClusterRecord {
  std::string cluster_id;
  void fields(this auto& self, auto& f) { f(self.cluster_id); }
};

struct TopicRecord {
  Uuid id;
  std::int32_t partition_count = 0;
  void fields(this auto& self, auto& f) {
    f(self.id);
    f(self.partition_count);
  }
};

struct PartitionRecord {
  std::vector<std::int32_t> replicas;
  std::vector<std::int32_t> isr;
  std::int32_t leader = -1;
  std::int32_t leader_epoch = 0;
  std::int32_t partition_epoch = 0;
  void fields(this auto& self, auto& f) {
    f(self.replicas);
    f(self.isr);
    f(self.leader);
    f(self.leader_epoch);
    f(self.partition_epoch);
  }
  bool operator==(const PartitionRecord&) const = default;
};

struct ConfigEntry {
  std::string name;
  std::string value;
  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
  }
};
struct ConfigRecord {
  std::vector<ConfigEntry> entries;
  void fields(this auto& self, auto& f) { f(self.entries); }
};

struct ProducerIdRecord {
  std::int64_t next = 0;
  void fields(this auto& self, auto& f) { f(self.next); }
};

struct FeatureEntry {
  std::string name;
  std::int16_t level = 0;
  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.level);
  }
};
struct FeaturesRecord {
  std::vector<FeatureEntry> entries;
  void fields(this auto& self, auto& f) { f(self.entries); }
};

struct QuotaEntry {
  std::string name;
  double value = 0;
  void fields(this auto& self, auto& f) {
    f(self.name);
    f(self.value);
  }
};
struct QuotaRecord {
  std::vector<QuotaEntry> entries;
  void fields(this auto& self, auto& f) { f(self.entries); }
};

inline constexpr char record_version = 0;

template <class T>
Bytes encode_record(const T& record) {
  Bytes out(1, record_version);
  kafka::encode_struct(out, record, 0, true);
  return out;
}

template <class T>
Result<T> decode_record(ByteView bytes) {
  if (bytes.empty() || bytes[0] != record_version) return fail(Errc::corrupt, "metadata value of an unknown version");
  return kafka::decode_struct<T>(bytes.substr(1), 0, true);
}

/// Keys, below the store's prefix.
inline std::string topic_key(const std::string& name) { return "t/" + name; }
inline std::string partition_key(const Uuid& id, std::int32_t n) { return "p/" + id.to_string() + "/" + std::to_string(n); }
inline std::string topic_config_key(const std::string& name) { return "c/topic/" + name; }
/// `resource` as in MetadataImage::resource_configs.
inline std::string resource_config_key(const std::string& resource) { return "c/" + resource; }
/// "q/" and, per part of the entity, type and name, each with its length before it: "q/4:user5:alice".
std::string quota_key(const std::map<std::string, std::string>& entity);
Result<std::map<std::string, std::string>> decode_quota_key(std::string_view key);
inline constexpr const char* cluster_key = "cluster";
inline constexpr const char* producer_id_key = "pid";
inline constexpr const char* features_key = "features";

}  // namespace meridian::metadata
