#include "store/promise.h"

#include <algorithm>

#include "store/checksum.h"

namespace rz::store {
namespace {

// Where each field lies in a slot (docs/formats/store.md). Integers are little-endian.
constexpr std::size_t magic_at = 0;
constexpr std::size_t version_at = 8;
constexpr std::size_t flags_at = 9;  // Then six zero bytes.
constexpr std::size_t counter_at = 16;
constexpr std::size_t store_id_at = 24;
constexpr std::size_t transaction_at = 40;
constexpr std::size_t generation_at = 48;
constexpr std::size_t term_at = 56;
constexpr std::size_t last_index_at = 64;
constexpr std::size_t last_hash_at = 72;
constexpr std::size_t vote_at = 104;
constexpr std::size_t checksum_at = 136;
constexpr std::size_t checksum_size = promise_slot_bytes - checksum_at;
static_assert(checksum_size == 32);

constexpr std::string_view magic = "rzpromis";
constexpr std::uint8_t version = 1;
constexpr std::uint8_t flag_vote = 1;
constexpr std::uint8_t flag_repairing = 2;

void put_u64(PromiseSlot& slot, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) slot[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get_u64(ByteView slot, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{slot[at + i]} << (8 * i);
  return value;
}

template <class Fixed>
Fixed get_fixed(ByteView slot, std::size_t at) {
  Fixed value;
  std::copy_n(slot.begin() + static_cast<std::ptrdiff_t>(at), Fixed::size_bytes, value.bytes.begin());
  return value;
}

void put_view(PromiseSlot& slot, std::size_t at, ByteView view) {
  std::copy(view.begin(), view.end(), slot.begin() + static_cast<std::ptrdiff_t>(at));
}

bool all_zero(ByteView view) {
  return std::all_of(view.begin(), view.end(), [](std::uint8_t byte) { return byte == 0; });
}

struct SlotState {
  bool never_written = false;
  std::optional<DecodedSlot> decoded;
};

Result<SlotState> slot_state(ByteView file, int index) {
  const std::size_t at = static_cast<std::size_t>(index) * promise_slot_stride;
  if (file.size() < at + promise_slot_bytes) return SlotState{file.empty(), {}};
  const ByteView slot = file.subspan(at, promise_slot_bytes);
  if (all_zero(slot)) return SlotState{true, {}};
  auto decoded = decode_slot(slot);
  if (decoded) return SlotState{false, *std::move(decoded)};
  if (decoded.error().code == ErrorCode::store_too_new) return std::unexpected(std::move(decoded).error());
  return SlotState{};
}

}  // namespace

PromiseSlot encode_slot(const Promise& promise, std::uint64_t counter) {
  PromiseSlot slot{};
  put_view(slot, magic_at, as_bytes(magic));
  slot[version_at] = version;
  slot[flags_at] = static_cast<std::uint8_t>((promise.vote ? flag_vote : 0) | (promise.repairing ? flag_repairing : 0));
  put_u64(slot, counter_at, counter);
  put_view(slot, store_id_at, promise.store_id.view());
  put_u64(slot, transaction_at, promise.transaction);
  put_u64(slot, generation_at, promise.generation);
  put_u64(slot, term_at, promise.term);
  put_u64(slot, last_index_at, promise.last_index);
  put_view(slot, last_hash_at, promise.last_hash.view());
  if (promise.vote) put_view(slot, vote_at, promise.vote->view());
  checksum({slot.data() + checksum_at, checksum_size}, {{slot.data(), checksum_at}});
  return slot;
}

Result<DecodedSlot> decode_slot(ByteView slot) {
  if (slot.size() != promise_slot_bytes) {
    return fail_at(ErrorCode::promise_damaged, slot.size(), words("a slot has ", promise_slot_bytes, " bytes"));
  }
  std::array<std::uint8_t, checksum_size> sum;
  checksum(sum, {slot.first(checksum_at)});
  if (!equal(sum, slot.subspan(checksum_at))) {
    return fail_at(ErrorCode::promise_damaged, checksum_at, "the slot does not match its checksum");
  }
  // From here on the bytes are as some encoder wrote them: a later version's, or ours.
  if (as_text(slot.first(magic.size())) != magic) {
    return fail_at(ErrorCode::promise_damaged, magic_at, "not a promise");
  }
  if (slot[version_at] != version) {
    return fail_at(ErrorCode::store_too_new, version_at, words("promise version ", slot[version_at], ", known is 1"));
  }
  const std::uint8_t flags = slot[flags_at];
  if ((flags & ~(flag_vote | flag_repairing)) != 0 || !all_zero(slot.subspan(flags_at + 1, 6))) {
    return fail_at(ErrorCode::promise_damaged, flags_at, "unknown flags");
  }
  DecodedSlot decoded;
  decoded.counter = get_u64(slot, counter_at);
  Promise& promise = decoded.promise;
  promise.store_id = get_fixed<StoreId>(slot, store_id_at);
  promise.transaction = get_u64(slot, transaction_at);
  promise.generation = get_u64(slot, generation_at);
  promise.term = get_u64(slot, term_at);
  promise.last_index = get_u64(slot, last_index_at);
  promise.last_hash = get_fixed<Hash256>(slot, last_hash_at);
  const Vote vote = get_fixed<Vote>(slot, vote_at);
  if ((flags & flag_vote) != 0) {
    promise.vote = vote;
  } else if (!vote.is_zero()) {
    return fail_at(ErrorCode::promise_damaged, vote_at, "a vote without its flag");
  }
  promise.repairing = (flags & flag_repairing) != 0;
  return decoded;
}

Result<DecodedPromise> decode_promise(ByteView file) {
  RZ_TRY(const SlotState first, slot_state(file, 0));
  RZ_TRY(const SlotState second, slot_state(file, 1));
  DecodedPromise decoded;
  if (first.never_written && second.never_written) return decoded;
  if (!first.decoded && !second.decoded) {
    return fail(ErrorCode::promise_damaged, "neither slot of the promise is readable");
  }
  const bool second_newer = second.decoded && (!first.decoded || second.decoded->counter > first.decoded->counter);
  const DecodedSlot& newer = second_newer ? *second.decoded : *first.decoded;
  decoded.promise = newer.promise;
  decoded.counter = newer.counter;
  decoded.next_slot = second_newer ? 0 : 1;
  // The first write goes to slot 0 and leaves slot 1 empty: that alone is no damage.
  const SlotState& other = second_newer ? first : second;
  const bool first_write = !second_newer && newer.counter == 1 && other.never_written;
  decoded.one_slot_damaged = !other.decoded && !first_write;
  return decoded;
}

Standing compare(const StoreId& id, std::uint64_t transaction, const std::optional<Promise>& promise) {
  if (!promise) return transaction == 0 ? Standing::fresh : Standing::missing;
  if (promise->store_id != id) return Standing::foreign;
  if (transaction < promise->transaction) return Standing::behind;
  if (promise->repairing) return Standing::repairing;
  return transaction == promise->transaction ? Standing::equal : Standing::ahead;
}

Status check_standing(const StoreId& id, std::uint64_t transaction, const std::optional<Promise>& promise) {
  switch (compare(id, transaction, promise)) {
    case Standing::fresh:
    case Standing::equal:
    case Standing::ahead:
      return {};
    case Standing::behind:
      return fail(ErrorCode::store_behind_promise,
                  words("the store is at transaction ", transaction, ", promised was ", promise->transaction));
    case Standing::repairing:
      return fail(ErrorCode::store_repairing, "the store was behind its promise and is not repaired yet");
    case Standing::missing:
      return fail(ErrorCode::promise_missing,
                  words("the store is at transaction ", transaction, ", but its promise is gone"));
    case Standing::foreign:
      return fail(ErrorCode::promise_foreign,
                  words("the promise is about store ", promise->store_id.hex(), ", this is ", id.hex()));
  }
  return fail(ErrorCode::internal, "no such standing");
}

}  // namespace rz::store
