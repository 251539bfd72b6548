// The arithmetic of majorities, joint or not (dissertation 3.4, 3.6.2, 4.3). One function counts votes (as 0 and 1),
// matches and rounds alike: what has a quorum reached?
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "raft/wire/configuration.h"

namespace rz::raft {

// The greatest value that a majority of `half` has reached; 0 for nobody.
template <class ValueOf>
std::uint64_t majority_value(const std::vector<Member>& half, ValueOf&& value_of) {
  std::array<std::uint64_t, Configuration::members_max> values;
  const std::size_t count = half.size();
  if (count == 0) return 0;
  for (std::size_t i = 0; i < count; ++i) values[i] = value_of(half[i]);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((count - 1) / 2);
  std::nth_element(values.begin(), at, values.begin() + static_cast<std::ptrdiff_t>(count));
  return *at;
}

// The greatest value that a quorum has reached, where `value_of(member)` says what a voter has.
template <class ValueOf>
std::uint64_t quorum_value(const Configuration& configuration, ValueOf&& value_of) {
  const std::uint64_t incoming = majority_value(configuration.voters, value_of);
  if (!configuration.is_joint()) return incoming;
  return std::min(incoming, majority_value(configuration.outgoing, value_of));
}

}  // namespace rz::raft
