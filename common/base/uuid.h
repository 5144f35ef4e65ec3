// Uuid: 16 bytes; its text form is Kafka's (URL-safe base64 without padding, 22 characters).
#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace meridian {

struct Uuid {
  std::array<char, 16> bytes{};

  bool is_zero() const { return *this == Uuid{}; }
  std::string to_string() const;
  static std::optional<Uuid> parse(std::string_view text);
  auto operator<=>(const Uuid&) const = default;
};

}  // namespace meridian
