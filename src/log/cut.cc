#include "log/cut.h"

#include <algorithm>

#include "log/codec.h"

namespace rz::log {
namespace {
constexpr std::uint64_t cut_version = 1;
constexpr std::uint32_t cut_none = 0xffffffff;
}  // namespace

Bytes encode_cut(const Cut& cut) {
  Bytes out;
  cbor::put_array(out, 3);
  cbor::put_uint(out, cut_version);
  cbor::put_uint(out, cut.time.ms);
  append(out, encode_head_list(cut.heads));
  return out;
}

Result<Cut> decode_cut(ByteView block) {
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(3));
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, codec::read_uint(reader));
  if (version != cut_version) return fail_at(ErrorCode::cut_version, at, words("version ", version));
  Cut cut;
  RZ_TRY(cut.time.ms, codec::read_uint(reader));
  const std::size_t list_at = reader.offset();
  auto list = decode_head_list(reader.rest());
  if (!list) {
    Error error = std::move(list).error();
    if (error.offset != Error::offset_none) error.offset += list_at;
    return std::unexpected(std::move(error));
  }
  cut.heads = *std::move(list);
  return cut;
}

HeadList changed_heads(std::span<const EventGraph* const> graphs, const HeadList& last) {
  HeadList changed;
  for (const EventGraph* graph : graphs) {
    Frontier frontier = graph->frontier();
    if (frontier.empty()) continue;
    const auto before =
        std::lower_bound(last.begin(), last.end(), graph->stream(),
                         [](const StreamHeads& heads, const StreamId& id) { return heads.stream < id; });
    const bool is_same = before != last.end() && before->stream == graph->stream() && before->heads == frontier;
    if (!is_same) changed.push_back({graph->stream(), std::move(frontier)});
  }
  return canonical(std::move(changed));
}

void merge_heads(HeadList& all, const HeadList& cut) {
  for (const StreamHeads& heads : cut) {
    const auto at = std::lower_bound(all.begin(), all.end(), heads.stream,
                                     [](const StreamHeads& each, const StreamId& id) { return each.stream < id; });
    if (at != all.end() && at->stream == heads.stream) {
      at->heads = heads.heads;
    } else {
      all.insert(at, heads);
    }
  }
}

Status Coverage::add(const Cut& cut) {
  if (!times_.empty() && cut.time < times_.back()) {
    return fail(ErrorCode::cut_time, words("a cut of ", cut.time.ms, " after one of ", times_.back().ms));
  }
  std::vector<EventIndex> heads;
  for (const StreamHeads& stream : cut.heads) {
    if (stream.stream != graph_->stream()) continue;
    for (const EventId& id : stream.heads) {
      const auto index = graph_->find(id);
      if (!index) return fail(ErrorCode::not_found, words("head ", id.brief(), " of a cut"));
      heads.push_back(*index);
    }
  }
  const auto number = static_cast<std::uint32_t>(times_.size());
  times_.push_back(cut.time);
  first_cut_.resize(graph_->size(), cut_none);
  const auto added = graph_->difference(heads, heads_);
  for (const EventIndex event : added) first_cut_[event.value] = number;
  covered_ += static_cast<std::uint32_t>(added.size());
  heads_ = graph_->merge(heads_, heads);
  if (!added.empty() && added.front().value < effective_.size()) effective_.resize(added.front().value);
  // What no cut holds is clamped from below by the last cut: that has just moved.
  for (std::uint32_t i = 0; i < effective_.size(); ++i) {
    if (first_cut_[i] == cut_none) {
      effective_.resize(i);
      break;
    }
  }
  return {};
}

std::vector<EventIndex> Coverage::beyond() const {
  if (covered_ == graph_->size()) return {};
  return graph_->difference(graph_->frontier_indices(), heads_);
}

bool Coverage::covers(EventIndex event) const { return first_cut(event).has_value(); }

std::optional<std::uint32_t> Coverage::first_cut(EventIndex event) const {
  if (event.value >= first_cut_.size() || first_cut_[event.value] == cut_none) return std::nullopt;
  return first_cut_[event.value];
}

UnixMs Coverage::effective_time(EventIndex event) const {
  for (auto i = static_cast<std::uint32_t>(effective_.size()); i <= event.value; ++i) {
    UnixMs effective = graph_->time(EventIndex{i});
    graph_->for_each_dependency(EventIndex{i},
                                [&](EventIndex named) { effective = std::max(effective, effective_[named.value]); });
    const auto cut = first_cut(EventIndex{i});
    const std::size_t cuts_before = cut ? *cut : times_.size();
    if (cuts_before > 0) effective = std::max(effective, times_[cuts_before - 1]);
    // What it names lies in this cut or an earlier one, so the upper clamp never goes below their times.
    if (cut) effective = std::min(effective, times_[*cut]);
    effective_.push_back(effective);
  }
  return effective_[event.value];
}

std::vector<bool> Coverage::at(UnixMs at) const {
  std::vector<bool> mask(graph_->size());
  for (std::uint32_t i = 0; i < graph_->size(); ++i) mask[i] = effective_time(EventIndex{i}) <= at;
  return mask;
}

}  // namespace rz::log
