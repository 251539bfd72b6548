// A handful of events with hostile payloads and made-up parents, given to two documents in two orders: they agree, and
// what the patches say is what happened.
//
// Input: for each event a byte of parents (a bit for each of the eight before it), a byte of author, two bytes of
// payload size, the payload. Event n is named n + 1 and zeros, so that payloads can name earlier ones.
#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "document/document.h"
#include "document/patch_apply.h"

namespace {

using namespace rz;
using namespace rz::document;

struct Made {
  EventInfo info;
  std::vector<EventId> parents;
  Bytes payload;
};

EventId id_of(std::size_t number) {
  EventId id;
  id.bytes[0] = static_cast<std::uint8_t>(number + 1);
  return id;
}

std::vector<Made> read_events(ByteView bytes) {
  std::vector<Made> events;
  while (bytes.size() > 4 && events.size() < 24) {
    Made made;
    const std::size_t size = std::min<std::size_t>(bytes.size() - 4, bytes[2] + std::size_t{bytes[3]} * 256);
    made.info.id = id_of(events.size());
    made.info.author.bytes[0] = bytes[1] & 3;
    made.info.seq = events.size();
    made.info.depth = bytes[1] >> 2;
    made.info.own = events.size();
    for (std::size_t bit = 0; bit < 8; ++bit) {
      if ((bytes[0] >> bit & 1) != 0 && bit < events.size()) made.parents.push_back(id_of(events.size() - 1 - bit));
    }
    made.payload = to_bytes(bytes.subspan(4, size));
    bytes = bytes.subspan(4 + size);
    events.push_back(std::move(made));
  }
  for (Made& made : events) made.info.parents = made.parents;
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto events = read_events({data, size});
  Document first;
  Value shadow = first.value();
  for (const Made& made : events) {
    const auto patches = first.apply(made.info, made.payload);
    RZ_ASSERT(patches.has_value());
    RZ_ASSERT(apply_patches(shadow, *patches).has_value());
  }
  RZ_ASSERT(to_dag_cbor(shadow) == to_dag_cbor(first.value()));
  std::vector<AppliedEvent> batch;
  for (std::size_t i = events.size(); i-- > 0;) batch.push_back({events[i].info, events[i].payload});
  Document second;
  RZ_ASSERT(second.apply_all(batch).has_value());
  RZ_ASSERT(to_dag_cbor(first.value()) == to_dag_cbor(second.value()));
  // Without the effect of every other event, and back.
  const Bytes before = to_dag_cbor(first.value());
  for (const bool effect : {false, true}) {
    for (std::size_t i = 0; i < events.size(); i += 2) {
      const auto patches = first.set_effect(events[i].info.id, effect);
      RZ_ASSERT(patches.has_value());
      RZ_ASSERT(apply_patches(shadow, *patches).has_value());
    }
    RZ_ASSERT(to_dag_cbor(shadow) == to_dag_cbor(first.value()));
  }
  RZ_ASSERT(to_dag_cbor(first.value()) == before);
  const auto opened = Document::load(second.save());
  RZ_ASSERT(opened.has_value());
  RZ_ASSERT(to_dag_cbor(opened->value()) == before);
  return 0;
}
