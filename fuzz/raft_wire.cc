// Messages between members, as the network may bring them. Whatever decodes has that one encoding; and a member that
// gets it goes on, keeping its invariants.
#include "base/assert.h"
#include "raft/invariants.h"
#include "raft/wire/message_codec.h"

namespace {

rz::raft::Member member(std::uint8_t number) {
  rz::raft::Member value{{}, {1}};
  value.id.bytes.fill(number);
  return value;
}

// A follower of two others, with a little log.
rz::raft::Raft some_member() {
  using namespace rz::raft;
  PersistedState state;
  state.hard_state = {{1, {}}, {2}, std::nullopt};
  state.base.generation = 1;
  state.base_configuration.voters = {member(1), member(2), member(3)};
  EntryHash prev;
  for (std::uint64_t index = 1; index <= 3; ++index) {
    state.entries.push_back(Entry::make({.generation = 1, .index = {index}, .term = {1}, .prev = prev}, {}));
    prev = state.entries.back().hash();
  }
  return *Raft::open({.self = member(1)}, 1, std::move(state), {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::raft;
  const auto bytes = std::make_shared<const Bytes>(data, data + size);
  const Result<Message> decoded = decode_message(bytes);
  if (!decoded) return 0;
  RZ_ASSERT(equal(encode(*decoded), *bytes));

  Raft one = some_member();
  Message message = *decoded;
  message.to = one.self();
  Tick now{1'000'000};
  for (int repeat = 0; repeat < 3; ++repeat) {
    const StateMark before = mark_of(one);
    const Output output = one.step(now, Received{message});
    RZ_ASSERT(check_state(one).has_value());
    RZ_ASSERT(check_change(before, one).has_value());
    if (output.receipt) one.step(now, *output.receipt);
    now = now + seconds(3);
    one.step(now, Ticked{});
    RZ_ASSERT(check_state(one).has_value());
  }
  return 0;
}
