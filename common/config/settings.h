// Settings: a table of typed keys with default, unit and documentation, and values checked against it.
// Sources in rising order: default, file, --set. An unknown key is an error that names the nearest known one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace meridian::config {

/// Kafka's ConfigDef types; the numbers are those of DescribeConfigs.
enum class Type : std::int8_t { boolean = 1, string = 2, int32 = 3, int64 = 5, floating = 6, list = 7 };

struct Setting {
  const char* name;
  Type type;
  const char* default_value;  ///< nullptr: no default, the value is null
  const char* documentation;  ///< with unit and limits
  std::int64_t min = INT64_MIN;
  std::int64_t max = INT64_MAX;
  const char* allowed = nullptr;     ///< '|'-separated choices of a string, or of each element of a list
  const char* broker_key = nullptr;  ///< topic settings: the broker setting that is its default
};

class Settings {
 public:
  explicit Settings(std::span<const Setting> table) : table_(table) {}

  const Setting* find(std::string_view name) const;
  std::span<const Setting> table() const { return table_; }

  /// Checks and stores a value.
  Status set(const std::string& name, const std::string& value);
  /// "KEY=VALUE"
  Status set_assignment(std::string_view assignment);
  /// Reads a YAML mapping; nested mappings join their keys with dots. Errors carry line and column.
  Status load_yaml(const std::string& path);
  /// Checks a value without storing it.
  Status check(const Setting& setting, const std::string& value) const;

  bool is_set(std::string_view name) const { return values_.contains(name); }
  std::optional<std::string> raw(std::string_view name) const;
  std::string string(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  bool boolean(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

 private:
  std::span<const Setting> table_;
  std::map<std::string, std::string, std::less<>> values_;
};

/// The nearest of `known` within three edits, for "did you mean".
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);
/// Splits "a, b,c" at commas and trims blanks; empty pieces are dropped.
std::vector<std::string> split_list(std::string_view text);

/// Keys and values of a Java properties file (mm2.properties): '=' or ':' separators, '#' and '!' comments, '\' continuation.
Result<std::vector<std::pair<std::string, std::string>>> read_properties(std::string_view text);

}  // namespace meridian::config
