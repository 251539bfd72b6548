// The fold of stream zero over control bodies from anybody: [device, length: 2 bytes, body] again and again, written by
// one of three members. Whatever they say, the fold ends, stays within C and gives facts and a document.
#include "base/assert.h"
#include "crypto/sha256.h"
#include "identity/did.h"
#include "identity/fold.h"
#include "identity/keys.h"
#include "log/seal.h"

namespace {

using namespace rz;
using namespace rz::identity;

constexpr std::size_t members_count = 3;
constexpr std::size_t events_max = 64;

// Every head tree is here and empty, so every removal counts.
struct AllCuts final : RemovalCuts {
  const log::HeadList* find(const Hash256&) const override { return &empty; }
  log::HeadList empty;
};

struct Members {
  std::vector<DeviceKeys> keys;
  log::IdentityGenesis genesis;
};

const Members& members() {
  static const Members made = [] {
    crypto::SeededEntropy entropy(1);
    Members all;
    for (std::size_t i = 0; i < members_count; ++i) all.keys.push_back(DeviceKeys::random(entropy));
    all.genesis.device = all.keys[0].public_key();
    all.genesis.device_box = all.keys[0].box_key().public_key();
    all.genesis.recovery_box = all.genesis.device_box;
    all.genesis.locator = all.genesis.device;
    return all;
  }();
  return made;
}

std::optional<EventId> write(log::EventGraph& graph, const DeviceKeys& by, const EventId& admission, ByteView body) {
  log::Header header = graph.next_header({by.public_key(), {1}}, admission);
  header.kind = log::EventKind::control;
  if (!log::set_plain_body(header, body)) return std::nullopt;
  const auto event = graph.append(header, body);
  if (!event) return std::nullopt;
  return graph.id(*event);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto graph = log::EventGraph::from_genesis(log::encode_identity_genesis(members().genesis));
  RZ_ASSERT(graph.has_value());
  std::vector<EventId> admissions(members_count, log::as_event_id(graph->stream()));
  for (std::size_t i = 1; i < members_count; ++i) {
    const auto& keys = members().keys[i];
    const log::AddDevice add{keys.public_key(), keys.box_key().public_key(), DeviceKind::personal, "d", std::nullopt};
    const auto body = log::encode_control(log::control(add));
    RZ_ASSERT(body.has_value());
    const auto added = write(*graph, members().keys[0], admissions[0], *body);
    RZ_ASSERT(added.has_value());
    admissions[i] = *added;
  }
  ByteView input(data, size);
  while (input.size() >= 3 && graph->size() < events_max) {
    const std::size_t by = input[0] % members_count;
    const std::size_t length = std::min<std::size_t>(input.size() - 3, input[1] * 256U + input[2]);
    write(*graph, members().keys[by], admissions[by], input.subspan(3, length));
    input = input.subspan(3 + length);
  }
  const AllCuts cuts;
  const auto folded = fold_identity(*graph, cuts, {});
  for (std::size_t i = 0; i < folded.effect.size(); ++i) RZ_ASSERT(!folded.effect[i] || folded.in_c[i]);
  RZ_ASSERT(facts_for(folded.state, graph->stream(), cuts).devices.size() == folded.state.devices.size());
  RZ_ASSERT(!did_document_json(folded.state).empty());
  return 0;
}
