// The cluster's topics, as a test sets them.
#pragma once

#include "broker/coordinator/group/consumer_group.h"

namespace meridian::coordinator::group {

class Topics final : public TopicView {
 public:
  std::optional<Topic> find(const std::string& name) const override {
    const auto it = topics.find(name);
    return it == topics.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<std::string> name(const Uuid& id) const override {
    for (const auto& [name, topic] : topics)
      if (topic.id == id) return name;
    return std::nullopt;
  }
  Result<std::set<std::string>> matching(const std::string& regex) const override {
    std::set<std::string> names;
    for (const auto& [name, topic] : topics)
      if (name.starts_with(regex)) names.insert(name);
    return names;
  }
  std::int64_t revision() const override { return changes; }
  void set(const std::string& name, std::int32_t partitions) {
    Uuid id;
    id.bytes[0] = name.back();
    topics[name] = {id, partitions};
    ++changes;
  }
  std::map<std::string, Topic> topics;
  std::int64_t changes = 0;
};

}  // namespace meridian::coordinator::group
