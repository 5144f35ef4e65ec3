#include "broker/metadata/records.h"

namespace meridian::metadata {

std::string quota_key(const std::map<std::string, std::string>& entity) {
  std::string key = "q/";
  for (const auto& [type, name] : entity)
    for (const auto& part : {type, name}) key += std::to_string(part.size()) + ":" + part;
  return key;
}

Result<std::map<std::string, std::string>> decode_quota_key(std::string_view key) {
  const auto bad = [&] { return fail(Errc::corrupt, "metadata key " + std::string(key) + " is no quota"); };
  std::string_view rest = key.substr(2);
  std::vector<std::string> parts;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon > 9) return bad();
    std::size_t size = 0;
    for (const char c : rest.substr(0, colon)) {
      if (c < '0' || c > '9') return bad();
      size = size * 10 + static_cast<std::size_t>(c - '0');
    }
    rest.remove_prefix(colon + 1);
    if (size > rest.size()) return bad();
    parts.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  if (parts.empty() || parts.size() % 2 != 0) return bad();
  std::map<std::string, std::string> entity;
  for (std::size_t i = 0; i < parts.size(); i += 2) entity[parts[i]] = parts[i + 1];
  return entity;
}

}  // namespace meridian::metadata
