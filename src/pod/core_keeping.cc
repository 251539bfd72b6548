// What identity keeps beside stream zero: the head trees that removals name, the promises this device made, and what it
// stays with where the identity is contested.
#include <algorithm>

#include "identity/chain.h"
#include "identity/recovery.h"
#include "ipld/dag_cbor.h"
#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr Duration ask_again = seconds(1);
constexpr std::size_t asked_at_once_max = 16;
constexpr std::size_t kept_list_max = 4096;

constexpr std::string_view cut_prefix = "cut/";

Bytes encode_promises(const identity::Promises& promises) {
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(promises.size());
  for (const identity::Promise& promise : promises) {
    writer.array(2);
    writer.bytes(promise.predecessor.view());
    writer.bytes(promise.operation.view());
  }
  return value;
}

Result<identity::Promises> decode_promises(ByteView value) {
  ipld::dag_cbor::Reader reader(value);
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > kept_list_max) return fail(ErrorCode::limit_exceeded, words(count, " promises"));
  identity::Promises promises(static_cast<std::size_t>(count));
  for (identity::Promise& promise : promises) {
    RZ_CHECK(reader.expect_array(2));
    RZ_CHECK(reader.expect_fixed(promise.predecessor));
    RZ_CHECK(reader.expect_fixed(promise.operation));
  }
  RZ_CHECK(reader.finish());
  return promises;
}

Bytes encode_ids(const std::vector<log::EventId>& ids) {
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(ids.size());
  for (const log::EventId& id : ids) writer.bytes(id.view());
  return value;
}

Result<std::vector<log::EventId>> decode_ids(ByteView value) {
  ipld::dag_cbor::Reader reader(value);
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > kept_list_max) return fail(ErrorCode::limit_exceeded, words(count, " events"));
  std::vector<log::EventId> ids(static_cast<std::size_t>(count));
  for (log::EventId& id : ids) RZ_CHECK(reader.expect_fixed(id));
  RZ_CHECK(reader.finish());
  return ids;
}

}  // namespace

// Before stream zero is folded for the first time. A promise that can't be read is not forgotten silently: without it
// this device might sign a second successor.
Status Core::load_keeping() {
  RZ_TRY(const auto promises, store_.get(singleton_key("promises")));
  if (promises) {
    RZ_TRY(promises_, decode_promises(*promises));
  }
  RZ_TRY(const auto chain, store_.get(singleton_key("chain")));
  if (chain) {
    RZ_TRY(stance_.stayed_with, decode_ids(*chain));
  }
  RZ_TRY(const auto successor, store_.get(singleton_key("successor")));
  if (successor) {
    RZ_TRY(const log::ControlBody body, log::decode_control(*successor));
    successor_ = body.operation;
  }
  RZ_TRY(const auto seen, store_.get(singleton_key("recovery_seen")));
  if (seen) {
    ipld::dag_cbor::Reader reader(*seen);
    RZ_TRY(const std::uint64_t ms, reader.expect_uint());
    recovery_seen_ = UnixMs{ms};
  }
  const Bytes prefix = singleton_key(cut_prefix);
  return store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [&](ByteView key, ByteView value) {
        const auto root = Hash256::from(key.subspan(prefix.size()));
        auto heads = log::decode_head_list(value);
        if (root && heads && log::head_tree_root(*heads) == *root) {
          removal_cuts_[*root] = *std::move(heads);
          durable_cuts_.insert(*root);
        }
        return true;
      },
      [&](ByteView key) { batch_.erase(key); });  // The others have it too, and are asked.
}

// What counts here is what this device stays with. What the inviter named in its welcome stays until it has come.
void Core::keep_stance() {
  std::vector<log::EventId> stayed = identity_.chain;
  for (const log::EventId& id : stance_.stayed_with) {
    if (!zero_->graph().contains(id) && std::find(stayed.begin(), stayed.end(), id) == stayed.end()) {
      stayed.push_back(id);
    }
  }
  if (stayed == stance_.stayed_with) return;
  batch_.put(singleton_key("chain"), encode_ids(stayed));
  stance_.stayed_with = std::move(stayed);
}

void Core::note_recoveries() {
  if (recovery_seen_) return;
  const auto counts = [](const identity::Recovery& recovery) { return recovery.counts; };
  if (std::none_of(identity_.recoveries.begin(), identity_.recoveries.end(), counts)) return;
  recovery_seen_ = now_.wall;
  Bytes value;
  cbor::put_uint(value, now_.wall.ms);
  batch_.put(singleton_key("recovery_seen"), value);
}

// --- Head trees of removals ------------------------------------------------------------------------------------------

void Core::keep_removal_tree(const Hash256& root, log::HeadList heads) {
  Bytes key = singleton_key(cut_prefix);
  append(key, root.view());
  batch_.put(key, log::encode_head_list(heads));
  removal_cuts_[root] = std::move(heads);
  after_persist([this, root] {
    if (removal_cuts_.contains(root)) durable_cuts_.insert(root);
  });
}

void Core::drop_removal_tree(const Hash256& root) {
  Bytes key = singleton_key(cut_prefix);
  append(key, root.view());
  batch_.erase(key);
  removal_cuts_.erase(root);
  durable_cuts_.erase(root);
}

// A removal counts only once the whole tree that it names is here, and is asked for with it.
void Core::ask_for_cuts() {
  std::vector<Hash256> missing = identity_.missing_cuts;
  for (const Hash256& root : request_cuts()) {
    if (find(root) == nullptr) missing.push_back(root);
  }
  if (missing.empty()) return cuts_asked_.reset();
  if (cuts_asked_ && *cuts_asked_ + ask_again > now_.tick) return wake(*cuts_asked_ + ask_again);
  cuts_asked_ = now_.tick;
  wake(now_.tick + ask_again);
  const std::size_t count = std::min(missing.size(), asked_at_once_max);
  for (const auto& [device, peer] : peers_) {
    if (!peer.session->established()) continue;
    for (std::size_t i = 0; i < count; ++i) {
      output_.send.push_back({device, Channel::sync, sync::encode(sync::CutWanted{missing[i]})});
    }
  }
}

void Core::give_cut(const PublicKey& device, const Hash256& root) {
  const log::HeadList* heads = find(root);
  if (heads == nullptr) return;
  output_.send.push_back({device, Channel::sync, sync::encode(sync::CutTree{*heads})});
  const identity::Device* own = identity_.find(self_);
  if (own != nullptr && own->removed && own->removed->cut == root) cut_given_.insert(device);
}

// Only what an operation of stream zero or an open request names is kept: nobody can fill this device with trees.
void Core::take_cut(log::HeadList heads) {
  const Hash256 root = log::head_tree_root(heads);
  const std::vector<Hash256>& missing = identity_.missing_cuts;
  if (std::find(missing.begin(), missing.end(), root) != missing.end()) {
    keep_removal_tree(root, std::move(heads));
    return refold();
  }
  const std::vector<Hash256> asked = request_cuts();
  if (find(root) != nullptr || std::find(asked.begin(), asked.end(), root) == asked.end()) return;
  keep_removal_tree(root, std::move(heads));
  consent_.cuts.insert(root);
  output_.notices.push_back(RequestsChanged{});
}

// A device that was removed or suspended is told so, if it can be: it wipes its key when it learns of its removal.
void Core::tell_before_drop(const PublicKey& device, Peer& peer) {
  const identity::Device* known = identity_.find(device);
  if (!peer.session->established()) return;
  // As of later: what a third device wrote is not held back any longer.
  while (auto frame = peer.session->poll(now_.tick + seconds(1))) {
    output_.send.push_back({device, Channel::sync, *std::move(frame)});
  }
  if (known != nullptr && known->removed) give_cut(device, known->removed->cut);
}

// --- Promises --------------------------------------------------------------------------------------------------------

void Core::put_promises() { batch_.put(singleton_key("promises"), encode_promises(promises_)); }

// The operation is kept with the promise: after a crash it is written, or the promise would bar every other for ever.
void Core::keep_successor(const log::Operation& operation) {
  put_promises();
  if (const auto body = log::encode_control(log::control(operation))) batch_.put(singleton_key("successor"), *body);
  successor_ = operation;
  successor_durable_ = false;
}

void Core::write_successor() {
  if (!successor_) return;
  const log::Operation operation = *std::exchange(successor_, std::nullopt);
  batch_.erase(singleton_key("successor"));
  consent_.due = true;
  Status done = identity::check_authority(identity_, self_, operation);
  if (done) done = write_control(*zero_, operation);
  if (done) {
    // Nor does the event leave before it is durable: after a crash it would be written anew, and contest the first one.
    hold_sends_ = true;
    after_persist([this] { hold_sends_ = false; });
    return;
  }
  alarm(Alarm::Level::warning, words("a change to the devices did not come about: ", done.error().message));
  if (std::holds_alternative<log::RotateKeys>(operation)) forget_rotation();
}

}  // namespace rz::pod
