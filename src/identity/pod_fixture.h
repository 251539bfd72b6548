// For tests only: devices that write to their own copies of stream zero and exchange events, in any order a test likes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/sha256.h"
#include "identity/fold.h"
#include "identity/keys.h"
#include "identity/operations.h"
#include "log/seal.h"

namespace rz::identity::testing {

// Head trees by root, shared by all devices of a test; a test may hide one.
struct Cuts final : RemovalCuts {
  const log::HeadList* find(const Hash256& cut) const override {
    const auto found = lists.find(cut);
    return found == lists.end() ? nullptr : &found->second;
  }
  Hash256 add(log::HeadList list) {
    list = log::canonical(std::move(list));
    const auto root = log::head_tree_root(list);
    lists[root] = std::move(list);
    return root;
  }
  std::map<Hash256, log::HeadList> lists;
};

// One closed event with its body and seal, as it travels.
struct Sent {
  log::Header header;
  Bytes body;
  log::Seal seal;
};

class Replica {
 public:
  Replica(const log::IdentityGenesis& genesis, Cuts& cuts, DeviceKeys keys)
      : cuts_(cuts), keys_(std::move(keys)), graph_(open(genesis)) {}

  const AuthorKey& key() const { return keys_.public_key(); }
  const DeviceKeys& keys() const { return keys_; }
  log::EventGraph& graph() { return graph_; }
  Promises promises;
  Stance stance;

  FoldResult fold() { return fold_identity(graph_, cuts_, stance); }
  IdentityState state() { return fold().state; }

  // Writes `operation` on top of all that is here, whether or not it is allowed. `admission`: what its first event
  // names.
  EventId write(const log::Operation& operation, const EventId& admission) {
    const log::FeedName feed{key(), {feed_}};
    return write_on(graph_.next_header(feed, admission), operation);
  }
  EventId write(const log::Operation& operation) { return write(operation, admission_here()); }

  // The same in a new feed that names only `parents`: what a liar or a restored backup does.
  EventId write_behind(const log::Operation& operation, const EventId& admission, std::vector<EventId> parents) {
    log::Header header;
    header.stream = graph_.stream();
    header.author = key();
    header.feed = {++next_feed_};
    header.prev = admission;
    std::sort(parents.begin(), parents.end());
    header.parents = std::move(parents);
    return write_on(header, operation);
  }

  // Everything of the other's that is missing here.
  void pull(const Replica& from) {
    for (const auto& id : from.order_) {
      if (!sent_.contains(id)) take(from.sent_.at(id));
    }
  }
  void take(const Sent& event) {
    const EventId id = log::event_id(event.header);
    if (!sent_.emplace(id, event).second) return;
    order_.push_back(id);
    auto offered = graph_.offer(event.header, event.body);
    ASSERT_TRUE(offered.has_value()) << offered.error().to_string();
    ASSERT_TRUE(graph_.offer_seal(event.seal).has_value());
  }
  const std::vector<EventId>& order() const { return order_; }
  const Sent& sent(const EventId& id) const { return sent_.at(id); }

  // The heads of a device's feeds here, as a cut.
  Hash256 cut_of(const AuthorKey& device) {
    std::vector<EventId> heads;
    for (const auto event : graph_.heads_of(device)) heads.push_back(graph_.id(event));
    if (heads.empty()) return cuts_.add({});
    return cuts_.add({{graph_.stream(), std::move(heads)}});
  }

  EventId admission_here() {
    const auto found = state();
    const Device* device = found.find(key());
    return device == nullptr ? log::as_event_id(found.did) : device->admission;
  }

 private:
  static log::EventGraph open(const log::IdentityGenesis& genesis) {
    auto graph = log::EventGraph::from_genesis(log::encode_identity_genesis(genesis));
    RZ_ASSERT(graph.has_value());
    return *std::move(graph);
  }

  EventId write_on(log::Header header, const log::Operation& operation) {
    header.kind = log::EventKind::control;
    header.time = UnixMs{1'700'000'000'000 + ++clock_};
    const auto body = log::encode_control(log::control(operation));
    RZ_ASSERT(body.has_value());
    RZ_ASSERT(log::set_plain_body(header, *body).has_value());
    const EventId id = log::event_id(header);
    auto appended = graph_.append(header, *body);
    EXPECT_TRUE(appended.has_value()) << appended.error().to_string();
    const auto seal = log::make_seal(keys_.signing_key(), id);
    EXPECT_TRUE(graph_.offer_seal(seal).has_value());
    sent_.emplace(id, Sent{header, *body, seal});
    order_.push_back(id);
    return id;
  }

  Cuts& cuts_;
  DeviceKeys keys_;
  log::EventGraph graph_;
  std::uint64_t feed_ = 1;
  std::uint64_t next_feed_ = 1000;
  std::uint64_t clock_ = 0;
  std::map<EventId, Sent> sent_;
  std::vector<EventId> order_;  // As they came in here: causal.
};

// A pod with as many devices as a test adds; the first is named by the genesis.
class Pod {
 public:
  explicit Pod(std::uint64_t seed = 1) : entropy_(seed), paper_(PaperKey::random(entropy_)) {
    DeviceKeys keys = DeviceKeys::random(entropy_);
    genesis_.device = keys.public_key();
    genesis_.device_box = keys.box_key().public_key();
    genesis_.recovery_hash = crypto::sha256(paper_.signing_key().public_key().view());
    genesis_.recovery_box = paper_.box_key().public_key();
    genesis_.locator = DeviceKeys::random(entropy_).public_key();
    devices_.push_back(std::make_unique<Replica>(genesis_, cuts_, std::move(keys)));
  }

  Replica& device(std::size_t i) { return *devices_[i]; }
  std::size_t size() const { return devices_.size(); }
  const PaperKey& paper() const { return paper_; }
  Cuts& cuts() { return cuts_; }
  crypto::SeededEntropy& entropy() { return entropy_; }
  const log::IdentityGenesis& genesis() const { return genesis_; }

  // A replica with fresh keys that is not in the pod yet.
  Replica& stranger() {
    devices_.push_back(std::make_unique<Replica>(genesis_, cuts_, DeviceKeys::random(entropy_)));
    return *devices_.back();
  }
  log::AddDevice addition(const Replica& device, DeviceKind kind = DeviceKind::personal,
                          std::string name = "a device") const {
    return {device.key(), device.keys().box_key().public_key(), kind, std::move(name), std::nullopt};
  }
  // Adds a device by `by`; everybody hears of it.
  Replica& add(std::size_t by = 0, DeviceKind kind = DeviceKind::personal) {
    Replica& newcomer = stranger();
    device(by).write(addition(newcomer, kind));
    sync();
    return newcomer;
  }
  // Adds `count` personal devices that everybody confirms.
  void grow_established(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Replica& newcomer = add();
      const auto established = device(0).state().established();
      for (auto& each : devices_) {
        if (!std::binary_search(established.begin(), established.end(), each->key())) continue;
        const auto state = each->state();
        auto confirm = draft_confirm(state, each->key(), newcomer.key());
        RZ_ASSERT(confirm.has_value());
        each->write(*confirm);
      }
      sync();
    }
  }
  void sync() {
    for (auto& to : devices_) {
      for (auto& from : devices_) to->pull(*from);
    }
  }

  // `author`'s operation with the signatures of `others`.
  log::Operation endorsed(Replica& author, log::Operation operation, const std::vector<Replica*>& others) {
    for (Replica* other : others) {
      auto signature = co_sign(other->state(), other->promises, other->keys(), author.key(), operation);
      RZ_ASSERT(signature.has_value());
      if (signature->persist_first) keep_promise(other->promises, *signature->persist_first);
      RZ_ASSERT(endorse(author.state(), author.key(), signature->signature, operation).has_value());
    }
    return operation;
  }
  log::Operation with_paper(Replica& author, log::Operation operation, const PaperKey& paper) {
    RZ_ASSERT(sign_with_paper(author.state(), paper, author.key(), operation).has_value());
    return operation;
  }

 private:
  crypto::SeededEntropy entropy_;
  PaperKey paper_;
  Cuts cuts_;
  log::IdentityGenesis genesis_;
  std::vector<std::unique_ptr<Replica>> devices_;
};

}  // namespace rz::identity::testing
