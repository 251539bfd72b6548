#include "log/counts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "log/counts_naive.h"
#include "log/test_world.h"

namespace rz::log {
namespace {

using test::Made;
using test::must;
using test::World;

// Feeds that an author may go on with, and where they began.
struct OpenFeed {
  std::size_t author;
  std::uint64_t feed;
  EventId admission;
};

// A random life of a shared stream: devices and guests write, grant, revoke, branch, accept, fork and sync.
class Life {
 public:
  Life(World& world, Random& random) : world_(world), random_(random), all(world.replica()) {
    for (std::size_t i = 0; i < world.keys.size(); ++i) {
      replicas_.push_back(world.replica());
      if (i < world.device_count) feeds_.push_back({i, 7, world.admission_of_device(i)});
    }
  }

  void step() {
    const OpenFeed feed = feeds_[random_.below(feeds_.size())];
    EventGraph& graph = replicas_[feed.author];
    if (random_.chance(1, 3)) world_.sync(replicas_[random_.below(replicas_.size())], graph);
    if (feed.author >= world_.device_count && !graph.contains(feed.admission)) return;
    switch (random_.below(12)) {
      case 0:
      case 1:
        grant(graph, feed);
        break;
      case 2:
        revoke(graph, feed);
        break;
      case 3:
        branch(graph, feed);
        break;
      case 4:
        accept(graph, feed);
        break;
      case 5:
        fork(graph, feed);
        break;
      case 6:
        if (random_.chance(1, 8)) {
          unknown(graph, feed);
          break;
        }
        [[fallthrough]];
      default:
        world_.write(graph, feed.author, feed.feed, feed.admission, words("write ", count_++));
    }
  }

  void gather() {
    for (const EventGraph& replica : replicas_) world_.sync(replica, all);
  }
  void remove_a_device() {
    const std::size_t device = random_.below(world_.device_count);
    std::vector<EventId> heads;
    for (const EventIndex head : replicas_[random_.below(replicas_.size())].heads_of(world_.author(device))) {
      heads.push_back(replica_id(head, device));
    }
    world_.fact(device).removed_with = heads;
  }

 private:
  // Any event of the device that somebody has: a cut.
  EventId replica_id(EventIndex, std::size_t device) {
    const auto heads = replicas_[device].heads_of(world_.author(device));
    if (heads.empty()) return {};
    EventIndex at = heads.front();
    for (std::uint64_t back = random_.below(4); back > 0; --back) {
      if (const auto before = replicas_[device].prev(at)) at = *before;
    }
    return replicas_[device].id(at);
  }
  EventIndex any(const EventGraph& graph) {
    return EventIndex{static_cast<std::uint32_t>(random_.below(graph.size()))};
  }
  void act(EventGraph& graph, const OpenFeed& feed, Operation operation) {
    last_ = world_.act(graph, feed.author, feed.feed, feed.admission, std::move(operation));
  }
  void grant(EventGraph& graph, const OpenFeed& feed) {
    const std::size_t guest = world_.device_count + random_.below(world_.keys.size() - world_.device_count);
    std::vector<std::string> names{"write"};
    if (random_.chance(2, 3)) names.push_back("grant");
    if (random_.chance(1, 3)) names.push_back("branch");
    std::optional<EventId> proof;
    if (feed.author >= world_.device_count || random_.chance(1, 5)) proof = feed.admission;
    act(graph, feed, Grant{Audience::of(world_.author(guest)), RightSet(names), "", std::nullopt, proof});
    feeds_.push_back({guest, 20 + feeds_.size(), graph.id(last_)});
    world_.sync(graph, replicas_[guest]);
  }
  void revoke(EventGraph& graph, const OpenFeed& feed) {
    const std::size_t guest = world_.device_count + random_.below(world_.keys.size() - world_.device_count);
    Revoke revoke{Audience::of(world_.author(guest)), std::nullopt, {}};
    for (const EventIndex head : graph.heads_of(world_.author(guest))) revoke.heads.push_back(graph.id(head));
    std::sort(revoke.heads.begin(), revoke.heads.end());
    if (graph.size() > 0 && random_.chance(1, 4)) revoke.grant = graph.id(any(graph));
    act(graph, feed, revoke);
  }
  void branch(EventGraph& graph, const OpenFeed& feed) {
    const std::size_t writer = random_.below(world_.keys.size());
    act(graph, feed, Branch{{}, {world_.author(writer)}});
    feeds_.push_back({writer, 20 + feeds_.size(), graph.id(last_)});
    world_.sync(graph, replicas_[writer]);
    if (writer < world_.device_count)
      world_.write(replicas_[writer], writer, feeds_.back().feed, graph.id(last_), "draft");
  }
  void accept(EventGraph& graph, const OpenFeed& feed) {
    if (graph.size() == 0) return;
    Accept accept;
    for (std::uint64_t i = random_.below(3) + 1; i > 0; --i) accept.heads.push_back(graph.id(any(graph)));
    std::sort(accept.heads.begin(), accept.heads.end());
    accept.heads.erase(std::unique(accept.heads.begin(), accept.heads.end()), accept.heads.end());
    if (random_.chance(1, 2)) {
      accept.events.emplace();
      for (std::uint32_t i = 0; i < graph.size(); ++i) {
        if (random_.chance(1, 2)) accept.events->push_back(graph.id(EventIndex{i}));
      }
      std::sort(accept.events->begin(), accept.events->end());
    }
    act(graph, feed, accept);
  }
  void fork(EventGraph& graph, const OpenFeed& feed) {
    const auto heads = graph.heads_of(FeedName{world_.author(feed.author), FeedId{feed.feed}});
    if (heads.empty()) return;
    world_.put(graph, world_.operations(graph.header(heads.front()), words("fork ", count_++)));
  }
  void unknown(EventGraph& graph, const OpenFeed& feed) {
    const ControlBody body{random_.chance(1, 2) ? "write" : "own", Unknown{"later", {0x01}, 1}};
    Header header = graph.next_header({world_.author(feed.author), FeedId{feed.feed}}, feed.admission);
    world_.put(graph, world_.finish(header, must(encode_control(body)), EventKind::control));
  }

  World& world_;
  Random& random_;
  std::vector<EventGraph> replicas_;
  std::vector<OpenFeed> feeds_;
  EventIndex last_;
  std::uint64_t count_ = 0;

 public:
  EventGraph all;
};

RC_GTEST_PROP(WhatCounts, AgreesWithTheNaiveOne, ()) {
  World world(3, 3);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  if (random.chance(1, 2)) world.fact(2).rights = RightSet{};
  Life life(world, random);
  for (std::size_t steps = *rc::gen::inRange<std::size_t>(1, 70); steps > 0; --steps) life.step();
  life.gather();
  if (random.chance(1, 2)) life.remove_a_device();
  if (random.chance(1, 6)) life.remove_a_device();
  const Counts counts = what_counts(life.all, world.facts);
  RC_ASSERT(counts.verdicts == naive::WhatCounts(life.all, world.facts).verdicts());
  const auto count = [&](Verdict verdict) {
    return std::count(counts.verdicts.begin(), counts.verdicts.end(), verdict);
  };
  RC_TAG((count(Verdict::quarantined) > 0 ? std::string("quarantine ") : std::string()) +
         (count(Verdict::no_effect) > 0 ? "void " : "") + (counts.accepts.empty() ? "" : "accept"));
}

RC_GTEST_PROP(WhatCounts, IsAFunctionOfTheSetAlone, ()) {
  World world(2, 3);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  Life life(world, random);
  for (std::size_t steps = *rc::gen::inRange<std::size_t>(1, 50); steps > 0; --steps) life.step();
  life.gather();
  if (random.chance(1, 2)) life.remove_a_device();
  // The same events in another order of arrival, so with other indices.
  std::vector<Made> rest;
  for (std::uint32_t i = 0; i < life.all.size(); ++i) rest.push_back(world.all.at(life.all.id(EventIndex{i})));
  EventGraph other = world.replica();
  while (!rest.empty()) {
    const std::size_t at = random.below(rest.size());
    if (other.append(rest[at].header, ByteView(rest[at].body)))
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  }
  RC_ASSERT(other.digest() == life.all.digest());
  const Counts a = what_counts(life.all, world.facts);
  const Counts b = what_counts(other, world.facts);
  for (std::uint32_t i = 0; i < other.size(); ++i) {
    const EventIndex there = *life.all.find(other.id(EventIndex{i}));
    RC_ASSERT(b.verdicts[i] == a.verdict(there));
  }
  RC_ASSERT(a.quarantined_by_author == b.quarantined_by_author);
  RC_ASSERT(maximal_epochs(life.all, a) == maximal_epochs(other, b));
}

Grant write_grant(const AuthorKey& to) {
  return {Audience::of(to), RightSet({"grant", "write"}), "", std::nullopt, std::nullopt};
}

TEST(WhatCounts, AGuestWritesUntilRevokedAndAgainUnderANewGrant) {
  World world(1, 1);
  EventGraph graph = world.replica();
  const EventIndex grant = world.act(graph, 0, write_grant(world.author(1)));
  const EventIndex seen = world.write(graph, 1, 1, graph.id(grant), "seen before the revocation");
  EventGraph away = world.replica();
  world.sync(graph, away);
  const EventIndex revoke = world.act(graph, 0, Revoke{Audience::of(world.author(1)), std::nullopt, {graph.id(seen)}});
  const EventId late = away.id(world.write(away, 1, 1, graph.id(grant), "written elsewhere, not knowing"));
  world.sync(away, graph);
  Counts counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(seen), Verdict::effect);
  EXPECT_EQ(counts.verdict(*graph.find(late)), Verdict::quarantined);
  EXPECT_EQ(counts.quarantined_by_author.at(world.author(1)), 1u);
  EXPECT_FALSE(may(graph, world.facts, counts, world.author(1), rights::write));

  // A concurrent grant falls too; one that has seen the revocation stands.
  const EventIndex concurrent = [&] {
    const Made made = world.control_event(away.next_header({world.author(0), FeedId{8}}, world.admission_of_device(0)),
                                          write_grant(world.author(1)));
    return world.put(graph, made);
  }();
  EXPECT_FALSE(graph.is_ancestor(revoke, concurrent));
  const EventIndex again = world.act(graph, 0, write_grant(world.author(1)));
  const EventIndex fresh = world.write(graph, 1, 2, graph.id(again), "welcome back");
  counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(fresh), Verdict::effect);
  EXPECT_EQ(counts.live_grants, std::vector<EventIndex>{again});
  EXPECT_TRUE(may(graph, world.facts, counts, world.author(1), rights::write));
}

TEST(WhatCounts, OneRevokesOnlyWhatDescendsFromOnesOwn) {
  World world(1, 3);
  EventGraph graph = world.replica();
  const EventIndex first = world.act(graph, 0, write_grant(world.author(1)));
  const EventIndex second = world.act(graph, 0, write_grant(world.author(2)));
  Grant passed_on = write_grant(world.author(3));
  passed_on.proof = graph.id(first);
  const EventIndex third = world.act(graph, 1, 1, graph.id(first), passed_on);
  const EventIndex by_third = world.write(graph, 3, 1, graph.id(third), "by the third");
  world.act(graph, 2, 1, graph.id(second), Revoke{Audience::of(world.author(3)), std::nullopt, {}});
  EXPECT_EQ(what_counts(graph, world.facts).verdict(by_third), Verdict::effect);
  // The first is taken back: with it falls what descends from it, but for what the cut names.
  world.act(graph, 0, Revoke{Audience::of(world.author(1)), std::nullopt, {}});
  const Counts counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.live_grants, std::vector<EventIndex>{second});
  // The owner's own event has them in its past, so they are in C and were written with a right.
  EXPECT_EQ(counts.verdict(by_third), Verdict::effect);
}

TEST(WhatCounts, ARemovedDeviceCountsUpToTheCut) {
  World world(2, 0);
  EventGraph graph = world.replica();
  const EventIndex kept = world.write(graph, 1, "before");
  const EventIndex lost = world.write(graph, 1, "after");
  world.fact(1).removed_with = std::vector<EventId>{graph.id(kept)};
  Counts counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(kept), Verdict::effect);
  EXPECT_EQ(counts.verdict(lost), Verdict::quarantined);
  EXPECT_FALSE(may(graph, world.facts, counts, world.author(1), rights::write));
  // The owner lets it in after all: by an accept, not by naming it.
  Header header = graph.next_header({world.author(0), FeedId{7}}, world.admission_of_device(0));
  header.parents = {graph.id(kept)};
  const EventIndex accept = world.put(graph, world.control_event(header, Accept{{graph.id(lost)}, std::nullopt}));
  counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(lost), Verdict::effect);
  EXPECT_EQ(counts.accepts, std::vector<EventIndex>{accept});
}

// Writes on top of all that is in C, as honest software does.
EventIndex write_on_c(World& world, EventGraph& graph, std::size_t device, std::string_view text) {
  const Counts counts = what_counts(graph, world.facts);
  std::vector<EventIndex> inside;
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    if (counts.in_c(EventIndex{i})) inside.push_back(EventIndex{i});
  }
  const auto visible = graph.maximal(inside);
  const FeedName feed{world.author(device), FeedId{7}};
  return world.put(graph, world.operations(graph.next_header(feed, world.admission_of_device(device), &visible), text));
}

TEST(WhatCounts, ACloudPeerHasNoVoice) {
  World world(2, 0);
  world.fact(1).rights = RightSet{};
  EventGraph graph = world.replica();
  const EventIndex event = world.write(graph, 1, "by the cloud peer");
  EXPECT_EQ(what_counts(graph, world.facts).verdict(event), Verdict::quarantined);
  EXPECT_FALSE(may(graph, world.facts, what_counts(graph, world.facts), world.author(1), rights::write));
  // Somebody who has a voice has seen it: it is in the graph of what counts, and still says nothing.
  const EventIndex seen = world.write(graph, 0, "on top of it");
  const Counts counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(event), Verdict::no_effect);
  EXPECT_EQ(counts.verdict(seen), Verdict::effect);
}

TEST(WhatCounts, ACloudPeerPullsNothingOutOfQuarantine) {
  World world(3, 0);
  const std::size_t owner = 0, phone = 1, cloud = 2;
  world.fact(cloud).rights = RightSet{};
  EventGraph graph = world.replica();
  const EventIndex kept = world.write(graph, phone, "before the theft");
  write_on_c(world, graph, owner, "the owner's");
  world.fact(phone).removed_with = std::vector<EventId>{graph.id(kept)};
  // The thief back-dates, and the hired peer swears to have seen it.
  const EventIndex late = world.write(graph, phone, "by the thief");
  const EventIndex liar = world.write(graph, cloud, "I have seen this");
  ASSERT_TRUE(graph.is_ancestor(late, liar));
  Counts counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(kept), Verdict::effect);
  EXPECT_EQ(counts.verdict(late), Verdict::quarantined);
  EXPECT_EQ(counts.verdict(liar), Verdict::quarantined);
  EXPECT_EQ(counts.verdicts, naive::WhatCounts(graph, world.facts).verdicts());

  // Nor when the peer is removed in its turn: the cut holds what the remover had of it, and vouches for none of it.
  world.fact(cloud).removed_with = std::vector<EventId>{graph.id(liar)};
  counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(late), Verdict::quarantined);
  EXPECT_EQ(counts.verdicts, naive::WhatCounts(graph, world.facts).verdicts());
  const EventIndex after = write_on_c(world, graph, owner, "and on it goes");
  counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(after), Verdict::effect);
  EXPECT_EQ(counts.verdict(late), Verdict::quarantined);
}

// The friend's devices come in by a grant to the friend; their cloud peer is no friend.
TEST(WhatCounts, AFriendsCloudPeerDoesNotSpeakForTheFriend) {
  for (const bool is_cloud : {false, true}) {
    World world(2, 1);
    const Did friend_did{World::crypto_hash("friend")};
    const crypto::SigningKey device = test::key_of(77);
    const EventId added{World::crypto_hash("added to the friend's pod")};
    world.facts.devices.push_back(
        {friend_did, device.public_key(), added, is_cloud ? RightSet{} : RightSet::all(), std::nullopt});
    std::sort(world.facts.devices.begin(), world.facts.devices.end(), [](const DeviceFact& a, const DeviceFact& b) {
      return std::pair(a.did, a.device) < std::pair(b.did, b.device);
    });
    EventGraph graph = world.replica();
    graph.admit_visitor(friend_did, added, device.public_key());
    const EventIndex granted =
        world.act(graph, 0, Grant{Audience::of(friend_did), RightSet({"write"}), "", std::nullopt, std::nullopt});
    const EventId here = as_event_id(EpochId{friend_did.bytes});
    const auto by_device = device.sign(enter_domain, enter_message(world.author(2), graph.stream()));
    world.act(graph, 2, 1, here, Enter{graph.id(granted), added, by_device});
    const EventIndex event = world.write(graph, 2, 1, here, "hello from next door");
    const Counts counts = what_counts(graph, world.facts);
    EXPECT_EQ(counts.verdict(event), is_cloud ? Verdict::quarantined : Verdict::effect);
    EXPECT_EQ(may(graph, world.facts, counts, world.author(2), rights::write), !is_cloud);
  }
}

TEST(WhatCounts, ErasureIsForTheAuthorAndTheOwner) {
  World world(1, 2);
  EventGraph graph = world.replica();
  const EventIndex first = world.act(graph, 0, write_grant(world.author(1)));
  const EventIndex second = world.act(graph, 0, write_grant(world.author(2)));
  const EventIndex by_first = world.write(graph, 1, 1, graph.id(first), "secret");
  const EventIndex by_second = world.write(graph, 2, 1, graph.id(second), "mine");
  const BodyHash redacted = body_hash(as_bytes("------"));
  world.act(graph, 2, 1, graph.id(second), Erase{{{graph.id(by_first), redacted}}});
  EXPECT_TRUE(what_counts(graph, world.facts).erased.empty());
  world.act(graph, 2, 1, graph.id(second), Erase{{{graph.id(by_second), redacted}}});
  world.act(graph, 0, Erase{{{graph.id(by_first), redacted}}});
  const std::map<EventIndex, BodyHash> wanted{{by_first, redacted}, {by_second, redacted}};
  EXPECT_EQ(what_counts(graph, world.facts).erased, wanted);
}

TEST(WhatCounts, WhatIsConcurrentWithATruncationWaits) {
  World world(2, 0);
  EventGraph graph = world.replica();
  world.write(graph, 0, "old");
  EventGraph away = world.replica();
  world.sync(graph, away);
  const EventIndex root = world.act(graph, 0, Root{});
  const EventIndex after = world.write(graph, 0, "after");
  const EventId concurrent = away.id(world.write(away, 1, "concurrent"));
  world.sync(away, graph);
  world.facts.root_in_force = graph.id(root);
  const Counts counts = what_counts(graph, world.facts);
  EXPECT_EQ(counts.verdict(EventIndex{0}), Verdict::effect);
  EXPECT_EQ(counts.verdict(after), Verdict::effect);
  EXPECT_EQ(counts.verdict(*graph.find(concurrent)), Verdict::needs_history);
}

TEST(WhatCounts, AnUnknownOperationHoldsBackWhatFollowsIfItsAuthorMay) {
  World world(1, 1);
  EventGraph graph = world.replica();
  const EventIndex grant = world.act(graph, 0, write_grant(world.author(1)));
  const ControlBody later{"own", Unknown{"later", {0x18, 0x2a}, 1}};
  const auto put_later = [&](std::size_t who, std::uint64_t feed, const EventId& admission) {
    const Header header = graph.next_header({world.author(who), FeedId{feed}}, admission);
    return world.put(graph, world.finish(header, must(encode_control(later)), EventKind::control));
  };
  const EventIndex by_guest = put_later(1, 1, graph.id(grant));
  const EventIndex after_guest = world.write(graph, 0, "after the guest's");
  EXPECT_EQ(what_counts(graph, world.facts).verdict(by_guest), Verdict::no_effect);
  EXPECT_EQ(what_counts(graph, world.facts).verdict(after_guest), Verdict::effect);
  const EventIndex by_owner = put_later(0, 7, world.admission_of_device(0));
  const EventIndex after_owner = world.write(graph, 0, "after the owner's");
  EXPECT_EQ(what_counts(graph, world.facts).verdict(by_owner), Verdict::needs_upgrade);
  EXPECT_EQ(what_counts(graph, world.facts).verdict(after_owner), Verdict::needs_upgrade);
  EXPECT_EQ(what_counts(graph, world.facts).verdict(after_guest), Verdict::effect);
}

TEST(WhatCounts, MaximalEpochs) {
  World world(2, 0);
  EventGraph a = world.replica();
  EventGraph b = world.replica();
  const EventIndex first = world.act(a, 0, OpenEpoch{});
  world.sync(a, b);
  EXPECT_EQ(maximal_epochs(a, what_counts(a, world.facts)), std::vector<EpochId>{as_epoch_id(a.id(first))});
  std::vector<EpochId> both{as_epoch_id(a.id(world.act(a, 0, OpenEpoch{}))),
                            as_epoch_id(b.id(world.act(b, 1, OpenEpoch{})))};
  std::sort(both.begin(), both.end());
  world.sync(b, a);
  EXPECT_EQ(maximal_epochs(a, what_counts(a, world.facts)), both);
  OpenEpoch joint;
  joint.joins = both;
  const EventIndex joined = world.act(a, 0, joint);
  EXPECT_EQ(maximal_epochs(a, what_counts(a, world.facts)), std::vector<EpochId>{as_epoch_id(a.id(joined))});
}

}  // namespace
}  // namespace rz::log
