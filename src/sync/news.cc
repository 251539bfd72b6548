#include "sync/news.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::sync {

using log::EventIndex;

std::vector<Events> news_of(const log::EventGraph& graph, const std::vector<EventIndex>& events,
                            const std::function<log::HeldBody(EventIndex)>& body_of,
                            const std::function<std::optional<log::Seal>(EventIndex)>& seal_of) {
  std::vector<Events> frames;
  for (const log::IndexRun& whole : graph.runs(events)) {
    for (std::size_t next = 0; next < whole.events.size();) {
      log::IndexRun piece{whole.feed, log::Seq{whole.begin.value + next}, {}};
      while (next < whole.events.size() && piece.events.size() < news_run_events_max) {
        piece.events.push_back(whole.events[next++]);
      }
      const auto seal = seal_of(piece.events.back());
      // The seal's own event lies ahead on the same chain.
      std::vector<EventIndex> beyond;
      auto at = seal ? graph.find(seal->head) : std::nullopt;
      while (at && piece.events.back() < *at && beyond.size() < log::run_events_max / 2) {
        beyond.push_back(*at);
        at = graph.prev(*at);
      }
      if (at == piece.events.back()) piece.events.insert(piece.events.end(), beyond.rbegin(), beyond.rend());
      log::FeedRun run = log::make_run(graph, piece, body_of);
      run.seal.reset();  // It travels beside the run.
      auto encoded = log::encode_run(run);
      if (!encoded) break;
      frames.push_back({frames.size() + 1, graph.stream(), *std::move(encoded), seal});
    }
  }
  return frames;
}

}  // namespace rz::sync
