#include "log/graph.h"

#include <algorithm>

#include "base/cbor_head.h"
#include "crypto/sha256.h"
#include "log/graph_state.h"

namespace rz::log {

EventGraph::EventGraph(std::unique_ptr<EventGraphState> state) : state_(std::move(state)) {}
EventGraph::EventGraph(EventGraph&&) noexcept = default;
EventGraph& EventGraph::operator=(EventGraph&&) noexcept = default;
EventGraph::~EventGraph() = default;

Result<EventGraph> EventGraph::from_genesis(ByteView genesis_block, const PendingLimits& limits) {
  auto state = std::make_unique<EventGraphState>();
  state->stream = stream_id_of_block(genesis_block);
  state->limits = limits;
  // The two kinds differ in their third field: a boolean, or a key.
  auto genesis = decode_genesis(genesis_block);
  if (genesis) {
    state->genesis = *std::move(genesis);
  } else {
    auto identity = decode_identity_genesis(genesis_block);
    if (!identity) return std::unexpected(std::move(identity).error());
    state->identity = *std::move(identity);
  }
  return EventGraph(std::move(state));
}

const StreamId& EventGraph::stream() const { return state_->stream; }
bool EventGraph::is_identity() const { return state_->identity.has_value(); }
const Genesis* EventGraph::genesis() const { return state_->genesis ? &*state_->genesis : nullptr; }
const IdentityGenesis* EventGraph::identity_genesis() const { return state_->identity ? &*state_->identity : nullptr; }

void EventGraph::admit_author(const AuthorKey& author, const EventId& admission) {
  if (state_->admitted_authors.emplace(author, admission).second) state_->wake(admission);
}

void EventGraph::admit_visitor(const Did& did, const EventId& added, const AuthorKey& device) {
  const Visitor visitor{did, device};
  const auto [found, is_new] = state_->visitors.try_emplace(added, visitor);
  RZ_REQUIRE(found->second == visitor);
  if (is_new) state_->wake(added);
}

Result<Offer> EventGraph::offer(const Header& header, std::optional<ByteView> body) {
  RZ_CHECK(check_header(header));
  return offer_with_id(event_id(header), header, body);
}

Result<Offer> EventGraph::offer_with_id(const EventId& id, const Header& header, std::optional<ByteView> body) {
  return offer_checked({id, header, body});
}

Result<Offer> EventGraph::offer_checked(const CheckedEvent& event) {
  if (event.header.stream != state_->stream) {
    return fail(ErrorCode::stream_mismatch, words("an event of stream ", event.header.stream.brief()));
  }
  if (event.body && !event.body_checked) RZ_CHECK(check_body(event.header, *event.body));
  if (const std::uint32_t index = state_->table.find(event.id); index != index_none) {
    if (event.body) state_->table.set_body_here(index, true);
    return Offer::known;
  }
  std::uint32_t hint = event.prev_hint ? event.prev_hint->value : index_none;
  if (hint != index_none && state_->table.row(hint).id != event.header.prev) hint = index_none;
  return state_->take({event.id, &event.header, event.body, hint, event.covered});
}

Status EventGraph::offer_seal(const Seal& seal) { return state_->take_seal(seal); }

void EventGraph::keep_verified_seal(const Seal& seal) {
  if (const std::uint32_t index = state_->table.find(seal.head); index != index_none) {
    state_->note_seal(index, seal);
  } else if (state_->pending.seals.size() < state_->limits.seals_max) {
    state_->pending.seals.insert_or_assign(seal.head, seal.signature);
  }
}

Status EventGraph::offer_body(const EventId& id, ByteView body) {
  if (const std::uint32_t index = state_->table.find(id); index != index_none) {
    RZ_CHECK(check_body(header(EventIndex{index}), body));
    state_->table.set_body_here(index, true);
    return {};
  }
  const auto found = state_->pending.events.find(id);
  if (found == state_->pending.events.end()) return fail(ErrorCode::not_found, words("event ", id.brief()));
  const Header header = found->second.header;  // `take` may drop it.
  RZ_CHECK(check_body(header, body));
  if (header.kind == EventKind::control && state_->pending.body_bytes + body.size() > state_->limits.body_bytes_max) {
    return fail(ErrorCode::pending_full, "too many bytes of control bodies wait");
  }
  RZ_CHECK(state_->take({id, &header, body, index_none, found->second.covered}));
  return {};
}

Result<EventIndex> EventGraph::append(const Header& header, std::optional<ByteView> body) {
  RZ_CHECK(check_header(header));
  return append_with_id(event_id(header), header, body);
}

Result<EventIndex> EventGraph::append_with_id(const EventId& id, const Header& header, std::optional<ByteView> body) {
  if (header.stream != state_->stream) {
    return fail(ErrorCode::stream_mismatch, words("an event of stream ", header.stream.brief()));
  }
  if (body) RZ_CHECK(check_body(header, *body));
  if (const auto known = find(id)) return *known;
  std::optional<ControlBody> decoded;
  if (header.kind == EventKind::control) {
    if (!body) return fail(ErrorCode::not_found, "the body of a control event");
    if (auto control_result = decode_control(*body)) decoded = *std::move(control_result);
  }
  RZ_TRY(const std::uint32_t index,
         state_->try_insert({id, &header, body, index_none, true}, decoded ? &*decoded : nullptr, nullptr));
  if (!state_->pending.events.empty()) state_->settle_appended(id);
  return EventIndex{index};
}

Missing EventGraph::missing() const {
  Missing missing;
  const Pending& pending = state_->pending;
  for (const auto& [id, waiters] : pending.waiters) {
    if (!pending.events.contains(id)) missing.events.push_back(id);
  }
  std::set<EventId> followed;
  for (const auto& [id, waiting] : pending.events) followed.insert(waiting.header.prev);
  for (const auto& [id, waiting] : pending.events) {
    if (waiting.header.kind == EventKind::control && !waiting.control_body) missing.bodies.push_back(id);
    if (!waiting.covered && !followed.contains(id)) missing.seals.push_back(id);
  }
  for (auto* ids : {&missing.events, &missing.bodies, &missing.seals}) std::sort(ids->begin(), ids->end());
  return missing;
}

std::size_t EventGraph::pending_count() const { return state_->pending.events.size(); }
void EventGraph::clear_pending() { state_->pending = {}; }

std::uint32_t EventGraph::size() const { return state_->table.size(); }

std::optional<EventIndex> EventGraph::find(const EventId& id) const {
  const std::uint32_t index = state_->table.find(id);
  if (index == index_none) return std::nullopt;
  return EventIndex{index};
}

const EventId& EventGraph::id(EventIndex event) const { return state_->table.row(event.value).id; }

Header EventGraph::header(EventIndex event) const {
  const EventRow& row = state_->table.row(event.value);
  const Chain& chain = state_->table.chain(row.chain);
  Header header;
  header.kind = kind(event);
  header.stream = state_->stream;
  header.author = chain.feed.author;
  header.feed = chain.feed.feed;
  header.seq = seq(event);
  header.prev = prev_id(event);
  for (const std::uint32_t parent : state_->table.parents(event.value)) {
    header.parents.push_back(state_->table.row(parent).id);
  }
  std::sort(header.parents.begin(), header.parents.end());
  header.time = row.time;
  header.epoch = state_->table.epoch(event.value);
  header.body = row.body;
  header.size = row.size;
  return header;
}

EventKind EventGraph::kind(EventIndex event) const {
  return state_->table.row(event.value).is_control ? EventKind::control : EventKind::operations;
}
const AuthorKey& EventGraph::author(EventIndex event) const { return state_->table.chain_of(event.value).feed.author; }
FeedName EventGraph::feed(EventIndex event) const { return state_->table.chain_of(event.value).feed; }
Seq EventGraph::seq(EventIndex event) const {
  return {state_->table.chain_of(event.value).first_seq + state_->table.row(event.value).position};
}
UnixMs EventGraph::time(EventIndex event) const { return state_->table.row(event.value).time; }
const EpochId& EventGraph::epoch(EventIndex event) const { return state_->table.epoch(event.value); }
const BodyHash& EventGraph::body(EventIndex event) const { return state_->table.row(event.value).body; }
std::uint32_t EventGraph::body_size(EventIndex event) const { return state_->table.row(event.value).size; }
std::uint32_t EventGraph::depth(EventIndex event) const { return state_->table.row(event.value).depth; }
std::uint32_t EventGraph::own(EventIndex event) const { return state_->table.row(event.value).own; }

std::optional<EventIndex> EventGraph::prev(EventIndex event) const {
  const std::uint32_t index = state_->table.prev(event.value);
  if (index == index_none) return std::nullopt;
  return EventIndex{index};
}

std::optional<EventIndex> EventGraph::causal_prev(EventIndex event) const {
  const std::uint32_t index = state_->table.causal_prev(event.value);
  if (index == index_none) return std::nullopt;
  return EventIndex{index};
}

EventId EventGraph::prev_id(EventIndex event) const {
  const EventRow& row = state_->table.row(event.value);
  const Chain& chain = state_->table.chain(row.chain);
  return row.position > 0 ? state_->table.row(chain.events[row.position - 1]).id : chain.origin_id;
}

std::uint64_t EventGraph::chain_place(EventIndex event) const {
  const EventRow& row = state_->table.row(event.value);
  return std::uint64_t{row.chain} << 32 | row.position;
}

std::span<const EventIndex> EventGraph::parents(EventIndex event) const {
  const auto indices = state_->table.parents(event.value);
  static_assert(sizeof(EventIndex) == sizeof(std::uint32_t) && std::is_trivially_copyable_v<EventIndex>);
  return {reinterpret_cast<const EventIndex*>(indices.data()), indices.size()};
}

const ControlBody* EventGraph::control_body(EventIndex event) const { return state_->control_body(event.value); }

ByteView EventGraph::control_bytes(EventIndex event) const {
  const auto found = state_->control.find(event.value);
  return found == state_->control.end() ? ByteView{} : ByteView(found->second.bytes);
}

const std::vector<EventIndex>& EventGraph::control_events() const { return state_->control_events; }
bool EventGraph::has_body(EventIndex event) const { return state_->table.row(event.value).body_here != 0; }
void EventGraph::set_body_here(EventIndex event, bool here) { state_->table.set_body_here(event.value, here); }

std::optional<EventIndex> EventGraph::branch_of(EventIndex event) const {
  const std::uint32_t branch = state_->branch_of(event.value);
  if (branch == index_none) return std::nullopt;
  return EventIndex{branch};
}

const EventId& EventGraph::admission_of(EventIndex event) const {
  const Chain& chain = state_->table.chain_of(event.value);
  return state_->table.chain(chain.root_chain).origin_id;
}

EventIndex EventGraph::feed_root(EventIndex event) const {
  const Chain& chain = state_->table.chain_of(event.value);
  return EventIndex{state_->table.chain(chain.root_chain).events.front()};
}

Header EventGraph::next_header(const FeedName& feed, const EventId& admission,
                               const std::vector<EventIndex>* visible) const {
  const EventTable& table = state_->table;
  Header header;
  header.stream = state_->stream;
  header.author = feed.author;
  header.feed = feed.feed;
  header.prev = admission;
  std::optional<std::uint32_t> before;
  for (const ChainIndex index : table.chains_of(feed)) {  // Of a forked feed: the longest branch, the first of equals.
    const std::uint32_t last = table.chain(index).events.back();
    if (!before || seq(EventIndex{*before}) < seq(EventIndex{last})) before = last;
  }
  const std::uint32_t named = before ? *before : table.find(admission);
  if (before) {
    header.prev = table.row(*before).id;
    header.seq = Seq{seq(EventIndex{*before}).value + 1};
  }
  std::uint32_t branch = index_none;
  if (before) {
    branch = state_->branch_of(*before);
  } else if (named != index_none) {
    const ControlBody* body = state_->control_body(named);
    branch = body && std::holds_alternative<Branch>(body->operation) ? named : state_->branch_of(named);
  }
  std::vector<EventIndex> heads;
  if (visible) {
    heads = *visible;
  } else {
    heads = frontier_of(branch == index_none ? std::nullopt : std::optional(EventIndex{branch}));
  }
  if (named != index_none) heads.push_back(EventIndex{named});
  heads = state_->with_bodies(heads);
  std::vector<EventIndex> maximal_heads = maximal(heads);
  std::erase_if(maximal_heads, [named](EventIndex head) { return head.value == named; });
  if (maximal_heads.size() > parents_max) {
    maximal_heads.erase(maximal_heads.begin(), maximal_heads.end() - static_cast<std::ptrdiff_t>(parents_max));
  }
  for (const EventIndex head : maximal_heads) header.parents.push_back(id(head));
  std::sort(header.parents.begin(), header.parents.end());
  return header;
}

std::optional<Seal> EventGraph::covering_seal(EventIndex event) const {
  const EventRow& row = state_->table.row(event.value);
  // A seal on a fork's branch covers what lies before the fork too.
  const FeedName& feed = state_->table.chain(row.chain).feed;
  const auto in_chain = [&](ChainIndex index, std::uint32_t from) -> std::optional<Seal> {
    const Chain& chain = state_->table.chain(index);
    const auto at = std::lower_bound(chain.seals.begin(), chain.seals.end(), from,
                                     [](const Chain::Sealed& seal, std::uint32_t pos) { return seal.position < pos; });
    if (at == chain.seals.end()) return std::nullopt;
    return Seal{state_->table.row(chain.events[at->position]).id, at->signature};
  };
  if (const auto seal = in_chain(row.chain, row.position)) return seal;
  for (const ChainIndex index : state_->table.chains_of(feed)) {
    const Chain& chain = state_->table.chain(index);
    if (index == row.chain || chain.first_seq == 0 || chain.seals.empty()) continue;
    if (!is_in_past(state_->table, event.value, chain.origin)) continue;
    if (const auto seal = in_chain(index, 0)) return seal;
  }
  return std::nullopt;
}

std::vector<EventIndex> EventGraph::unsealed_heads() const {
  std::vector<EventIndex> heads;
  for (const Chain& chain : state_->table.chains()) {
    const auto last = static_cast<std::uint32_t>(chain.events.size() - 1);
    if (chain.seals.empty() || chain.seals.back().position < last) heads.push_back(EventIndex{chain.events.back()});
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

const std::vector<ForkEvidence>& EventGraph::fork_evidence() const { return state_->evidence; }

Hash256 EventGraph::digest() const {
  std::vector<std::uint32_t> indices(size());
  for (std::uint32_t i = 0; i < size(); ++i) indices[i] = i;
  const EventTable& table = state_->table;
  std::sort(indices.begin(), indices.end(),
            [&table](std::uint32_t a, std::uint32_t b) { return table.row(a).id < table.row(b).id; });
  crypto::Sha256 hash;
  Bytes numbers;
  for (const std::uint32_t index : indices) {
    const EventRow& row = table.row(index);
    numbers.clear();
    cbor::put_uint(numbers, row.depth);
    cbor::put_uint(numbers, row.own);
    hash.update(row.id.view()).update(numbers);
  }
  return hash.finish();
}

std::size_t EventGraph::memory_bytes() const {
  std::size_t total = sizeof(EventGraphState) + state_->table.memory_bytes() + state_->pending.body_bytes;
  for (const auto& [index, record] : state_->control) total += 2 * record.bytes.size() + sizeof(ControlRecord) + 64;
  return total + state_->pending.events.size() * (sizeof(Waiting) + 160);
}

}  // namespace rz::log
