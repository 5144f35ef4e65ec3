// Pattern: a regular expression in RE2 syntax, which Kafka's brokers use too: linear time whatever the expression.
#pragma once

#include <memory>
#include <string_view>

#include "common/base/result.h"

namespace meridian::base {

class Pattern {
 public:
  /// Errc::invalid says what is wrong with the expression.
  static Result<Pattern> compile(std::string_view expression);
  /// Does the whole of `text` match?
  bool matches(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace meridian::base
