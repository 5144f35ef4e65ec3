#include "mirror/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace meridian::mirror {
namespace {

// MirrorMaker 2's defaults.
const std::vector<std::string> default_topics = {".*"};
const std::vector<std::string> default_topics_exclude = {R"(.*[\-\.]internal)", R"(.*\.replica)", "__.*"};
const std::vector<std::string> default_groups = {".*"};
const std::vector<std::string> default_groups_exclude = {"console-consumer-.*", "connect-.*", "__.*"};

/// A link as text, from either file format, before it is checked.
struct RawLink {
  std::string name, source, target, naming = "prefix", separator = ".", compression = "zstd", group_policy = "never-back", fence = "auto";
  std::vector<std::string> topics = default_topics, topics_exclude = default_topics_exclude;
  std::vector<std::string> groups = default_groups, groups_exclude = default_groups_exclude;
  bool follow_groups = true, heartbeats = true;
  int replication_factor = -1, lanes = 4;
  std::int64_t refresh_topics_ms = 1000, refresh_groups_ms = 500;
};

Result<LinkConfig> build(const RawLink& raw, const MirrorConfig& config) {
  LinkConfig link;
  link.name = raw.name.empty() ? raw.source + "-" + raw.target : raw.name;
  const auto bad = [&](const std::string& what) { return fail(Errc::invalid, fmt::format("link {}: {}", link.name, what)); };
  for (const auto& alias : {raw.source, raw.target})
    if (!config.clusters.contains(alias)) return bad(fmt::format("cluster '{}' is not described under clusters", alias));
  if (raw.source == raw.target) return bad("source and target are the same cluster");
  if (raw.naming != "prefix" && raw.naming != "identity") return bad("naming is 'prefix' or 'identity'");
  if (raw.group_policy != "never-back" && raw.group_policy != "source-wins") return bad("group_policy is 'never-back' or 'source-wins'");
  if (raw.fence != "auto" && raw.fence != "transactional") return bad("fence is 'auto' or 'transactional'");
  if (raw.lanes < 1 || raw.lanes > 256) return bad("lanes is 1 to 256");
  if (raw.refresh_topics_ms < 1 || raw.refresh_groups_ms < 1) return bad("refresh intervals are at least 1 ms");
  link.source = raw.source;
  link.target = raw.target;
  link.policy = {.identity = raw.naming == "identity", .separator = raw.separator, .source = raw.source, .target = raw.target};
  auto topics = NameFilter::make(raw.topics, raw.topics_exclude);
  if (!topics) return bad(topics.error().message);
  auto groups = NameFilter::make(raw.groups, raw.groups_exclude);
  if (!groups) return bad(groups.error().message);
  const auto compression = kafka::parse_compression(raw.compression);
  if (!compression) return bad(compression.error().message);
  link.topics = std::move(*topics);
  link.groups = std::move(*groups);
  link.compression = *compression;
  link.group_policy = raw.group_policy == "never-back" ? GroupPolicy::never_back : GroupPolicy::source_wins;
  link.append_at = raw.fence == "auto";
  link.follow_groups = raw.follow_groups;
  link.heartbeats = raw.heartbeats;
  link.replication_factor = static_cast<std::int16_t>(raw.replication_factor);
  link.lanes = raw.lanes;
  link.refresh_topics = std::chrono::milliseconds(raw.refresh_topics_ms);
  link.refresh_groups = std::chrono::milliseconds(raw.refresh_groups_ms);
  return link;
}

// ---- YAML

class YamlReader {
 public:
  explicit YamlReader(std::string path) : path_(std::move(path)) {}

  Result<MirrorConfig> read() {
    const YAML::Node root = YAML::LoadFile(path_);
    if (!root.IsMap()) return at(root, "expected a mapping with clusters and links");
    if (auto known = only(root, {"config_version", "admin", "clusters", "links"}); !known) return fail(known.error());
    MirrorConfig config;
    if (root["config_version"] && root["config_version"].as<int>() != 1) return at(root["config_version"], "config_version 1 is the one known here");
    if (root["admin"]) {
      auto endpoint = io::Endpoint::parse(root["admin"].as<std::string>());
      if (!endpoint) return at(root["admin"], endpoint.error().message);
      config.admin = *endpoint;
    }
    for (const auto& entry : root["clusters"]) {
      ClusterConfig cluster;
      cluster.alias = entry.first.as<std::string>();
      if (auto known = only(entry.second, {"bootstrap", "client"}); !known) return fail(known.error());
      if (!entry.second["bootstrap"]) return at(entry.first, "bootstrap is missing");
      cluster.bootstrap = entry.second["bootstrap"].as<std::string>();
      for (const auto& property : entry.second["client"]) cluster.client.emplace_back(property.first.as<std::string>(), property.second.as<std::string>());
      config.clusters[cluster.alias] = std::move(cluster);
    }
    for (const auto& node : root["links"]) {
      auto raw = link(node);
      if (!raw) return fail(raw.error());
      auto built = build(*raw, config);
      if (!built) return at(node, built.error().message);
      config.links.push_back(std::move(*built));
    }
    if (config.links.empty()) return at(root, "there are no links");
    return config;
  }

 private:
  std::unexpected<Error> at(const YAML::Node& node, const std::string& what) const {
    return fail(Errc::invalid, fmt::format("{}:{}:{}: {}", path_, node.Mark().line + 1, node.Mark().column + 1, what));
  }

  Status only(const YAML::Node& node, const std::vector<std::string>& known) const {
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      if (std::ranges::find(known, key) != known.end()) continue;
      const auto hint = config::nearest(key, known);
      return at(entry.first, fmt::format("unknown key '{}'{}", key, hint ? fmt::format("; did you mean '{}'?", *hint) : ""));
    }
    return {};
  }

  static void take(const YAML::Node& node, std::vector<std::string>& out) {
    out.clear();
    if (node.IsScalar()) out.push_back(node.as<std::string>());
    for (const auto& item : node) out.push_back(item.as<std::string>());
  }

  Result<RawLink> link(const YAML::Node& node) {
    if (auto known =
            only(node, {"name", "source", "target", "naming", "separator", "compression", "group_policy", "topics", "topics_exclude", "groups",
                        "groups_exclude", "follow_groups", "heartbeats", "replication_factor", "lanes", "fence", "refresh_topics_ms", "refresh_groups_ms"});
        !known)
      return fail(known.error());
    RawLink raw;
    const std::pair<const char*, std::string&> texts[] = {{"name", raw.name},
                                                          {"source", raw.source},
                                                          {"target", raw.target},
                                                          {"naming", raw.naming},
                                                          {"separator", raw.separator},
                                                          {"compression", raw.compression},
                                                          {"group_policy", raw.group_policy},
                                                          {"fence", raw.fence}};
    for (const auto& [key, value] : texts)
      if (node[key]) value = node[key].as<std::string>();
    const std::pair<const char*, std::vector<std::string>&> lists[] = {
        {"topics", raw.topics}, {"topics_exclude", raw.topics_exclude}, {"groups", raw.groups}, {"groups_exclude", raw.groups_exclude}};
    for (const auto& [key, value] : lists)
      if (node[key]) take(node[key], value);
    if (node["follow_groups"]) raw.follow_groups = node["follow_groups"].as<bool>();
    if (node["heartbeats"]) raw.heartbeats = node["heartbeats"].as<bool>();
    if (node["replication_factor"]) raw.replication_factor = node["replication_factor"].as<int>();
    if (node["lanes"]) raw.lanes = node["lanes"].as<int>();
    if (node["refresh_topics_ms"]) raw.refresh_topics_ms = node["refresh_topics_ms"].as<std::int64_t>();
    if (node["refresh_groups_ms"]) raw.refresh_groups_ms = node["refresh_groups_ms"].as<std::int64_t>();
    return raw;
  }

  std::string path_;
};

// ---- mm2.properties

using Properties = std::map<std::string, std::string>;

Result<bool> flag(const std::string& key, const std::string& value) {
  if (value == "true" || value == "false") return value == "true";
  return fail(Errc::invalid, key + " is true or false, not '" + value + "'");
}

/// Applies one connector property to a link; false where this mirror does not use it.
Result<bool> apply(RawLink& link, const std::string& key, const std::string& value) {
  const auto seconds = [&](std::int64_t& out) { out = std::max<std::int64_t>(1, std::atoll(value.c_str())) * 1000; };
  if (key == "topics") link.topics = config::split_list(value);
  else if (key == "topics.exclude" || key == "topics.blacklist") link.topics_exclude = config::split_list(value);
  else if (key == "groups") link.groups = config::split_list(value);
  else if (key == "groups.exclude" || key == "groups.blacklist") link.groups_exclude = config::split_list(value);
  else if (key == "replication.factor") link.replication_factor = std::atoi(value.c_str());
  else if (key == "replication.policy.separator") link.separator = value;
  else if (key == "replication.policy.class") link.naming = value.ends_with("IdentityReplicationPolicy") ? "identity" : "prefix";
  else if (key == "refresh.topics.interval.seconds") seconds(link.refresh_topics_ms);
  else if (key == "emit.heartbeats.enabled" || key == "sync.group.offsets.enabled") {
    const auto on = flag(key, value);
    if (!on) return fail(on.error());
    (key[0] == 'e' ? link.heartbeats : link.follow_groups) = *on;
  } else return false;
  return true;
}

Result<MirrorConfig> read_mm2(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::not_found, "cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  const auto pairs = config::read_properties(text.str());
  if (!pairs) return fail(Errc::invalid, path + ": " + pairs.error().message);
  Properties properties(pairs->begin(), pairs->end());
  MirrorConfig config;
  for (const auto& alias : config::split_list(properties["clusters"])) {
    const auto bootstrap = properties.find(alias + ".bootstrap.servers");
    if (bootstrap == properties.end()) return fail(Errc::invalid, path + ": " + alias + ".bootstrap.servers is missing");
    config.clusters[alias] = {.alias = alias, .bootstrap = bootstrap->second, .client = {}};
  }
  if (config.clusters.empty()) return fail(Errc::invalid, path + ": no clusters");
  std::set<std::string> used = {"clusters"};
  for (const auto& [alias, cluster] : config.clusters) used.insert(alias + ".bootstrap.servers");
  for (const auto& [source, from] : config.clusters)
    for (const auto& [target, to] : config.clusters) {
      const std::string prefix = source + "->" + target + ".";
      used.insert(prefix + "enabled");
      const auto enabled = properties.find(prefix + "enabled");
      if (source == target || enabled == properties.end() || enabled->second != "true") continue;
      RawLink raw;
      raw.source = source;
      raw.target = target;
      raw.replication_factor = -1;
      for (const std::string& scope : {std::string(), prefix})  // the link's own properties win
        for (const auto& [key, value] : properties) {
          if (!key.starts_with(scope) || (scope.empty() && key.find("->") != std::string::npos)) continue;
          const auto applied = apply(raw, key.substr(scope.size()), value);
          if (!applied) return fail(applied.error());
          if (*applied) used.insert(key);
        }
      auto built = build(raw, config);
      if (!built) return fail(Errc::invalid, path + ": " + built.error().message);
      config.links.push_back(std::move(*built));
    }
  for (const auto& [key, value] : properties)
    if (!used.contains(key)) config.unused.push_back(key);
  if (config.links.empty()) return fail(Errc::invalid, path + ": no link is enabled (A->B.enabled = true)");
  return config;
}

}  // namespace

Result<MirrorConfig> load_config(const std::string& path) {
  if (path.ends_with(".properties")) return read_mm2(path);
  try {
    return YamlReader(path).read();
  } catch (const YAML::BadFile&) {
    return fail(Errc::not_found, "cannot read " + path);
  } catch (const YAML::Exception& e) {
    return fail(Errc::invalid, fmt::format("{}:{}:{}: {}", path, e.mark.line + 1, e.mark.column + 1, e.msg));
  }
}

}  // namespace meridian::mirror
