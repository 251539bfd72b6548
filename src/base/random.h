// Seeded pseudo-random numbers for decisions that need no secrecy: election timeouts, back-off, tests, the simulator.
//
// Equal seeds give equal sequences on every platform. Secrets come from crypto's host-supplied entropy, never from
// here.
#pragma once

#include <cstdint>

#include "base/assert.h"

namespace rz {

// xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64 as its authors advise.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) word = split_mix(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), without bias: the few draws that would be one are drawn again.
  std::uint64_t below(std::uint64_t bound) {
    RZ_REQUIRE(bound > 0);
    const std::uint64_t rejected_below = (0 - bound) % bound;
    for (;;) {
      const std::uint64_t draw = next();
      if (draw >= rejected_below) return draw % bound;
    }
  }

  // Uniform in [begin, end).
  std::uint64_t between(std::uint64_t begin, std::uint64_t end) {
    RZ_REQUIRE(begin < end);
    return begin + below(end - begin);
  }

  // True with probability numerator/denominator.
  bool chance(std::uint64_t numerator, std::uint64_t denominator) { return below(denominator) < numerator; }

 private:
  static std::uint64_t rotate_left(std::uint64_t value, int by) { return value << by | value >> (64 - by); }
  static std::uint64_t split_mix(std::uint64_t& seed) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
  }

  std::uint64_t state_[4];
};

}  // namespace rz
