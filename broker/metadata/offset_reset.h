// OffsetReset: where a share group begins to read a partition (share.auto.offset.reset, KIP-932 and KIP-1106). Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/result.h"

namespace meridian::metadata {

struct OffsetReset {
  enum class Where { earliest, latest, by_duration } where = Where::latest;
  std::int64_t duration_ms = 0;  ///< by_duration: before now

  /// "earliest", "latest" or "by_duration:" and an ISO 8601 duration of days, hours, minutes and seconds: PnDTnHnMn.nS, not negative.
  static Result<OffsetReset> parse(std::string_view text);
};

}  // namespace meridian::metadata
