// What needs more than one device's yes: asking, answering, passing on, and writing what enough devices signed
// (docs/decisions/0071, 0072).
#include <algorithm>

#include "identity/chain.h"
#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::string_view ask_prefix = "ask/";
constexpr std::string_view answer_prefix = "answer/";
// Of one device: more is a flood, and costs the others disk and patience.
constexpr Duration changes_window = seconds(60);
constexpr std::uint32_t changes_max = 16;

Bytes ask_key(const log::AuthorKey& asker) {
  Bytes key = singleton_key(ask_prefix);
  append(key, asker.view());
  return key;
}

Bytes answer_key(const RequestId& request, const log::AuthorKey& device) {
  Bytes key = singleton_key(answer_prefix);
  append(key, request.view());
  append(key, device.view());
  return key;
}

// What may be asked for: an operation that others sign with its author, and that nobody has signed yet.
bool is_askable(const log::Operation& operation) {
  const log::Endorsement* endorsement = log::endorsement_of(operation);
  if (endorsement == nullptr || !endorsement->devices.empty() || endorsement->paper) return false;
  return !std::holds_alternative<log::Recover>(operation) && !std::holds_alternative<log::ConfirmDevice>(operation);
}

std::optional<PublicKey> subject_of(const log::Operation& operation) {
  if (const auto* remove = std::get_if<log::RemoveDevice>(&operation)) return remove->device;
  if (const auto* rotate = std::get_if<log::RotateKeys>(&operation)) return rotate->device;
  if (const auto* lift = std::get_if<log::LiftSuspension>(&operation)) return lift->device;
  return std::nullopt;
}

const Hash256* cut_of(const log::Operation& operation) {
  if (const auto* remove = std::get_if<log::RemoveDevice>(&operation)) return &remove->cut;
  if (const auto* rotate = std::get_if<log::RotateKeys>(&operation)) return &rotate->cut;
  return nullptr;
}

}  // namespace

RequestId Core::request_id(const PublicKey& asker, const log::Operation& operation) const {
  return crypto::sha256(log::endorsement_message(zero_->id(), asker, operation));
}

// --- Storing ---------------------------------------------------------------------------------------------------------

void Core::read_requests(const sync::Requests& requests) {
  Consent::Asker& asker = consent_.askers[requests.asker];
  asker.told = requests;
  asker.open.clear();
  for (const sync::Request& each : requests.open) {
    const auto body = log::decode_control(each.operation);
    if (!body || !is_askable(body->operation)) continue;  // Of a later version, or not to be asked for: passed on only.
    const RequestId id = request_id(requests.asker, body->operation);
    const bool twice =
        std::any_of(asker.open.begin(), asker.open.end(), [&](const auto& open) { return open.id == id; });
    if (!twice) asker.open.push_back({id, each.since, body->operation});
  }
}

// After stream zero was folded. What can't be read is left out: who asked says it again.
Status Core::load_requests() {
  const auto drop = [&](ByteView key) { batch_.erase(key); };
  Bytes prefix = singleton_key(ask_prefix);
  RZ_CHECK(store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [&](ByteView, ByteView value) {
        const auto message = sync::decode(value);
        const auto* requests = message ? std::get_if<sync::Requests>(&*message) : nullptr;
        if (requests != nullptr) read_requests(*requests);
        return true;
      },
      drop));
  prefix = singleton_key(answer_prefix);
  RZ_CHECK(store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [&](ByteView, ByteView value) {
        const auto message = sync::decode(value);
        const auto* answer = message ? std::get_if<sync::Answer>(&*message) : nullptr;
        if (answer != nullptr) consent_.answers[answer->request][answer->device] = *answer;
        return true;
      },
      drop));
  consent_.due = true;
  return {};
}

const OpenRequest* Core::find_request(const RequestId& id, PublicKey* asker) const {
  for (const auto& [key, each] : consent_.askers) {
    for (const OpenRequest& open : each.open) {
      if (open.id != id) continue;
      if (asker != nullptr) *asker = key;
      return &open;
    }
  }
  return nullptr;
}

// Something changed: everybody in reach is told again, but for who said it.
void Core::requests_changed(const PublicKey* from) {
  for (auto& [device, peer] : peers_) {
    if (from == nullptr || device != *from) peer.requests_told = false;
  }
  consent_.due = true;
  output_.notices.push_back(RequestsChanged{});
}

// Who left, or was suspended, asks for nothing; answers and head trees without a request are dropped.
void Core::drop_stale_requests() {
  for (auto asker = consent_.askers.begin(); asker != consent_.askers.end();) {
    const identity::Device* device = identity_.find(asker->first);
    const bool heard = device != nullptr && device->may_speak() && (!device->suspended || asker->first == self_);
    if (heard || !is_member_) {
      ++asker;
      continue;
    }
    batch_.erase(ask_key(asker->first));
    asker = consent_.askers.erase(asker);
  }
  for (auto answers = consent_.answers.begin(); answers != consent_.answers.end();) {
    if (find_request(answers->first, nullptr) != nullptr) {
      ++answers;
      continue;
    }
    for (const auto& [device, answer] : answers->second) batch_.erase(answer_key(answers->first, device));
    answers = consent_.answers.erase(answers);
  }
  const std::vector<Hash256> wanted = request_cuts();
  for (auto root = consent_.cuts.begin(); root != consent_.cuts.end();) {
    const bool removes = std::any_of(identity_.devices.begin(), identity_.devices.end(), [&](const auto& device) {
      return device.removed && device.removed->cut == *root;
    });
    const bool asked = std::find(wanted.begin(), wanted.end(), *root) != wanted.end();
    if (asked && !removes) {
      ++root;
      continue;
    }
    if (!removes) drop_removal_tree(*root);
    root = consent_.cuts.erase(root);
  }
}

// The head trees that open requests name: the owner is told what a removal would leave out.
std::vector<Hash256> Core::request_cuts() const {
  std::vector<Hash256> roots;
  for (const auto& [asker, each] : consent_.askers) {
    for (const OpenRequest& open : each.open) {
      const Hash256* cut = cut_of(open.operation);
      if (cut != nullptr && identity::is_current(identity_, open.operation)) roots.push_back(*cut);
    }
  }
  return roots;
}

// --- Passing on ------------------------------------------------------------------------------------------------------

void Core::tell_requests(const PublicKey& device, Peer& peer) {
  if (peer.requests_told || !is_member_) return;
  peer.requests_told = true;
  for (const auto& [key, asker] : consent_.askers) {
    output_.send.push_back({device, Channel::sync, sync::encode(asker.told)});
    for (const OpenRequest& open : asker.open) {
      const auto answers = consent_.answers.find(open.id);
      if (answers == consent_.answers.end()) continue;
      for (const auto& [answerer, answer] : answers->second) {
        output_.send.push_back({device, Channel::sync, sync::encode(answer)});
      }
    }
  }
}

// Errors end the connection: a signature that does not verify, or a flood by the sender itself.
Status Core::take_requests(const PublicKey& from, const sync::Requests& requests) {
  const identity::Device* device = identity_.find(requests.asker);
  if (device == nullptr || !device->may_speak() || device->suspended) return {};
  Consent::Asker& known = consent_.askers[requests.asker];
  if (requests.counter <= known.told.counter) return {};
  const Bytes message = sync::requests_message(zero_->id(), requests);
  if (!crypto::verify(requests.asker, sync::requests_domain, message, requests.signature)) {
    return fail(ErrorCode::not_authentic, "requests in another device's name");
  }
  if (known.window + changes_window <= now_.tick) {
    known.window = now_.tick;
    known.changes = 0;
  }
  if (++known.changes > changes_max) {
    if (requests.asker != from) return {};
    return fail(ErrorCode::sync_overrun, "more requests than a person makes");
  }
  if (requests.asker == self_) {
    // This device said so in an earlier life, before its store went back: what it asks for now is what is here.
    known.told.counter = requests.counter;
    announce_requests();
    return {};
  }
  read_requests(requests);
  batch_.put(ask_key(requests.asker), sync::encode(requests));
  requests_changed(&from);
  return {};
}

Status Core::take_answer(const PublicKey& from, const sync::Answer& answer) {
  PublicKey asker;
  const OpenRequest* open = find_request(answer.request, &asker);
  const identity::Device* device = identity_.find(answer.device);
  if (open == nullptr || asker != answer.asker || device == nullptr || !device->is_personal()) return {};
  const auto electorate = identity::electorate_of(identity_, open->operation);
  if (!std::binary_search(electorate.begin(), electorate.end(), answer.device)) return {};
  auto& answers = consent_.answers[answer.request];
  // A yes is final: its signature is out. A no may become a yes.
  if (const auto known = answers.find(answer.device); known != answers.end() && (known->second.yes || !answer.yes)) {
    return {};
  }
  const bool authentic =
      answer.yes ? crypto::verify(answer.device, log::endorsement_domain,
                                  log::endorsement_message(zero_->id(), asker, open->operation), answer.signature)
                 : crypto::verify(answer.device, sync::decline_domain,
                                  sync::decline_message(zero_->id(), asker, answer.request), answer.signature);
  if (!authentic) return fail(ErrorCode::not_authentic, "an answer that its device did not sign");
  answers[answer.device] = answer;
  batch_.put(answer_key(answer.request, answer.device), sync::encode(answer));
  requests_changed(&from);
  return {};
}

// --- Asking ----------------------------------------------------------------------------------------------------------

// Signs what this device asks for now.
void Core::announce_requests() {
  Consent::Asker& own = consent_.askers[self_];
  sync::Requests told;
  told.asker = self_;
  told.counter = std::max(own.told.counter + 1, std::min(now_.wall.ms, log::integer_end - 1));
  for (const OpenRequest& open : own.open) {
    if (auto body = log::encode_control(log::control(open.operation)))
      told.open.push_back({open.since, *std::move(body)});
  }
  told.signature = keys_.signing_key().sign(sync::requests_domain, sync::requests_message(zero_->id(), told));
  batch_.put(ask_key(self_), sync::encode(told));
  own.told = std::move(told);
  requests_changed(nullptr);
}

// Writes the operation if this device, with what signatures there are, may do so; asks the others if their yes is what
// is missing. Errors: those of check_authority where nobody can help, limit_exceeded.
Result<Outcome> Core::decide_on(const log::Operation& operation) {
  const Status enough = identity::check_authority(identity_, self_, operation);
  if (enough) {
    RZ_CHECK(write_decided(operation));
    return Outcome{};
  }
  if (enough.error().code != ErrorCode::authority_missing || !is_askable(operation)) {
    return std::unexpected(enough.error());
  }
  const identity::Device* own = identity_.find(self_);
  if (own->suspended) return fail(ErrorCode::device_suspended, "this device is suspended: it can't ask the others");
  const auto subject = subject_of(operation);
  std::size_t voices = 0;
  for (const PublicKey& each : identity::electorate_of(identity_, operation)) {
    const identity::Device* device = identity_.find(each);
    // Who is to be removed is hardly the one to be asked, unless it asks itself.
    const bool asked = each == self_ || (each != subject && device != nullptr && !device->suspended);
    voices += asked ? 1 : 0;
  }
  if (voices < identity::votes_needed(identity_, operation)) {
    return fail(ErrorCode::authority_missing,
                words(enough.error().message, ": no other device of yours can say enough yes"));
  }
  Consent::Asker& mine = consent_.askers[self_];
  for (const OpenRequest& open : mine.open) {
    if (open.operation.index() != operation.index() || subject_of(open.operation) != subject) continue;
    if (std::holds_alternative<log::SetPolicy>(operation) && open.id != request_id(self_, operation)) continue;
    return Outcome{open.id, enough.error().message};
  }
  if (mine.open.size() >= sync::requests_max) {
    return fail(ErrorCode::limit_exceeded,
                words(mine.open.size(), " requests of this device wait already: withdraw one first"));
  }
  const RequestId id = request_id(self_, operation);
  mine.open.push_back({id, now_.wall, operation});
  announce_requests();
  return Outcome{id, enough.error().message};
}

Status Core::withdraw_request(const RequestId& id) {
  Consent::Asker& own = consent_.askers[self_];
  const auto open = std::find_if(own.open.begin(), own.open.end(), [&](const auto& each) { return each.id == id; });
  if (open == own.open.end()) return fail(ErrorCode::not_found, "this device asks for no such thing");
  if (std::holds_alternative<log::RotateKeys>(open->operation)) forget_rotation();
  own.open.erase(open);
  announce_requests();
  return {};
}

// The same wish, as it reads after the chain has moved on. Errors: it makes no sense any more.
Result<log::Operation> Core::draft_again(const log::Operation& operation) {
  if (const auto* remove = std::get_if<log::RemoveDevice>(&operation)) {
    RZ_CHECK(identity::draft_remove(identity_, remove->device, remove->cut));
    RZ_TRY(const Hash256 cut, keep_removal_cut(remove->device));
    return identity::draft_remove(identity_, remove->device, cut);
  }
  if (const auto* rotate = std::get_if<log::RotateKeys>(&operation)) {
    RZ_CHECK(identity::draft_rotate_again(identity_, *rotate, rotate->cut));
    RZ_TRY(const Hash256 cut, keep_removal_cut(rotate->device));
    return identity::draft_rotate_again(identity_, *rotate, cut);
  }
  if (const auto* lift = std::get_if<log::LiftSuspension>(&operation)) {
    return identity::draft_lift(identity_, lift->device);
  }
  if (const auto* policy = std::get_if<log::SetPolicy>(&operation)) {
    RZ_TRY(const identity::Policy wanted, identity::decode_policy(policy->policy));
    return identity::draft_policy(identity_, wanted);
  }
  if (const auto* veto = std::get_if<log::Veto>(&operation)) return identity::draft_veto(identity_, veto->recovery);
  return fail(ErrorCode::bad_argument, "this has to be asked for anew");
}

// What became of this device's own requests: enough signed, or the chain moved on and the wish is made anew.
void Core::tend_requests() {
  if (!std::exchange(consent_.due, false)) return;
  drop_stale_requests();
  const auto own = consent_.askers.find(self_);
  if (own == consent_.askers.end() || own->second.open.empty() || identity_.contest || !is_member_) return;
  std::vector<OpenRequest> kept;
  bool changed = false;
  for (OpenRequest& open : std::exchange(own->second.open, {})) {
    if (!identity::is_current(identity_, open.operation)) {
      changed = true;
      auto again = draft_again(open.operation);
      if (!again) {
        alarm(Alarm::Level::info, words("a request of this device came to an end: ", again.error().message));
        if (std::holds_alternative<log::RotateKeys>(open.operation)) forget_rotation();
        continue;
      }
      open = {request_id(self_, *again), open.since, *std::move(again)};
    }
    log::Operation operation = open.operation;
    if (const auto answers = consent_.answers.find(open.id); answers != consent_.answers.end()) {
      for (const auto& [device, answer] : answers->second) {
        if (answer.yes) (void)identity::endorse(identity_, self_, {device, answer.signature}, operation);
      }
    }
    const bool busy = successor_ && identity::is_chained(identity_, operation);
    if (busy || !identity::check_authority(identity_, self_, operation)) {
      kept.push_back(std::move(open));
      continue;
    }
    changed = true;
    if (Status done = write_decided(operation); !done) {
      alarm(Alarm::Level::warning, words("a change to the devices did not come about: ", done.error().message));
      if (std::holds_alternative<log::RotateKeys>(operation)) forget_rotation();
    }
  }
  Consent::Asker& mine = consent_.askers[self_];
  mine.open = std::move(kept);
  if (changed) announce_requests();
}

// --- Answering -------------------------------------------------------------------------------------------------------

Status Core::answer_request(const RequestId& id, bool yes) {
  PublicKey asker;
  const OpenRequest* open = find_request(id, &asker);
  if (open == nullptr || !identity::is_current(identity_, open->operation)) {
    return fail(ErrorCode::not_found, "nobody asks for that any more: it was withdrawn, is done, or was made anew");
  }
  if (asker == self_) return fail(ErrorCode::bad_argument, "this device asks for it itself");
  const identity::Device* own = identity_.find(self_);
  if (own == nullptr || own->suspended) return fail(ErrorCode::device_suspended, "this device is suspended");
  const auto& answers = consent_.answers[id];
  const auto before = answers.find(self_);
  if (before != answers.end() && before->second.yes == yes) return {};
  if (before != answers.end() && before->second.yes) {
    return fail(ErrorCode::successor_promised, "this device has said yes, and its signature is with the others");
  }
  sync::Answer answer{asker, id, self_, yes, {}};
  if (yes) {
    const Hash256* cut = cut_of(open->operation);
    if (cut != nullptr && find(*cut) == nullptr) {
      return fail(ErrorCode::not_reachable,
                  words("what exactly ", device_name(asker), " asks for is not here yet: keep it in reach"));
    }
    RZ_TRY(const auto signed_with, identity::co_sign(identity_, promises_, keys_, asker, open->operation));
    if (signed_with.persist_first) {
      identity::keep_promise(promises_, *signed_with.persist_first);
      put_promises();
    }
    answer.signature = signed_with.signature.signature;
  } else {
    const auto electorate = identity::electorate_of(identity_, open->operation);
    if (!std::binary_search(electorate.begin(), electorate.end(), self_)) {
      return fail(ErrorCode::authority_missing, "this device is not asked: it is not established yet");
    }
    answer.signature = keys_.signing_key().sign(sync::decline_domain, sync::decline_message(zero_->id(), asker, id));
  }
  batch_.put(answer_key(id, self_), sync::encode(answer));
  // Like a vote: the promise must survive a crash before the signature leaves this device.
  after_persist([this, answer] {
    if (find_request(answer.request, nullptr) == nullptr) return;
    consent_.answers[answer.request][self_] = answer;
    requests_changed(nullptr);
  });
  return {};
}

// --- What can be asked -----------------------------------------------------------------------------------------------

std::string_view name_of(RequestSummary::What what) {
  static constexpr std::string_view names[] = {"remove", "rotate", "policy", "lift", "veto"};
  return names[static_cast<std::size_t>(what)];
}

// How many of the device's events that are here the removal would not let count.
std::optional<std::uint64_t> Core::left_out_by(const log::Operation& operation) const {
  const Hash256* cut = cut_of(operation);
  const auto subject = subject_of(operation);
  const log::HeadList* heads = cut == nullptr ? nullptr : find(*cut);
  if (heads == nullptr || !subject) return std::nullopt;
  std::uint64_t left_out = 0;
  for (const auto& [id, replica] : streams_) {
    const log::EventGraph& graph = replica->graph();
    std::vector<EventIndex> named;
    const auto stream = std::lower_bound(heads->begin(), heads->end(), id,
                                         [](const auto& entry, const auto& wanted) { return entry.stream < wanted; });
    if (stream != heads->end() && stream->stream == id) {
      for (const log::EventId& head : stream->heads) {
        if (const auto event = graph.find(head)) named.push_back(*event);
      }
    }
    for (const EventIndex event : graph.difference(graph.heads_of(*subject), named)) {
      left_out += graph.author(event) == *subject ? 1 : 0;
    }
  }
  return left_out;
}

RequestSummary Core::summary_of(const PublicKey& asker, const OpenRequest& open) const {
  RequestSummary summary;
  summary.id = open.id;
  if (std::holds_alternative<log::RotateKeys>(open.operation)) summary.what = RequestSummary::What::rotate;
  if (std::holds_alternative<log::SetPolicy>(open.operation)) summary.what = RequestSummary::What::policy;
  if (std::holds_alternative<log::LiftSuspension>(open.operation)) summary.what = RequestSummary::What::lift;
  if (std::holds_alternative<log::Veto>(open.operation)) summary.what = RequestSummary::What::veto;
  summary.asker = asker;
  summary.asker_name = device_name(asker);
  summary.device = subject_of(open.operation);
  if (const auto* veto = std::get_if<log::Veto>(&open.operation)) {
    for (const identity::Recovery& recovery : identity_.recoveries) {
      if (recovery.operation == veto->recovery) summary.device = recovery.device;
    }
  }
  if (summary.device) summary.device_name = device_name(*summary.device);
  summary.since = open.since;
  summary.mine = asker == self_;
  summary.details_here = cut_of(open.operation) == nullptr || find(*cut_of(open.operation)) != nullptr;
  // What a device writes until it has its new key is taken in by itself afterwards.
  if (summary.what != RequestSummary::What::rotate) summary.left_out = left_out_by(open.operation);
  const auto answers = consent_.answers.find(open.id);
  const auto electorate = identity::electorate_of(identity_, open.operation);
  summary.needed = identity::votes_needed(identity_, open.operation);
  for (const PublicKey& each : electorate) {
    const sync::Answer* answer = nullptr;
    if (answers != consent_.answers.end()) {
      if (const auto found = answers->second.find(each); found != answers->second.end()) answer = &found->second;
    }
    if (each == asker || (answer != nullptr && answer->yes)) {
      summary.yes.push_back(each);
    } else if (answer != nullptr) {
      summary.no.push_back(each);
    } else {
      summary.waiting_for.push_back(each);
    }
    if (each == self_ && answer != nullptr) summary.answered = answer->yes;
  }
  const identity::Device* own = identity_.find(self_);
  summary.may_answer = !summary.mine && own != nullptr && !own->suspended &&
                       std::binary_search(electorate.begin(), electorate.end(), self_);
  return summary;
}

std::vector<RequestSummary> Core::requests() const {
  std::vector<RequestSummary> found;
  for (const auto& [asker, each] : consent_.askers) {
    for (const OpenRequest& open : each.open) {
      if (identity::is_current(identity_, open.operation)) found.push_back(summary_of(asker, open));
    }
  }
  return found;
}

}  // namespace rz::pod
