// One page's view of one document: which revision it has seen, and what was sent to it since an earlier one.
//
// Revisions count what passed between the two: one for each change sent, one for each edit taken. An edit made on an
// older revision is transformed over what was sent since (text_delta.h).
#pragma once

#include <deque>
#include <string>

#include "host/api/text_delta.h"

namespace rz::host {

class TextSession {
 public:
  static constexpr std::size_t history_bytes_max = 4 * 1024 * 1024;

  std::uint64_t revision() const { return revision_; }

  // Somebody else's change goes out: it becomes this revision.
  std::uint64_t sent(const TextDelta& delta);
  // The page's own edit was taken: it becomes this revision.
  std::uint64_t taken() { return ++revision_; }

  // What an edit made at `revision` means now. Errors: bad_argument (a revision to come, or older than what is kept:
  // the page must open the document anew).
  Result<TextDelta> rebase(std::uint64_t revision, TextDelta edit);

  std::string last_state;  // As the page was told.

 private:
  struct Sent {
    std::uint64_t revision;
    TextDelta delta;
  };
  std::uint64_t revision_ = 0;
  std::uint64_t oldest_ = 0;  // Edits made before this revision can't be rebased any more.
  std::deque<Sent> history_;
  std::size_t history_bytes_ = 0;
};

}  // namespace rz::host
