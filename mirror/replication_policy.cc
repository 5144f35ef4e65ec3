#include "mirror/replication_policy.h"

#include <algorithm>

namespace meridian::mirror {

Result<NameFilter> NameFilter::make(const std::vector<std::string>& include, const std::vector<std::string>& exclude) {
  NameFilter filter;
  const std::pair<const std::vector<std::string>&, std::vector<std::regex>&> lists[] = {{include, filter.include_}, {exclude, filter.exclude_}};
  for (const auto& [patterns, out] : lists)
    for (const auto& pattern : patterns) {
      try {
        out.emplace_back(pattern, std::regex::ECMAScript | std::regex::optimize);
      } catch (const std::regex_error& e) {
        return fail(Errc::invalid, "'" + pattern + "' is not a regular expression: " + e.what());
      }
    }
  return filter;
}

bool NameFilter::takes(const std::string& name) const {
  const auto matches = [&name](const std::regex& pattern) { return std::regex_match(name, pattern); };
  return std::ranges::any_of(include_, matches) && std::ranges::none_of(exclude_, matches);
}

std::string ReplicationPolicy::remote_topic(const std::string& topic) const {
  if (identity && !topic.ends_with(heartbeats_topic)) return topic;
  return source + separator + topic;
}

std::optional<std::string> ReplicationPolicy::source_topic(const std::string& remote) const {
  const std::string prefix = source + separator;
  if (remote.starts_with(prefix) && remote.size() > prefix.size()) return remote.substr(prefix.size());
  if (identity && !remote.ends_with(heartbeats_topic)) return remote;
  return std::nullopt;
}

bool ReplicationPolicy::is_cycle(const std::string& topic) const {
  // us.eu.us.t: every leading part that is the target's alias closes a circle.
  std::string rest = topic;
  for (auto at = rest.find(separator); at != std::string::npos; at = rest.find(separator)) {
    if (rest.substr(0, at) == target) return true;
    rest = rest.substr(at + separator.size());
  }
  return false;
}

bool ReplicationPolicy::is_internal(const std::string& topic) {
  return topic.starts_with("__") || topic.starts_with(".") || topic.ends_with("-internal") || topic.ends_with(".internal");
}

std::string offset_map_topic(const std::string& source) { return "meridian-offset-map." + source + ".internal"; }

}  // namespace meridian::mirror
