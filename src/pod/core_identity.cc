// Stream zero: who belongs to the pod, who can read, and the owner's commands about devices.
#include <algorithm>

#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

// What the fold of stream zero says of each event, in the words of what counts.
log::Counts counts_of(const log::EventGraph& graph, const identity::FoldResult& folded) {
  log::Counts counts;
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    counts.verdicts.push_back(!folded.in_c[i]    ? log::Verdict::quarantined
                              : folded.effect[i] ? log::Verdict::effect
                                                 : log::Verdict::no_effect);
    if (!folded.in_c[i]) ++counts.quarantined_by_author[graph.author(EventIndex{i})];
  }
  return counts;
}

}  // namespace

// --- Folding ---------------------------------------------------------------------------------------------------------

const log::HeadList* Core::find(const Hash256& cut) const {
  const auto found = removal_cuts_.find(cut);
  return found == removal_cuts_.end() ? nullptr : &found->second;
}

bool Core::is_device(const PublicKey& key) const {
  if (key == self_ || read_only_) return false;
  const identity::Device* device = identity_.find(key);
  if (device != nullptr) return device->in_pod() && !device->suspended;
  // A part of stream zero was damaged: who took part in the order, or said where it listens, has what is missing.
  const bool ordered = raft_ && raft_->configuration().names(node_of(key));
  if (identity_gaps_ && (ordered || places_.contains(key))) return true;
  // Before stream zero has come, the inviter is the one device that is known to belong to the pod.
  return bootstrap_ && *bootstrap_ == key && !is_member_;
}

// Stream zero grew, or a removal's head tree came.
void Core::refold() {
  identity::FoldResult folded = identity::fold_identity(zero_->graph(), *this, stance_);
  zero_->set_counts(counts_of(zero_->graph(), folded));
  identity_ = std::move(folded.state);
  ++identity_version_;
  note_successions();
  keep_stance();
  note_recoveries();
  note_recovery_times();
  std::set<log::AuthorKey> removed;
  for (const identity::Device& device : identity_.devices) {
    if (!device.in_pod()) removed.insert(device.key);
  }
  const bool removals_changed = removed != removed_;
  removed_ = std::move(removed);
  if (const identity::Device* own = identity_.find(self_)) {
    own_admission_ = own->admission;
    is_member_ = own->in_pod();
    if (!own->in_pod()) leave(*own);
  } else if (recovered_at_) {
    is_member_ = false;
    output_.must_stop = output_.vetoed = true;
  }
  // What was typed before is on top of what was seen then, and closed with the key of then: the next one may still be
  // on its way.
  if (removals_changed) flush();
  unlock_epochs();
  for (StreamReplica* replica : by_number_) {
    if (replica == nullptr || replica == zero_) continue;
    admit_devices(*replica);
    if (removals_changed) recount(*replica);
  }
  for (const auto& [device, peer] : peers_) {
    if (!may_stay(device, peer)) {
      to_drop_.emplace_back(device, Error{ErrorCode::not_a_device, "this device was suspended or removed"});
    }
  }
  consent_.due = true;
  membership_soon();
  follow_generation();
}

// Keys that stream zero wraps for this device. Documents that waited for one are folded anew when they are next opened.
void Core::unlock_epochs() {
  zero_counts_ = log::what_counts(zero_->graph(), identity::facts_for(identity_, zero_->id(), *this));
  const identity::EpochTable table = identity::epoch_table(zero_->graph(), zero_counts_);
  std::size_t unlocked = epochs_->unlock(table, keys_.box_key()) + use_read_keys(table);
  for (const identity::DeviceKeys& each : former_) unlocked += epochs_->unlock(table, each.box_key());
  check_former_keys(table);
  choose_epoch();
  if (unlocked == 0) return;
  for (auto& [id, summary] : summaries_) summary.is_current = false;
  for (StreamReplica* replica : by_number_) {
    if (replica != nullptr && replica != zero_) keys_came(*replica);
  }
}

// A document may have been folded with holes where there was no key. What was typed meanwhile is closed on top of them
// first; who watches is told the difference.
void Core::keys_came(StreamReplica& replica) {
  close_open(replica);
  const bool had_holes = replica.document_loaded() && !replica.is_whole();
  if (!had_holes || !watched_.contains(replica.id())) return replica.keys_came();
  const std::string before = replica.document()->text(document::body()).value_or(std::string());
  const std::uint64_t length = replica.document()->length(document::body()).value_or(0);
  replica.keys_came();
  document::Document* document = open_document(replica);
  const std::string after = document == nullptr ? before : document->text(document::body()).value_or(std::string());
  if (after == before) return;
  output_.notices.push_back(
      DocumentChanged{replica.id(), {{document::body(), document::TextSplice{0, length, after}}}, std::nullopt});
}

// The epoch that this device writes in.
void Core::choose_epoch() {
  current_epoch_.reset();
  for (const log::EpochId& epoch : log::maximal_epochs(zero_->graph(), zero_counts_)) {
    if (epochs_->find(epoch) == nullptr) continue;
    current_epoch_ = epoch;
    break;
  }
  if (!current_epoch_) return;
  // What was typed while there was no key to write with: it is closed now.
  for (StreamReplica* replica : by_number_) {
    if (replica != nullptr && replica->has_open_operations()) touched(*replica);
  }
}

// What software does by itself so that exactly the right devices can read. One device does it, lest all do it at once:
// the one that leads, or the only one.
void Core::do_duties() {
  keep_own_name();
  // What there is to do follows from the identity alone; what is done changes it.
  if (duties_done_at_ == identity_version_ || !has_duties()) return;
  duties_done_at_ = identity_version_;
  keep_readers();
}

// The genesis has no room for the first device's name, so the device tells it: once, as its owner called it at `init`.
void Core::keep_own_name() {
  const identity::Device* own = identity_.find(self_);
  if (own_name_told_ || own == nullptr || !own->name.empty() || identity_.needs_upgrade) return;
  const auto named = identity::draft_name(identity_, self_, self_, options_.name);
  if (!named) return;
  own_name_told_ = true;
  if (Status done = write_control(*zero_, *named); !done) alarm(Alarm::Level::warning, done.error().to_string());
}

// Where a cloud peer leads, or nobody does, it is the first one, by key, of the devices that see each other. Two that
// don't may both act: then there are two epochs, and a joint one follows.
bool Core::has_duties() const {
  const auto may_act = [](const identity::Device* device) {
    return device != nullptr && device->may_speak() && !device->suspended;
  };
  if (!may_act(identity_.find(self_))) return false;
  if (raft_ && raft_->is_leader()) return true;
  if (raft_ && raft_->leader() && may_act(identity_.find(device_of(*raft_->leader())))) return false;
  for (const auto& [device, peer] : peers_) {
    if (device < self_ && peer.session->established() && may_act(identity_.find(device))) return false;
  }
  return true;
}

void Core::keep_readers() {
  const identity::Device* own = identity_.find(self_);
  if (own == nullptr || !own->may_speak() || own->suspended) return;
  const identity::EpochTable table = identity::epoch_table(zero_->graph(), zero_counts_);
  const std::vector<log::EpochId> maximal = log::maximal_epochs(zero_->graph(), zero_counts_);
  const identity::EpochDuty duty = identity::pod_epoch_duty(identity_, table, maximal);
  if (duty.open) {
    auto opened = identity::open_pod_epoch(identity_, entropy_);
    if (!opened) return alarm(Alarm::Level::critical, opened.error().to_string());
    log::EventId written;
    if (Status done = write_control(*zero_, opened->operation, &written); !done) {
      return alarm(Alarm::Level::critical, done.error().to_string());
    }
    (void)epochs_->add(log::as_epoch_id(written), opened->key, opened->operation.commitment);
    choose_epoch();
    return;
  }
  if (duty.join) {
    auto joint = identity::join_epochs(maximal, zero_->id(), *epochs_);
    if (joint) (void)write_control(*zero_, *joint);
    return;
  }
  std::map<log::EpochId, std::vector<crypto::BoxPublicKey>> wanting;
  for (const identity::MissingWrap& missing : duty.wrap) wanting[missing.epoch].push_back(missing.box);
  for (auto& [epoch, boxes] : wanting) {
    const crypto::Secret32* key = epochs_->find(epoch);
    if (key == nullptr) continue;  // Somebody who holds it will.
    auto wraps = identity::wrap_epoch(epoch, *key, std::move(boxes), entropy_);
    if (wraps) (void)write_control(*zero_, *wraps);
  }
}

// --- Pairing ---------------------------------------------------------------------------------------------------------

void Core::pairing(identity::Inviter::Input input) {
  identity::Inviter::Output out = inviter_->step(now_.tick, std::move(input));
  if (out.persist) {
    batch_.put(singleton_key("codes"), out.persist->records);
    after_persist([this, revision = out.persist->revision] { pairing(identity::Inviter::Persisted{revision}); });
  }
  for (auto& message : out.send) output_.pairing_send.push_back(std::move(message));
  for (const auto connection : out.close) output_.pairing_close.push_back(connection);
  if (out.progress) output_.notices.push_back(*out.progress);
  inviter_wake_ = out.wake_at;
  if (out.add) add_newcomer(*out.add);
}

void Core::add_newcomer(const identity::Inviter::Add& add) {
  const log::AddDevice device{add.device, add.box_key, static_cast<log::DeviceKind>(add.kind), add.name, std::nullopt};
  auto operation = identity::draft_add(identity_, self_, device);
  log::EventId written;
  Status done;
  if (operation) {
    done = write_control(*zero_, *operation, &written);
  } else {
    done = std::unexpected(operation.error());
  }
  if (!done) return pairing(identity::Inviter::AddFailed{done.error().message});
  keep_readers();  // The newcomer reads from the start on; a cloud peer only if the policy says so.
  identity::Welcome welcome;
  welcome.genesis = zero_->genesis();
  welcome.kind = add.kind;
  welcome.addition = written;
  for (const EventIndex head : zero_->graph().frontier_indices()) welcome.heads.push_back(zero_->graph().id(head));
  std::sort(welcome.heads.begin(), welcome.heads.end());
  welcome.addresses = options_.addresses;
  if (raft_) welcome.configuration = raft::encode(raft_->configuration());
  after_persist([this, welcome] { pairing(identity::Inviter::Added{welcome}); });
}

// --- The owner's commands --------------------------------------------------------------------------------------------

Status Core::suspend_device(const PublicKey& device) {
  RZ_TRY(const log::Operation operation, identity::draft_suspend(identity_, self_, device));
  return write_control(*zero_, operation);
}

Status Core::rename_device(const PublicKey& device, std::string_view name) {
  RZ_TRY(const log::Operation operation, identity::draft_name(identity_, self_, device, name));
  if (identity_.find(device)->name == name) return {};
  return write_control(*zero_, operation);
}

// The heads of the device's feeds in every stream, as this device has them: what a removal leaves standing.
Result<Hash256> Core::keep_removal_cut(const PublicKey& device) {
  log::HeadList list;
  for (const auto& [id, replica] : streams_) {
    log::StreamHeads heads{id, {}};
    for (const EventIndex head : replica->graph().heads_of(device)) heads.heads.push_back(replica->graph().id(head));
    if (!heads.heads.empty()) list.push_back(std::move(heads));
  }
  list = log::canonical(std::move(list));
  RZ_CHECK(log::check_head_list(list));
  const Hash256 root = log::head_tree_root(list);
  keep_removal_tree(root, std::move(list));
  return root;
}

// Errors: what would leave the pod without anybody who decides.
Status Core::check_removable(const identity::Device& device, bool with_paper) const {
  const auto others = [&](bool established) {
    return std::any_of(identity_.devices.begin(), identity_.devices.end(), [&](const identity::Device& each) {
      return each.key != device.key && each.may_speak() && (each.established || !established);
    });
  };
  if (!others(false)) {
    return fail(ErrorCode::bad_argument,
                "this is the last device of your own: without it nobody could open the pod. Add another one first");
  }
  if (device.established && !others(true) && !with_paper) {
    return fail(ErrorCode::authority_missing,
                "no other device decides for the pod yet: one does seven days after it was added. Until then this "
                "needs the paper key");
  }
  return {};
}

Result<Outcome> Core::remove_device(const PublicKey& device, const identity::PaperKey* paper) {
  const identity::Device* known = identity_.find(device);
  if (known == nullptr) return fail(ErrorCode::not_found, "there is no such device");
  if (!known->in_pod() || known->leaving) return fail(ErrorCode::not_found, "the device was removed already");
  if (known->is_personal()) RZ_CHECK(check_not_pending());
  if (!known->is_personal()) {
    RZ_CHECK(identity::draft_remove_cloud(identity_, self_, device, {}));
    RZ_TRY(const Hash256 cut, keep_removal_cut(device));
    RZ_TRY(const log::Operation operation, identity::draft_remove_cloud(identity_, self_, device, cut));
    return decide_on(operation);
  }
  RZ_CHECK(check_removable(*known, paper != nullptr));
  RZ_TRY(log::Operation operation, identity::draft_remove(identity_, device, {}));
  if (paper != nullptr) RZ_CHECK(identity::sign_with_paper(identity_, *paper, self_, operation));
  RZ_TRY(const Hash256 cut, keep_removal_cut(device));
  RZ_TRY(operation, identity::draft_remove(identity_, device, cut));
  if (paper != nullptr) RZ_CHECK(identity::sign_with_paper(identity_, *paper, self_, operation));
  return decide_on(operation);
}

Result<Outcome> Core::lift_device(const PublicKey& device, const identity::PaperKey* paper) {
  RZ_TRY(log::Operation operation, identity::draft_lift(identity_, device));
  if (paper != nullptr) RZ_CHECK(identity::sign_with_paper(identity_, *paper, self_, operation));
  return decide_on(operation);
}

Result<Outcome> Core::set_policy(const identity::Policy& policy, const identity::PaperKey* paper) {
  RZ_TRY(log::Operation operation, identity::draft_policy(identity_, policy));
  if (paper != nullptr) RZ_CHECK(identity::sign_with_paper(identity_, *paper, self_, operation));
  return decide_on(operation);
}

// An operation with all the signatures that it needs.
Status Core::write_decided(const log::Operation& operation) {
  RZ_TRY(const auto promised, identity::promise(identity_, promises_, self_, operation));
  const bool chained = identity::is_chained(identity_, operation);
  if (chained && successor_) {
    if (!promised) return {};  // The same one, under way.
    return fail(ErrorCode::successor_promised, "another change to your devices is being written: try again");
  }
  if (!promised) return write_control(*zero_, operation);
  // Like a vote: the promise must survive a crash before the operation leaves this device.
  identity::keep_promise(promises_, *promised);
  keep_successor(operation);
  const bool waits = hands_over(operation);
  after_persist([this, waits] {
    successor_durable_ = true;
    if (!waits) write_successor();
  });
  return {};
}

}  // namespace rz::pod
