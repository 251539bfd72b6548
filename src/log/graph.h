// The event graph of one stream: every event that is stored here, its causal order, and what waits outside.
//
// An event is *admitted* (gets an EventIndex) when everything it names is admitted, its feed's admission is known, a
// seal covers it, and, for a control event, its body is here. Until then it waits in a bounded pending area, and
// `missing` says for what. Events may be offered in any order and any number of times.
//
// Invariants:
//   1. indices are dense and topological: an event's prev and parents have smaller ones, so admission order is causal
//      order and a caller reads what is new from [size before, size after);
//   2. replicas that admitted the same set have equal frontier, heads, depth and own of each event, and equal `digest`;
//   3. a fork keeps both branches; two seals that contradict each other are kept as evidence;
//   4. no operations body is kept here (the store's business): only whether it is here. Control bodies are kept.
//
// Single-threaded. Nothing here reads a clock or draws a number.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "log/body.h"
#include "log/control.h"
#include "log/frontier.h"
#include "log/header.h"
#include "log/seal.h"

namespace rz::log {

struct PendingLimits {
  std::size_t sealed_events_per_author_max = 8192;  // Waiting for something they name.
  std::size_t sealed_authors_max = 1024;
  std::size_t unsealed_events_max = 65536;        // Nobody vouches for these yet: one pool for all.
  std::size_t body_bytes_max = 16 * 1024 * 1024;  // Control bodies that wait.
  std::size_t seals_max = 1024;                   // Seals whose head is unknown.
};

enum class Offer : std::uint8_t {
  admitted,  // In the graph now (perhaps others with it: compare `size`).
  known,     // Was here already, waiting or admitted.
  waiting,   // In the pending area: see `missing`.
};

// What the pending area waits for, ascending and unique.
struct Missing {
  std::vector<EventId> events;  // Named by what waits and not here. May be an admission from stream zero.
  std::vector<EventId> bodies;  // Control events whose body is not here.
  std::vector<EventId> seals;   // Heads of what waits for a seal.
};

struct EventGraphState;

class EventGraph {
 public:
  // A stream by its genesis block (either kind). Errors: those of the genesis decoders.
  static Result<EventGraph> from_genesis(ByteView genesis_block, const PendingLimits& limits = {});
  EventGraph(EventGraph&&) noexcept;
  EventGraph& operator=(EventGraph&&) noexcept;
  ~EventGraph();

  const StreamId& stream() const;
  bool is_identity() const;        // Stream zero?
  const Genesis* genesis() const;  // None for stream zero.
  const IdentityGenesis* identity_genesis() const;

  // --- Admission
  // -------------------------------------------------------------------------------------------------------

  // Stream zero (genesis or `add`, named by `admission`) names `author`: its feeds in this stream may begin with that
  // as `prev`. Idempotent; may release events that wait.
  void admit_author(const AuthorKey& author, const EventId& admission);

  // A device of another pod (`added`: the operation or genesis of its stream zero that names it): it may `enter` this
  // stream under a grant to its DID. Idempotent; may release events that wait.
  void admit_visitor(const Did& did, const EventId& added, const AuthorKey& device);

  // An event from outside. `body` as it is stored; needed at once or later (`offer_body`) for control events.
  // Errors: those of check_header and check_body, stream_mismatch, admission_refused (named, but it does not name the
  // author), feed_broken (prev is not the feed's event before), branch_parent, pending_full.
  Result<Offer> offer(const Header& header, std::optional<ByteView> body = std::nullopt);
  // The same where the id was already computed from the very bytes (feed runs): the caller vouches for it.
  Result<Offer> offer_with_id(const EventId& id, const Header& header, std::optional<ByteView> body);

  // The same for who has more to say about the event: feed runs.
  struct CheckedEvent {
    const EventId& id;
    const Header& header;  // Satisfies check_header.
    std::optional<ByteView> body;
    bool body_checked = false;  // It is what the header names.
    bool covered = false;       // A seal by its author was verified on it, or on what follows it in its feed.
    std::optional<EventIndex> prev_hint = std::nullopt;  // Where header.prev may be found.
  };
  Result<Offer> offer_checked(const CheckedEvent& event);

  // A seal, before or after its head. Errors: seal_invalid (the head is known and the signature isn't its author's),
  // pending_full.
  Status offer_seal(const Seal& seal);

  // The same for a seal that the caller has verified.
  void keep_verified_seal(const Seal& seal);

  // A body whose header came first. Errors: not_found, body_hash_mismatch, body_size_mismatch.
  Status offer_body(const EventId& id, ByteView body);

  // An own event just closed, or one read back from the own store: admitted at once, sealed or not. Errors: as `offer`,
  // not_found where something it names is not admitted.
  Result<EventIndex> append(const Header& header, std::optional<ByteView> body);
  Result<EventIndex> append_with_id(const EventId& id, const Header& header, std::optional<ByteView> body);

  Missing missing() const;
  std::size_t pending_count() const;
  // Drops everything that waits (a peer that can't deliver left, say).
  void clear_pending();

  // --- Events
  // ----------------------------------------------------------------------------------------------------------

  std::uint32_t size() const;
  std::optional<EventIndex> find(const EventId& id) const;
  bool contains(const EventId& id) const { return find(id).has_value(); }

  const EventId& id(EventIndex event) const;
  Header header(EventIndex event) const;  // Rebuilt exactly.
  EventKind kind(EventIndex event) const;
  const AuthorKey& author(EventIndex event) const;
  FeedName feed(EventIndex event) const;
  Seq seq(EventIndex event) const;
  UnixMs time(EventIndex event) const;
  const EpochId& epoch(EventIndex event) const;
  const BodyHash& body(EventIndex event) const;
  std::uint32_t body_size(EventIndex event) const;
  std::uint32_t depth(EventIndex event) const;
  std::uint32_t own(EventIndex event) const;
  // The feed's event before; none for seq 0, even if its admission is an event of this stream.
  std::optional<EventIndex> prev(EventIndex event) const;
  // Chain (a feed, or a branch of a forked one) in the upper and position in it in the lower half: consecutive events
  // of a chain have consecutive places.
  std::uint64_t chain_place(EventIndex event) const;
  // What `prev` names: an event, the genesis, an operation of stream zero or a DID.
  EventId prev_id(EventIndex event) const;
  std::span<const EventIndex> parents(EventIndex event) const;
  // All events of this stream that it names: prev (or its admission, if here), then parents.
  void for_each_dependency(EventIndex event, auto&& visit) const {
    if (const auto before = causal_prev(event)) visit(*before);
    for (const EventIndex parent : parents(event)) visit(parent);
  }
  std::optional<EventIndex> causal_prev(EventIndex event) const;

  // The decoded body of a control event; none for operations, and for a control event that does not parse (a no-op).
  const ControlBody* control_body(EventIndex event) const;
  // As it was offered; empty for operations.
  ByteView control_bytes(EventIndex event) const;
  // All control events, ascending by index.
  const std::vector<EventIndex>& control_events() const;
  bool has_body(EventIndex event) const;
  void set_body_here(EventIndex event, bool here);  // The store got it, or dropped an erased one.

  // The branch event that the feed belongs to; none: the stream itself.
  std::optional<EventIndex> branch_of(EventIndex event) const;
  // The admission of the event's feed: what its seq 0 names as `prev` (for `enter`: the DID).
  const EventId& admission_of(EventIndex event) const;
  // The first event of the feed that the event belongs to.
  EventIndex feed_root(EventIndex event) const;

  // --- Causal order
  // ------------------------------------------------------------------------------------------------------

  Frontier frontier() const;
  std::vector<EventIndex> frontier_indices() const;
  // The maximal events of one branch (none: the stream itself): what its next event names as parents.
  std::vector<EventIndex> frontier_of(std::optional<EventIndex> branch) const;
  // The last event of every chain: what peers exchange.
  FeedHeads feed_heads() const;
  std::vector<EventIndex> heads_of(const FeedName& feed) const;  // More than one after a fork.
  std::vector<EventIndex> heads_of(const AuthorKey& author) const;

  // The last event of every chain, ascending.
  std::vector<EventIndex> chain_heads() const;

  // True for equal events.
  bool is_ancestor(EventIndex ancestor, EventIndex of) const;
  // Everything in the past of `heads`, themselves included, ascending.
  std::vector<EventIndex> closure(std::span<const EventIndex> heads) const;
  // closure(of) without closure(without), ascending by index. The cost is that of what differs.
  std::vector<EventIndex> difference(std::span<const EventIndex> of, std::span<const EventIndex> without) const;
  // The maximal ones among `events`, ascending.
  std::vector<EventIndex> maximal(std::span<const EventIndex> events) const;
  // The frontier of the union of two pasts.
  std::vector<EventIndex> merge(std::span<const EventIndex> a, std::span<const EventIndex> b) const;

  // What a peer with `theirs` lacks, in an order in which it can admit it: one run for each stretch of a chain, each
  // after all it names. Rows of theirs that are unknown here count as far as their feed is known here.
  std::vector<IndexRun> missing_for(const FeedHeads& theirs) const;
  // Ids in a peer's rows that this graph lacks, and feeds that go further there than here.
  bool lacks_any_of(const FeedHeads& theirs) const;
  // `events` (ascending) cut into stretches of chains, in admission order.
  std::vector<IndexRun> runs(std::span<const EventIndex> events) const;

  // --- Writing
  // -------------------------------------------------------------------------------------------------------------

  // The header of the next event of `feed` on top of everything seen: stream, author, feed, seq, prev and parents are
  // filled in; kind, time, epoch and body are the caller's. `admission`: what seq 0 names. Heads whose body isn't here
  // give way to what they name. `visible`: the maximal events to name (what counts, say) instead of the frontier.
  // Of more than 256 the greatest in index go in; the rest comes with the next event.
  Header next_header(const FeedName& feed, const EventId& admission,
                     const std::vector<EventIndex>* visible = nullptr) const;

  // --- Seals
  // ---------------------------------------------------------------------------------------------------------------

  // A seal that covers the event: the earliest kept one on it or after it in its chain. None: unsealed (own events).
  std::optional<Seal> covering_seal(EventIndex event) const;
  // The chain's last event, if no seal covers it: what must be sealed before it is sent. Of all own feeds.
  std::vector<EventIndex> unsealed_heads() const;
  const std::vector<ForkEvidence>& fork_evidence() const;

  // SHA-256 over all events sorted by id, with depth and own: equal for equal sets. For tests and divergence checks.
  Hash256 digest() const;
  // Bytes held, by the graph's own account.
  std::size_t memory_bytes() const;

 private:
  explicit EventGraph(std::unique_ptr<EventGraphState> state);
  std::unique_ptr<EventGraphState> state_;
};

}  // namespace rz::log
