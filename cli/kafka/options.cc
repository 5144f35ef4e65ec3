#include "cli/kafka/options.h"

#include <algorithm>
#include <charconv>

namespace meridian::cli {

Result<KafkaOptions> KafkaOptions::parse(const std::vector<std::string>& words, const std::vector<std::string>& valued, const std::vector<std::string>& flags) {
  KafkaOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with("--")) return fail(Errc::invalid, word + " is not a recognized option");
    const auto equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    if (std::ranges::find(flags, name) != flags.end()) {
      options.values_[name];
    } else if (std::ranges::find(valued, name) == valued.end()) {
      return fail(Errc::invalid, name + " is not a recognized option");
    } else if (equals != std::string::npos) {
      options.values_[name].push_back(word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      options.values_[name].push_back(words[++i]);
    } else {
      return fail(Errc::invalid, "Option " + name + " requires an argument");
    }
  }
  return options;
}

std::optional<std::string> KafkaOptions::get(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() || it->second.empty() ? std::nullopt : std::optional(it->second.back());
}

std::vector<std::string> KafkaOptions::all(const std::string& name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>{} : it->second;
}

Result<std::int64_t> KafkaOptions::number(const std::string& name) const {
  const auto text = get(name).value_or("");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return fail(Errc::invalid, "Cannot parse argument '" + text + "' of option " + name);
  return value;
}

}  // namespace meridian::cli
