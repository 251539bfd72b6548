#include "raft/raft.h"

#include <algorithm>
#include <type_traits>

#include "base/assert.h"

namespace rz::raft {
namespace {

// Sent by leaders only.
bool is_leaders(const MessageBody& body) {
  return std::holds_alternative<Append>(body) || std::holds_alternative<Heartbeat>(body) ||
         std::holds_alternative<InstallSnapshot>(body);
}

// Means the same in any term.
bool is_timeless(const MessageBody& body) {
  return std::holds_alternative<Wake>(body) || std::holds_alternative<RepairRequest>(body) ||
         std::holds_alternative<RepairReply>(body);
}

Status check_persisted(const PersistedState& state) {
  const auto bad = [](std::string_view why) { return fail(ErrorCode::raft_bad_state, why); };
  EntryId last = state.base;
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    const Entry& entry = state.entries[i];
    if (entry.index() != last.index.next() || entry.header().prev != last.hash) return bad("a gap in the log");
    if (i > 0 && !continues(state.entries[i - 1], entry)) return bad("entries that do not continue each other");
    if (entry.kind() == EntryKind::configuration) RZ_CHECK(decode_configuration(entry.payload().view()));
    last = id_of(entry);
  }
  for (const EntryId& lost : state.lost) {
    if (lost.index <= last.index) return bad("a lost entry that is in the log");
  }
  if (state.base.index.n > 0 && !state.snapshot && state.lost.empty()) return bad("a compacted log without a snapshot");
  if (state.applied > last.index && state.lost.empty()) return bad("applied beyond the end of the log");
  return check_configuration(state.base_configuration);
}

}  // namespace

void Output::clear() {
  hard_state.reset();
  start.reset();
  append.clear();
  snapshot.reset();
  install.reset();
  receipt.reset();
  send.clear();
  send_after_persist.clear();
  generation_change.reset();
  reset_to.reset();
  apply.clear();
  reads.clear();
  proposals.clear();
  role_change.reset();
  leaving.clear();
  damaged.reset();
  wake_at.reset();
}

Result<Raft> Raft::open(Options options, std::uint64_t seed, PersistedState persisted, Tick now) {
  RZ_CHECK(check_persisted(persisted));
  return Raft(std::move(options), seed, std::move(persisted), now);
}

Raft::Raft(Options options, std::uint64_t seed, PersistedState persisted, Tick now)
    : options_(std::move(options)),
      random_(seed),
      now_(now),
      hard_state_(persisted.hard_state),
      log_(persisted.base),
      lost_(std::move(persisted.lost)),
      stranded_(std::move(persisted.stranded)),
      persisted_term_(persisted.hard_state.term) {
  const std::uint64_t generation = hard_state_.generation.number;
  const bool base_counts = persisted.base.generation == generation;
  configurations_.push_back({persisted.base.index, base_counts ? persisted.base_configuration : Configuration{}});
  if (!persisted.entries.empty()) log_.append(Entries::of(std::move(persisted.entries)));
  std::vector<Entries> runs;
  log_.collect(log_.base().index.next(), log_.last_index().next(), runs);
  for (const Entries& run : runs) {
    for (const Entry& entry : run) adopt_configuration(entry);
  }
  if (persisted.snapshot && log_.has(persisted.snapshot->last)) snapshot_ = std::move(persisted.snapshot);
  applied_ = std::max(persisted.applied, log_.base().index);
  if (persisted.applied < log_.base().index && snapshot_) applied_ = snapshot_->last.index;
  if (base_counts || log_.last().generation == generation) commit_ = log_.base().index;
  if (const auto id = log_.id_at(applied_); id && id->generation == generation) commit_ = applied_;
  verified_ = commit_;
  persisted_ = log_.last_index();
  covered_ = log_.base().index;
  advance_coverage(persisted.covered);
  if (is_damaged()) repair_due_ = now_;
  reset_election_deadline();
}

Output Raft::step(Tick now, Input input) {
  Output output;
  step(now, std::move(input), output);
  return output;
}

void Raft::step(Tick now, Input input, Output& output) {
  output.clear();
  out_ = &output;
  now_ = std::max(now_, now);
  const Role role = role_;
  const Term term = hard_state_.term;
  const std::optional<NodeId> leader = leader_;
  std::visit([this](auto&& event) { on(std::forward<decltype(event)>(event)); }, std::move(input));
  finish_step();
  if (role != role_ || term != hard_state_.term || leader != leader_) {
    output.role_change = RoleChange{role_, hard_state_.term, leader_};
  }
  out_ = nullptr;
}

void Raft::finish_step() {
  apply_committed();
  finish_reads();
  if (hard_state_changed_) out_->hard_state = hard_state_;
  hard_state_changed_ = false;
  if (out_->hard_state || out_->start || out_->snapshot || !out_->append.empty()) {
    out_->receipt = Persisted{hard_state_.generation.number, hard_state_.term, log_.last()};
  }
  out_->wake_at = next_wake();
}

void Raft::apply_committed() {
  const Index end = std::min(commit_, persisted_);
  if (end <= applied_) return;
  log_.collect(applied_.next(), end.next(), out_->apply);
  applied_ = end;
}

std::optional<Tick> Raft::next_wake() const {
  Tick wake = repair_due_;
  if (role_ != Role::leader) {
    wake = std::min(wake, election_deadline_);
  } else if (!silent_) {
    wake = std::min({wake, heartbeat_due_, quorum_check_due_});
    if (transfer_) wake = std::min(wake, transfer_->deadline);
  }
  return wake == never ? std::nullopt : std::optional(wake);
}

void Raft::on(Ticked) {
  if (now_ >= repair_due_) request_repair();
  if (role_ != Role::leader) {
    if (now_ >= election_deadline_) election_timed_out();
    return;
  }
  if (silent_) return;
  if (transfer_ && now_ >= transfer_->deadline) {
    transfer_.reset();
    if (!is_voter()) return become_follower(hard_state_.term, std::nullopt);
  }
  if (now_ >= quorum_check_due_) check_quorum();
  if (role_ == Role::leader && now_ >= heartbeat_due_) beat();
}

void Raft::on(const Persisted& event) {
  if (event.generation != hard_state_.generation.number) return;
  persisted_term_ = std::max(persisted_term_, event.term);
  if (log_.has(event.last)) persisted_ = std::max(persisted_, event.last.index);
  if (is_damaged()) check_whole();
  if (role_ == Role::candidate && persisted_term_ == hard_state_.term) return record_vote(options_.self, true);
  role_ == Role::leader ? maybe_commit() : acknowledge();
}

void Raft::on(const CoverageDurable& event) {
  advance_coverage(event.index);
  role_ == Role::leader ? maybe_commit() : acknowledge();
}

void Raft::on(Received event) {
  const Message& message = event.message;
  if (!admit(message)) return;
  std::visit([&](const auto& body) { receive(message, body); }, message.body);
}

// Whether the message is for this life of this device, from a member where only members have a say, of this generation
// and of this term (which it may have brought).
bool Raft::admit(const Message& message) {
  if (message.to.id != options_.self.id || message.from.id == options_.self.id) return false;
  if (message.to.incarnation != options_.self.incarnation) {
    // Meant for an earlier life, whose promises this one does not know. A leader is told of the new one.
    if (is_leaders(message.body)) send(message.from, Wake{});
    return false;
  }
  for (Progress& progress : progress_) {
    if (progress.member.id != message.from.id || progress.member == message.from) continue;
    progress.reborn = message.from.incarnation;  // The policy will let it in again, as a learner.
    return false;
  }
  if (!admit_generation(message)) return false;
  const bool any_sender = is_leaders(message.body) || std::holds_alternative<VoteRequest>(message.body);
  if (!any_sender && !configuration().names(message.from.id) && progress_of(message.from) == nullptr) return false;
  return is_timeless(message.body) || admit_term(message);
}

bool Raft::admit_generation(const Message& message) {
  if (message.generation == hard_state_.generation) return true;
  if (message.generation.wins_over(hard_state_.generation)) {
    adopt_generation(message.generation);
    return true;
  }
  if (is_leaders(message.body) || std::holds_alternative<VoteRequest>(message.body)) send(message.from, Wake{});
  return false;
}

// Dissertation 3.3, with the exceptions of pre-vote (9.6) and of leader stickiness (4.2.3).
bool Raft::admit_term(const Message& message) {
  const auto* request = std::get_if<VoteRequest>(&message.body);
  const auto* reply = std::get_if<VoteReply>(&message.body);
  if (message.term > hard_state_.term) {
    if ((request != nullptr && request->pre) || (reply != nullptr && reply->pre && reply->granted)) return true;
    if (request != nullptr && !request->by_transfer && hears_leader()) {
      end_silence();
      return false;
    }
    become_follower(message.term, std::nullopt);
    return true;
  }
  if (message.term == hard_state_.term) return true;
  // Tells a stale leader or candidate of the newer term.
  if (is_leaders(message.body)) send_after_persist(message.from, HeartbeatReply{});
  if (request != nullptr && request->pre) send(message.from, VoteReply{.pre = true});
  return false;
}

void Raft::send_in(Term term, const Member& to, MessageBody body) {
  out_->send.push_back({options_.self, to, hard_state_.generation, term, std::move(body)});
}

// Whatever admits to a term or an entry waits until that is durable: a voter that forgets it could vote twice.
void Raft::send_after_persist(const Member& to, MessageBody body) {
  out_->send_after_persist.push_back({options_.self, to, hard_state_.generation, hard_state_.term, std::move(body)});
}

Progress* Raft::progress_of(const Member& member) {
  return const_cast<Progress*>(std::as_const(*this).progress_of(member));
}

const Progress* Raft::progress_of(const Member& member) const {
  for (const Progress& progress : progress_) {
    if (progress.member.id == member.id) return progress.member == member ? &progress : nullptr;
  }
  return nullptr;
}

std::vector<MemberStatus> Raft::members(Tick now) const {
  std::vector<MemberStatus> all;
  if (role_ != Role::leader) return all;
  for (const Member& member : configuration().members()) {
    MemberStatus status{.member = member, .voter = configuration().is_voter(member)};
    if (member == options_.self) {
      status.self = status.active = status.caught_up = true;
      status.match = vouched();
      status.heard_at = now;
    } else if (const Progress* progress = progress_of(member)) {
      status.active = is_active(*progress);
      status.damaged = progress->damaged;
      status.caught_up = is_caught_up(*progress);
      status.reborn = progress->reborn;
      status.match = progress->match;
      status.heard_at = progress->heard_at;
    }
    all.push_back(status);
  }
  return all;
}

}  // namespace rz::raft
