#include "identity/operations.h"

#include <algorithm>

#include "crypto/sha256.h"
#include "identity/chain.h"
#include "identity/pairing_messages.h"

namespace rz::identity {

namespace {

Status check_speaks(const IdentityState& state, const AuthorKey& self) {
  const Device* device = state.find(self);
  if (device == nullptr) return fail(ErrorCode::not_a_device, "this device is not in the pod");
  if (!device->in_pod()) return fail(ErrorCode::not_a_device, "this device was removed from the pod");
  if (device->leaving) return fail(ErrorCode::not_a_device, "this device is being removed from the pod");
  if (!device->is_personal()) return fail(ErrorCode::not_a_device, "a cloud peer has no voice in the identity");
  return {};
}

Status check_established(const IdentityState& state, const AuthorKey& self) {
  RZ_CHECK(check_speaks(state, self));
  if (state.find(self)->established) return {};
  return fail(ErrorCode::authority_missing,
              "this device is not established yet: your other devices confirm it by themselves after seven days");
}

Result<const Device*> find_present(const IdentityState& state, const AuthorKey& key) {
  const Device* device = state.find(key);
  if (device == nullptr || !device->in_pod()) return fail(ErrorCode::not_found, "no such device is in the pod");
  return device;
}

// The predecessors of an operation that devices may write now.
std::vector<EventId> following(const IdentityState& state) {
  return state.chain.empty() ? std::vector<EventId>{} : std::vector<EventId>{state.chain.back()};
}

Status check_new_device(const IdentityState& state, const log::AddDevice& device) {
  RZ_CHECK(check_device_name(device.name));
  if (!crypto::is_valid(device.device)) return fail(ErrorCode::bad_argument, "the device's key is not a key");
  if (!crypto::is_valid(device.box)) return fail(ErrorCode::bad_argument, "the device's box key is not a key");
  const Device* known = state.find(device.device);
  if (known == nullptr) return {};
  if (known->in_pod()) return fail(ErrorCode::device_known, "this device is in the pod already");
  return fail(ErrorCode::device_known, "a removed device never comes back under its old key: reset it first");
}

// In a contest a device's word does not decide, whatever it stays with.
Status check_uncontested(const IdentityState& state) {
  if (!state.contest) return {};
  return fail(ErrorCode::identity_contested,
              "two changes of the identity contradict each other: the paper key has to choose one first");
}

}  // namespace

Result<log::Operation> draft_add(const IdentityState& state, const AuthorKey& self, const log::AddDevice& device) {
  RZ_CHECK(check_speaks(state, self));
  RZ_CHECK(check_new_device(state, device));
  return device;
}

Result<log::Operation> draft_suspend(const IdentityState& state, const AuthorKey& self, const AuthorKey& device) {
  RZ_CHECK(check_speaks(state, self));
  if (state.find(self)->suspended) return fail(ErrorCode::device_suspended, "this device is suspended itself");
  RZ_TRY(const Device* target, find_present(state, device));
  if (target->suspended) return fail(ErrorCode::device_suspended, "the device is suspended already");
  return log::SuspendDevice{device};
}

Result<log::Operation> draft_name(const IdentityState& state, const AuthorKey& self, const AuthorKey& device,
                                  std::string_view name) {
  RZ_CHECK(check_speaks(state, self));
  if (state.find(self)->suspended) return fail(ErrorCode::device_suspended, "this device is suspended");
  RZ_CHECK(find_present(state, device));
  RZ_CHECK(check_device_name(name));
  return log::NameDevice{device, std::string(name)};
}

Result<log::Operation> draft_generation(const IdentityState& state, const AuthorKey& self,
                                        std::vector<AuthorKey> voters, std::optional<Hash256> after) {
  RZ_CHECK(check_speaks(state, self));
  std::sort(voters.begin(), voters.end());
  voters.erase(std::unique(voters.begin(), voters.end()), voters.end());
  if (voters.empty()) return fail(ErrorCode::bad_argument, "a generation needs a voter");
  for (const auto& voter : voters) RZ_CHECK(find_present(state, voter));
  return log::FoundGeneration{state.generation.number + 1, after, std::move(voters)};
}

Result<log::Operation> draft_confirm(const IdentityState& state, const AuthorKey& self, const AuthorKey& device) {
  RZ_CHECK(check_established(state, self));
  RZ_TRY(const Device* target, find_present(state, device));
  if (!target->is_personal()) return fail(ErrorCode::bad_argument, "a cloud peer is never established");
  if (target->established) return fail(ErrorCode::bad_argument, "the device is established already");
  return log::ConfirmDevice{device, target->admission, {}};
}

Result<log::Operation> draft_remove_cloud(const IdentityState& state, const AuthorKey& self, const AuthorKey& peer,
                                          const Hash256& cut) {
  RZ_CHECK(check_established(state, self));
  RZ_TRY(const Device* target, find_present(state, peer));
  if (target->is_personal()) return fail(ErrorCode::bad_argument, "this is a personal device, not a cloud peer");
  return log::RemoveDevice{peer, cut, {}, {}};
}

Result<log::Operation> draft_services(const IdentityState& state, const AuthorKey& self,
                                      std::vector<log::SetServices::Service> services) {
  RZ_CHECK(check_established(state, self));
  std::sort(services.begin(), services.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto twice =
      std::adjacent_find(services.begin(), services.end(), [](const auto& a, const auto& b) { return a.id == b.id; });
  if (twice != services.end()) return fail(ErrorCode::bad_argument, words("two services are called ", twice->id));
  return log::SetServices{std::move(services)};
}

Result<log::Operation> draft_remove(const IdentityState& state, const AuthorKey& device, const Hash256& cut) {
  RZ_TRY(const Device* target, find_present(state, device));
  if (!target->is_personal()) return fail(ErrorCode::bad_argument, "this is a cloud peer: one device may remove it");
  return log::RemoveDevice{device, cut, following(state), {}};
}

Result<log::Operation> draft_rotate(const IdentityState& state, const crypto::SigningKey& successor,
                                    const AuthorKey& device, const crypto::BoxPublicKey& successor_box,
                                    const Hash256& cut) {
  RZ_TRY(const Device* target, find_present(state, device));
  if (!target->is_personal()) return fail(ErrorCode::bad_argument, "remove the cloud peer and add it anew");
  if (state.find(successor.public_key()) != nullptr) return fail(ErrorCode::device_known, "the new key is not new");
  if (!crypto::is_valid(successor_box)) return fail(ErrorCode::bad_argument, "the new box key is not a key");
  const auto message = log::rotation_message(state.did, device, successor.public_key(), successor_box);
  return log::RotateKeys{device,
                         successor.public_key(),
                         successor_box,
                         successor.sign(log::rotation_domain, message),
                         cut,
                         following(state),
                         {}};
}

Result<log::Operation> draft_rotate_again(const IdentityState& state, const log::RotateKeys& asked,
                                          const Hash256& cut) {
  RZ_CHECK(find_present(state, asked.device));
  if (state.find(asked.successor) != nullptr) return fail(ErrorCode::device_known, "the new key is not new");
  return log::RotateKeys{
      asked.device, asked.successor, asked.successor_box, asked.possession, cut, following(state), {}};
}

Result<log::Operation> draft_policy(const IdentityState& state, const Policy& policy) {
  Policy sorted = policy;
  auto& clouds = sorted.cloud_readers;
  std::sort(clouds.begin(), clouds.end());
  clouds.erase(std::unique(clouds.begin(), clouds.end()), clouds.end());
  for (const auto& cloud : clouds) RZ_CHECK(find_present(state, cloud));
  return log::SetPolicy{encode_policy(sorted), following(state), {}};
}

Result<log::Operation> draft_lift(const IdentityState& state, const AuthorKey& device) {
  RZ_TRY(const Device* target, find_present(state, device));
  if (!target->suspended) return fail(ErrorCode::bad_argument, "the device is not suspended");
  return log::LiftSuspension{device, target->suspended_by, {}};
}

Result<log::Operation> draft_veto(const IdentityState& state, const EventId& recovery) {
  if (state.find_recovery(recovery) == nullptr) return fail(ErrorCode::not_found, "no such recovery");
  return log::Veto{recovery, {}};
}

Result<log::Operation> make_recovery(const IdentityState& state, const PaperKey& paper, const PaperKey& next_paper,
                                     const log::AddDevice& device) {
  RZ_CHECK(check_new_device(state, device));
  if (device.kind == DeviceKind::cloud) return fail(ErrorCode::bad_argument, "a recovery adds a personal device");
  log::Operation operation = log::Recover{device,
                                          crypto::sha256(next_paper.signing_key().public_key().view()),
                                          next_paper.box_key().public_key(),
                                          following(state),
                                          {}};
  RZ_CHECK(sign_with_paper(state, paper, device.device, operation));
  return operation;
}

Status decide(const IdentityState& state, const std::optional<EventId>& keep, log::Operation& operation) {
  if (!state.contest) return fail(ErrorCode::bad_argument, "the identity is not contested");
  auto* predecessors = predecessors_of(operation);
  if (predecessors == nullptr) return fail(ErrorCode::bad_argument, "this operation does not decide a contest");
  const auto& rivals = state.contest->rivals;
  if (!keep) {
    *predecessors = rivals;
    return {};
  }
  if (std::find(rivals.begin(), rivals.end(), *keep) == rivals.end()) {
    return fail(ErrorCode::bad_argument, "that is none of the rivals");
  }
  *predecessors = {*keep};
  return {};
}

namespace {

bool adds(const log::Operation& operation, const AuthorKey& author) {
  const auto* recover = std::get_if<log::Recover>(&operation);
  return recover != nullptr && recover->device.device == author;
}

std::string_view plural(std::size_t count) { return count == 1 ? "" : "s"; }

// Who has signed, among `electorate`.
std::size_t votes_for(const IdentityState& state, const std::vector<AuthorKey>& electorate, const AuthorKey& author,
                      const log::Operation& operation) {
  std::vector<AuthorKey> signers = {author};
  const Bytes message = log::endorsement_message(state.did, author, operation);
  for (const auto& each : log::endorsement_of(operation)->devices) {
    if (each.author == author) continue;
    if (crypto::verify(each.author, log::endorsement_domain, message, each.signature)) signers.push_back(each.author);
  }
  return static_cast<std::size_t>(std::count_if(signers.begin(), signers.end(), [&](const AuthorKey& signer) {
    return std::binary_search(electorate.begin(), electorate.end(), signer);
  }));
}

bool paper_signed(const IdentityState& state, const AuthorKey& author, const log::Operation& operation) {
  const auto& paper = log::endorsement_of(operation)->paper;
  if (!paper || crypto::sha256(paper->key.view()) != state.recovery_hash) return false;
  return crypto::verify(paper->key, log::endorsement_domain, log::endorsement_message(state.did, author, operation),
                        paper->signature);
}

bool needs_endorsement(const IdentityState& state, const log::Operation& operation) {
  return is_chained(state, operation) || std::holds_alternative<log::LiftSuspension>(operation) ||
         std::holds_alternative<log::Veto>(operation);
}

}  // namespace

// A veto's electorate may have been removed since by the very device that it is against.
std::vector<AuthorKey> electorate_of(const IdentityState& state, const log::Operation& operation) {
  const auto* veto = std::get_if<log::Veto>(&operation);
  if (veto == nullptr) return state.established();
  const Recovery* recovery = state.find_recovery(veto->recovery);
  return recovery == nullptr ? std::vector<AuthorKey>{} : recovery->established_before;
}

std::size_t votes_needed(const IdentityState& state, const log::Operation& operation) {
  constexpr std::size_t veto_at_least = 2;
  if (!needs_endorsement(state, operation)) return 1;
  const std::size_t majority = majority_of(electorate_of(state, operation).size());
  return std::holds_alternative<log::Veto>(operation) ? std::max(majority, veto_at_least) : majority;
}

bool is_current(const IdentityState& state, const log::Operation& operation) {
  if (const auto* veto = std::get_if<log::Veto>(&operation)) return state.find_recovery(veto->recovery) != nullptr;
  if (const auto* lift = std::get_if<log::LiftSuspension>(&operation)) {
    const Device* device = state.find(lift->device);
    return device != nullptr && device->in_pod() && device->suspended && device->suspended_by == lift->suspensions;
  }
  if (state.contest || !is_chained(state, operation) || *predecessors_of(operation) != following(state)) return false;
  const AuthorKey* subject = nullptr;
  if (const auto* remove = std::get_if<log::RemoveDevice>(&operation)) subject = &remove->device;
  if (const auto* rotate = std::get_if<log::RotateKeys>(&operation)) subject = &rotate->device;
  return subject == nullptr || find_present(state, *subject).has_value();
}

bool is_chained(const IdentityState& state, const log::Operation& operation) {
  if (const auto* remove = std::get_if<log::RemoveDevice>(&operation)) {
    const Device* device = state.find(remove->device);
    return device == nullptr || device->is_personal();
  }
  return predecessors_of(operation) != nullptr;
}

Result<std::optional<Promise>> promise(const IdentityState& state, const Promises& made, const AuthorKey& author,
                                       const log::Operation& operation) {
  if (!is_chained(state, operation)) return std::optional<Promise>();
  const auto& predecessors = *predecessors_of(operation);
  const Promise wanted{predecessors.empty() ? EventId{} : predecessors.front(),
                       crypto::sha256(log::endorsement_message(state.did, author, operation))};
  const auto kept = std::find_if(made.begin(), made.end(),
                                 [&](const Promise& each) { return each.predecessor == wanted.predecessor; });
  if (kept == made.end()) return std::optional(wanted);
  if (*kept == wanted) return std::optional<Promise>();
  if (paper_signed(state, author, operation)) return std::optional(wanted);
  return fail(ErrorCode::successor_promised,
              "this device has signed another change in this place: finish that one, or let the paper key choose");
}

void keep_promise(Promises& made, const Promise& promise) {
  const auto at = std::lower_bound(made.begin(), made.end(), promise,
                                   [](const Promise& a, const Promise& b) { return a.predecessor < b.predecessor; });
  if (at == made.end() || at->predecessor != promise.predecessor) {
    made.insert(at, promise);
  } else {
    *at = promise;
  }
}

Result<CoSigned> co_sign(const IdentityState& state, const Promises& made, const DeviceKeys& keys,
                         const AuthorKey& author, const log::Operation& operation) {
  if (log::endorsement_of(operation) == nullptr) {
    return fail(ErrorCode::bad_argument, "one device alone does this: there is nothing to sign with it");
  }
  const auto electorate = electorate_of(state, operation);
  if (!std::binary_search(electorate.begin(), electorate.end(), keys.public_key())) {
    RZ_CHECK(check_established(state, keys.public_key()));
    return fail(ErrorCode::authority_missing, "this device has no say in this");
  }
  if (is_chained(state, operation)) {
    RZ_CHECK(check_uncontested(state));
    if (*predecessors_of(operation) != following(state)) {
      return fail(ErrorCode::bad_argument, "the change does not follow the last one known here: sync first");
    }
  }
  RZ_TRY(auto persist_first, promise(state, made, author, operation));
  const auto message = log::endorsement_message(state.did, author, operation);
  return CoSigned{persist_first, {keys.public_key(), keys.signing_key().sign(log::endorsement_domain, message)}};
}

Status sign_with_paper(const IdentityState& state, const PaperKey& paper, const AuthorKey& author,
                       log::Operation& operation) {
  log::Endorsement* endorsement = log::endorsement_of(operation);
  if (endorsement == nullptr || std::holds_alternative<log::Veto>(operation)) {
    return fail(ErrorCode::bad_argument, "the paper key does not sign this");
  }
  const auto& key = paper.signing_key().public_key();
  if (crypto::sha256(key.view()) != state.recovery_hash) {
    return fail(ErrorCode::recovery_wrong_key, "this is not the paper key in force: an older one, or another pod's");
  }
  const auto message = log::endorsement_message(state.did, author, operation);
  endorsement->paper = log::PaperSignature{key, paper.signing_key().sign(log::endorsement_domain, message)};
  return {};
}

Status endorse(const IdentityState& state, const AuthorKey& author, const log::CoSignature& signature,
               log::Operation& operation) {
  log::Endorsement* endorsement = log::endorsement_of(operation);
  if (endorsement == nullptr) return fail(ErrorCode::bad_argument, "nobody signs this with its author");
  const auto message = log::endorsement_message(state.did, author, operation);
  if (!crypto::verify(signature.author, log::endorsement_domain, message, signature.signature)) {
    return fail(ErrorCode::not_authentic, "a signature over another operation");
  }
  auto& devices = endorsement->devices;
  const auto at = std::lower_bound(devices.begin(), devices.end(), signature,
                                   [](const auto& a, const auto& b) { return a.author < b.author; });
  if (at != devices.end() && at->author == signature.author) return {};
  if (devices.size() >= log::co_signatures_max) return fail(ErrorCode::limit_exceeded, "too many signatures");
  devices.insert(at, signature);
  return {};
}

Status check_authority(const IdentityState& state, const AuthorKey& author, const log::Operation& operation) {
  const bool veto = std::holds_alternative<log::Veto>(operation);
  if (!adds(operation, author) && !veto) RZ_CHECK(check_speaks(state, author));
  if (!needs_endorsement(state, operation)) {
    const bool established = std::holds_alternative<log::RemoveDevice>(operation) ||
                             std::holds_alternative<log::SetServices>(operation) ||
                             std::holds_alternative<log::ConfirmDevice>(operation);
    return established ? check_established(state, author) : Status();
  }
  if (!veto && paper_signed(state, author, operation)) return {};
  if (std::holds_alternative<log::Recover>(operation)) {
    return fail(ErrorCode::recovery_wrong_key, "a recovery needs the paper key in force");
  }
  if (is_chained(state, operation)) RZ_CHECK(check_uncontested(state));
  const auto electorate = electorate_of(state, operation);
  const std::size_t needed = votes_needed(state, operation);
  const std::size_t votes = votes_for(state, electorate, author, operation);
  if (votes >= needed) return {};
  const std::size_t missing = needed - votes;
  return fail(ErrorCode::authority_missing,
              words("needs the yes of ", missing, " more of your devices (", votes, " of ", electorate.size(),
                    " established device", plural(electorate.size()), " said yes)", veto ? "" : ", or the paper key"));
}

// Whether it is established itself does not matter yet: it may be by then, and has seen the other all the while.
bool awaits_confirmation(const IdentityState& state, const AuthorKey& self, const Device& device) {
  if (!check_speaks(state, self) || device.key == self) return false;
  if (!device.may_speak() || device.established || device.kind == DeviceKind::browser) return false;
  return !std::binary_search(device.confirmed_by.begin(), device.confirmed_by.end(), self);
}

std::vector<AuthorKey> due_confirmations(const IdentityState& state, const AuthorKey& self,
                                         const std::vector<SeenDevice>& seen) {
  std::vector<AuthorKey> due;
  if (!check_established(state, self) || state.find(self)->suspended) return due;
  for (const auto& device : state.devices) {
    if (!awaits_confirmation(state, self, device) || device.suspended) continue;
    const auto first =
        std::find_if(seen.begin(), seen.end(), [&](const SeenDevice& each) { return each.device == device.key; });
    if (first != seen.end() && first->for_ms >= confirm_after_ms) due.push_back(device.key);
  }
  return due;
}

}  // namespace rz::identity
