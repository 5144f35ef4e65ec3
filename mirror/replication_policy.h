// ReplicationPolicy: which topics and groups a link takes, and what a topic is called on the target. Names only; pure.
// Source: MirrorMaker 2's DefaultReplicationPolicy, IdentityReplicationPolicy, DefaultTopicFilter, DefaultGroupFilter.
#pragma once

#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace meridian::mirror {

inline constexpr const char* heartbeats_topic = "heartbeats";

/// A list of regular expressions, full match; `exclude` wins.
class NameFilter {
 public:
  static Result<NameFilter> make(const std::vector<std::string>& include, const std::vector<std::string>& exclude);
  bool takes(const std::string& name) const;

 private:
  std::vector<std::regex> include_;
  std::vector<std::regex> exclude_;
};

struct ReplicationPolicy {
  bool identity = false;
  std::string separator = ".";
  std::string source;  ///< alias of the source cluster
  std::string target;  ///< alias of the target cluster

  /// Name on the target. Identity keeps it, but heartbeats are always told apart by their source.
  std::string remote_topic(const std::string& topic) const;
  /// The source's name for a topic of the target that this link makes; nullopt for others.
  std::optional<std::string> source_topic(const std::string& remote) const;
  /// Its name says that it came from the target, perhaps over several hops: copying it would go round in circles.
  bool is_cycle(const std::string& topic) const;
  /// Topics of the clusters themselves and of mirrors, never copied.
  static bool is_internal(const std::string& topic);
};

std::string offset_map_topic(const std::string& source);
inline constexpr const char* links_topic = "meridian-links.internal";

}  // namespace meridian::mirror
