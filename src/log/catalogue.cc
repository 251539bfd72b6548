#include "log/catalogue.h"

#include <algorithm>
#include <map>

#include "log/genesis.h"

namespace rz::log {

std::set<StreamId> unlisted_streams(const EventGraph& catalogue, const std::vector<Verdict>& verdicts) {
  std::map<StreamId, std::vector<EventIndex>> unlistings;
  std::vector<EventIndex> listings;
  for (const EventIndex event : catalogue.control_events()) {
    const ControlBody* body = catalogue.control_body(event);
    if (body == nullptr || event.value >= verdicts.size() || verdicts[event.value] != Verdict::effect) continue;
    if (const auto* unlist = std::get_if<Unlist>(&body->operation)) unlistings[unlist->stream].push_back(event);
    if (std::holds_alternative<List>(body->operation)) listings.push_back(event);
  }
  std::set<StreamId> unlisted;
  if (unlistings.empty()) return unlisted;
  for (const auto& [stream, events] : unlistings) unlisted.insert(stream);
  for (const EventIndex listing : listings) {
    const StreamId stream = stream_id_of_block(std::get<List>(catalogue.control_body(listing)->operation).genesis);
    const auto found = unlistings.find(stream);
    if (found == unlistings.end()) continue;
    const bool taken_back = std::any_of(found->second.begin(), found->second.end(),
                                        [&](EventIndex unlist) { return catalogue.is_ancestor(listing, unlist); });
    if (!taken_back) unlisted.erase(stream);
  }
  return unlisted;
}

}  // namespace rz::log
