// Who votes and who listens: the one payload that the core reads.
//
// Joint consensus (dissertation 4.3): while `outgoing` is not empty, elections and commitment need a majority of
// `voters` and a majority of `outgoing`.
//
// Invariants (check_configuration)
//   1. Each list is sorted by id and names a device once.
//   2. No device is both in `voters` and in `learners`. A device may be in `outgoing` and in either of them.
//   3. There is a voter, unless all three lists are empty ("not part of a cluster yet").
#pragma once

#include <vector>

#include "raft/wire/types.h"

namespace rz::raft {

struct Configuration {
  static constexpr std::size_t members_max = 256;  // A limit of the format, for each list.

  std::vector<Member> voters;
  std::vector<Member> learners;
  std::vector<Member> outgoing;  // The voters before the change under way.

  friend bool operator==(const Configuration&, const Configuration&) = default;

  bool is_empty() const { return voters.empty(); }
  bool is_joint() const { return !outgoing.empty(); }
  // In either half. The incarnation must match: a wiped device is nobody until it is let in again.
  bool is_voter(const Member& member) const;
  bool is_learner(const Member& member) const;
  // In the half that stays after a change.
  bool is_incoming(const Member& member) const;
  // Whether the device is in any list, in whatever incarnation.
  bool names(const NodeId& id) const;
  // The incarnation under which the device takes part: as a voter to come, a learner, or an outgoing voter.
  const Member* find(const NodeId& id) const;
  // Every device once, in order of id, in the incarnation that `find` gives.
  std::vector<Member> members() const;
};

// Errors: raft_bad_configuration.
Status check_configuration(const Configuration& configuration);

// Canonical DAG-CBOR, [voters, learners, outgoing], each a list of [id, incarnation]: a configuration entry's payload.
Bytes encode(const Configuration& configuration);
// Errors: those of wire/reader.h with the offset, raft_bad_configuration.
Result<Configuration> decode_configuration(ByteView bytes);
class Reader;
// The same from the middle of something.
Result<Configuration> read_configuration(Reader& reader);
// An entry's root: SHA-256 of the encoding.
Root root_of(ByteView encoded_configuration);

}  // namespace rz::raft
