// Who may begin a feed, and what a branch's events may name.
#include "crypto/sha256.h"
#include "log/graph_state.h"

namespace rz::log {
namespace {

using Admission = EventGraphState::Admission;
using Answer = EventGraphState::Admission::Answer;

Admission refused() { return {Answer::refused, index_none, index_none, {}}; }
Admission wait_for(const EventId& id) { return {Answer::wait, index_none, index_none, id}; }

bool names_author(const ControlBody& body, const AuthorKey& author, const AuthorKey& opener) {
  if (const auto* grant = std::get_if<Grant>(&body.operation)) return grant->audience == Audience::of(author);
  if (const auto* add = std::get_if<AddDevice>(&body.operation)) return add->device == author;
  if (const auto* rotate = std::get_if<RotateKeys>(&body.operation)) return rotate->successor == author;
  if (const auto* recover = std::get_if<Recover>(&body.operation)) return recover->device.device == author;
  if (const auto* branch = std::get_if<Branch>(&body.operation)) {
    return author == opener || std::binary_search(branch->writers.begin(), branch->writers.end(), author);
  }
  return false;
}

// A friend's device under a key drawn afresh: the device vouches for the key, the grant for the friend.
Admission enter_admission(const EventGraphState& state, const Header& header, const Enter& enter) {
  const auto visitor = state.visitors.find(enter.added);
  if (visitor == state.visitors.end()) return wait_for(enter.added);
  if (as_event_id(EpochId{visitor->second.did.bytes}) != header.prev) return refused();
  if (!crypto::verify(visitor->second.device, enter_domain, enter_message(header.author, state.stream),
                      enter.by_device)) {
    return refused();
  }
  const std::uint32_t granted = state.table.find(enter.grant);
  if (granted == index_none) return wait_for(enter.grant);
  const ControlBody* body = state.control_body(granted);
  const auto* grant = body ? std::get_if<Grant>(&body->operation) : nullptr;
  if (!grant || grant->audience != Audience::of(visitor->second.did)) return refused();
  return {Answer::granted, granted, state.branch_of(granted), {}};
}

// A new device speaks with the paper key: its own feed begins with the recovery. The key must be the one that the
// genesis, or a recovery in this one's past, has committed to.
Admission recovery_admission(const EventGraphState& state, const Header& header, const Recover& recover) {
  if (recover.device.device != header.author || !recover.endorsement.paper) return refused();
  const PaperSignature& paper = *recover.endorsement.paper;
  const Bytes message = endorsement_message(state.stream, header.author, Operation{recover});
  if (!crypto::verify(paper.key, endorsement_domain, message, paper.signature)) return refused();
  const Hash256 committed = crypto::sha256(paper.key.view());
  if (committed == state.identity->recovery_hash) return {Answer::granted, index_none, index_none, {}};
  ChainCounts past;
  for (const EventId& parent : header.parents) {
    const std::uint32_t index = state.table.find(parent);
    if (index == index_none) return wait_for(parent);
    add_past(state.table, past, std::span(&index, 1));
  }
  for (const EventIndex event : state.control_events) {
    const ControlBody* body = state.control_body(event.value);
    const auto* earlier = body ? std::get_if<Recover>(&body->operation) : nullptr;
    if (earlier && earlier->next_recovery_hash == committed && holds(state.table, past, event.value)) {
      return {Answer::granted, index_none, index_none, {}};
    }
  }
  return refused();
}

}  // namespace

Admission EventGraphState::admission(const Header& header, const ControlBody* body) const {
  if (identity && header.prev == as_event_id(stream)) {
    if (header.author == identity->device) return {Answer::granted, index_none, index_none, {}};
    const auto* recover = body ? std::get_if<Recover>(&body->operation) : nullptr;
    return recover ? recovery_admission(*this, header, *recover) : refused();
  }
  if (admitted_authors.contains({header.author, header.prev})) return {Answer::granted, index_none, index_none, {}};
  if (!identity && body) {
    if (const auto* enter = std::get_if<Enter>(&body->operation)) return enter_admission(*this, header, *enter);
  }
  const std::uint32_t named = table.find(header.prev);
  if (named == index_none) return wait_for(header.prev);
  const ControlBody* by = control_body(named);
  if (!by || !names_author(*by, header.author, table.chain_of(named).feed.author)) return refused();
  const bool opens_branch = std::holds_alternative<Branch>(by->operation);
  return {Answer::granted, named, opens_branch ? named : branch_of(named), {}};
}

// Outside a branch its events are named in an `accept` only; inside, its own and those of what it branched from.
Status EventGraphState::check_branches(const EventTable::Insertion& insertion) const {
  const bool is_first = insertion.header->seq.value == 0;
  const std::uint32_t own_branch = is_first ? insertion.branch : branch_of(insertion.prev);
  for (const std::uint32_t parent : insertion.parents) {
    const std::uint32_t wanted = branch_of(parent);
    std::uint32_t outer = own_branch;
    while (outer != wanted && outer != index_none) outer = branch_of(outer);
    if (outer != wanted) {
      return fail(ErrorCode::branch_parent, words("parent ", table.row(parent).id.brief(), " lies in another branch"));
    }
  }
  return {};
}

}  // namespace rz::log
