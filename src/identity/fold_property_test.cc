// Properties over random histories: devices write what they may and what they may not, hear of each other late, and
// the events arrive in any order.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "identity/pod_fixture.h"
#include "log/counts.h"

namespace rz::identity {
namespace {

using testing::Pod;
using testing::Replica;

// A random walk: who does what, and who hears of it.
class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed), pod_(seed), next_paper_(PaperKey::random(pod_.entropy())) {
    pod_.grow_established(random_.below(3));
    pod_.add(0, DeviceKind::cloud);
    members_ = pod_.size();
  }

  void step() {
    Replica& by = pick();
    const Replica& about = pick();
    const auto state = by.state();
    if (state.find(by.key()) == nullptr) return by.pull(pick());
    switch (random_.below(12)) {
      case 0: {
        if (members_ > 7) return;
        ++members_;
        const auto kind = random_.chance(1, 4) ? DeviceKind::cloud : DeviceKind::personal;
        Replica& fresh = pod_.stranger();
        by.write(pod_.addition(fresh, kind));
        fresh.pull(by);
        return;
      }
      case 1:
        return write_if(by, draft_suspend(state, by.key(), about.key()));
      case 2:
        if (const Device* device = state.find(about.key())) {
          by.write(log::ConfirmDevice{device->key, device->admission, {}});
        }
        return;
      case 3:
        return write_if(by, draft_lift(state, about.key()), true);
      case 4:
        return write_if(by, draft_remove(state, about.key(), by.cut_of(about.key())), true);
      case 5:
        return write_if(by, draft_policy(state, {}), true);
      case 6:
        if (random_.chance(1, 2))
          return write_if(by, draft_name(state, by.key(), about.key(), words("n", random_.below(9))));
        return write_if(by, draft_services(state, by.key(), {{words("s", random_.below(9)), "t", "e"}}));
      case 7:
        by.write(log::RemoveDevice{about.key(), by.cut_of(about.key()), {}, {}});
        return;
      case 8:
        for (const auto& recovery : state.recoveries) write_if(by, draft_veto(state, recovery.operation), true);
        return;
      default:
        by.pull(pick());
    }
  }

  Pod& pod() { return pod_; }
  Random& random() { return random_; }

 private:
  Replica& pick() { return pod_.device(random_.below(pod_.size())); }

  // Signed by some others, or by the paper key, or by nobody; promises are not kept, as by liars.
  void write_if(Replica& by, Result<log::Operation> operation, bool sign = false) {
    if (!operation) return;
    const auto state = by.state();
    for (std::size_t i = 0; sign && i < pod_.size(); ++i) {
      if (random_.chance(1, 3)) continue;
      auto signature = co_sign(pod_.device(i).state(), {}, pod_.device(i).keys(), by.key(), *operation);
      if (signature) RZ_ASSERT(endorse(state, by.key(), signature->signature, *operation).has_value());
    }
    if (sign && random_.chance(1, 6)) (void)sign_with_paper(state, pod_.paper(), by.key(), *operation).has_value();
    by.write(*operation);
  }

  Random random_;
  Pod pod_;
  PaperKey next_paper_;
  std::size_t members_ = 0;
};

struct Folded {
  FoldResult result;
  std::set<EventId> effect, in_c;
};

// As a bystander folds it who hears of all events in a random order.
Folded fold_shuffled(Pod& pod, Replica& all, Random& random) {
  std::vector<EventId> order = all.order();
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  Replica bystander(pod.genesis(), pod.cuts(), DeviceKeys::random(pod.entropy()));
  for (const auto& id : order) bystander.take(all.sent(id));
  RZ_ASSERT(bystander.graph().size() == all.graph().size());
  Folded folded{bystander.fold(), {}, {}};
  for (std::uint32_t i = 0; i < bystander.graph().size(); ++i) {
    const auto id = bystander.graph().id(log::EventIndex{i});
    if (folded.result.effect[i]) folded.effect.insert(id);
    if (folded.result.in_c[i]) folded.in_c.insert(id);
  }
  return folded;
}

Replica& gather(Walk& walk) {
  Replica& all = walk.pod().stranger();
  for (std::size_t i = 0; i + 1 < walk.pod().size(); ++i) all.pull(walk.pod().device(i));
  return all;
}

RC_GTEST_PROP(FoldProperty, AnyOrderOfArrivalGivesTheSameIdentity, ()) {
  Walk walk(*rc::gen::arbitrary<std::uint64_t>());
  const auto steps = *rc::gen::inRange(5, 60);
  for (int i = 0; i < steps; ++i) walk.step();
  Replica& all = gather(walk);
  const auto one = fold_shuffled(walk.pod(), all, walk.random());
  const auto other = fold_shuffled(walk.pod(), all, walk.random());
  RC_ASSERT(one.result.state == other.result.state);
  RC_ASSERT(one.effect == other.effect);
  RC_ASSERT(one.in_c == other.in_c);
}

RC_GTEST_PROP(FoldProperty, TheStateHoldsTogether, ()) {
  Walk walk(*rc::gen::arbitrary<std::uint64_t>());
  const auto steps = *rc::gen::inRange(5, 60);
  for (int i = 0; i < steps; ++i) walk.step();
  Replica& all = gather(walk);
  const auto folded = all.fold();
  const auto& state = folded.state;
  for (const auto& device : state.devices) {
    if (device.kind == DeviceKind::cloud) RC_ASSERT(!device.established);
    RC_ASSERT(device.suspended == !device.suspended_by.empty());
    // What names a device that is in the pod is in C and has effect.
    if (device.admission == log::as_event_id(state.did)) continue;
    const auto named = all.graph().find(device.admission);
    RC_ASSERT(named.has_value());
    RC_ASSERT(folded.in_c[named->value]);
    RC_ASSERT(folded.effect[named->value]);
  }
  // C is causally closed, and nothing outside it has effect.
  for (std::uint32_t i = 0; i < all.graph().size(); ++i) {
    if (folded.effect[i]) RC_ASSERT(folded.in_c[i]);
    if (!folded.in_c[i]) continue;
    all.graph().for_each_dependency(log::EventIndex{i},
                                    [&](log::EventIndex below) { RC_ASSERT(folded.in_c[below.value]); });
  }
  // The chain is a chain, without a removed author's second life.
  for (const auto& id : state.chain) RC_ASSERT(folded.effect[all.graph().find(id)->value]);
}

// What-counts, one level down, agrees on C when it is given the facts that were folded here, but for what only identity
// knows: an operation of the chain counts, with its past, though its author was removed.
RC_GTEST_PROP(FoldProperty, WhatCountsAgreesOnC, ()) {
  Walk walk(*rc::gen::arbitrary<std::uint64_t>());
  const auto steps = *rc::gen::inRange(5, 60);
  for (int i = 0; i < steps; ++i) walk.step();
  Replica& all = gather(walk);
  auto& graph = all.graph();
  const auto folded = all.fold();
  const auto facts = facts_for(folded.state, graph.stream(), walk.pod().cuts());
  const auto counts = log::what_counts(graph, facts);
  std::vector<log::EventIndex> chain;
  for (const auto& id : folded.state.chain) chain.push_back(*graph.find(id));
  const auto by_chain = graph.closure(chain);
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    const log::EventIndex event{i};
    const bool in_chain = std::binary_search(by_chain.begin(), by_chain.end(), event);
    RC_ASSERT(folded.in_c[i] == (counts.in_c(event) || in_chain));
  }
}

}  // namespace
}  // namespace rz::identity
