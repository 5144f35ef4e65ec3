#include "common/config/settings.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "common/base/check.h"

namespace meridian::config {
namespace {

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\f");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\f") - from + 1);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row[b.size()];
}

bool is_allowed(const char* allowed, std::string_view value) {
  for (std::string_view rest = allowed; !rest.empty();) {
    const auto bar = rest.find('|');
    if (rest.substr(0, bar) == value) return true;
    rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  std::size_t best_distance = 4;
  for (const auto& candidate : known) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance) best_distance = distance, best = candidate;
  }
  return best;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (const auto part = trim(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

const Setting* Settings::find(std::string_view name) const {
  const auto it = std::ranges::find_if(table_, [name](const Setting& setting) { return name == setting.name; });
  return it == table_.end() ? nullptr : &*it;
}

Status Settings::check(const Setting& setting, const std::string& value) const {
  const auto bad = [&](const std::string& why) {
    return fail(Errc::invalid, fmt::format("Invalid value {} for configuration {}: {}", value, setting.name, why));
  };
  switch (setting.type) {
    case Type::boolean:
      if (value != "true" && value != "false") return bad("Expected value to be either true or false");
      return {};
    case Type::int32:
    case Type::int64: {
      const auto number = parse_integer(value);
      if (!number) return bad("Not a number");
      const auto min = setting.type == Type::int32 ? std::max<std::int64_t>(setting.min, INT32_MIN) : setting.min;
      const auto max = setting.type == Type::int32 ? std::min<std::int64_t>(setting.max, INT32_MAX) : setting.max;
      if (*number < min) return bad(fmt::format("Value must be at least {}", min));
      if (*number > max) return bad(fmt::format("Value must be no more than {}", max));
      return {};
    }
    case Type::floating: {
      char* end = nullptr;
      const double number = std::strtod(value.c_str(), &end);
      if (value.empty() || *end != '\0') return bad("Not a number");
      const bool bounded = setting.max != INT64_MAX;
      if ((bounded || setting.min != INT64_MIN) && (number < static_cast<double>(setting.min) || (bounded && number > static_cast<double>(setting.max))))
        return bad("Out of range");
      return {};
    }
    case Type::string:
      if (setting.allowed && !is_allowed(setting.allowed, value)) return bad(fmt::format("String must be one of: {}", setting.allowed));
      return {};
    case Type::list:
      if (setting.allowed)
        for (const auto& part : split_list(value))
          if (!is_allowed(setting.allowed, part)) return bad(fmt::format("Each must be one of: {}", setting.allowed));
      return {};
  }
  return {};
}

Status Settings::set(const std::string& name, const std::string& value) {
  const Setting* setting = find(name);
  if (!setting) {
    std::vector<std::string> known;
    for (const auto& entry : table_) known.emplace_back(entry.name);
    const auto hint = nearest(name, known);
    return fail(Errc::invalid, fmt::format("unknown setting '{}'{}", name, hint ? fmt::format("; did you mean '{}'?", *hint) : ""));
  }
  if (auto valid = check(*setting, value); !valid) return valid;
  values_[name] = value;
  return {};
}

Status Settings::set_assignment(std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) return fail(Errc::invalid, fmt::format("'{}' is not KEY=VALUE", assignment));
  return set(std::string(trim(assignment.substr(0, equals))), std::string(trim(assignment.substr(equals + 1))));
}

namespace {

Status load_node(Settings& settings, const YAML::Node& node, const std::string& prefix, const std::string& path) {
  for (const auto& entry : node) {
    const std::string key = prefix.empty() ? entry.first.as<std::string>() : prefix + "." + entry.first.as<std::string>();
    const auto at = [&](const YAML::Mark& mark, const std::string& what) {
      return fail(Errc::invalid, fmt::format("{}:{}:{}: {}", path, mark.line + 1, mark.column + 1, what));
    };
    if (entry.second.IsMap()) {
      if (auto done = load_node(settings, entry.second, key, path); !done) return done;
      continue;
    }
    std::string value;
    if (entry.second.IsSequence()) {
      for (const auto& item : entry.second) value += (value.empty() ? "" : ",") + item.as<std::string>();
    } else if (entry.second.IsScalar()) {
      value = entry.second.as<std::string>();
    } else {
      return at(entry.first.Mark(), fmt::format("'{}' has no value", key));
    }
    if (auto done = settings.set(key, value); !done) return at(entry.first.Mark(), done.error().message);
  }
  return {};
}

}  // namespace

Status Settings::load_yaml(const std::string& path) {
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return fail(Errc::invalid, path + ": expected a mapping of settings");
    return load_node(*this, root, "", path);
  } catch (const YAML::BadFile&) {
    return fail(Errc::not_found, "cannot read " + path);
  } catch (const YAML::Exception& e) {
    return fail(Errc::invalid, fmt::format("{}:{}:{}: {}", path, e.mark.line + 1, e.mark.column + 1, e.msg));
  }
}

std::optional<std::string> Settings::raw(std::string_view name) const {
  if (const auto it = values_.find(name); it != values_.end()) return it->second;
  const Setting* setting = find(name);
  CHECK(setting != nullptr);
  return setting->default_value ? std::optional<std::string>(setting->default_value) : std::nullopt;
}

std::string Settings::string(std::string_view name) const { return raw(name).value_or(""); }
std::int64_t Settings::integer(std::string_view name) const { return parse_integer(string(name)).value_or(0); }
bool Settings::boolean(std::string_view name) const { return string(name) == "true"; }

Result<std::vector<std::pair<std::string, std::string>>> read_properties(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  int line_number = 0;
  while (!text.empty()) {
    std::string line;
    for (bool more = true; more && !text.empty();) {
      const auto newline = text.find('\n');
      std::string_view part = trim(text.substr(0, newline));
      text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
      ++line_number;
      more = part.ends_with('\\');
      if (more) part.remove_suffix(1);
      line += part;
    }
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    // "A->B.topics = x": the first '=' or ':' outside of the arrow separates.
    const auto separator = line.find_first_of("=:");
    if (separator == std::string::npos) return fail(Errc::invalid, fmt::format("line {}: no '=' in '{}'", line_number, line));
    out.emplace_back(trim(std::string_view(line).substr(0, separator)), trim(std::string_view(line).substr(separator + 1)));
  }
  return out;
}

}  // namespace meridian::config
