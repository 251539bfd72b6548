// identify messages: what is read is written back and read alike.
#include "base/assert.h"
#include "net/identify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::net;
  Identify value;
  if (!merge_identify({data, size}, value)) {
    RZ_ASSERT(value == Identify());
    return 0;
  }
  // Empty addresses and protocols are left out when written.
  std::erase_if(value.addresses, [](const auto& address) { return address.empty(); });
  std::erase_if(value.protocols, [](const auto& protocol) { return protocol.empty(); });
  const Bytes written = encode_identify(value);
  RZ_ASSERT(written.size() <= size);
  Identify again;
  RZ_ASSERT(merge_identify(written, again).has_value());
  RZ_ASSERT(again == value);
  return 0;
}
