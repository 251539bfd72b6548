// The rope, the count tree under it, and UTF-8, against strings of code points.
#include "document/rope.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "document/sequence.h"
#include "document/utf8.h"

namespace rz::document {
namespace {

const std::vector<std::string>& letters() {
  static const std::vector<std::string> all{"a", "Z", " ", "é", "߿", "ࠀ", "水", "￿", "🌱", "\U0010ffff"};
  return all;
}

TEST(Rope, EqualsAListOfCodePoints) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    Rope rope;
    std::vector<std::string> naive;
    const std::uint64_t growth = 1 + random.below(3);
    for (int step = 0; step < 400; ++step) {
      if (random.below(4) < growth || naive.empty()) {
        const std::uint64_t position = random.below(naive.size() + 1);
        const std::uint64_t count = random.chance(1, 30) ? random.below(2000) : 1 + random.below(6);
        std::string text;
        std::vector<std::string> added;
        for (std::uint64_t i = 0; i < count; ++i) {
          added.push_back(letters()[random.below(seed % 2 == 0 ? 3 : letters().size())]);
          text += added.back();
        }
        rope.insert(position, text, count);
        naive.insert(naive.begin() + static_cast<std::ptrdiff_t>(position), added.begin(), added.end());
      } else {
        const std::uint64_t position = random.below(naive.size());
        const std::uint64_t longest = random.chance(1, 20) ? naive.size() : 9;
        const std::uint64_t count = 1 + random.below(std::min<std::uint64_t>(naive.size() - position, longest));
        rope.erase(position, count);
        const auto begin = naive.begin() + static_cast<std::ptrdiff_t>(position);
        naive.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
      }
      ASSERT_EQ(rope.length(), naive.size());
      if (step % 20 != 0) continue;
      std::string expected;
      for (const std::string& letter : naive) expected += letter;
      ASSERT_EQ(rope.to_string(), expected);
      ASSERT_EQ(rope.size_bytes(), expected.size());
      const std::uint64_t begin = random.below(naive.size() + 1);
      const std::uint64_t count = random.below(naive.size() - begin + 1);
      std::string part;
      for (std::uint64_t i = begin; i < begin + count; ++i) part += naive[i];
      ASSERT_EQ(rope.slice(begin, count), part);
    }
  }
}

TEST(ElementOrder, EqualsAListOfIds) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    ElementOrder order;
    std::vector<ElementId> naive;
    ElementId next = 0;
    for (int step = 0; step < 400; ++step) {
      if (random.chance(3, 5) || naive.empty()) {
        const std::uint64_t position = random.chance(1, 2) ? naive.size() : random.below(naive.size() + 1);
        const auto count = static_cast<std::uint32_t>(1 + random.below(4));
        order.insert(position, next, count);
        std::vector<ElementId> ids;
        for (std::uint32_t i = 0; i < count; ++i) ids.push_back(next + i);
        naive.insert(naive.begin() + static_cast<std::ptrdiff_t>(position), ids.begin(), ids.end());
        next += count;
      } else {
        const std::uint64_t position = random.below(naive.size());
        const std::uint64_t count = 1 + random.below(std::min<std::uint64_t>(naive.size() - position, 12));
        order.erase(position, count);
        const auto begin = naive.begin() + static_cast<std::ptrdiff_t>(position);
        naive.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
      }
      ASSERT_EQ(order.length(), naive.size());
      if (naive.empty()) continue;
      const std::uint64_t probe = random.below(naive.size());
      ASSERT_EQ(order.at(probe), naive[probe]);
      ASSERT_EQ(order.position_of(naive[probe]), probe);
      ASSERT_EQ(order.position_of(next), std::nullopt);
    }
  }
}

TEST(Utf8, ValidityAndCounts) {
  for (const std::string& letter : letters()) {
    EXPECT_TRUE(utf8::is_valid(letter));
    EXPECT_EQ(utf8::count(letter), 1u);
  }
  for (const std::string bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe6\xb0", "\xff", "a\xc3"}) {
    EXPECT_FALSE(utf8::is_valid(bad));
  }
  std::string long_text;
  for (int i = 0; i < 50; ++i) long_text += letters()[static_cast<std::size_t>(i) % letters().size()];
  EXPECT_EQ(utf8::count(long_text), 50u);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(utf8::offset_of(long_text, i), offset);
    offset += letters()[i % letters().size()].size();
  }
  EXPECT_EQ(utf8::offset_of(long_text, 50), long_text.size());
  EXPECT_EQ(utf8::offset_of(long_text, 99), long_text.size());
}

}  // namespace
}  // namespace rz::document
