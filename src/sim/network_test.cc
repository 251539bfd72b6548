#include "sim/network.h"

#include <gtest/gtest.h>

namespace rz::sim {
namespace {

// Equal seeds give equal bytes, or no failing seed could be looked at again.
TEST(Network, EqualSeedsGiveEqualRuns) {
  const auto frames_of = [](std::uint64_t seed) {
    Network net(seed);
    std::vector<Bytes> frames;
    net.on_frame = [&frames](std::size_t, std::size_t, Channel, ByteView frame) { frames.push_back(to_bytes(frame)); };
    net.found();
    net.add(0, "phone");
    (void)net.pod(0).create_document(net.now(), "Notes", "hello");
    net.pump(0);
    EXPECT_TRUE(net.converge());
    return frames;
  };
  const auto first = frames_of(5);
  EXPECT_GT(first.size(), 10u);
  EXPECT_EQ(first, frames_of(5));
  EXPECT_NE(first, frames_of(6));
}

}  // namespace
}  // namespace rz::sim
