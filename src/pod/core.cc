#include "pod/core.h"

#include <algorithm>

#include "ipld/dag_cbor.h"

namespace rz::pod {

namespace {

std::uint64_t draw_word(crypto::Entropy& entropy) {
  std::array<std::uint8_t, 8> drawn{};
  entropy.fill(drawn);
  std::uint64_t word = 0;
  for (const std::uint8_t byte : drawn) word = word << 8 | byte;
  return word;
}

// Never zero, which stands for "none".
std::uint64_t draw_number(crypto::Entropy& entropy) { return draw_word(entropy) % (log::integer_end - 1) + 1; }

}  // namespace

void put_number(store::Batch& batch, std::string_view name, std::uint64_t number) {
  Bytes value;
  cbor::put_uint(value, number);
  batch.put(singleton_key(name), value);
}

Result<std::optional<std::uint64_t>> get_number(const store::Reader& store, std::string_view name) {
  RZ_TRY(const auto value, store.get(singleton_key(name)));
  if (!value) return std::nullopt;
  ipld::dag_cbor::Reader reader(*value);
  RZ_TRY(const std::uint64_t number, reader.expect_uint());
  return number;
}

Core::Core(Options options, identity::DeviceKeys keys, const store::Reader& store, crypto::Entropy& entropy, Now now,
           std::vector<identity::DeviceKeys> former)
    : options_(std::move(options)),
      keys_(std::move(keys)),
      former_(std::move(former)),
      self_(keys_.public_key()),
      store_(store),
      entropy_(entropy),
      now_(now) {
  // A feed is drawn anew at each opening, so a restored backup or a copied machine can't contradict itself.
  feed_ = log::FeedId{draw_word(entropy_) % log::integer_end};
}

Result<store::Batch> Pod::found(const identity::DeviceKeys& keys, const identity::PaperKey& paper,
                                const Options& options, crypto::Entropy& entropy, UnixMs) {
  crypto::Secret32 locator = crypto::Secret32::random(entropy);
  const log::IdentityGenesis genesis{keys.public_key(), keys.box_key().public_key(),
                                     crypto::sha256(paper.signing_key().public_key().view()),
                                     paper.box_key().public_key(), crypto::SigningKey::from_seed(locator).public_key()};
  store::Batch batch;
  batch.put(singleton_key("genesis"), log::encode_identity_genesis(genesis));
  batch.put(singleton_key("locator"), locator.expose());
  batch.put(singleton_key("name"), as_bytes(options.name));
  batch.put(singleton_key("founder"), Bytes{1});
  put_number(batch, "incarnation", draw_number(entropy));
  return batch;
}

Result<store::Batch> Pod::joined(const identity::Welcome& welcome, const PublicKey& inviter, const Options& options,
                                 crypto::Entropy& entropy) {
  store::Batch batch;
  RZ_CHECK(log::decode_identity_genesis(welcome.genesis));
  batch.put(singleton_key("genesis"), welcome.genesis);
  batch.erase(singleton_key("read_only"));
  batch.erase(singleton_key("copied_cut"));
  batch.put(singleton_key("addition"), welcome.addition.view());
  batch.put(singleton_key("inviter"), inviter.view());
  batch.put(singleton_key("name"), as_bytes(options.name));
  batch.put(singleton_key("paper_confirmed"), Bytes{1});  // The paper was offered where the pod began.
  if (!welcome.chain.is_zero()) {
    Bytes chain;
    ipld::dag_cbor::Writer tip(chain);
    tip.array(1);
    tip.bytes(welcome.chain.view());
    batch.put(singleton_key("chain"), chain);
  }
  Bytes places;
  ipld::dag_cbor::Writer writer(places);
  writer.array(welcome.addresses.size());
  for (const ipld::Multiaddr& address : welcome.addresses) writer.bytes(address.bytes());
  batch.put(singleton_key("bootstrap"), places);
  put_number(batch, "incarnation", draw_number(entropy));
  return batch;
}

Result<store::Batch> Pod::copied(ByteView genesis, const Options& options, crypto::Entropy& entropy) {
  store::Batch batch;
  RZ_CHECK(log::decode_identity_genesis(genesis));
  batch.put(singleton_key("genesis"), genesis);
  batch.put(singleton_key("read_only"), Bytes{1});
  batch.put(singleton_key("name"), as_bytes(options.name));
  batch.put(singleton_key("paper_confirmed"), Bytes{1});  // The paper was offered where the pod began.
  put_number(batch, "incarnation", draw_number(entropy));
  return batch;
}

Status Core::open(const Durability& durability) {
  RZ_TRY(const auto genesis, store_.get(singleton_key("genesis")));
  if (!genesis) return fail(ErrorCode::not_found, "there is no pod in this folder: `rhizome init` makes one");
  RZ_TRY(const auto incarnation, get_number(store_, "incarnation"));
  if (!incarnation) return fail(ErrorCode::store_damaged, "the store has a genesis but no incarnation");
  cluster_.incarnation = *incarnation;
  if (const auto name = store_.get(singleton_key("name")); name && *name && options_.name.empty()) {
    options_.name = std::string(as_text(**name));
  }
  if (const auto inviter = store_.get(singleton_key("inviter")); inviter && *inviter) {
    RZ_TRY(bootstrap_, PublicKey::from(**inviter));
  }
  if (const auto places = store_.get(singleton_key("bootstrap")); places && *places) {
    ipld::dag_cbor::Reader reader(**places);
    RZ_TRY(const std::uint64_t count, reader.expect_array());
    for (std::uint64_t i = 0; i < count; ++i) {
      RZ_TRY(const ByteView bytes, reader.expect_bytes());
      if (auto address = ipld::Multiaddr::decode(bytes)) bootstrap_places_.push_back(*std::move(address));
    }
  }
  const auto confirmed = store_.get(singleton_key("paper_confirmed"));
  paper_confirmed_ = confirmed && confirmed->has_value();
  const auto codes = store_.get(singleton_key("codes"));
  std::vector<identity::CodeRecord> records;
  if (codes && *codes) {
    RZ_TRY(records, identity::decode_code_records(**codes));
  }
  inviter_.emplace(self_, std::move(records));

  RZ_CHECK(load_read_only());
  RZ_TRY(zero_, add_stream(*genesis, log::Keeping::kept));
  RZ_TRY(catalogue_, add_stream(log::encode_genesis(log::catalogue_genesis(zero_->id())), log::Keeping::kept));
  epochs_.emplace(zero_->id());
  identity_.did = zero_->id();
  RZ_CHECK(load_keeping());
  RZ_CHECK(load_sightings());
  RZ_CHECK(load_recovery());
  RZ_CHECK(load_rotation());
  RZ_CHECK(load_streams());
  RZ_CHECK(load_requests());
  load_places();
  if (!read_only_) RZ_CHECK(open_raft(durability));
  write_successor();
  begin_as_successor();
  if (unannounced_) {
    alarm(Alarm::Level::warning,
          "no other device knows yet that this one recovered the pod: stop it, and run `rhizome recover` on its folder "
          "once more, with the same paper, while another device is in reach");
  }
  announce_place();
  settle();
  return {};
}

void Core::at(Now now) { now_ = now; }

void Core::tick() {
  wake_at_.reset();
  close_due();
  tick_guests();
  if (cluster_.raft_wake && *cluster_.raft_wake <= now_.tick) {
    cluster_.raft_wake.reset();
    raft_step(raft::Ticked{});
  }
  if (inviter_wake_ && *inviter_wake_ <= now_.tick) {
    inviter_wake_.reset();
    pairing(identity::Inviter::Ticked{});
  }
}

void Core::wake(Tick at) {
  if (!wake_at_ || at < *wake_at_) wake_at_ = at;
}

void Core::alarm(Alarm::Level level, std::string text) {
  for (const Alarm& known : alarms_) {
    if (known.text == text) return;
  }
  if (alarms_.size() == 32) alarms_.erase(alarms_.begin());
  alarms_.push_back({level, text});
  output_.notices.push_back(Alarm{level, std::move(text)});
}

void Core::after_persist(std::function<void()> action) {
  const std::uint64_t needed = batch_.empty() ? next_ticket_ - 1 : next_ticket_;
  if (needed <= persisted_ticket_) return action();
  waiting_.emplace_back(needed, std::move(action));
}

void Core::persisted(std::uint64_t ticket) {
  persisted_ticket_ = std::max(persisted_ticket_, ticket);
  for (; !persisting_.empty() && persisting_.front().first <= ticket; persisting_.pop_front()) {
    for (StreamReplica* replica : persisting_.front().second) {
      merge_due_.insert(replica);
      if (!replica->persisted(ticket)) continue;
      cluster_.dirty.insert(replica->id());
      for (auto& [device, peer] : peers_) peer.session->on_durable(replica->id());
    }
  }
  for (auto& [device, peer] : peers_) acknowledge_taken(peer);
  // An action may add others, which come after.
  while (!waiting_.empty() && waiting_.front().first <= persisted_ticket_) {
    const auto action = std::move(waiting_.front().second);
    waiting_.pop_front();
    action();
  }
}

// What one step leads to in the next part, until nothing follows any more.
void Core::settle() {
  close_due();
  do_duties();
  confirm_newcomers();
  tend_requests();
  finish_hand_over();
  check_left();
  end_silent_news();
  end_silent_strangers();
  advance_coverage();
  advance_install();
  apply_waiting();
  note_copies();
  propose_cut();
  plan_membership();
  compact_log();
  tell_tails();
  ask_for_cuts();
  if (unannounced_) (void)recovery_announced();
  poll_sessions();
  keep_caches();
  if (cluster_.raft_wake) wake(*cluster_.raft_wake);
  if (inviter_wake_) wake(*inviter_wake_);
  if (cluster_.membership_due) wake(*cluster_.membership_due);
  for (const auto& [id, due] : open_due_) wake(due);
}

Output Core::take_output() {
  settle();
  Output out = std::exchange(output_, {});
  if (!batch_.empty()) {
    Persist persist;
    persist.ticket = next_ticket_++;
    persist.batch = std::exchange(batch_, {});
    if (raft_) {
      const raft::HardState& hard = raft_->hard_state();
      persist.promise.generation = hard.generation.number;
      persist.promise.term = hard.term.n;
      if (hard.vote) persist.promise.vote = store::Vote{hard.vote->bytes};
      persist.promise.last_index = raft_->log().last().index.n;
      persist.promise.last_hash = Hash256{raft_->log().last().hash.bytes};
    }
    for (StreamReplica* replica : grown_) replica->written(persist.ticket);
    persisting_.emplace_back(persist.ticket, std::vector<StreamReplica*>(grown_.begin(), grown_.end()));
    grown_.clear();
    out.persist = std::move(persist);
  }
  out.wake_at = wake_at_;
  out.must_reopen = record_damaged_;
  return out;
}

}  // namespace rz::pod
