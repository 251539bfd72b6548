// Pairing and recovery messages, and what is stored of codes and policies: strict (what decodes encodes to the same
// bytes); and both state machines, to which a stranger sends them in any order.
#include "base/assert.h"
#include "identity/pairing.h"
#include "identity/recovery.h"

namespace {

using namespace rz;
using namespace rz::identity;

void check_codecs(ByteView input) {
  if (const auto message = decode_pairing(input)) {
    const auto bytes = encode_pairing(*message);
    RZ_ASSERT(bytes.has_value());
    RZ_ASSERT(equal(*bytes, input));
  }
  if (const auto records = decode_code_records(input)) RZ_ASSERT(equal(encode_code_records(*records), input));
  if (const auto request = decode_recovery_request(input)) RZ_ASSERT(equal(encode_recovery_request(*request), input));
  if (const auto policy = decode_policy(input); policy && !input.empty()) {
    RZ_ASSERT(equal(encode_policy(*policy), input));
  }
}

const DeviceKeys& keys() {
  static const DeviceKeys made = [] {
    crypto::SeededEntropy entropy(1);
    return DeviceKeys::random(entropy);
  }();
  return made;
}

// The stranger does not know the code: whatever it sends, nothing is added and nobody joins.
void check_machines(ByteView input) {
  JoinSecret secret;
  secret.bytes.fill(7);
  Inviter inviter(keys().public_key(), {});
  Newcomer newcomer(keys(), secret, std::nullopt, "a device");
  inviter.step(Tick{1}, Inviter::Invite{secret, log::DeviceKind::personal});
  PairingPeer peer;
  newcomer.step(Tick{1}, Newcomer::Connected{peer});
  Tick now{1};
  while (!input.empty()) {
    const std::size_t length = std::min<std::size_t>(input.size(), std::size_t{input[0]} + 1);
    const ByteView part = input.subspan(1, length - 1);
    peer.connection.value = input[0] % 3U;
    now = now + seconds(input[0] % 5);
    const auto out = inviter.step(now, Inviter::Message{peer, to_bytes(part)});
    RZ_ASSERT(!out.add.has_value());
    if (out.persist) inviter.step(now, Inviter::Persisted{out.persist->revision});
    RZ_ASSERT(!inviter.step(now, Inviter::Answer{true}).add.has_value());
    newcomer.step(now, Newcomer::Message{ConnectionId{}, to_bytes(part)});
    RZ_ASSERT(newcomer.stage() != Newcomer::Stage::joined);
    input = input.subspan(length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  check_codecs(input);
  check_machines(input);
  return 0;
}
