// What a device hears that may hear of nothing else: it was removed or suspended, and is given the events that say so.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "log/run.h"
#include "sync/messages.h"

namespace rz::sync {

inline constexpr std::size_t news_run_events_max = 256;

// `events` (ascending, with everything in their past, or as much of it as the other side lacks) as frames numbered from
// 1, in an order in which they can be admitted, each with a seal that covers it: `seal_of` gives one for a run's last
// event, on it or ahead on its chain. A run reaches to that seal, so it goes beyond `events` where it is ahead.
std::vector<Events> news_of(const log::EventGraph& graph, const std::vector<log::EventIndex>& events,
                            const std::function<log::HeldBody(log::EventIndex)>& body_of,
                            const std::function<std::optional<log::Seal>(log::EventIndex)>& seal_of);

}  // namespace rz::sync
