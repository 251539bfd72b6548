// mDNS messages: what is read as an announcement is written back and read alike.
#include "base/assert.h"
#include "net/mdns.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::net;
  const auto message = decode_mdns({data, size});
  if (!message) return 0;
  for (const MdnsAnnouncement& each : message->announcements) {
    const auto fitting = mdns_addresses_that_fit(each.addresses);
    const auto again = decode_mdns(encode_mdns_answer(std::string(mdns_name_letters, 'x'), fitting));
    RZ_ASSERT(again.has_value());
    RZ_ASSERT(fitting.empty() ? again->announcements.empty() : again->announcements.at(0).addresses == fitting);
  }
  return 0;
}
