// What counts of a stream: what the document is given, what own events name, and how much of the rest is kept.
#include <algorithm>

#include "base/assert.h"
#include "pod/stream_replica.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::uint64_t quarantined_events_max = 65536;  // Of one author, in one stream.

document::EventId document_id(const log::EventId& id) { return document::EventId{id.bytes}; }

}  // namespace

bool StreamReplica::has_effect(EventIndex event) const {
  return event.value >= counts().verdicts.size() || counts().verdict(event) == log::Verdict::effect;
}

void StreamReplica::set_counts(log::Counts counts) {
  given_counts_ = std::move(counts);
  visible_ = {};
}

document::Patches StreamReplica::recount(const log::IdentityFacts& facts, std::uint64_t facts_version) {
  const std::size_t size_before = counts().verdicts.size();
  const auto replaced = counts_.update(graph_, facts, counted_with_ != facts_version);
  counted_with_ = facts_version;
  if (replaced || visible_.size > size_before) visible_ = {};
  document::Patches patches;
  if (document_ == nullptr) return patches;
  const auto before = [&](std::size_t i) {  // Those that were not counted yet had effect.
    if (i >= size_before) return log::Verdict::effect;
    return replaced ? (*replaced)[i] : counts().verdicts[i];
  };
  const auto keep = [&patches](Result<document::Patches> changed) {
    RZ_ASSERT(changed.has_value());
    patches.insert(patches.end(), std::make_move_iterator(changed->begin()), std::make_move_iterator(changed->end()));
  };
  const std::size_t begin = replaced ? 0 : size_before;
  const std::size_t end = std::min<std::size_t>(folded_, counts().verdicts.size());
  const auto leaves = [&](std::size_t i) {
    return before(i) != log::Verdict::quarantined && !in_c(EventIndex{static_cast<std::uint32_t>(i)});
  };
  if (document_->open_operations() > 0) {
    // An open event that is still there has no key to be closed with, and never will where it builds on what leaves: it
    // goes with it.
    bool any = false;
    for (std::size_t i = begin; i < end && !any; ++i) any = leaves(i);
    if (any) {
      document_.reset();
      patches_.clear();
      return patches;
    }
  }
  // What leaves C goes from the last one on: what builds on it leaves as well.
  for (std::size_t i = end; i-- > begin;) {
    const EventIndex event{static_cast<std::uint32_t>(i)};
    if (!leaves(i)) continue;
    keep(document_->retract(document_id(graph_.id(event))));
  }
  std::vector<EventIndex> entered;
  for (std::size_t i = begin; i < end; ++i) {
    const EventIndex event{static_cast<std::uint32_t>(i)};
    if (!in_c(event)) continue;
    const bool enters = before(i) == log::Verdict::quarantined;
    const bool had_effect = enters || before(i) == log::Verdict::effect;
    if (had_effect != has_effect(event)) {
      keep(document_->set_effect(document_id(graph_.id(event)), has_effect(event)));
    }
    if (enters) entered.push_back(event);
  }
  for (const EventIndex event : entered) apply_to_document(event);
  for (document::Patch& patch : patches_) patches.push_back(std::move(patch));
  patches_.clear();
  return patches;
}

bool StreamReplica::may_change_counts(std::uint32_t begin) const {
  const std::vector<EventIndex>& control = graph_.control_events();
  if (!control.empty() && control.back().value >= begin) return true;
  bool builds = false;
  for (std::uint32_t i = begin; i < graph_.size() && !builds; ++i) {
    builds = graph_.branch_of(EventIndex{i}).has_value();
    graph_.for_each_dependency(EventIndex{i}, [&](EventIndex before) { builds = builds || !in_c(before); });
  }
  return builds;
}

std::uint64_t StreamReplica::quarantined_count() const {
  std::uint64_t count = 0;
  for (const auto& [author, events] : counts().quarantined_by_author) count += events;
  return count;
}

// A removed author's key may be in anybody's hands, who may write as much as he likes. What the others name comes in
// all the same: this bounds what nobody vouches for.
Status StreamReplica::check_quarantine(const log::DecodedRun& run) const {
  if (run.events.empty()) return {};
  const auto quarantined = counts().quarantined_by_author.find(run.events.front().header.author);
  if (quarantined == counts().quarantined_by_author.end()) return {};
  if (quarantined->second + run.events.size() <= quarantined_events_max) return {};
  return fail(ErrorCode::graph_full, words("a removed device's events: ", quarantined->second, " are kept"));
}

const std::vector<EventIndex>* StreamReplica::visible_heads() const {
  if (counts().quarantined_by_author.empty()) return nullptr;
  for (; visible_.size < graph_.size(); ++visible_.size) {
    const EventIndex event{visible_.size};
    if (!in_c(event) || graph_.branch_of(event)) continue;
    graph_.for_each_dependency(event, [this](EventIndex before) { std::erase(visible_.heads, before); });
    visible_.heads.push_back(event);
  }
  return &visible_.heads;
}

std::vector<EventIndex> StreamReplica::visible_indices() const {
  const std::vector<EventIndex>* visible = visible_heads();
  return visible != nullptr ? *visible : graph_.frontier_indices();
}

std::uint64_t StreamReplica::counted_events() const {
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < graph_.size(); ++i) count += in_c(EventIndex{i}) ? 1 : 0;
  return count;
}

}  // namespace rz::pod
