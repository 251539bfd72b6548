// The part of a sequence that deals with concurrency: when a tracker is needed, building it, moving it between
// versions.
#include <algorithm>

#include "document/sequence.h"

namespace rz::document {

bool Sequence::is_tracker_valid() const {
  if (tracker_ == nullptr) return false;
  if (base_ == event_none) return true;
  return !is_pinned_ && graph_->last_critical() != event_none && graph_->last_critical() >= base_;
}

void Sequence::drop_tracker() {
  tracker_.reset();
  prepared_.clear();
  tracked_runs_ = 0;
  runs_in_sequence_ = 0;
}

// The tracker at the version that the event's next operation is meant in, or nullptr where it can be applied directly.
Tracker* Sequence::tracker_for(EventIndex event) {
  const bool is_sequential = graph_->is_only_head(event);
  if (is_sequential && !is_pinned_) {
    if (tracker_ == nullptr) return nullptr;
    if (++runs_in_sequence_ > tracked_runs_ || !is_tracker_valid()) {
      drop_tracker();
      return nullptr;
    }
  } else {
    runs_in_sequence_ = 0;
  }
  // A list's elements must be known by id even where they are gone: a write to one may count again some day.
  const bool from_beginning = is_pinned_ || !is_text();
  if (!is_tracker_valid()) build_tracker(from_beginning ? event_none : graph_->last_critical(), false);
  const bool has_begun = !prepared_.empty() && prepared_.size() == 1 && prepared_[0] == event;
  if (!has_begun) move_to(version_before(event));
  return tracker_.get();
}

// An event's operations follow one another: once it has begun, its own version is the one it goes on from.
Version Sequence::version_before(EventIndex event) const {
  if (touches(event)) return {event};
  const auto parents = graph_->parents(event);
  return {parents.begin(), parents.end()};
}

std::uint32_t Sequence::length_at(EventIndex base) const {
  const auto after =
      std::partition_point(runs_.begin(), runs_.end(), [base](const Run& run) { return run.event <= base; });
  return after == runs_.begin() ? 0 : std::prev(after)->length_after;
}

void Sequence::build_tracker(EventIndex base, bool show) {
  drop_tracker();
  base_ = base;
  auto run = runs_.begin();
  if (base == event_none) {
    tracker_ = std::make_unique<Tracker>(0);
  } else {
    run = std::partition_point(runs_.begin(), runs_.end(), [base](const Run& r) { return r.event <= base; });
    tracker_ = std::make_unique<Tracker>(length_at(base));
    prepared_.assign(1, base);
  }
  tracked_begin_ = tracked_end_ = run == runs_.end() ? next_id_ : run->id;
  for (; run != runs_.end(); ++run) {
    if (!graph_->is_active(run->event)) continue;
    const auto index = static_cast<std::uint32_t>(run - runs_.begin());
    const auto pieces = pieces_of(run->event);
    if (pieces[0].begin < index) {
      move_to({run->event});
    } else {
      const auto parents = graph_->parents(run->event);
      move_to({parents.begin(), parents.end()});
    }
    replay_run(*run, changes_);
    if (show) {
      apply_shown(changes_);
      run->length_after = static_cast<std::uint32_t>(length());
    }
    changes_.clear();
    tracked_end_ = run->id + run->length;
    prepared_.assign(1, run->event);
    ++tracked_runs_;
  }
  tracked_end_ = next_id_;
  // Lengths come from a checkpoint: where they don't fit, the operations are what counts.
  if (!show && tracker_->shown_length() != length()) replay_all();
}

// A run that lies outside was never recorded, unless a checkpoint was made up: then it does nothing.
void Sequence::replay_run(Run& run, std::vector<ShownChange>& out) {
  const bool shown = graph_->is_shown(run.event);
  const std::uint64_t limit = tracker_->prepared_length();
  const std::uint64_t end = run.position + (run.sort == Run::Sort::erase ? run.length : 1u);
  const bool is_erase = run.sort == Run::Sort::erase || run.sort == Run::Sort::erase_back;
  if ((run.sort == Run::Sort::insert && run.position > limit) || (is_erase && end > limit)) run.sort = Run::Sort::set;
  switch (run.sort) {
    case Run::Sort::insert:
      return tracker_->insert(run.position, run.id, run.length, shown, *this, out);
    case Run::Sort::erase:
      return tracker_->erase(run.position, run.id, run.length, shown, out);
    case Run::Sort::erase_back:
      return tracker_->erase(run.position + 1 - run.length, run.id, run.length, shown, out);
    case Run::Sort::set:
      return;
  }
}

void Sequence::move_to(const Version& version) {
  if (prepared_ == version) return;
  graph_->difference(prepared_, version, retreats_, advances_);
  for (const EventIndex event : retreats_) prepare(event, false);
  for (const EventIndex event : advances_) prepare(event, true);
  prepared_ = version;
}

void Sequence::prepare(EventIndex event, bool present) {
  for (const Piece& piece : pieces_of(event)) {
    for (std::uint32_t i = piece.begin; i < piece.end; ++i) {
      const Run& run = runs_[i];
      if (run.id < tracked_begin_ || run.id >= tracked_end_) continue;
      if (run.sort == Run::Sort::insert) {
        tracker_->prepare_insert(run.id, run.length, present);
      } else if (run.sort != Run::Sort::set) {
        tracker_->prepare_erase(run.id, run.length, present);
      }
    }
  }
}

void Sequence::make_whole() {
  if (tracker_ != nullptr && base_ == event_none) return;
  build_tracker(event_none, false);
}

void Sequence::pin() {
  make_whole();
  is_pinned_ = true;
}

void Sequence::set_shown(EventIndex event, bool shown, std::vector<ShownChange>& out) {
  RZ_REQUIRE(runs_.empty() || (tracker_ != nullptr && base_ == event_none));
  for (const Piece& piece : pieces_of(event)) {
    for (std::uint32_t i = piece.begin; i < piece.end; ++i) {
      const Run& run = runs_[i];
      if (run.sort == Run::Sort::insert) {
        tracker_->show_insert(run.id, run.length, shown, changes_);
      } else if (run.sort != Run::Sort::set) {
        tracker_->show_erase(run.id, run.length, shown, changes_);
      }
      apply_shown(changes_);
      out.insert(out.end(), changes_.begin(), changes_.end());
      changes_.clear();
    }
  }
  if (!runs_.empty()) runs_.back().length_after = static_cast<std::uint32_t>(length());
}

void Sequence::replay_all() {
  if (is_text()) {
    shown_.emplace<Rope>();
  } else {
    shown_.emplace<ElementOrder>();
  }
  build_tracker(event_none, true);
}

}  // namespace rz::document
