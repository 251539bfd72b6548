#include "host/api/text_session.h"

namespace rz::host {

std::uint64_t TextSession::sent(const TextDelta& delta) {
  history_.push_back({++revision_, delta});
  history_bytes_ += delta.size_bytes();
  while (history_bytes_ > history_bytes_max) {
    oldest_ = history_.front().revision;
    history_bytes_ -= history_.front().delta.size_bytes();
    history_.pop_front();
  }
  return revision_;
}

Result<TextDelta> TextSession::rebase(std::uint64_t revision, TextDelta edit) {
  if (revision > revision_ || revision < oldest_) {
    return fail(ErrorCode::bad_argument, "the edit was made on a revision that is not known here: open the text anew");
  }
  // What the page has seen, it won't speak of again.
  while (!history_.empty() && history_.front().revision <= revision) {
    history_bytes_ -= history_.front().delta.size_bytes();
    history_.pop_front();
  }
  oldest_ = revision;
  for (const Sent& sent : history_) edit = edit.after(sent.delta, true);
  return edit;
}

}  // namespace rz::host
