// The arithmetic of majorities, joint or not (dissertation 3.4, 3.6.2, 4.3). Pure functions; members are asked for
// through a callback, so that the same code counts votes, matches and read rounds.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "raft/wire/configuration.h"

namespace rz::raft {

enum class VoteResult : std::uint8_t { pending, won, lost };
enum class Vote : std::uint8_t { missing, granted, refused };

namespace quorum_detail {

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

template <class VoteOf>
VoteResult count_votes(const std::vector<Member>& half, VoteOf&& vote_of) {
  std::size_t granted = 0;
  std::size_t missing = 0;
  for (const Member& member : half) {
    const Vote vote = vote_of(member);
    granted += vote == Vote::granted ? 1 : 0;
    missing += vote == Vote::missing ? 1 : 0;
  }
  const std::size_t majority = half.size() / 2 + 1;
  if (granted >= majority) return VoteResult::won;
  return granted + missing >= majority ? VoteResult::pending : VoteResult::lost;
}

}  // namespace quorum_detail

// The greatest value that a quorum has reached, where `value_of(member)` says what a voter has.
template <class ValueOf>
std::uint64_t quorum_value(const Configuration& configuration, ValueOf&& value_of) {
  const std::uint64_t incoming = quorum_detail::majority_value(configuration.voters, value_of);
  if (!configuration.is_joint()) return incoming;
  return std::min(incoming, quorum_detail::majority_value(configuration.outgoing, value_of));
}

// Without voters nothing is ever won.
template <class VoteOf>
VoteResult quorum_vote(const Configuration& configuration, VoteOf&& vote_of) {
  const VoteResult incoming = quorum_detail::count_votes(configuration.voters, vote_of);
  if (!configuration.is_joint()) return incoming;
  const VoteResult outgoing = quorum_detail::count_votes(configuration.outgoing, vote_of);
  if (incoming == VoteResult::lost || outgoing == VoteResult::lost) return VoteResult::lost;
  return incoming == VoteResult::won && outgoing == VoteResult::won ? VoteResult::won : VoteResult::pending;
}

}  // namespace rz::raft
