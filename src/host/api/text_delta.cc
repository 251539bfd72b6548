#include "host/api/text_delta.h"

#include <algorithm>

#include "base/assert.h"
#include "ipld/utf8.h"

namespace rz::host {
namespace {

using Kind = TextDelta::Step::Kind;

// Walks a delta in pieces no longer than asked for. Past its end everything is kept.
class Cursor {
 public:
  explicit Cursor(const TextDelta& delta) : steps_(delta.steps()) {}

  bool done() const { return at_ == steps_.size(); }
  Kind kind() const { return done() ? Kind::keep : steps_[at_].kind; }
  std::uint64_t left() const { return done() ? ~std::uint64_t{0} : steps_[at_].length - used_; }

  std::u32string_view text(std::uint64_t length) const {
    return std::u32string_view(steps_[at_].text).substr(used_, length);
  }

  void advance(std::uint64_t length) {
    if (done()) return;
    used_ += length;
    if (used_ < steps_[at_].length) return;
    ++at_;
    used_ = 0;
  }

 private:
  const std::vector<TextDelta::Step>& steps_;
  std::size_t at_ = 0;
  std::uint64_t used_ = 0;
};

constexpr std::uint64_t position_end = std::uint64_t{1} << 53;

}  // namespace

void TextDelta::keep(std::uint64_t length) {
  if (length == 0) return;
  if (!steps_.empty() && steps_.back().kind == Kind::keep) {
    steps_.back().length += length;
  } else {
    steps_.push_back({Kind::keep, length, {}});
  }
}

// An insertion next to a removal always comes first, so that equal deltas have equal steps.
void TextDelta::remove(std::uint64_t length) {
  if (length == 0) return;
  if (!steps_.empty() && steps_.back().kind == Kind::remove) {
    steps_.back().length += length;
  } else {
    steps_.push_back({Kind::remove, length, {}});
  }
}

void TextDelta::insert(std::u32string_view text) {
  if (text.empty()) return;
  auto at = steps_.end();
  if (at != steps_.begin() && std::prev(at)->kind == Kind::remove) --at;
  if (at != steps_.begin() && std::prev(at)->kind == Kind::insert) {
    std::prev(at)->text += text;
    std::prev(at)->length = std::prev(at)->text.size();
  } else {
    steps_.insert(at, Step{Kind::insert, text.size(), std::u32string(text)});
  }
}

void TextDelta::trim() {
  while (!steps_.empty() && steps_.back().kind == Kind::keep) steps_.pop_back();
}

Result<TextDelta> TextDelta::from_changes(const std::vector<TextChange>& changes) {
  TextDelta all;
  for (const TextChange& change : changes) {
    if (change.position >= position_end || change.removed >= position_end) {
      return fail(ErrorCode::bad_argument, "a position in a text is below 2^53");
    }
    RZ_TRY(const std::u32string text, utf8_to_code_points(change.inserted));
    TextDelta one;
    one.keep(change.position);
    one.insert(text);
    one.remove(change.removed);
    all = all.empty() ? std::move(one) : all.then(one);
    all.trim();
  }
  return all;
}

std::vector<TextChange> TextDelta::to_changes() const {
  std::vector<TextChange> changes;
  std::uint64_t position = 0;
  bool open = false;  // Whether the last change ends right here, so that this step belongs to it.
  for (const Step& step : steps_) {
    if (step.kind == Kind::keep) {
      position += step.length;
      open = false;
      continue;
    }
    if (!open) changes.push_back({position, 0, {}});
    open = true;
    if (step.kind == Kind::remove) {
      changes.back().removed += step.length;
    } else {
      changes.back().inserted += code_points_to_utf8(step.text);
      position += step.length;
    }
  }
  return changes;
}

TextDelta TextDelta::then(const TextDelta& next) const {
  TextDelta both;
  Cursor first(*this);
  Cursor second(next);
  while (!first.done() || !second.done()) {
    if (!second.done() && second.kind() == Kind::insert) {
      both.insert(second.text(second.left()));
      second.advance(second.left());
      continue;
    }
    if (!first.done() && first.kind() == Kind::remove) {
      both.remove(first.left());
      first.advance(first.left());
      continue;
    }
    const std::uint64_t length = std::min(first.left(), second.left());
    const bool removes = second.kind() == Kind::remove;
    if (first.kind() == Kind::insert) {
      if (!removes) both.insert(first.text(length));
    } else if (removes) {
      both.remove(length);
    } else {
      both.keep(length);
    }
    first.advance(length);
    second.advance(length);
  }
  both.trim();
  return both;
}

TextDelta TextDelta::after(const TextDelta& other, bool other_left) const {
  TextDelta moved;
  Cursor mine(*this);
  Cursor theirs(other);
  while (!mine.done()) {
    const bool my_insert = mine.kind() == Kind::insert;
    const bool their_insert = !theirs.done() && theirs.kind() == Kind::insert;
    if (their_insert && (!my_insert || other_left)) {
      moved.keep(theirs.left());
      theirs.advance(theirs.left());
      continue;
    }
    if (my_insert) {
      moved.insert(mine.text(mine.left()));
      mine.advance(mine.left());
      continue;
    }
    const std::uint64_t length = std::min(mine.left(), theirs.left());
    if (theirs.kind() != Kind::remove) {
      if (mine.kind() == Kind::remove) {
        moved.remove(length);
      } else {
        moved.keep(length);
      }
    }
    mine.advance(length);
    theirs.advance(length);
  }
  moved.trim();
  return moved;
}

std::uint64_t TextDelta::reach() const {
  std::uint64_t reach = 0;
  for (const Step& step : steps_) {
    if (step.kind != Kind::insert) reach += step.length;
  }
  return reach;
}

std::size_t TextDelta::size_bytes() const {
  std::size_t size = 0;
  for (const Step& step : steps_) size += sizeof(Step) + step.text.size() * sizeof(char32_t);
  return size;
}

std::u32string TextDelta::apply(std::u32string_view text) const {
  std::u32string result;
  for (const Step& step : steps_) {
    if (step.kind == Kind::insert) {
      result += step.text;
      continue;
    }
    RZ_REQUIRE(step.length <= text.size());
    if (step.kind == Kind::keep) result += text.substr(0, step.length);
    text.remove_prefix(step.length);
  }
  result += text;
  return result;
}

// The one replacement that makes `to` of `from`, in code points: what a file saved by an editor means.
std::vector<TextChange> difference(std::u32string_view from, std::u32string_view to) {
  const std::size_t shorter = std::min(from.size(), to.size());
  std::size_t front = 0;
  while (front < shorter && from[front] == to[front]) ++front;
  std::size_t back = 0;
  while (back < shorter - front && from[from.size() - 1 - back] == to[to.size() - 1 - back]) ++back;
  if (front == from.size() && from.size() == to.size()) return {};
  return {{front, from.size() - front - back, code_points_to_utf8(to.substr(front, to.size() - front - back))}};
}

Result<std::u32string> utf8_to_code_points(std::string_view text) {
  RZ_CHECK(ipld::check_utf8(as_bytes(text)));
  std::u32string points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    auto point = static_cast<char32_t>(more == 0 ? first : first & (0x3f >> more));
    for (int k = 1; k <= more; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    points.push_back(point);
    i += static_cast<std::size_t>(more) + 1;
  }
  return points;
}

std::string code_points_to_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t point : text) {
    if (point < 0x80) {
      bytes.push_back(static_cast<char>(point));
    } else if (point < 0x800) {
      bytes.push_back(static_cast<char>(0xc0 | point >> 6));
      bytes.push_back(static_cast<char>(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
      bytes.push_back(static_cast<char>(0xe0 | point >> 12));
      bytes.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
      bytes.push_back(static_cast<char>(0x80 | (point & 0x3f)));
    } else {
      bytes.push_back(static_cast<char>(0xf0 | point >> 18));
      bytes.push_back(static_cast<char>(0x80 | (point >> 12 & 0x3f)));
      bytes.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
      bytes.push_back(static_cast<char>(0x80 | (point & 0x3f)));
    }
  }
  return bytes;
}

}  // namespace rz::host
