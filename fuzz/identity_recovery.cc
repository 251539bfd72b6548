// What a stranger sends to /rhizome/recover/1, what a member answers, and what somebody types from the paper: strict
// (what decodes encodes to the same bytes), and the door stays shut, however often and in whatever order it is tried.
#include "base/assert.h"
#include "identity/paper_sheet.h"
#include "identity/recovery.h"

namespace {

using namespace rz;
using namespace rz::identity;

void check_codecs(ByteView input) {
  if (const auto request = decode_recovery_request(input)) RZ_ASSERT(equal(encode_recovery_request(*request), input));
  if (const auto grant = decode_recovery_grant(input)) {
    RZ_ASSERT(equal(encode_recovery_grant(*grant), input));
    RZ_ASSERT(!check_recovery_grant(*grant, Did{}));
  }
  const auto text = as_text(input);
  if (const auto sheet = parse_paper_sheet(text)) {
    RZ_ASSERT(sheet->key.to_words().size() == paper_words_count);
    RZ_ASSERT(sheet->addresses.size() <= paper_sheet_addresses_max);
  } else if (sheet.error().offset != Error::offset_none) {
    RZ_ASSERT(sheet.error().offset <= text.size());
  }
}

// Nobody knows a key whose hash is all zeros.
void check_door(ByteView input) {
  RecoveryDoor door;
  const IdentityState state;
  const RecoveryChannel channel;
  Tick now{1};
  while (!input.empty()) {
    const std::size_t length = std::min<std::size_t>(input.size(), std::size_t{input[0]} + 1);
    const ConnectionId stream{input[0] % 32U};
    now = now + milliseconds(input[0]);
    (void)door.opened(now, stream);
    if (input[0] % 3 != 0) RZ_ASSERT(!door.knock(now, stream, channel, state, {}, input.subspan(1, length - 1)));
    RZ_ASSERT(door.expire(now).size() <= RecoveryDoor::waiting_max);
    input = input.subspan(length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  check_codecs(input);
  check_door(input);
  return 0;
}
