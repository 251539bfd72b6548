// Feed runs from strangers: decoded, encoded again, and offered to a graph that must stay whole and bounded.
#include "base/assert.h"
#include "crypto/initialise.h"
#include "log/run.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::log;
  static const bool is_ready = crypto::initialise().has_value();
  RZ_ASSERT(is_ready);
  static const crypto::Secret32 secret = *crypto::Secret32::from(Bytes(32, 2));
  static const Bytes genesis = encode_genesis({});
  static const StreamId stream = stream_id_of_block(genesis);
  static const BodyKey key(secret, stream, EpochId{{{0x0e}}});
  const BodyKeys keys = [](const EpochId& epoch) { return epoch == key.epoch() ? &key : nullptr; };

  const ByteView input(data, size);
  const auto run = decode_run(input, stream, keys);
  if (!run) return 0;
  FeedRun again{{}, run->seal};
  for (const DecodedEvent& event : run->events) {
    again.events.push_back({event.header, event.form, event.form == BodyForm::plain ? event.plaintext : event.stored});
  }
  const auto encoded = encode_run(again);
  RZ_ASSERT(encoded.has_value());
  RZ_ASSERT(equal(*encoded, input));

  // Whoever wrote it is let in; nothing it says may break the graph's own invariants.
  auto graph = EventGraph::from_genesis(genesis);
  RZ_ASSERT(graph.has_value());
  graph->admit_author(run->events.front().header.author, run->events.front().header.prev);
  (void)offer_run(*graph, *run);
  (void)restore_run(*graph, *run);
  for (std::uint32_t i = 0; i < graph->size(); ++i) {
    RZ_ASSERT(event_id(graph->header(EventIndex{i})) == graph->id(EventIndex{i}));
    graph->for_each_dependency(EventIndex{i}, [&](EventIndex named) { RZ_ASSERT(named.value < i); });
  }
  (void)graph->missing();
  return 0;
}
