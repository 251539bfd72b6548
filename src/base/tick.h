// Time as the core sees it: handed in, never asked for.
//
// `Tick` is a point on the host's monotonic clock (it may stop while the machine sleeps), `UnixMs` what the wall clock
// claims. They never mix: order and safety use neither, timers use ticks, people read UnixMs.
#pragma once

#include <compare>
#include <cstdint>

namespace rz {

struct Duration {
  std::int64_t us = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator*(Duration d, std::int64_t n) { return {d.us * n}; }
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
};

constexpr Duration microseconds(std::int64_t n) { return {n}; }
constexpr Duration milliseconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000}; }

struct Tick {
  std::uint64_t us = 0;
  friend constexpr auto operator<=>(Tick, Tick) = default;
  friend constexpr Tick operator+(Tick t, Duration d) { return {t.us + static_cast<std::uint64_t>(d.us)}; }
  friend constexpr Duration operator-(Tick a, Tick b) { return {static_cast<std::int64_t>(a.us - b.us)}; }
};

struct UnixMs {
  std::uint64_t ms = 0;
  friend constexpr auto operator<=>(UnixMs, UnixMs) = default;
};

}  // namespace rz
