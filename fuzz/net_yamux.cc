// A yamux session that is fed anything, in pieces, while our side reads, writes, opens, closes and resets: an error or
// none, bounded memory, and every invariant after every call. The first byte of each step says what happens.
#include "base/assert.h"
#include "net/yamux.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::net;
  YamuxLimits limits;
  limits.inbound_streams_max = 8;
  limits.receive_bytes_max = 1u << 20;
  limits.control_frames_max = 32;
  Yamux session(Yamux::Role::listener, limits);
  ByteView input(data, size);
  Tick now{0};
  while (input.size() >= 2) {
    const std::uint8_t what = input[0];
    const StreamId stream{std::uint32_t{input[1]} % 16};
    input = input.subspan(2);
    now = now + microseconds(what);
    switch (what % 8) {
      case 0:
      case 1:
      case 2: {
        const auto count = std::min<std::size_t>(input.size(), 1u + what);
        (void)session.receive(now, input.first(count));
        input = input.subspan(count);
        break;
      }
      case 3:
        session.consume(now, stream, session.readable(stream).size() / 2);
        break;
      case 4:
        (void)session.write(stream, Bytes(what));
        break;
      case 5:
        (void)session.open();
        break;
      case 6:
        what < 128 ? session.close_stream(stream) : session.reset_stream(stream);
        break;
      default: {
        Bytes out;
        session.pull(out, what);
        session.ping(now);
      }
    }
    session.check_state();
    while (session.next_event()) {}
    RZ_ASSERT(session.buffered_bytes() <= limits.receive_bytes_max);
  }
  return 0;
}
