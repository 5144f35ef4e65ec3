#include "common/base/pattern.h"

#include <re2/re2.h>

namespace meridian::base {

struct Pattern::Compiled {
  explicit Compiled(std::string_view expression) : regex(re2::StringPiece(expression.data(), expression.size()), RE2::Quiet) {}
  RE2 regex;
};

Result<Pattern> Pattern::compile(std::string_view expression) {
  auto compiled = std::make_shared<const Compiled>(expression);
  if (!compiled->regex.ok()) return fail(Errc::invalid, "regular expression '" + std::string(expression) + "': " + compiled->regex.error());
  Pattern pattern;
  pattern.compiled_ = std::move(compiled);
  return pattern;
}

bool Pattern::matches(std::string_view text) const { return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled_->regex); }

}  // namespace meridian::base
