#include "log/graph.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "log/test_world.h"

namespace rz::log {
namespace {

using test::Made;
using test::must;
using test::World;

// A random history: devices write on replicas of their own and sync now and then; sometimes one forks its feed.
std::vector<Made> random_history(World& world, Random& random, std::size_t steps, bool forks) {
  std::vector<EventGraph> replicas;
  for (std::size_t i = 0; i < world.device_count; ++i) replicas.push_back(world.replica());
  EventGraph everything = world.replica();
  std::vector<Made> history;
  const auto take = [&](EventGraph& graph, EventIndex index) { history.push_back(world.all.at(graph.id(index))); };
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t who = random.below(world.device_count);
    EventGraph& graph = replicas[who];
    const std::uint64_t draw = random.below(10);
    if (draw < 6) {
      take(graph, world.write(graph, who, random.below(2) + 7, world.admission_of_device(who), words("step ", step)));
    } else if (draw == 6) {
      take(graph, world.act(graph, who, Attach{{Blob{0x55, Hash256{World::crypto_hash(words(step))}, step}}}));
    } else if (draw == 7 && forks && graph.size() > 0) {
      // The same feed and seq again, on something older: what a malicious device would do.
      const EventIndex old{static_cast<std::uint32_t>(random.below(graph.size()))};
      Header header = graph.header(old);
      take(graph, world.put(graph, world.operations(header, words("fork ", step))));
    } else {
      world.sync(replicas[random.below(world.device_count)], graph);
    }
  }
  return history;
}

void deliver(const World& world, EventGraph& graph, const std::vector<Made>& history, Random& random, bool duplicates) {
  std::vector<std::size_t> order(history.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  if (duplicates) {
    for (std::size_t i = 0, n = order.size(); i < n; i += 3) order.push_back(order[i]);
  }
  for (const std::size_t at : order) {
    const Made& made = history[at];
    const bool later = made.header.kind == EventKind::control && random.chance(1, 3);
    if (random.chance(1, 2)) must(graph.offer_seal(world.seal(made.id)));
    must(graph.offer(made.header, later ? std::nullopt : std::optional(ByteView(made.body))));
    if (later) must(graph.offer_body(made.id, made.body));
  }
  for (const Made& made : history) must(graph.offer_seal(world.seal(made.id)));
}

RC_GTEST_PROP(EventGraph, AnyDeliveryGivesTheSameGraph, ()) {
  World world(3, 0);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const auto history = random_history(world, random, *rc::gen::inRange<std::size_t>(1, 60), true);
  EventGraph in_order = world.replica();
  for (const Made& made : history) must(in_order.append(made.header, ByteView(made.body)));
  EventGraph shuffled = world.replica();
  deliver(world, shuffled, history, random, true);
  RC_ASSERT(shuffled.size() == in_order.size());
  RC_ASSERT(shuffled.pending_count() == 0u);
  RC_ASSERT(shuffled.digest() == in_order.digest());
  RC_ASSERT(shuffled.frontier() == in_order.frontier());
  RC_ASSERT(shuffled.feed_heads().size() == in_order.feed_heads().size());
  for (const Made& made : history) {
    const auto index = shuffled.find(made.id);
    RC_ASSERT(index.has_value());
    RC_ASSERT(shuffled.header(*index) == made.header);
    RC_ASSERT(shuffled.has_body(*index));
  }
}

using Set = std::set<std::uint32_t>;
Set naive_past(const EventGraph& graph, EventIndex event) {
  Set past;
  std::vector<EventIndex> stack{event};
  while (!stack.empty()) {
    const EventIndex at = stack.back();
    stack.pop_back();
    if (!past.insert(at.value).second) continue;
    graph.for_each_dependency(at, [&](EventIndex named) { stack.push_back(named); });
  }
  return past;
}

RC_GTEST_PROP(EventGraph, CausalityAgreesWithSets, ()) {
  World world(3, 0);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const auto history = random_history(world, random, *rc::gen::inRange<std::size_t>(2, 50), true);
  EventGraph graph = world.replica();
  deliver(world, graph, history, random, false);
  RC_PRE(graph.size() > 0u);
  std::vector<Set> pasts;
  for (std::uint32_t i = 0; i < graph.size(); ++i) pasts.push_back(naive_past(graph, EventIndex{i}));
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    std::uint32_t depth = 0;
    std::uint32_t own = 0;
    for (std::uint32_t j = 0; j < graph.size(); ++j) {
      RC_ASSERT(graph.is_ancestor(EventIndex{j}, EventIndex{i}) == pasts[i].contains(j));
      if (j == i || !pasts[i].contains(j)) continue;
      const bool is_own = graph.author(EventIndex{j}) == graph.author(EventIndex{i});
      if (is_own) own = std::max(own, graph.own(EventIndex{j}));
      if (!is_own) depth = std::max(depth, graph.depth(EventIndex{j}));
    }
    RC_ASSERT(graph.depth(EventIndex{i}) == depth + 1);
    RC_ASSERT(graph.own(EventIndex{i}) == own + 1);
  }
  std::vector<EventIndex> a, b;
  Set in_a, in_b;
  for (int i = 0; i < 3; ++i) {
    a.push_back(EventIndex{static_cast<std::uint32_t>(random.below(graph.size()))});
    b.push_back(EventIndex{static_cast<std::uint32_t>(random.below(graph.size()))});
    in_a.insert(pasts[a.back().value].begin(), pasts[a.back().value].end());
    in_b.insert(pasts[b.back().value].begin(), pasts[b.back().value].end());
  }
  Set difference, both = in_a;
  std::set_difference(in_a.begin(), in_a.end(), in_b.begin(), in_b.end(), std::inserter(difference, difference.end()));
  both.insert(in_b.begin(), in_b.end());
  const auto as_set = [](const std::vector<EventIndex>& events) {
    Set set;
    for (const EventIndex event : events) set.insert(event.value);
    return set;
  };
  RC_ASSERT(as_set(graph.difference(a, b)) == difference);
  RC_ASSERT(as_set(graph.closure(a)) == in_a);
  const auto merged = graph.merge(a, b);
  RC_ASSERT(as_set(graph.closure(merged)) == both);
  for (const EventIndex x : merged) {
    for (const EventIndex y : merged) RC_ASSERT(x == y || !graph.is_ancestor(x, y));
  }
}

RC_GTEST_PROP(EventGraph, RunsBringAPeerUpToDate, ()) {
  World world(3, 0);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const auto history = random_history(world, random, *rc::gen::inRange<std::size_t>(1, 60), true);
  EventGraph full = world.replica();
  EventGraph behind = world.replica();
  for (const Made& made : history) {
    must(full.append(made.header, ByteView(made.body)));
    bool ready = behind.contains(made.header.prev) || made.header.seq.value == 0;
    for (const EventId& parent : made.header.parents) ready = ready && behind.contains(parent);
    if (ready && random.chance(2, 3)) must(behind.append(made.header, ByteView(made.body)));
  }
  std::size_t sent = 0;
  for (const IndexRun& run : full.missing_for(behind.feed_heads())) sent += run.events.size();
  RC_ASSERT(sent == full.size() - behind.size());
  world.sync(full, behind);
  RC_ASSERT(behind.digest() == full.digest());
  RC_ASSERT(!behind.lacks_any_of(full.feed_heads()));
  RC_ASSERT(full.missing_for(behind.feed_heads()).empty());
}

TEST(EventGraph, WaitsForPrevParentsSealAndControlBody) {
  World world(2, 0);
  EventGraph source = world.replica();
  world.write(source, 0, "a");
  world.act(source, 0, Attach{});
  world.write(source, 1, "b");
  const Made a = world.all.at(source.id(EventIndex{0}));
  const Made control_made = world.all.at(source.id(EventIndex{1}));
  const Made b = world.all.at(source.id(EventIndex{2}));
  ASSERT_EQ(b.header.parents, std::vector<EventId>{control_made.id});

  EventGraph graph = world.replica();
  must(graph.offer_seal(world.seal(b.id)));
  EXPECT_EQ(must(graph.offer(b.header, ByteView(b.body))), Offer::waiting);
  EXPECT_EQ(graph.missing().events, std::vector<EventId>{control_made.id});
  EXPECT_EQ(must(graph.offer(control_made.header)), Offer::waiting);
  EXPECT_EQ(graph.missing().bodies, std::vector<EventId>{control_made.id});
  EXPECT_EQ(graph.missing().events, std::vector<EventId>{a.id});
  EXPECT_EQ(graph.missing().seals, std::vector<EventId>{control_made.id});
  EXPECT_EQ(must(graph.offer(a.header, ByteView(a.body))), Offer::waiting);
  must(graph.offer_seal(world.seal(control_made.id)));
  EXPECT_EQ(graph.size(), 1u);  // The seal vouches for what is before it.
  must(graph.offer_body(control_made.id, control_made.body));
  EXPECT_EQ(graph.size(), 3u);
  EXPECT_EQ(graph.pending_count(), 0u);
  EXPECT_EQ(graph.digest(), source.digest());
  EXPECT_EQ(graph.covering_seal(EventIndex{0}), world.seal(control_made.id));
}

TEST(EventGraph, RefusesWhatNobodyAdmitted) {
  World world(1, 1);
  EventGraph graph = world.replica();
  world.write(graph, 0, "by the owner");
  const Made made = world.operations(graph.next_header({world.author(1), FeedId{1}}, graph.id(EventIndex{0})), "x");
  world.all.emplace(made.id, made);
  must(graph.offer_seal(world.seal(made.id)));
  const auto refused = graph.offer(made.header, ByteView(made.body));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::admission_refused);
  EXPECT_EQ(graph.pending_count(), 0u);

  Header foreign = made.header;
  foreign.stream = StreamId{World::crypto_hash("another")};
  EXPECT_EQ(graph.offer(foreign).error().code, ErrorCode::stream_mismatch);
}

TEST(EventGraph, ASealVouchesOnlyForItsOwnFeed) {
  World world(2, 0);
  EventGraph graph = world.replica();
  // Author 1 claims that author 0 wrote something, and seals an event of its own that names it as prev.
  Made forged = world.operations(graph.next_header({world.author(0), FeedId{7}}, world.admission_of_device(0)), "lie");
  Header next = graph.next_header({world.author(1), FeedId{7}}, world.admission_of_device(1));
  next.prev = forged.id;
  next.seq = Seq{1};
  const Made own = world.operations(next, "claims it");
  world.all.emplace(own.id, own);
  (void)graph.offer(forged.header, ByteView(forged.body));
  (void)graph.offer(own.header, ByteView(own.body));
  (void)graph.offer_seal(world.seal(own.id));
  EXPECT_EQ(graph.size(), 0u);
  EXPECT_FALSE(graph.contains(forged.id));
  // The other way round: the sealed event first.
  EventGraph other = world.replica();
  (void)other.offer_seal(world.seal(own.id));
  (void)other.offer(own.header, ByteView(own.body));
  (void)other.offer(forged.header, ByteView(forged.body));
  EXPECT_EQ(other.size(), 0u);
}

TEST(EventGraph, AFalseSealIsRefusedAndATrueOneStillWorks) {
  World world(2, 0);
  EventGraph source = world.replica();
  world.write(source, 0, "a");
  const Made a = world.all.at(source.id(EventIndex{0}));
  EventGraph graph = world.replica();
  must(graph.offer_seal({a.id, make_seal(world.keys[1], a.id).signature}));  // The author is not known yet.
  EXPECT_EQ(must(graph.offer(a.header, ByteView(a.body))), Offer::waiting);
  EXPECT_EQ(graph.offer_seal(make_seal(world.keys[1], a.id)).error().code, ErrorCode::seal_invalid);
  must(graph.offer_seal(world.seal(a.id)));
  EXPECT_EQ(graph.size(), 1u);
}

TEST(EventGraph, KeepsBothBranchesOfAForkAndTheEvidence) {
  World world(2, 0);
  EventGraph graph = world.replica();
  world.write(graph, 0, "a");
  const Header second = graph.next_header({world.author(0), FeedId{7}}, world.admission_of_device(0));
  const EventIndex left = world.put(graph, world.operations(second, "left"));
  const EventIndex right = world.put(graph, world.operations(second, "right"));
  EXPECT_EQ(graph.heads_of(FeedName{world.author(0), FeedId{7}}), (std::vector{left, right}));
  must(graph.offer_seal(world.seal(graph.id(left))));
  EXPECT_TRUE(graph.fork_evidence().empty());
  must(graph.offer_seal(world.seal(graph.id(right))));
  ASSERT_EQ(graph.fork_evidence().size(), 1u);
  const ForkEvidence& evidence = graph.fork_evidence().front();
  EXPECT_LT(evidence.first.head, evidence.second.head);
  EXPECT_TRUE(verify_seal(evidence.feed.author, evidence.first));
  EXPECT_TRUE(verify_seal(evidence.feed.author, evidence.second));
}

TEST(EventGraph, PendingIsBounded) {
  World world(1, 0);
  EventGraph source = world.replica();
  for (int i = 0; i < 40; ++i) world.write(source, 0, words("event ", i));
  PendingLimits limits;
  limits.sealed_events_per_author_max = 5;
  limits.unsealed_events_max = 7;
  limits.seals_max = 3;
  EventGraph graph = must(EventGraph::from_genesis(world.genesis, limits));
  std::size_t refused = 0;
  for (std::uint32_t i = 39; i > 0; --i) {
    const Made made = world.all.at(source.id(EventIndex{i}));
    const auto offered = graph.offer(made.header, ByteView(made.body));
    if (!offered) {
      EXPECT_EQ(offered.error().code, ErrorCode::pending_full);
      ++refused;
    }
  }
  EXPECT_EQ(graph.pending_count(), 7u);
  EXPECT_EQ(refused, 32u);
  for (std::uint32_t i = 0; i < 3; ++i) must(graph.offer_seal(world.seal(source.id(EventIndex{i}))));
  EXPECT_EQ(graph.offer_seal(world.seal(source.id(EventIndex{5}))).error().code, ErrorCode::pending_full);
  graph.clear_pending();
  EXPECT_EQ(graph.pending_count(), 0u);
}

TEST(EventGraph, ABrokenFeedIsRefusedWithWhatFollows) {
  World world(1, 0);
  EventGraph source = world.replica();
  world.write(source, 0, "a");
  const Made first = world.all.at(source.id(EventIndex{0}));
  Header skipping = source.next_header({world.author(0), FeedId{7}}, world.admission_of_device(0));
  skipping.seq = Seq{2};
  const Made bad = world.operations(skipping, "skips a seq");
  Header after = bad.header;
  after.seq = Seq{3};
  after.prev = bad.id;
  const Made follower = world.operations(after, "follows it");
  world.all.emplace(bad.id, bad);
  world.all.emplace(follower.id, follower);
  EventGraph graph = world.replica();
  must(graph.offer(follower.header, ByteView(follower.body)));
  must(graph.offer_seal(world.seal(follower.id)));
  must(graph.offer_seal(world.seal(first.id)));
  must(graph.offer(bad.header, ByteView(bad.body)));
  must(graph.offer(first.header, ByteView(first.body)));
  EXPECT_EQ(graph.size(), 1u);
  EXPECT_EQ(graph.pending_count(), 0u);
}

TEST(EventGraph, BranchesStayApart) {
  World world(2, 1);
  EventGraph graph = world.replica();
  world.write(graph, 0, "main");
  const EventIndex branch = world.act(graph, 0, Branch{graph.frontier(), {world.author(2)}});
  const EventIndex draft = world.write(graph, 2, 1, graph.id(branch), "draft");
  EXPECT_EQ(graph.branch_of(draft), branch);
  const EventIndex main_next = world.write(graph, 0, "main goes on");
  EXPECT_TRUE(graph.parents(main_next).empty());
  Header naming = graph.next_header({world.author(1), FeedId{7}}, world.admission_of_device(1));
  naming.parents.push_back(graph.id(draft));
  std::sort(naming.parents.begin(), naming.parents.end());
  const Made made = world.operations(naming, "names the draft");
  EXPECT_EQ(graph.append(made.header, ByteView(made.body)).error().code, ErrorCode::branch_parent);
}

TEST(EventGraph, VisitorsEnterUnderAGrantToTheirPod) {
  World world(1, 2);
  const Did friend_did{World::crypto_hash("friend")};
  const EventId added{World::crypto_hash("friend's device")};
  EventGraph graph = world.replica();
  const EventIndex grant =
      world.act(graph, 0, Grant{Audience::of(friend_did), RightSet({"write"}), "", std::nullopt, std::nullopt});
  const crypto::SigningKey& device = world.keys[1];  // In the friend's own pod; the key here is drawn afresh.
  const AuthorKey& fresh = world.author(2);
  Enter enter{graph.id(grant), added, device.sign(enter_domain, enter_message(fresh, world.stream))};
  Header header = graph.next_header({fresh, FeedId{3}}, as_event_id(EpochId{friend_did.bytes}));
  const Made made = world.control_event(header, enter);
  world.all.emplace(made.id, made);
  EventGraph peer = world.replica();
  world.sync(graph, peer);
  must(peer.offer_seal(world.seal(made.id)));
  EXPECT_EQ(must(peer.offer(made.header, ByteView(made.body))), Offer::waiting);
  EXPECT_EQ(peer.missing().events, std::vector<EventId>{added});
  peer.admit_visitor(friend_did, added, device.public_key());
  EXPECT_TRUE(peer.contains(made.id));
  // A signature by another key does not do.
  EventGraph strict = world.replica();
  world.sync(graph, strict);
  strict.admit_visitor(friend_did, added, world.author(0));
  must(strict.offer_seal(world.seal(made.id)));
  EXPECT_EQ(strict.offer(made.header, ByteView(made.body)).error().code, ErrorCode::admission_refused);
}

TEST(EventGraph, IdentityLogAdmitsItsDevices) {
  World world(1, 3);
  IdentityGenesis genesis;
  genesis.device = world.author(0);
  const crypto::SigningKey paper = test::key_of(77);
  genesis.recovery_hash = Hash256{body_hash(paper.public_key().view()).bytes};
  EventGraph graph = must(EventGraph::from_genesis(encode_identity_genesis(genesis)));
  ASSERT_TRUE(graph.is_identity());
  const EventId begin = as_event_id(graph.stream());
  const FeedName first{world.author(0), FeedId{1}};
  AddDevice add;
  add.device = world.author(1);
  add.name = "phone";
  const EventIndex added = world.put(graph, world.control_event(graph.next_header(first, begin), add));
  SuspendDevice suspend{world.author(0)};
  const FeedName second{world.author(1), FeedId{2}};
  world.put(graph, world.control_event(graph.next_header(second, graph.id(added)), suspend));
  const FeedName third{world.author(2), FeedId{2}};
  const Made stranger = world.control_event(graph.next_header(third, graph.id(added)), suspend);
  EXPECT_EQ(graph.append(stranger.header, ByteView(stranger.body)).error().code, ErrorCode::admission_refused);

  const auto recovery = [&](const crypto::SigningKey& key, std::size_t device) {
    Recover recover;
    recover.device.device = world.author(device);
    recover.next_recovery_hash = Hash256{body_hash(test::key_of(78).public_key().view()).bytes};
    const Bytes message = endorsement_message(graph.stream(), world.author(device), Operation{recover});
    recover.endorsement.paper = PaperSignature{key.public_key(), key.sign(endorsement_domain, message)};
    return world.control_event(graph.next_header({world.author(device), FeedId{9}}, begin), recover);
  };
  const Made wrong = recovery(test::key_of(78), 2);
  EXPECT_EQ(graph.append(wrong.header, ByteView(wrong.body)).error().code, ErrorCode::admission_refused);
  const Made right = recovery(paper, 2);
  EXPECT_TRUE(graph.append(right.header, ByteView(right.body)));
  const Made next_paper = recovery(test::key_of(78), 3);  // Committed to by the first recovery, which it has seen.
  EXPECT_TRUE(graph.append(next_paper.header, ByteView(next_paper.body)));
}

TEST(EventGraph, NamesOnlyWhatItHoldsWithItsBody) {
  World world(2, 0);
  EventGraph graph = world.replica();
  const EventIndex held = world.write(graph, 0, "held");
  const EventIndex lacking = world.write(graph, 0, "its body is away");
  graph.set_body_here(lacking, false);
  const Header next = graph.next_header({world.author(1), FeedId{7}}, world.admission_of_device(1));
  EXPECT_EQ(next.parents, std::vector<EventId>{graph.id(held)});
}

}  // namespace
}  // namespace rz::log
