#include "host/entropy.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace rz::host {
namespace {

TEST(SystemEntropy, FillsAllAndNeverTheSame) {
  SystemEntropy entropy;
  Bytes first(1000);
  Bytes second(1000);
  entropy.fill(first);
  entropy.fill(second);
  EXPECT_NE(first, second);
  // A part left unfilled would be a run of zeros: of 16 in a row, once in 2^118 fills.
  EXPECT_EQ(std::search_n(first.begin(), first.end(), 16, 0), first.end());
  entropy.fill({});
}

}  // namespace
}  // namespace rz::host
