// Changes of a text as a page and the daemon exchange them, and how two concurrent ones are reconciled.
//
// A page is a thin client of the replica in the daemon: it edits the text it last saw. While its edit was under way,
// the daemon may have sent changes of others; the edit is then transformed over those (the central-server form of
// operational transformation; Nichols et al. 1995, "High-latency, low-bandwidth windowing in the Jupiter collaboration
// system"). Between devices no such transformation happens: there the event graph decides (document/).
//
// Positions and lengths count Unicode code points.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rz::host {

// Replaces `removed` code points at `position` by `inserted` (UTF-8). In a list, each applies to the text after the one
// before.
struct TextChange {
  std::uint64_t position = 0;
  std::uint64_t removed = 0;
  std::string inserted;
  friend bool operator==(const TextChange&, const TextChange&) = default;
};

// One pass over a text from its start: keep, remove and insert, in the text's own order. Whatever follows the last step
// is kept.
class TextDelta {
 public:
  struct Step {
    enum class Kind : std::uint8_t { keep, remove, insert } kind = Kind::keep;
    std::uint64_t length = 0;  // keep, remove: code points. insert: text.size().
    std::u32string text;       // insert
    friend bool operator==(const Step&, const Step&) = default;
  };

  // Errors: bad_argument for text that is not UTF-8 or positions beyond 2^53.
  static Result<TextDelta> from_changes(const std::vector<TextChange>& changes);
  std::vector<TextChange> to_changes() const;

  // First this, then `next`, as one.
  TextDelta then(const TextDelta& next) const;

  // `this` and `other` start from one text; the result does what `this` did, after `other`. Where both insert at one
  // place, `other`'s insertion stays left if `other_left`.
  TextDelta after(const TextDelta& other, bool other_left) const;

  // How many code points of the text before it reads (keeps and removes together).
  std::uint64_t reach() const;
  bool empty() const { return steps_.empty(); }
  const std::vector<Step>& steps() const { return steps_; }
  // About what it costs to keep.
  std::size_t size_bytes() const;

  // The text after the delta. The text must be as long as reach() says, or longer.
  std::u32string apply(std::u32string_view text) const;

  void keep(std::uint64_t length);
  void remove(std::uint64_t length);
  void insert(std::u32string_view text);

 private:
  void trim();
  std::vector<Step> steps_;
};

// The one replacement that makes `to` of `from`: what a file that an editor saved means. None where they are equal.
std::vector<TextChange> difference(std::u32string_view from, std::u32string_view to);

// Errors: bad_argument (not UTF-8).
Result<std::u32string> utf8_to_code_points(std::string_view text);
std::string code_points_to_utf8(std::u32string_view text);

}  // namespace rz::host
