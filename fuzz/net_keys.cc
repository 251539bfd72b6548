// Public keys, peer ids and the certificate extension: each has one form.
#include "base/assert.h"
#include "crypto/initialise.h"
#include "net/peer_id.h"
#include "net/public_key.h"
#include "net/signed_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::net;
  static const bool ready = crypto::initialise().has_value();
  RZ_ASSERT(ready);
  const ByteView input(data, size);
  if (const auto key = decode_public_key(input)) {
    RZ_ASSERT(equal(encode_public_key(*key), input));
    const auto peer = PeerId::from_key_protobuf(input);
    RZ_ASSERT(*PeerId::from_text(peer.to_text()) == peer);
    RZ_ASSERT(*PeerId::from_text(peer.to_cid()) == peer);
  }
  if (const auto peer = PeerId::from_multihash(input)) RZ_ASSERT(*PeerId::from_text(peer->to_text()) == *peer);
  if (const auto peer = PeerId::from_text(as_text(input))) RZ_ASSERT(*PeerId::from_text(peer->to_text()) == *peer);
  if (const auto signed_key = decode_signed_key(input)) RZ_ASSERT(equal(encode_signed_key(*signed_key), input));
  (void)verify_signed_key(input, as_bytes("spki"));
  return 0;
}
