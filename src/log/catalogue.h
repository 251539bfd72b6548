// Stream one, the catalogue: which of the streams that were ever listed are wanted.
#pragma once

#include <set>

#include "log/counts.h"
#include "log/graph.h"

namespace rz::log {

// The streams whose every listing is in the past of an `unlist`: nobody must hold them. A `list` that is concurrent
// with the `unlist`, or follows it, wins. Only events that have effect are looked at.
std::set<StreamId> unlisted_streams(const EventGraph& catalogue, const std::vector<Verdict>& verdicts);

}  // namespace rz::log
