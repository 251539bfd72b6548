// Every block of the log from strangers: what is taken encodes to the very bytes that were read.
#include "base/assert.h"
#include "log/certificate.h"
#include "log/cut.h"
#include "log/seal.h"

namespace {

template <class Decode, class Encode>
void check(rz::ByteView input, Decode&& decode, Encode&& encode) {
  if (const auto value = decode(input)) RZ_ASSERT(rz::equal(encode(*value), input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz::log;
  const rz::ByteView input(data, size);
  check(input, decode_header, encode_header);
  check(input, decode_genesis, encode_genesis);
  check(input, decode_identity_genesis, encode_identity_genesis);
  check(input, decode_about, encode_about);
  check(input, decode_seal, encode_seal);
  check(input, decode_head_list, encode_head_list);
  check(input, decode_branch, encode_branch);
  check(input, decode_cut, encode_cut);
  check(input, decode_entry, encode_entry);
  check(input, decode_certificate, encode_certificate);
  check(input, decode_equivocation, encode_equivocation);
  check(input, decode_feed_heads, encode_feed_heads);
  check(input, decode_operations_body, [](const OperationsBody& body) { return *encode_operations_body(body); });
  return 0;
}
