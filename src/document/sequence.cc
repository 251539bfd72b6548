#include "document/sequence.h"

#include <algorithm>

namespace rz::document {

Sequence::Sequence(Kind kind, const Graph& graph) : graph_(&graph) {
  if (kind == Kind::list) shown_.emplace<ElementOrder>();
}

std::size_t Sequence::memory_bytes() const {
  return sizeof(*this) + (is_text() ? rope().memory_bytes() : order().memory_bytes()) + text_.capacity() +
         runs_.capacity() * sizeof(Run) + pieces_.capacity() * sizeof(Piece) +
         (tracker_ != nullptr ? tracker_->memory_bytes() : 0);
}

// --- Operations ----------------------------------------------------------------------------------------------------

bool Sequence::insert_text(EventIndex event, std::uint64_t position, std::string_view text, std::uint32_t chars,
                           std::vector<ShownChange>& out) {
  Tracker* tracker = tracker_for(event);
  const std::uint64_t limit = tracker != nullptr ? tracker->prepared_length() : length();
  if (position > limit || chars > element_end - next_id_) return false;
  const ElementId id = next_id_;
  const auto content = static_cast<std::uint32_t>(text_.size());
  text_.append(text);
  record({id, chars, event, static_cast<std::uint32_t>(position), content, 0, Run::Sort::insert});
  if (tracker == nullptr) {
    std::get<Rope>(shown_).insert(position, text, chars);
    out.push_back({position, id, chars, true});
  } else {
    tracker->insert(position, id, chars, graph_->is_shown(event), *this, changes_);
  }
  finish(event, tracker, out);
  return true;
}

std::optional<ElementId> Sequence::insert_cells(EventIndex event, std::uint64_t position, std::uint32_t cell,
                                                std::uint32_t count, std::vector<ShownChange>& out) {
  Tracker* tracker = tracker_for(event);
  const std::uint64_t limit = tracker != nullptr ? tracker->prepared_length() : length();
  if (position > limit || count > element_end - next_id_) return std::nullopt;
  const ElementId id = next_id_;
  record({id, count, event, static_cast<std::uint32_t>(position), cell, 0, Run::Sort::insert});
  if (tracker == nullptr) {
    std::get<ElementOrder>(shown_).insert(position, id, count);
    out.push_back({position, id, count, true});
  } else {
    tracker->insert(position, id, count, graph_->is_shown(event), *this, changes_);
  }
  finish(event, tracker, out);
  return id;
}

std::uint32_t Sequence::erase(EventIndex event, std::uint64_t position, std::uint32_t count, bool back,
                              std::vector<ShownChange>& out) {
  Tracker* tracker = tracker_for(event);
  const std::uint64_t limit = tracker != nullptr ? tracker->prepared_length() : length();
  if (position >= limit || count > element_end - next_id_) return 0;
  if (!back) count = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, limit - position));
  const std::uint64_t begin = back ? position + 1 - count : position;
  const ElementId id = next_id_;
  const Run::Sort sort = back && count > 1 ? Run::Sort::erase_back : Run::Sort::erase;
  record({id, count, event, static_cast<std::uint32_t>(position), 0, 0, sort});
  if (tracker == nullptr) {
    if (is_text()) {
      std::get<Rope>(shown_).erase(begin, count);
    } else {
      std::get<ElementOrder>(shown_).erase(begin, count);
    }
    out.push_back({begin, element_none, count, false});
  } else {
    tracker->erase(begin, id, count, graph_->is_shown(event), changes_);
  }
  finish(event, tracker, out);
  return count;
}

std::optional<Sequence::Element> Sequence::set(EventIndex event, std::uint64_t position, std::uint32_t cell) {
  Tracker* tracker = tracker_for(event);
  const std::uint64_t limit = tracker != nullptr ? tracker->prepared_length() : length();
  if (position >= limit || next_id_ == element_end) return std::nullopt;
  Element element;
  if (tracker == nullptr) {
    element = {order().at(position), position};
  } else {
    const Tracker::Located located = tracker->element_at(position);
    element.id = located.id;
    if (located.is_shown) element = {order().at(located.shown_position), located.shown_position};
  }
  record({next_id_, 1, event, static_cast<std::uint32_t>(position), cell, 0, Run::Sort::set});
  std::vector<ShownChange> none;
  finish(event, tracker, none);
  return element;
}

// What every operation ends with: shows what the tracker said and notes how far it is.
void Sequence::finish(EventIndex event, Tracker* tracker, std::vector<ShownChange>& out) {
  if (tracker != nullptr) {
    apply_shown(changes_);
    out.insert(out.end(), changes_.begin(), changes_.end());
    changes_.clear();
    tracked_end_ = next_id_;
    ++tracked_runs_;
    prepared_.assign(1, event);
  }
  runs_.back().length_after = static_cast<std::uint32_t>(length());
}

void Sequence::apply_shown(std::span<const ShownChange> changes) {
  for (const ShownChange& change : changes) {
    if (auto* rope = std::get_if<Rope>(&shown_)) {
      if (change.appears) {
        rope->insert(change.position, text_of(change.id, change.length), change.length);
      } else {
        rope->erase(change.position, change.length);
      }
    } else {
      auto& order = std::get<ElementOrder>(shown_);
      if (change.appears) {
        order.insert(change.position, change.id, change.length);
      } else {
        order.erase(change.position, change.length);
      }
    }
  }
}

std::uint64_t Sequence::insert_position(EventIndex event, std::uint64_t shown) {
  if (!is_pinned_ && graph_->is_only_head(event)) return shown;
  return tracker_for(event)->prepared_insert_position(shown);
}

Tracker::Stretch Sequence::erase_stretch(EventIndex event, std::uint64_t shown, std::uint64_t count) {
  if (!is_pinned_ && graph_->is_only_head(event)) return {true, shown, count};
  return tracker_for(event)->stretch_at(shown, count);
}

// --- The log of runs -----------------------------------------------------------------------------------------------

// Whether the run only goes on with the last one; then it is made part of it.
bool Sequence::extend_last(const Run& run) {
  if (runs_.empty()) return false;
  Run& last = runs_.back();
  if (last.event != run.event || last.id + last.length != run.id) return false;
  using Sort = Run::Sort;
  if (run.sort == Sort::insert && last.sort == Sort::insert) {
    if (run.position != last.position + last.length) return false;
    if (!is_text() && run.content != last.content + last.length) return false;
  } else if (run.sort == Sort::erase && last.sort == Sort::erase && run.position == last.position) {
    // Forwards.
  } else if (run.sort != Sort::insert && run.sort != Sort::set && run.length == 1 &&
             (last.sort == Sort::erase_back || (last.sort == Sort::erase && last.length == 1)) &&
             run.position + last.length == last.position) {
    last.sort = Sort::erase_back;
  } else {
    return false;
  }
  last.length += run.length;
  return true;
}

void Sequence::record(Run run) {
  next_id_ += run.length;
  if (extend_last(run)) return;
  runs_.push_back(run);
  add_to_piece(run.event, static_cast<std::uint32_t>(runs_.size() - 1));
}

void Sequence::add_to_piece(EventIndex event, std::uint32_t run) {
  auto after = pieces_.end();
  while (after != pieces_.begin() && std::prev(after)->event > event) --after;
  if (after != pieces_.begin()) {
    Piece& piece = *std::prev(after);
    if (piece.event == event && piece.end == run) {
      ++piece.end;
      return;
    }
  }
  pieces_.insert(after, {event, run, run + 1});
}

void Sequence::index_pieces() {
  pieces_.clear();
  for (std::uint32_t i = 0; i < runs_.size(); ++i) add_to_piece(runs_[i].event, i);
}

std::span<const Sequence::Piece> Sequence::pieces_of(EventIndex event) const {
  const auto begin = std::lower_bound(pieces_.begin(), pieces_.end(), event,
                                      [](const Piece& piece, EventIndex value) { return piece.event < value; });
  auto end = begin;
  while (end != pieces_.end() && end->event == event) ++end;
  return {begin, end};
}

bool Sequence::touches(EventIndex event) const { return !pieces_of(event).empty(); }

const Sequence::Run& Sequence::run_of(ElementId id) const {
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), id, [](ElementId value, const Run& run) { return value < run.id; });
  return *std::prev(after);
}

bool Sequence::is_before(ElementId a, ElementId b) const {
  const int order = graph_->compare_siblings(run_of(a).event, run_of(b).event);
  return order != 0 ? order < 0 : a < b;
}

std::string_view Sequence::text_of(ElementId id, std::uint32_t length) const {
  const Run& run = run_of(id);
  const std::string_view from = std::string_view(text_).substr(run.content);
  const std::size_t begin = utf8::offset_of(from, id - run.id);
  return from.substr(begin, utf8::offset_of(from.substr(begin), length));
}

bool Sequence::has_element(ElementId id) const {
  if (runs_.empty() || id < runs_.front().id) return false;
  const Run& run = run_of(id);
  return run.sort == Run::Sort::insert && id - run.id < run.length;
}

std::uint32_t Sequence::cell_of(ElementId id) const {
  const Run& run = run_of(id);
  return run.content + (id - run.id);
}

// --- Undoing and restoring -----------------------------------------------------------------------------------------

Sequence::Mark Sequence::mark() const {
  return {runs_.size(), runs_.empty() ? Run{} : runs_.back(), text_.size(), next_id_};
}

void Sequence::roll_back(const Mark& mark) {
  if (mark.next_id == next_id_) return;
  runs_.resize(mark.runs);
  if (!runs_.empty()) runs_.back() = mark.last;
  text_.resize(mark.text_bytes);
  next_id_ = mark.next_id;
  index_pieces();
  replay_all();
}

void Sequence::restore(std::vector<Run> runs, std::string text, ElementId next_id, bool pinned) {
  runs_ = std::move(runs);
  text_ = std::move(text);
  next_id_ = next_id;
  is_pinned_ = pinned;
  index_pieces();
}

}  // namespace rz::document
