#include "log/catalogue.h"

#include <gtest/gtest.h>

#include "log/test_world.h"

namespace rz::log {
namespace {

using test::World;

class Catalogue : public ::testing::Test {
 protected:
  Catalogue() {
    Genesis genesis;
    genesis.owner = world_.owner;
    block_ = encode_genesis(genesis);
    note_ = stream_id_of_block(block_);
  }
  bool is_unlisted(const EventGraph& graph) const {
    return unlisted_streams(graph, what_counts(graph, world_.facts).verdicts).contains(note_);
  }
  EventIndex list(EventGraph& graph, std::size_t device) {
    return world_.act(graph, device, List{block_, Keeping::kept});
  }
  EventIndex unlist(EventGraph& graph, std::size_t device) { return world_.act(graph, device, Unlist{note_}); }

  World world_;
  Bytes block_;
  StreamId note_;
};

TEST_F(Catalogue, ListedUntilUnlistedUntilListedAgain) {
  EventGraph graph = world_.replica();
  list(graph, 0);
  EXPECT_FALSE(is_unlisted(graph));
  unlist(graph, 1);
  EXPECT_TRUE(is_unlisted(graph));
  list(graph, 1);
  EXPECT_FALSE(is_unlisted(graph));
  unlist(graph, 0);
  EXPECT_TRUE(is_unlisted(graph));
}

TEST_F(Catalogue, OfConcurrentListAndUnlistListWinsInAnyOrderOfArrival) {
  EventGraph a = world_.replica();
  list(a, 0);
  EventGraph b = world_.replica();
  world_.sync(a, b);
  unlist(a, 0);
  list(b, 1);
  world_.sync(a, b);
  world_.sync(b, a);
  EXPECT_FALSE(is_unlisted(a));
  EXPECT_FALSE(is_unlisted(b));
  // An unlist that has seen both ends both.
  unlist(b, 1);
  world_.sync(b, a);
  EXPECT_TRUE(is_unlisted(a));
  EXPECT_TRUE(is_unlisted(b));
}

TEST_F(Catalogue, AnUnlistWithoutTheRightDoesNothing) {
  EventGraph graph = world_.replica();
  list(graph, 0);
  world_.fact(1).rights = RightSet{};
  unlist(graph, 1);
  EXPECT_FALSE(is_unlisted(graph));
  EXPECT_TRUE(unlisted_streams(graph, {}).empty());
}

}  // namespace
}  // namespace rz::log
