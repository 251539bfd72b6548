// mDNS messages: what is read as an announcement is written back and read alike.
#include "base/assert.h"
#include "net/mdns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::net;
  const auto message = decode_mdns({data, size});
  if (!message || message->addresses.empty()) return 0;
  const Bytes written = encode_mdns_answer(std::string(mdns_peer_name_bytes, 'x'), message->addresses);
  const auto again = decode_mdns(written);
  RZ_ASSERT(again.has_value());
  for (std::size_t i = 0; i < again->addresses.size(); ++i) RZ_ASSERT(again->addresses[i] == message->addresses[i]);
  return 0;
}
