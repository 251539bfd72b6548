// Making identity operations: what each needs is checked before anything is signed, and the message says what is
// missing. The result is an operation for log::control(); the caller makes and appends the event.
//
// Operations that one device may not do alone are made in three steps:
//   1. draft_* gives the operation without signatures;
//   2. each device asked signs with co_sign; the author's own signature is the event's seal; or the paper key signs;
//   3. endorse puts the signatures in, and check_authority says whether that is enough.
//
// A device signs at most one successor of each chained operation: co_sign and promise return the promise that must be
// durable before the signature leaves, like a vote.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/sign.h"
#include "identity/keys.h"
#include "identity/paper.h"
#include "identity/state.h"

namespace rz::identity {

// ---- One personal device is enough ----
// Each: `self` must be a personal device of the pod. Errors: not_a_device, device_suspended, and what is named.

// Errors: device_known (a key is added once in a lifetime), bad_argument (name, keys).
Result<log::Operation> draft_add(const IdentityState& state, const AuthorKey& self, const log::AddDevice& device);
Result<log::Operation> draft_suspend(const IdentityState& state, const AuthorKey& self, const AuthorKey& device);
// Any device in the pod, itself too. Errors: device_suspended (this one is), not_found, bad_argument (the name).
Result<log::Operation> draft_name(const IdentityState& state, const AuthorKey& self, const AuthorKey& device,
                                  std::string_view name);
// The owner's explicit act after a lost majority. Voters ascending, members of the pod.
Result<log::Operation> draft_generation(const IdentityState& state, const AuthorKey& self,
                                        std::vector<AuthorKey> voters, std::optional<Hash256> after);

// ---- One established device is enough ----
// Errors besides: authority_missing (it is not established).
Result<log::Operation> draft_confirm(const IdentityState& state, const AuthorKey& self, const AuthorKey& device);
// `cut`: head tree over the peer's feeds. For personal devices: draft_remove.
Result<log::Operation> draft_remove_cloud(const IdentityState& state, const AuthorKey& self, const AuthorKey& peer,
                                          const Hash256& cut);
Result<log::Operation> draft_services(const IdentityState& state, const AuthorKey& self,
                                      std::vector<log::SetServices::Service> services);

// ---- A majority of the established devices, or the paper key ----
// Without signatures yet; each follows the last operation of the state's chain. Errors: not_found, bad_argument,
// device_known. In a contest only the paper key signs (see `decide`).
Result<log::Operation> draft_remove(const IdentityState& state, const AuthorKey& device, const Hash256& cut);
Result<log::Operation> draft_rotate(const IdentityState& state, const crypto::SigningKey& successor,
                                    const AuthorKey& device, const crypto::BoxPublicKey& successor_box,
                                    const Hash256& cut);
// The same wish after the chain has moved on. The successor's consent names neither cut nor predecessor, so it holds.
Result<log::Operation> draft_rotate_again(const IdentityState& state, const log::RotateKeys& asked, const Hash256& cut);
Result<log::Operation> draft_policy(const IdentityState& state, const Policy& policy);
// `suspensions`: the SuspendDevice events that are lifted (state.find(device)->suspended_by).
Result<log::Operation> draft_lift(const IdentityState& state, const AuthorKey& device);
// A majority, and at least two, of the devices established before the recovery; the paper key has no say.
Result<log::Operation> draft_veto(const IdentityState& state, const EventId& recovery);

// The paper key adds `device` and commits to the next paper: ready to be written by the recovering device.
// Errors: recovery_wrong_key, device_known.
Result<log::Operation> make_recovery(const IdentityState& state, const PaperKey& paper, const PaperKey& next_paper,
                                     const log::AddDevice& device);

// In a contest, makes a drafted operation follow the rival `keep`, or, with none, replace all rivals: for the paper key
// to sign. Errors: bad_argument (no contest, no such rival, or not a chained operation).
Status decide(const IdentityState& state, const std::optional<EventId>& keep, log::Operation& operation);

// ---- Signatures ----

// That this device signed one successor of `predecessor`, and which: SHA-256 of the endorsement message.
struct Promise {
  EventId predecessor;  // Zero: the genesis.
  Hash256 operation;
  friend bool operator==(const Promise&, const Promise&) = default;
};
using Promises = std::vector<Promise>;  // Ascending by predecessor; stored.

// Is the operation one of the chain (remove of a personal device, rotate, policy, recover)?
bool is_chained(const IdentityState& state, const log::Operation& operation);

// The promise to make durable before the author closes the event or a co-signature leaves; none if the operation is not
// chained or the promise is there. What the paper key signed takes the place of an earlier promise: it goes before
// every rival that only devices signed, so a device that gave its word to one of those may still write it
// (docs/decisions/0072). Errors: successor_promised.
Result<std::optional<Promise>> promise(const IdentityState& state, const Promises& made, const AuthorKey& author,
                                       const log::Operation& operation);
void keep_promise(Promises& made, const Promise& promise);

struct CoSigned {
  std::optional<Promise> persist_first;
  log::CoSignature signature;
};
// Signs `operation`, to be written by `author`. Errors: successor_promised, authority_missing (this device is not
// established), bad_argument (an operation without endorsement, or one that does not follow the chain's tip here).
Result<CoSigned> co_sign(const IdentityState& state, const Promises& made, const DeviceKeys& keys,
                         const AuthorKey& author, const log::Operation& operation);
// The paper key's signature, put in. Errors: recovery_wrong_key, bad_argument.
Status sign_with_paper(const IdentityState& state, const PaperKey& paper, const AuthorKey& author,
                       log::Operation& operation);
// Puts a co-signature in its place. Errors: not_authentic, bad_argument.
Status endorse(const IdentityState& state, const AuthorKey& author, const log::CoSignature& signature,
               log::Operation& operation);

// Whose yes counts for `operation`: the established devices, for a veto those of before the recovery. Ascending.
std::vector<AuthorKey> electorate_of(const IdentityState& state, const log::Operation& operation);
// How many of them it takes. Errors: none; an operation that one device may do alone needs one.
std::size_t votes_needed(const IdentityState& state, const log::Operation& operation);
// Does `operation`, drafted earlier, still mean something here: does it follow the chain's tip, is its device in the
// pod (for a lift: under just those suspensions)? False while the identity is contested.
bool is_current(const IdentityState& state, const log::Operation& operation);

// Would `operation` count if `author` wrote it now? Errors: authority_missing, "needs the yes of 1 more of your
// devices, or the paper key"; not_a_device; identity_contested.
Status check_authority(const IdentityState& state, const AuthorKey& author, const log::Operation& operation);

// ---- What software does by itself ----
inline constexpr std::uint64_t confirm_after_ms = 7ULL * 24 * 60 * 60 * 1000;

// An addition that this device has seen, and for how long, by its own clocks: the pod counts it so that a clock that
// jumps is not believed (docs/decisions/0070).
struct SeenDevice {
  AuthorKey device;
  std::uint64_t for_ms = 0;
};
// Whether `self` is to confirm the device once it has seen it for long enough.
bool awaits_confirmation(const IdentityState& state, const AuthorKey& self, const Device& device);
// Devices that `self` should confirm now.
std::vector<AuthorKey> due_confirmations(const IdentityState& state, const AuthorKey& self,
                                         const std::vector<SeenDevice>& seen);

}  // namespace rz::identity
