// The pod snapshot: what the last applied cut's past says, and nothing else that this device knows.
#include <algorithm>

#include "document/document.h"
#include "log/catalogue.h"
#include "pod/core.h"
#include "pod/snapshot.h"
#include "view/snapshot.h"

namespace rz::pod {

using log::EventIndex;

namespace {

const Bytes null_value = {0xf6};

std::unexpected<Error> not_ready(std::string_view why) {
  return fail(ErrorCode::snapshot_not_ready, words(why, "; try again in a moment, with another device in reach"));
}

// The part of a stream that lies in the cut's past, as a graph of its own where that is not all of it. For one turn
// only: what it borrows grows.
class Past {
 public:
  static Result<Past> of(const StreamReplica& replica, const std::vector<log::EventId>& heads,
                         const identity::IdentityState& devices) {
    Past past(replica.graph());
    std::vector<EventIndex> at;
    for (const log::EventId& head : heads) {
      const auto event = replica.graph().find(head);
      if (!event) return not_ready("a part of the cut is not here");
      at.push_back(*event);
    }
    past.events_ = replica.graph().closure(at);
    if (past.events_.size() == replica.graph().size()) return past;
    RZ_TRY(log::EventGraph part, log::EventGraph::from_genesis(replica.genesis()));
    if (!part.is_identity()) {
      for (const identity::Device& device : devices.devices) part.admit_author(device.key, device.admission);
    }
    for (const EventIndex event : past.events_) {
      const ByteView control = past.whole_->control_bytes(event);
      RZ_CHECK(part.append_with_id(past.whole_->id(event), past.whole_->header(event),
                                   control.empty() ? std::nullopt : std::optional<ByteView>(control)));
    }
    past.part_.emplace(std::move(part));
    return past;
  }

  const log::EventGraph& graph() const { return part_ ? *part_ : *whole_; }
  // Where an event of graph() lies in the stream's own.
  EventIndex in_whole(EventIndex event) const { return events_[event.value]; }

 private:
  explicit Past(const log::EventGraph& whole) : whole_(&whole) {}

  const log::EventGraph* whole_;
  std::vector<EventIndex> events_;  // Ascending: appended in this order, they have these indices.
  std::optional<log::EventGraph> part_;
};

class Maker final : public SnapshotMaker {
 public:
  explicit Maker(const Core& core) : core_(core), heads_(core.cluster_.heads), next_(heads_.begin()) {
    summary_.cut_index = core.cluster_.applied.n;
  }

  // What identity says at the cut, and the key that follows from it. Errors: snapshot_blind, snapshot_not_ready,
  // identity_contested, unsupported.
  Status open() {
    const auto zero_heads = heads_.find(core_.zero_->id());
    if (zero_heads == heads_.end()) return not_ready("nothing of this pod is in order yet");
    RZ_TRY(const Past zero, Past::of(*core_.zero_, zero_heads->second, {}));
    identity_ = identity::fold_identity(zero.graph(), core_, {}).state;
    if (!identity_.missing_cuts.empty()) return not_ready("what a removal names is not here yet");
    if (identity_.needs_upgrade) return newer();
    if (identity_.contest) {
      return fail(ErrorCode::identity_contested,
                  "two changes of who belongs to this pod contradict each other: decide with the paper key first");
    }
    const log::Counts counts = log::what_counts(zero.graph(), identity::facts_for(identity_, core_.zero_->id(), core_));
    epochs_ = identity::epoch_table(zero.graph(), counts);
    const std::vector<log::EpochId> maximal = log::maximal_epochs(zero.graph(), counts);
    if (maximal.empty()) return not_ready("the pod's first key is not in order yet");
    if (maximal.size() > 1) return not_ready("two keys of the pod are about to be united");
    const auto key = core_.epochs_->snapshot_key(maximal.front());
    if (!key) {
      return fail(ErrorCode::snapshot_blind,
                  "this device keeps your pod without being able to read it, so it can't write a snapshot: make it on "
                  "one of your own devices");
    }
    RZ_CHECK(read_catalogue());
    key_.emplace(*key, core_.zero_->id());
    map_.emplace(*key_, queue_);
    log::HeadList list;
    for (const auto& [stream, heads] : heads_) list.push_back({stream, heads});
    summary_.cut = log::head_tree_root(list);
    summary_.streams = heads_.size() - unlisted_.size();
    return {};
  }

  Result<std::optional<view::Block>> next() override {
    if (error_) return std::unexpected(*error_);
    while (queue_.empty() && !done_) {
      if (Status made = next_ == heads_.end() ? finish() : add_stream(); !made) {
        error_ = made.error();
        return std::unexpected(*error_);
      }
    }
    if (queue_.empty()) return std::nullopt;
    view::Block block = std::move(queue_.front());
    queue_.pop_front();
    ++summary_.blocks;
    summary_.bytes += block.data.size();
    return block;
  }

  const SnapshotSummary& summary() const override { return summary_; }

 private:
  static std::unexpected<Error> newer() {
    return fail(ErrorCode::unsupported, "a newer version wrote something that this one can't read: update this device");
  }

  // What was removed in the cut's past is no part of the state, although devices may still hold it.
  Status read_catalogue() {
    const auto heads = heads_.find(core_.catalogue_->id());
    if (heads == heads_.end()) return {};
    RZ_TRY(const Past past, Past::of(*core_.catalogue_, heads->second, identity_));
    const log::Counts counts =
        log::what_counts(past.graph(), identity::facts_for(identity_, core_.catalogue_->id(), core_));
    unlisted_ = log::unlisted_streams(past.graph(), counts.verdicts);
    std::erase_if(unlisted_, [&](const log::StreamId& id) { return !heads_.contains(id); });
    return {};
  }

  Status add_stream() {
    const auto& [id, heads] = *next_++;
    const StreamReplica* replica = core_.stream(id);
    if (replica == nullptr) return not_ready("a part of the cut is not here");
    if (unlisted_.contains(id)) return {};
    view::StreamState state;
    state.genesis = replica->genesis();
    state.heads = heads;
    state.value = null_value;
    if (replica != core_.zero_ && replica != core_.catalogue_) RZ_CHECK(fold(*replica, heads, state));
    return map_->add(view::map_key(id), view::encode_stream_state(state));
  }

  Status fold(const StreamReplica& replica, const std::vector<log::EventId>& heads, view::StreamState& state) {
    RZ_TRY(const Past past, Past::of(replica, heads, core_.identity_));
    const log::EventGraph& graph = past.graph();
    const log::Counts counts = log::what_counts(graph, identity::facts_for(identity_, replica.id(), core_));
    std::vector<Bytes> payloads(graph.size());
    for (std::uint32_t i = 0; i < graph.size(); ++i) {
      if (counts.verdicts[i] == log::Verdict::needs_upgrade) return newer();
      RZ_TRY(payloads[i], payload(replica, graph, EventIndex{i}, past.in_whole(EventIndex{i}), state));
    }
    if (state.kind != document_type) return {};
    ++summary_.documents;
    return fold_document(graph, counts, payloads, state);
  }

  // The document operations of an event; nothing where it has none. What nobody can open is nothing for everybody:
  // that depends on the cut alone. What this device can't open, though it should, must not be left out silently.
  Result<Bytes> payload(const StreamReplica& replica, const log::EventGraph& graph, EventIndex event,
                        EventIndex in_whole, view::StreamState& state) const {
    if (graph.kind(event) != log::EventKind::operations) return Bytes{};
    const log::EpochId& epoch = graph.epoch(event);
    if (!epoch.is_zero() && !epochs_.contains(epoch)) return Bytes{};
    const auto body = replica.plaintext(in_whole);
    if (!body && body.error().code == ErrorCode::not_found)
      return not_ready("a key or a part of a document is missing");
    if (!body) return Bytes{};
    auto decoded = log::decode_operations_body(*body);
    if (!decoded) return Bytes{};
    if (decoded->format == static_cast<std::uint64_t>(log::BodyFormat::about) && graph.genesis() != nullptr) {
      const auto about = log::decode_about(decoded->payload);
      if (about && log::about_hash(*about) == graph.genesis()->about) state.kind = about->type;
    }
    if (decoded->format != static_cast<std::uint64_t>(log::BodyFormat::document)) return Bytes{};
    return std::move(decoded->payload);
  }

  static Status fold_document(const log::EventGraph& graph, const log::Counts& counts,
                              const std::vector<Bytes>& payloads, view::StreamState& state) {
    document::Document document;
    std::vector<std::vector<document::EventId>> parents(graph.size());
    std::vector<document::AppliedEvent> events;
    events.reserve(graph.size());
    const auto id_of = [&graph](EventIndex event) { return document::EventId{graph.id(event).bytes}; };
    for (std::uint32_t i = 0; i < graph.size(); ++i) {
      const EventIndex event{i};
      if (counts.verdict(event) != log::Verdict::effect) (void)document.set_effect(id_of(event), false);
      graph.for_each_dependency(event, [&](EventIndex before) { parents[i].push_back(id_of(before)); });
      const document::EventInfo info{id_of(event),
                                     document::AuthorId{graph.author(event).bytes},
                                     graph.feed(event).feed.value,
                                     graph.seq(event).value,
                                     graph.depth(event),
                                     graph.own(event),
                                     parents[i]};
      events.push_back({info, payloads[i]});
    }
    RZ_CHECK(document.apply_all(events));
    if (document.needs_upgrade()) return newer();
    const document::Value value = document.value();
    if (const document::Value* title = value.find("title")) {
      if (const auto* text = std::get_if<std::string>(&title->is)) state.title = *text;
    }
    state.value = document::to_dag_cbor(value);
    return {};
  }

  // The state, the operations, the root that names both, and the seals beside it.
  Status finish() {
    done_ = true;
    RZ_TRY(const auto map, map_->finish());
    const view::Block state = view::make_state(*key_, {summary_.cut, summary_.streams, map});
    queue_.push_back(state);
    RZ_TRY(const Past zero, Past::of(*core_.zero_, heads_.at(core_.zero_->id()), {}));
    RZ_TRY(const view::RemovalProofs removals, view::prove_removals(identity_, core_));
    RZ_TRY(const ipld::Cid operations, view::put_operations(zero.graph(), core_.zero_->genesis(), removals, queue_));
    const view::Block root = view::make_root(identity_, operations, state.cid);
    summary_.root = root.cid;
    queue_.push_back(root);
    queue_.push_back(view::make_seals(root.cid, seals(zero)));
    return {};
  }

  // On each feed of stream zero the last seal that lies in the cut's past.
  std::vector<log::Seal> seals(const Past& zero) const {
    std::vector<log::Seal> found;
    for (const EventIndex head : zero.graph().chain_heads()) {
      for (std::optional<EventIndex> event = head; event; event = zero.graph().prev(*event)) {
        const auto seal = core_.zero_->graph().covering_seal(zero.in_whole(*event));
        if (!seal || seal->head != zero.graph().id(*event)) continue;
        found.push_back(*seal);
        break;
      }
    }
    const auto by_head = [](const log::Seal& a, const log::Seal& b) { return a.head < b.head; };
    std::sort(found.begin(), found.end(), by_head);
    const auto same_head = [](const log::Seal& a, const log::Seal& b) { return a.head == b.head; };
    found.erase(std::unique(found.begin(), found.end(), same_head), found.end());
    if (found.size() > view::seals_max) found.resize(view::seals_max);
    return found;
  }

  const Core& core_;
  const std::map<log::StreamId, std::vector<log::EventId>> heads_;
  std::map<log::StreamId, std::vector<log::EventId>>::const_iterator next_;
  std::set<log::StreamId> unlisted_;  // In the cut's past, of `heads_`.
  identity::IdentityState identity_;  // At the cut.
  identity::EpochTable epochs_;       // At the cut.
  std::optional<view::SnapshotKey> key_;
  std::deque<view::Block> queue_;
  std::optional<view::MapBuilder> map_;
  SnapshotSummary summary_;
  bool done_ = false;
  std::optional<Error> error_;
};

}  // namespace

Result<std::unique_ptr<SnapshotMaker>> Core::snapshot() const {
  auto maker = std::make_unique<Maker>(*this);
  RZ_CHECK(maker->open());
  return maker;
}

}  // namespace rz::pod
