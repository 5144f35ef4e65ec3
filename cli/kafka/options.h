// The options of Kafka's scripts, as far as meridian's aliases know them: "--name value" or "--name=value", and flags.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace meridian::cli {

class KafkaOptions {
 public:
  /// `valued` and `flags` without dashes. An option that is in neither is an error in Kafka's words.
  static Result<KafkaOptions> parse(const std::vector<std::string>& words, const std::vector<std::string>& valued, const std::vector<std::string>& flags);

  bool has(const std::string& name) const { return values_.contains(name); }
  std::optional<std::string> get(const std::string& name) const;
  /// Every value of a repeatable option, also "a,b".
  std::vector<std::string> all(const std::string& name) const;
  Result<std::int64_t> number(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace meridian::cli
