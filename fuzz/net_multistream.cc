// Both sides of multistream-select, and frames, from any bytes: what is cut into pieces gives what the whole gives.
#include "base/assert.h"
#include "net/multistream.h"

namespace {

std::size_t proposals_in(rz::ByteView input, std::size_t piece_bytes) {
  rz::net::MultistreamListener listener;
  std::size_t proposals = 0;
  while (!input.empty()) {
    rz::ByteView piece = input.first(std::min(piece_bytes, input.size()));
    input = input.subspan(piece.size());
    while (!piece.empty()) {
      const auto proposal = listener.receive(piece);
      if (!proposal) return proposals;
      if (!*proposal) break;
      ++proposals;
      listener.refuse();
    }
    RZ_ASSERT(listener.take_output().size() < 100'000);
  }
  return proposals;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::net;
  const ByteView input(data, size);
  RZ_ASSERT(proposals_in(input, size) == proposals_in(input, 1));
  MultistreamDialer dialer({"/a/1", "/b/1"});
  ByteView rest = input;
  (void)dialer.receive(rest);
  FrameReader reader(1000);
  for (rest = input; !rest.empty();) {
    const auto frame = reader.next(rest);
    if (!frame) break;
    RZ_ASSERT(reader.buffered_bytes() <= 1000);
    if (*frame) RZ_ASSERT((*frame)->size() <= 1000);
  }
  return 0;
}
