// Multiaddrs as bytes and as text: one to one.
#include "base/assert.h"
#include "ipld/multiaddr.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  if (const auto address = Multiaddr::decode(input)) {
    RZ_ASSERT(equal(address->bytes(), input));
    const auto again = Multiaddr::parse(address->to_string());
    RZ_ASSERT(again.has_value());
    RZ_ASSERT(*again == *address);
    (void)address->host();
    (void)address->peer_id();
    (void)address->without_peer();
  }
  if (const auto address = Multiaddr::parse(as_text(input))) {
    const std::string text = address->to_string();
    RZ_ASSERT(*Multiaddr::parse(text) == *address);
    RZ_ASSERT(Multiaddr::parse(text)->to_string() == text);
  }
  return 0;
}
