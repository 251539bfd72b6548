#include "host/api/text_delta.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace rz::host {
namespace {

std::u32string random_text(Random& random, std::size_t length_max) {
  std::u32string text;
  const auto length = random.below(length_max + 1);
  for (std::uint64_t i = 0; i < length; ++i) text.push_back(U"abcdeé€😀"[random.below(8)]);
  return text;
}

std::vector<TextChange> random_changes(Random& random, std::u32string& text) {
  std::vector<TextChange> changes;
  const auto count = random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    TextChange change;
    change.position = random.below(text.size() + 1);
    change.removed = random.below(std::min<std::uint64_t>(4, text.size() - change.position) + 1);
    const std::u32string inserted = random_text(random, 4);
    change.inserted = code_points_to_utf8(inserted);
    text.replace(change.position, change.removed, inserted);
    changes.push_back(change);
  }
  return changes;
}

TEST(TextDelta, is_what_its_changes_do_one_after_the_other) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::u32string before = random_text(random, 12);
    std::u32string expected = before;
    const auto delta = TextDelta::from_changes(random_changes(random, expected));
    ASSERT_TRUE(delta.has_value());
    ASSERT_LE(delta->reach(), before.size());
    ASSERT_EQ(delta->apply(before), expected);
    const auto again = TextDelta::from_changes(delta->to_changes());
    ASSERT_TRUE(again.has_value());
    ASSERT_EQ(again->apply(before), expected);
  }
}

// The property that makes two sides agree: a, then b after a, is b, then a after b.
TEST(TextDelta, concurrent_changes_commute_once_transformed) {
  Random random(2);
  for (int round = 0; round < 5000; ++round) {
    const std::u32string before = random_text(random, 12);
    std::u32string ignored = before;
    const auto a = *TextDelta::from_changes(random_changes(random, ignored));
    ignored = before;
    const auto b = *TextDelta::from_changes(random_changes(random, ignored));
    const auto a_first = b.after(a, true).apply(a.apply(before));
    const auto b_first = a.after(b, false).apply(b.apply(before));
    ASSERT_EQ(a_first, b_first) << "round " << round;
    ASSERT_EQ(a.then(b.after(a, true)).apply(before), a_first);
  }
}

TEST(TextDelta, keeps_the_others_insertion_left) {
  const auto mine = *TextDelta::from_changes({{1, 0, "M"}});
  const auto theirs = *TextDelta::from_changes({{1, 0, "T"}});
  EXPECT_EQ(mine.after(theirs, true).apply(theirs.apply(U"ab")), U"aTMb");
  EXPECT_EQ(mine.after(theirs, false).apply(theirs.apply(U"ab")), U"aMTb");
}

TEST(TextDelta, refuses_what_is_no_text) {
  EXPECT_FALSE(TextDelta::from_changes({{0, 0, "\xff"}}).has_value());
  EXPECT_FALSE(TextDelta::from_changes({{std::uint64_t{1} << 60, 0, ""}}).has_value());
}

}  // namespace
}  // namespace rz::host
