// One device alone: what a write promises, and that the store gives back what was acknowledged.
#include "pod/pod.h"

#include <gtest/gtest.h>

#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;

TEST(Pod, CreatesEditsReadsAndReopensTheSame) {
  Network net(1);
  net.found();
  const auto document = net.pod(0).create_document(net.now(), "Notes", "hello");
  ASSERT_TRUE(document.has_value()) << document.error().to_string();
  ASSERT_TRUE(net.pod(0).edit_text(net.now(), *document, {{5, 0, " wörld"}, {0, 1, "H"}}).has_value());
  EXPECT_EQ(*net.pod(0).text(*document), "Hello wörld");
  EXPECT_EQ(*net.pod(0).text_length(*document), 11u);
  net.pump(0);
  ASSERT_TRUE(net.converge());
  const log::HeadList frontier = net.pod(0).frontier();

  net.crash(0);
  ASSERT_TRUE(net.restart(0).has_value());
  EXPECT_EQ(*net.pod(0).text(*document), "Hello wörld");
  EXPECT_EQ(*net.pod(0).title(*document), "Notes");
  EXPECT_EQ(net.pod(0).frontier(), frontier);
  EXPECT_TRUE(net.pod(0).alarms().empty());
  // And it goes on: in a feed of its own, since a restored backup must not contradict itself.
  ASSERT_TRUE(net.pod(0).edit_text(net.now(), *document, {{11, 0, "!"}}).has_value());
  net.pump(0);
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(*net.pod(0).text(*document), "Hello wörld!");
}

TEST(Pod, AnEditOutOfRangeChangesNothing) {
  Network net(2);
  net.found();
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "abc");
  const auto refused = net.pod(0).edit_text(net.now(), document, {{0, 0, "x"}, {9, 0, "y"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::position_out_of_range);
  EXPECT_EQ(*net.pod(0).text(document), "abc");
  EXPECT_EQ(net.pod(0).text(log::StreamId{}).error().code, ErrorCode::not_found);
  EXPECT_EQ(net.pod(0).edit_text(net.now(), document, {{1, 3, ""}}).error().code, ErrorCode::position_out_of_range);
}

TEST(Pod, AWriteIsVisibleThenLocalThenPodThenCommitted) {
  Network net(3);
  net.found();
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "");
  net.pump(0);
  ASSERT_TRUE(net.converge());

  ASSERT_TRUE(net.pod(0).edit_text(net.now(), document, {{0, 0, "a"}}).has_value());
  EXPECT_EQ(net.pod(0).state_of(document), WriteState::visible);
  std::vector<WriteState> seen = {WriteState::visible};
  net.pod(0).flush(net.now());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] {
    const WriteState state = net.pod(0).state_of(document);
    if (state != seen.back()) seen.push_back(state);
    return state == WriteState::committed;
  }));
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));

  // Cut off, a write of one of two devices stays local: no quorum, and no other copy. It never waits, though.
  net.cut(0, 1);
  ASSERT_TRUE(net.pod(0).edit_text(net.now(), document, {{1, 0, "b"}}).has_value());
  net.pod(0).flush(net.now());
  net.pump(0);
  net.run(seconds(5));
  EXPECT_EQ(net.pod(0).state_of(document),
            net.pod(0).status(net.now()).voters == 1 ? WriteState::committed : WriteState::local);
  EXPECT_EQ(*net.pod(0).text(document), "ab");
  net.heal(0, 1);
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(*net.pod(1).text(document), "ab");
}

TEST(Pod, WhatOneDeviceAloneOrdersIsNoCopy) {
  Network net(5);
  net.found();
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "alone");
  net.pod(0).flush(net.now());
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).state_of(document) == WriteState::committed; }));
  EXPECT_FALSE(net.pod(0).is_copied(document));
  EXPECT_FALSE(net.pod(0).has_reached(document, WriteState::pod));
  EXPECT_EQ(net.pod(0).status(net.now()).only_here, 1U);

  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).is_copied(document); }));
  EXPECT_EQ(net.pod(0).status(net.now()).only_here, 0U);

  // It decides alone on the order again, and remembers over a restart what the other one has.
  const auto alone = [&] { return net.pod(0).status(net.now()).voters == 1 && net.pod(0).order()->is_leader(); };
  ASSERT_TRUE(net.run_until([&] { return alone() || net.pod(0).status(net.now()).voters == 2; }));
  if (!alone()) {
    const auto phone = net.pod(1).self();
    ASSERT_TRUE(net.run_until([&] {
      (void)net.pod(0).set_voter(net.now(), phone, false);
      return alone();
    }));
  }
  net.run(seconds(1));
  net.cut(0, 1);
  net.crash(0);
  ASSERT_TRUE(net.restart(0));
  ASSERT_TRUE(net.run_until([&] { return alone() && net.pod(0).state_of(document) == WriteState::committed; }));
  EXPECT_TRUE(net.pod(0).is_copied(document));
  const auto second = *net.pod(0).create_document(net.now(), "Later", "only here");
  net.pod(0).flush(net.now());
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).state_of(second) == WriteState::committed; }));
  EXPECT_FALSE(net.pod(0).is_copied(second));
  EXPECT_TRUE(net.pod(0).is_copied(document));
  net.crash(0);
  ASSERT_TRUE(net.restart(0));
  ASSERT_TRUE(net.run_until([&] { return alone() && net.pod(0).state_of(document) == WriteState::committed; }));
  EXPECT_FALSE(net.pod(0).is_copied(second));
  EXPECT_TRUE(net.pod(0).is_copied(document));
  net.heal(0, 1);
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).is_copied(second); }));
}

TEST(Pod, ARemovedDocumentIsGoneEverywhereAndCanBePutBack) {
  Network net(9);
  net.found();
  net.add(0, "phone");
  const auto kept = *net.pod(0).create_document(net.now(), "Kept", "a");
  const auto gone = *net.pod(0).create_document(net.now(), "Gone", "b");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  const auto lists = [&](std::size_t i, const log::StreamId& id) {
    const auto all = net.pod(i).documents();
    return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.id == id; });
  };

  // One removes it while the other, out of reach, goes on writing in it.
  net.cut(0, 1);
  ASSERT_TRUE(net.pod(0).remove_document(net.now(), gone));
  net.pump(0);
  EXPECT_FALSE(lists(0, gone));
  EXPECT_TRUE(lists(0, kept));
  EXPECT_EQ(net.pod(0).status(net.now()).documents, 1U);
  EXPECT_EQ(net.pod(0).text(gone).error().code, ErrorCode::not_found);
  EXPECT_EQ(net.pod(0).edit_text(net.now(), gone, {{0, 0, "x"}}).error().code, ErrorCode::not_found);
  EXPECT_EQ(net.pod(0).remove_document(net.now(), gone).error().code, ErrorCode::not_found);
  EXPECT_EQ(net.pod(0).restore_document(net.now(), kept).error().code, ErrorCode::not_found);
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), gone, {{1, 0, "!"}}).has_value());
  net.pump(1);
  net.heal(0, 1);
  ASSERT_TRUE(net.converge());
  EXPECT_FALSE(lists(1, gone));
  ASSERT_EQ(net.pod(1).removed_documents().size(), 1U);
  EXPECT_EQ(net.pod(1).removed_documents().front().title, "Gone");

  net.crash(1);
  ASSERT_TRUE(net.restart(1));
  EXPECT_FALSE(lists(1, gone));
  ASSERT_TRUE(net.pod(1).restore_document(net.now(), gone));
  net.pump(1);
  ASSERT_TRUE(net.converge());
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(lists(i, gone));
    EXPECT_EQ(*net.pod(i).text(gone), "b!");
    EXPECT_TRUE(net.pod(i).removed_documents().empty());
  }
}

TEST(Pod, OpeningNothingSaysSo) {
  store::MemoryStore empty;
  crypto::SeededEntropy entropy(1);
  const auto opened = Pod::open({}, identity::DeviceKeys::random(entropy), empty, {}, entropy, {});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace rz::pod
