// What counts: which events of a stream are folded, a function of the event set and of the identity's facts alone. No
// clock, no order of arrival, no cut has a say (docs/formats/control.md, "What counts").
//
//   C           the causal closure of all events by authors not removed who have a voice, with the cuts named by
//               removals that count, and what `accept` lets in
//   quarantined outside C: bounded, shown, never folded, until it is accepted
//   effect      in C, and the control events in its past give its author the right (C is closed: its past is in C)
//
// How the rule is made well-founded (docs/formats/control.md gives the reasons):
//   1. A feed stands under what its seq 0 names: a device of the owner (level 0), or a grant, one level below the grant
//      that is its proof. A feed in a branch stands under nothing: it comes in by `accept` alone. So does a feed of a
//      device without any right, a cloud peer: its events are in C only if another's past holds them, or it could
//      vouch for what nobody else vouches for (docs/decisions/0042).
//   2. Level by level, from the owner down: a grant falls if its proof has fallen, or if a revocation that lies in C as
//      far as the levels above make it, has effect, and was made by the owner or by the holder of a grant above, names
//      its audience and is not in the grant's past. So no revocation depends on what it revokes.
//   3. The feeds under grants that stand, and the cuts of what fell, make C; then accepts are followed to their end.
//   4. An event let in by `accept` has effect if the accept names it and the accepter had the right that it needs.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "log/graph.h"

namespace rz::log {

// A device of some pod, as its stream zero says now. Identity supplies these; this room doesn't judge them.
struct DeviceFact {
  Did did;
  AuthorKey device;
  EventId admission;  // The genesis or `add` operation in that stream zero that names the device.
  // In streams that its own DID owns: all for a personal device, none for a cloud peer. None: it has no voice, there or
  // where its DID was given a grant; it is no root of C.
  RightSet rights;
  // Set: a removal counts. The heads are those of this stream in the removal's cut (of the device, and of the keys
  // under which it entered); empty: none.
  std::optional<std::vector<EventId>> removed_with;
};

struct IdentityFacts {
  std::vector<DeviceFact> devices;  // Ascending by (did, device); a device once.
  // Truncation: the `root` that a cut holds, if one does; what is concurrent with it waits as needs_history.
  std::optional<EventId> root_in_force;
};

enum class Verdict : std::uint8_t {
  effect,         // Folded.
  no_effect,      // In C without the right: in the graph and in index arithmetic, but its content counts as void.
  quarantined,    // Outside C.
  needs_upgrade,  // An operation of a later version that counts lies in its past.
  needs_history,  // Concurrent with the truncation in force.
};

struct Counts {
  std::vector<Verdict> verdicts;  // By index.
  // What folds in the place of an erased body: of erasures with effect; the smallest redacted hash if several differ.
  std::map<EventIndex, BodyHash> erased;
  // `accept` events with effect, and grants that stand now.
  std::vector<EventIndex> accepts;
  std::vector<EventIndex> live_grants;
  // Authors whose feeds are cut off, with the number of their events outside C.
  std::map<AuthorKey, std::uint64_t> quarantined_by_author;

  Verdict verdict(EventIndex event) const { return verdicts[event.value]; }
  bool in_c(EventIndex event) const { return verdict(event) != Verdict::quarantined; }
  friend bool operator==(const Counts&, const Counts&) = default;
};

Counts what_counts(const EventGraph& graph, const IdentityFacts& facts);

// Whether `author`, writing now on top of the whole of C, would have `right`: asked before an event is made.
bool may(const EventGraph& graph, const IdentityFacts& facts, const Counts& counts, const AuthorKey& author,
         std::string_view right);

// Epochs of the stream that have effect and that no other such epoch has in its past: what a writer encrypts to. More
// than one: open a joint epoch first.
std::vector<EpochId> maximal_epochs(const EventGraph& graph, const Counts& counts);

}  // namespace rz::log
