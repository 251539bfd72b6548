// Raft: what is ordered (cuts), and when it may be acknowledged (coverage).
#include <algorithm>

#include "ipld/dag_cbor.h"
#include "pod/core.h"
#include "raft/wire/log_store.h"
#include "raft/wire/message_codec.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::size_t cut_bytes_max = 900 * 1024;  // Of an entry's payload, which ends at 1 MiB.
constexpr Duration ask_after = milliseconds(250);
constexpr Duration order_within = milliseconds(500);  // So long a leader in reach may take to order something.

bool holds(const StreamReplica& replica, const log::EventId& head) {
  const auto event = replica.graph().find(head);
  return event && event->value < replica.durable();
}

}  // namespace

Bytes encode_applied(const ClusterState& cluster) {
  log::HeadList list;
  for (const auto& [stream, heads] : cluster.heads) list.push_back({stream, heads});
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(4);
  writer.unsigned_integer(cluster.applied.n);
  writer.bytes(cluster.applied_hash.view());
  writer.unsigned_integer(cluster.applied_time.ms);
  writer.bytes(log::encode_head_list(list));
  return value;
}

Result<ClusterState::Committed> decode_applied(ByteView value) {
  ClusterState::Committed state;
  ipld::dag_cbor::Reader reader(value);
  RZ_CHECK(reader.expect_array(4));
  RZ_TRY(state.index.n, reader.expect_uint());
  RZ_CHECK(reader.expect_fixed(state.hash));
  RZ_TRY(state.time.ms, reader.expect_uint());
  RZ_TRY(const ByteView list, reader.expect_bytes());
  RZ_CHECK(reader.finish());
  RZ_TRY(state.heads, log::decode_head_list(list));
  return state;
}

// The state that the store holds, if it does.
Result<std::optional<ClusterState::Committed>> Core::saved_order() const {
  RZ_TRY(const auto record, store_.get(singleton_key("applied")));
  if (!record) return std::nullopt;
  RZ_TRY(ClusterState::Committed state, decode_applied(*record));
  return state;
}

Status Core::open_raft(const Durability& durability) {
  raft::Options options;
  options.self = raft::Member{node_of(self_), raft::Incarnation{cluster_.incarnation}};
  std::optional<raft::Promised> promised;
  if (const auto& promise = durability.promise) {
    promised = raft::Promised{promise->generation, raft::Term{promise->term}, std::nullopt,
                              raft::Index{promise->last_index}, raft::EntryHash{promise->last_hash.bytes}};
    if (promise->vote) promised->vote = raft::NodeId{promise->vote->bytes};
  }
  RZ_TRY(raft::Recovery recovery, raft::recover(store_, promised));
  raft::PersistedState& persisted = recovery.state;
  RZ_CHECK(load_copies());
  RZ_TRY(auto applied, saved_order());
  if (applied) {
    persisted.applied = persisted.covered = applied->index;
    cluster_.saved = cluster_.covered = cluster_.applied = applied->index;
    cluster_.to_apply.push_back(*std::move(applied));
  }
  if (!store::may_promise(durability.standing) || recovery.behind_promise) {
    alarm(Alarm::Level::critical,
          "this device's disk lost something it had promised; it stores and syncs, but neither "
          "votes nor leads until the other devices have repaired it");
  }
  const bool fresh = persisted.hard_state.generation.number == 0 && persisted.entries.empty();
  std::vector<raft::Entry> entries = persisted.entries;
  RZ_TRY(raft::Raft opened, raft::Raft::open(options, options_.seed, std::move(persisted), now_.tick));
  raft_.emplace(std::move(opened));
  if (!entries.empty()) queue_coverage(raft::Entries::of(std::move(entries)));
  if (!store::may_promise(durability.standing)) raft_step(raft::Damaged{raft_->log().base().index.next()});
  const auto founder = store_.get(singleton_key("founder"));
  if (fresh && founder && *founder) {
    raft_step(raft::FoundGeneration{raft::Generation{1, raft::FoundingHash{zero_->id().bytes}}, now_.wall});
  }
  follow_generation();
  raft_step(raft::Ticked{});
  return {};
}

std::uint64_t Core::cluster_generation() const { return raft_ ? raft_->generation().number : 0; }

// Carries out an output's fields in their order.
void Core::raft_step(raft::Input input) {
  if (!raft_) return;
  const bool led = raft_->is_leader();
  const bool was_damaged = raft_->is_damaged();
  const raft::Term term = raft_->term();
  raft::Output out = raft_->step(now_.tick, std::move(input));
  const bool leads_anew = raft_->is_leader() && (!led || raft_->term() != term);
  const bool found_damage = raft_->is_damaged() && !was_damaged;
  raft::persist(out, batch_);
  for (const raft::Entries& entries : out.append) queue_coverage(entries);
  if (out.receipt) {
    after_persist([this, receipt = *out.receipt] { raft_step(receipt); });
  }
  const auto send = [this](const raft::Message& message) {
    output_.send.push_back({device_of(message.to.id), Channel::raft, raft::encode(message)});
  };
  for (const raft::Message& message : out.send) send(message);
  if (!out.send_after_persist.empty()) {
    after_persist([send, messages = std::move(out.send_after_persist)] {
      for (const raft::Message& message : messages) send(message);
    });
  }
  if (out.install) {
    cluster_.install = out.install;
    cluster_.install_state.reset();
    cluster_.install_asked.reset();
  }
  if (out.void_after) {
    cluster_.install.reset();
    void_order(*out.void_after);
  }
  if (out.reset_to && cluster_.install_state) {
    cluster_.to_apply.clear();
    cluster_.to_apply.push_back(*std::exchange(cluster_.install_state, std::nullopt));
    cluster_.install.reset();
  }
  for (const raft::Entries& entries : out.apply) apply(entries);
  for (const raft::ProposeOutcome& outcome : out.proposals) {
    if (outcome.refused) {
      cluster_.refused = outcome.refused;
      cluster_.logged_heads.clear();  // What was assumed to be in the log isn't: start again from what is applied.
      for (const auto& [id, replica] : streams_) cluster_.dirty.insert(id);
      cluster_.last_proposed = {};
    } else {
      cluster_.last_proposed = std::max(cluster_.last_proposed, outcome.last);
    }
  }
  if (leads_anew) {
    cluster_.logged_heads = cluster_.heads;
    for (const ClusterState::Committed& cut : cluster_.to_apply) {
      for (const log::StreamHeads& heads : cut.heads) cluster_.logged_heads[heads.stream] = heads.heads;
    }
    for (const ClusterState::Uncovered& cut : cluster_.uncovered) {
      for (const log::StreamHeads& heads : cut.heads) cluster_.logged_heads[heads.stream] = heads.heads;
    }
    for (const auto& [id, replica] : streams_) cluster_.dirty.insert(id);
    cluster_.last_proposed = {};
    membership_soon();
    cluster_.absent.reset();  // Whom it has seen for how long, it begins to learn now.
  }
  if (found_damage) alarm(Alarm::Level::critical, "a part of this device's record of the order is damaged");
  if (!out.leaving.empty()) membership_soon();
  for (const raft::Member& member : out.leaving) cluster_.leaving.insert(member.id);
  cluster_.raft_wake = out.wake_at;
}

// --- Coverage: "a voter acknowledges an entry only when everything in the cut's past is durable on it" ---------------

void Core::queue_coverage(const raft::Entries& entries) {
  if (entries.empty()) return;
  // New entries replace all at or after the first.
  while (!cluster_.uncovered.empty() && cluster_.uncovered.back().index >= entries.first_index()) {
    cluster_.uncovered.pop_back();
  }
  cluster_.covered = std::min(cluster_.covered, entries.first_index().prev());
  for (const raft::Entry& entry : entries) {
    ClusterState::Uncovered waiting{entry.index(), entry.header().root, {}, true, now_.tick};
    if (entry.kind() == raft::EntryKind::cut) {
      auto heads = log::decode_head_list(entry.payload().view());
      waiting.readable = heads && log::head_tree_root(*heads).bytes == entry.header().root.bytes;
      if (waiting.readable) waiting.heads = *std::move(heads);
    }
    cluster_.uncovered.push_back(std::move(waiting));
  }
}

void Core::advance_coverage() {
  const raft::Index before = cluster_.covered;
  while (!cluster_.uncovered.empty()) {
    ClusterState::Uncovered& first = cluster_.uncovered.front();
    if (!first.readable) {
      alarm(Alarm::Level::critical, "the device that leads ordered something that does not match its name");
      break;
    }
    std::erase_if(first.heads, [this](log::StreamHeads& heads) {
      const StreamReplica* replica = stream(heads.stream);
      if (replica == nullptr) return false;
      std::erase_if(heads.heads, [replica](const log::EventId& head) { return holds(*replica, head); });
      return heads.heads.empty();
    });
    if (!first.heads.empty()) break;
    cluster_.covered = std::max(cluster_.covered, first.index);
    cluster_.uncovered.pop_front();
    cluster_.asked_at.reset();
  }
  if (cluster_.covered > before) raft_step(raft::CoverageDurable{cluster_.covered});
  if (cluster_.uncovered.empty()) return;
  // Sync brings it by itself; what is still missing after a while is asked for by name, of everybody.
  const ClusterState::Uncovered& first = cluster_.uncovered.front();
  const Tick due = (cluster_.asked_at ? *cluster_.asked_at : first.since) + ask_after;
  if (due > now_.tick) return wake(due);
  cluster_.asked_at = now_.tick;
  for (const log::StreamHeads& heads : first.heads) {
    for (auto& [device, peer] : peers_) peer.session->want(heads.stream, heads.heads);
  }
  wake(now_.tick + ask_after);
}

// --- Applying --------------------------------------------------------------------------------------------------------

void Core::apply(const raft::Entries& entries) {
  for (const raft::Entry& entry : entries) {
    ClusterState::Committed committed{entry.index(), entry.hash(), entry.header().time, {}};
    if (entry.kind() == raft::EntryKind::cut) {
      // A majority has checked it against its root; what is unreadable here would be a bug of ours, and is skipped
      // alike by all.
      if (auto heads = log::decode_head_list(entry.payload().view())) committed.heads = *std::move(heads);
    }
    cluster_.to_apply.push_back(std::move(committed));
  }
}

// In order, each once all its heads are here: a learner may hear of a cut before its past.
void Core::apply_waiting() {
  while (!cluster_.to_apply.empty()) {
    ClusterState::Committed& next = cluster_.to_apply.front();
    for (; next.streams_here < next.heads.size(); ++next.streams_here) {
      const log::StreamHeads& heads = next.heads[next.streams_here];
      const StreamReplica* replica = stream(heads.stream);
      if (replica == nullptr) return;
      for (const log::EventId& head : heads.heads) {
        if (!replica->graph().contains(head)) return;
      }
    }
    for (log::StreamHeads& heads : next.heads) {
      StreamReplica* replica = stream(heads.stream);
      std::vector<log::EventId>& before = cluster_.heads[heads.stream];
      // Who leads anew may order once more what is in order.
      if (next.index > cluster_.copied && before != heads.heads) cluster_.uncopied[heads.stream] = next.index;
      before = heads.heads;
      (void)replica->add_cut(log::Cut{next.time, {std::move(heads)}});
    }
    cluster_.applied = std::max(cluster_.applied, next.index);
    cluster_.applied_hash = next.hash;
    cluster_.applied_time = next.time;
    cluster_.to_apply.pop_front();
  }
}

void Core::compact_log() {
  if (!raft_ || cluster_.applied.n < cluster_.saved.n + options_.compact_every) return;
  cluster_.saved = cluster_.applied;
  const Bytes state = encode_applied(cluster_);
  batch_.put(singleton_key("applied"), state);
  const raft::ContentId content{crypto::sha256(state).bytes};
  const raft::Index to{cluster_.applied.n - std::min(cluster_.applied.n, options_.compact_keep)};
  after_persist([this, index = cluster_.applied, content, to] { raft_step(raft::SnapshotTaken{index, content, to}); });
}

// --- Snapshots of the order: the heads of all streams after a cut
// ------------------------------------------------------

// Fetches the state that the leader named, then waits until everything it speaks of is durable here.
void Core::advance_install() {
  if (!cluster_.install) return;
  if (!cluster_.install_state) {
    if (cluster_.install_asked && *cluster_.install_asked + seconds(1) > now_.tick) return;
    cluster_.install_asked = now_.tick;
    wake(now_.tick + seconds(1));
    const Bytes frame = sync::encode(sync::StateWanted{Hash256{cluster_.install->content.bytes}});
    for (const auto& [device, peer] : peers_) {
      if (peer.session->established()) output_.send.push_back({device, Channel::sync, frame});
    }
    return;
  }
  ClusterState::Committed& state = *cluster_.install_state;
  for (; state.streams_here < state.heads.size(); ++state.streams_here) {
    const log::StreamHeads& heads = state.heads[state.streams_here];
    const StreamReplica* replica = stream(heads.stream);
    if (replica == nullptr) return;
    for (const log::EventId& head : heads.heads) {
      if (!holds(*replica, head)) return;
    }
  }
  if (cluster_.install_bytes.empty()) return;  // On its way already.
  batch_.put(singleton_key("applied"), std::exchange(cluster_.install_bytes, {}));
  cluster_.saved = cluster_.install_state->index;
  cluster_.covered = std::max(cluster_.covered, cluster_.install_state->index);
  after_persist([this, record = *cluster_.install] { raft_step(raft::SnapshotInstalled{record}); });
}

void Core::take_state(const sync::State& state) {
  if (!cluster_.install || cluster_.install_state) return;
  if (crypto::sha256(state.bytes).bytes != cluster_.install->content.bytes) return;
  auto decoded = decode_applied(state.bytes);
  if (!decoded) return alarm(Alarm::Level::critical, "the ordered state that the pod agreed on can't be read here");
  cluster_.install_state = *std::move(decoded);
  cluster_.install_bytes = state.bytes;
}

void Core::give_state(const PublicKey& device, const sync::StateWanted& wanted) {
  const auto stored = store_.get(singleton_key("applied"));
  if (!stored || !*stored || (*stored)->size() > sync::state_bytes_max) return;
  if (crypto::sha256(**stored).bytes != wanted.content.bytes) return;
  output_.send.push_back({device, Channel::sync, sync::encode(sync::State{**stored})});
}

// --- Proposing -------------------------------------------------------------------------------------------------------

// One cut at a time: what arrives meanwhile goes into the next, which is how many writers share one round.
void Core::propose_cut() {
  if (!raft_ || cluster_.dirty.empty()) return;
  if (!raft_->is_leader()) return wake_for_order();
  if (raft_->commit_index() < cluster_.last_proposed) return;
  log::HeadList changed;
  std::size_t bytes = 0;
  for (auto at = cluster_.dirty.begin(); at != cluster_.dirty.end() && bytes < cut_bytes_max;) {
    const StreamReplica* replica = stream(*at);
    std::vector<log::EventId> heads =
        replica->keeping() == log::Keeping::kept ? replica->heads_to_cut() : std::vector<log::EventId>{};
    std::vector<log::EventId>& logged = cluster_.logged_heads[*at];
    if (!heads.empty() && heads != logged) {
      bytes += 40 + heads.size() * 42;
      logged = heads;
      changed.push_back({*at, std::move(heads)});
    }
    at = cluster_.dirty.erase(at);
  }
  if (changed.empty()) return;
  raft::Draft draft;
  draft.kind = raft::EntryKind::cut;
  draft.root = raft::Root{log::head_tree_root(changed).bytes};
  draft.payload = raft::Payload::own(log::encode_head_list(changed));
  raft_step(raft::Propose{raft::RequestId{cluster_.next_request++}, now_.wall, {std::move(draft)}});
}

// A silent follower's part. The leader hears of new events by sync, and cuts them. Where it is out of reach, or does
// not although the connection stands (its process frozen, its cable pulled), it is woken: only silence to that starts
// an election.
void Core::wake_for_order() {
  if (!raft_->is_silent() || !raft_->leader()) return cluster_.order_due.reset();
  while (!cluster_.dirty.empty()) {
    const StreamReplica* replica = stream(*cluster_.dirty.begin());
    if (replica->keeping() == log::Keeping::kept) {
      const std::vector<log::EventId> heads = replica->heads_to_cut();
      const auto ordered = cluster_.heads.find(replica->id());
      if (!heads.empty() && (ordered == cluster_.heads.end() || ordered->second != heads)) break;
    }
    cluster_.dirty.erase(cluster_.dirty.begin());
  }
  if (cluster_.dirty.empty()) return cluster_.order_due.reset();
  if (!cluster_.order_due) cluster_.order_due = now_.tick + order_within;
  const bool in_reach = peers_.contains(device_of(*raft_->leader()));
  if (in_reach && *cluster_.order_due > now_.tick) return wake(*cluster_.order_due);
  cluster_.order_due.reset();
  raft_step(raft::WakeUp{});
}

}  // namespace rz::pod
