// The identity as stream zero says it is: devices, the chain of decisive operations, recovery, policy, services.
// A value: made by fold.h from an event set, asked by everybody else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "log/control.h"
#include "log/counts.h"
#include "log/head_tree.h"

namespace rz::identity {

using log::AuthorKey;
using log::DeviceKind;
using log::Did;
using log::EventId;

// "Any one may ..." means a personal device that is in the pod; `established` is more: those whose majority decides.
struct Device {
  AuthorKey key;
  crypto::BoxPublicKey box;
  DeviceKind kind = DeviceKind::personal;
  std::string name;                   // As last named; empty: its owner gave none (the first device, at first).
  EventId admission;                  // The genesis, add, rotate or recover that names it.
  std::optional<AuthorKey> added_by;  // None: the first device, or one that the paper key added.
  UnixMs added_at;                    // As the adder's clock claimed; zero for the first device.
  bool established = false;
  std::vector<AuthorKey> confirmed_by;  // Established devices that signed for it, ascending; empty once it is
                                        // established without need of them.
  bool suspended = false;
  std::vector<EventId> suspended_by;  // The suspensions in force, ascending.
  struct Removal {
    EventId operation;
    Hash256 cut;                         // The head tree's root.
    std::optional<AuthorKey> successor;  // The key was rotated.
    friend bool operator==(const Removal&, const Removal&) = default;
  };
  std::optional<Removal> removed;
  bool leaving = false;  // Its removal is signed, but the cut that it names is not here yet: no voice, no new keys.

  bool in_pod() const { return !removed.has_value(); }
  bool is_personal() const { return kind != DeviceKind::cloud; }
  // Has it a voice in identity?
  bool may_speak() const { return in_pod() && is_personal() && !leaving; }
  friend bool operator==(const Device&, const Device&) = default;
};

// What the owner decides for all devices: the meaning of SetPolicy's bytes, [version, [cloud reader, ...]].
struct Policy {
  std::vector<AuthorKey> cloud_readers;  // Cloud peers that are given keys: ascending. By default none is.
  friend bool operator==(const Policy&, const Policy&) = default;
};
Bytes encode_policy(const Policy& policy);
// Strict. Errors: identity_bad_policy, limit_exceeded, DAG-CBOR's. Empty bytes are the default policy.
Result<Policy> decode_policy(ByteView bytes);

// Two operations that both validly follow `after`, and neither is the paper key's choice.
struct Contest {
  EventId after;                  // Zero: the genesis.
  std::vector<EventId> rivals;    // Ascending, at least two.
  std::optional<EventId> stayed;  // The one this device stored first and stays with.
  friend bool operator==(const Contest&, const Contest&) = default;
};

// A device that signed two operations with the same predecessor, which honest software never does.
struct Equivocator {
  AuthorKey device;
  EventId first;  // The smaller id.
  EventId second;
  friend bool operator==(const Equivocator&, const Equivocator&) = default;
};

// A recovery with the paper key that is valid and not vetoed. It is "pending" for 72 hours (recovery.h).
struct Recovery {
  EventId operation;
  AuthorKey device;
  std::vector<AuthorKey> established_before;  // Whose majority, and at least two of whom, may veto it: ascending.
  bool counts = true;                         // On the chain; otherwise a rival that lost, or whose contest is open.
  friend bool operator==(const Recovery&, const Recovery&) = default;
};

struct Generation {
  std::uint64_t number = 0;  // 0: the first one, which needs no event.
  EventId founded_by;        // Zero where number is 0.
  std::vector<AuthorKey> voters;
  friend bool operator==(const Generation&, const Generation&) = default;
};

struct IdentityState {
  Did did;
  log::IdentityGenesis genesis;
  std::vector<Device> devices;  // Ascending by key, removed ones included.
  std::vector<EventId> chain;   // The chained operations that count, in their order.
  std::optional<Contest> contest;
  Hash256 recovery_hash;  // Of the paper key in force.
  crypto::BoxPublicKey recovery_box;
  std::vector<Recovery> recoveries;  // Ascending by operation.
  Policy policy;
  std::vector<log::SetServices::Service> services;
  Generation generation;
  std::uint64_t operations_count = 0;     // versionId: identity operations that count.
  std::vector<Hash256> missing_cuts;      // Removals that do not count yet, because their head tree is not here.
  std::vector<Equivocator> equivocators;  // Ascending by device, the first proof of each.
  bool needs_upgrade = false;             // An operation of a later version hides what follows it.
  std::uint64_t quarantined_count = 0;    // Events of stream zero outside C.

  // None for a key that never was a device.
  const Device* find(const AuthorKey& key) const;
  // In the pod, established, personal: whose majority decides. Ascending.
  std::vector<AuthorKey> established() const;
  // None: no such recovery.
  const Recovery* find_recovery(const EventId& operation) const;
  // The last of `chain`; zero: the genesis.
  EventId chain_tip() const { return chain.empty() ? EventId{} : chain.back(); }
  friend bool operator==(const IdentityState&, const IdentityState&) = default;
};

// More than half of `established_count`.
constexpr std::size_t majority_of(std::size_t established_count) { return established_count / 2 + 1; }

// Whether `device` may become a voter beside `voters`: a member that is not suspended and no browser; with three voters
// or more there, an established one.
bool may_vote(const IdentityState& state, const AuthorKey& device, const std::vector<AuthorKey>& voters);

// Who is given keys: personal devices in the pod that are not suspended, and the policy's cloud readers. Ascending by
// key. The recovery key comes on top.
std::vector<const Device*> readers(const IdentityState& state);

// Where the head trees that removals name are found: a host keeps them by root.
struct RemovalCuts {
  virtual ~RemovalCuts() = default;
  // None: not here (yet). The list's root is `cut`: the keeper has checked it.
  virtual const log::HeadList* find(const Hash256& cut) const = 0;
};

// What what-counts needs to know of this pod's devices in `stream`. Removals whose cut is missing do not count.
log::IdentityFacts facts_for(const IdentityState& state, const log::StreamId& stream, const RemovalCuts& cuts);

}  // namespace rz::identity
