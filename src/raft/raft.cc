#include "raft/raft.h"

#include <algorithm>
#include <utility>

namespace rz::raft {
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
  const EntryId& base = log_.base();
  const bool base_counts = base.generation == generation;
  configurations_.push_back({base.index, base_counts ? persisted.base_configuration : Configuration{}});
  if (!persisted.entries.empty()) {
    const Entries entries = Entries::of(std::move(persisted.entries));
    log_.append(entries);
    for (const Entry& entry : entries) adopt_configuration(entry);
  }
  if (persisted.snapshot && log_.has(persisted.snapshot->last)) snapshot_ = std::move(persisted.snapshot);
  applied_ = std::max(persisted.applied, base.index);
  if (persisted.applied < base.index && snapshot_) applied_ = snapshot_->last.index;
  // What was applied, or compacted, was committed in its generation.
  if (base_counts || log_.last().generation == generation) commit_ = base.index;
  if (const auto id = log_.id_at(applied_); id && id->generation == generation) commit_ = applied_;
  verified_ = commit_;
  persisted_ = log_.last_index();
  covered_ = base.index;
  advance_coverage(persisted.covered);
  if (is_damaged()) repair_due_ = now_;
  restart_election_timer();
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
  const HardState before = hard_state_;
  acked_ = acknowledged();
  std::visit([this](auto&& event) { on(std::forward<decltype(event)>(event)); }, std::move(input));
  role_ == Role::leader ? maybe_commit() : acknowledge();
  if (const Index end = std::min(commit_, persisted_); end > applied_) {
    log_.collect(applied_.next(), end.next(), output.apply);
    applied_ = end;
  }
  finish_reads();
  if (hard_state_ != before) output.hard_state = hard_state_;
  if (output.hard_state || output.start || output.snapshot || !output.append.empty()) {
    output.receipt = Persisted{hard_state_.generation.number, hard_state_.term, log_.last()};
  }
  const Tick wake = std::min({election_due_, heartbeat_due_, quorum_check_due_, transfer_due_, repair_due_});
  if (wake != never) output.wake_at = wake;
  out_ = nullptr;
}

void Raft::on(Ticked) {
  if (now_ >= repair_due_) request_repair();
  if (now_ >= election_due_) election_timed_out();
  if (now_ >= transfer_due_) end_transfer();
  if (now_ >= quorum_check_due_) check_quorum();
  if (now_ >= heartbeat_due_) beat();
}

void Raft::on(const Persisted& event) {
  if (event.generation != hard_state_.generation.number) return;
  persisted_term_ = std::max(persisted_term_, event.term);
  if (log_.has(event.last)) persisted_ = std::max(persisted_, event.last.index);
  check_whole();
  if (role_ == Role::candidate) count_votes();
}

void Raft::on(const CoverageDurable& event) { advance_coverage(event.index); }

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
    if (role_ != Role::leader || progress.member.id != message.from.id || progress.member == message.from) continue;
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

const Progress* Raft::progress_of(const Member& member) const {
  const auto known =
      std::find_if(progress_.begin(), progress_.end(), [&](const Progress& other) { return other.member == member; });
  return known == progress_.end() ? nullptr : &*known;
}

// Whom this member follows.
const Member* Raft::other_leader() const {
  return leader_ && role_ == Role::follower ? configuration().find(*leader_) : nullptr;
}

}  // namespace rz::raft
