// Random: the seam for randomness. Production seeds it from the system, simulation from the run's seed.
#pragma once

#include <cstdint>

#include "common/base/uuid.h"

namespace meridian::base {

/// xoshiro256** (Blackman, Vigna 2018), seeded through splitmix64. Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  std::uint64_t next() {
    const std::uint64_t result = rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  /// A version-4 UUID; never Kafka's reserved zero and one ids.
  Uuid uuid() {
    Uuid id;
    for (int half = 0; half < 2; ++half) {
      const std::uint64_t word = next();
      for (int i = 0; i < 8; ++i) id.bytes[half * 8 + i] = static_cast<char>(word >> (8 * i));
    }
    id.bytes[6] = static_cast<char>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<char>((id.bytes[8] & 0x3f) | 0x80);
    return id;
  }

 private:
  static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};

/// A seed from the operating system.
std::uint64_t system_seed();

}  // namespace meridian::base
