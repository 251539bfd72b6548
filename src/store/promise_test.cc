#include "store/promise.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "store/checksum.h"

namespace rz::store {
namespace {

Promise random_promise(std::uint64_t seed) {
  Random random(seed);
  Promise promise;
  for (auto& byte : promise.store_id.bytes) byte = static_cast<std::uint8_t>(random.next());
  promise.transaction = random.next();
  promise.generation = random.next();
  promise.term = random.next();
  if (random.chance(1, 2)) {
    promise.vote.emplace();
    for (auto& byte : promise.vote->bytes) byte = static_cast<std::uint8_t>(random.next());
  }
  promise.last_index = random.next();
  for (auto& byte : promise.last_hash.bytes) byte = static_cast<std::uint8_t>(random.next());
  promise.repairing = random.chance(1, 4);
  return promise;
}

Bytes empty_file() { return Bytes(promise_file_bytes); }

void put_slot(Bytes& file, int index, const PromiseSlot& slot, std::size_t bytes = promise_slot_bytes) {
  const auto at = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(index) * promise_slot_stride);
  std::copy_n(slot.begin(), bytes, file.begin() + at);
}

// Makes `slot` match its checksum again after a test changed a field.
void reseal(PromiseSlot& slot) { checksum(MutableByteView(slot).subspan(136), {ByteView(slot).first(136)}); }

RC_GTEST_PROP(PromiseSlot, DecodesToWhatWasEncoded, (std::uint64_t seed, std::uint64_t counter)) {
  const Promise promise = random_promise(seed);
  const auto decoded = decode_slot(encode_slot(promise, counter));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->promise == promise);
  RC_ASSERT(decoded->counter == counter);
}

TEST(PromiseSlot, AnyFlippedBitIsNoticed) {
  const auto good = encode_slot(random_promise(1), 7);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_EQ(decode_slot(bad).error().code, ErrorCode::promise_damaged) << "bit " << bit;
  }
}

TEST(PromiseSlot, WrongLengthIsNoticed) {
  const auto good = encode_slot(random_promise(1), 7);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(decode_slot(ByteView(good).first(size)).error().code, ErrorCode::promise_damaged);
  }
  Bytes longer(good.begin(), good.end());
  longer.push_back(0);
  EXPECT_FALSE(decode_slot(longer));
}

TEST(PromiseSlot, ALaterVersionIsNotDamage) {
  auto slot = encode_slot(random_promise(1), 7);
  slot[8] = 2;
  reseal(slot);
  EXPECT_EQ(decode_slot(slot).error().code, ErrorCode::store_too_new);
  Bytes file = empty_file();
  put_slot(file, 0, encode_slot(random_promise(1), 6));
  put_slot(file, 1, slot);
  EXPECT_EQ(decode_promise(file).error().code, ErrorCode::store_too_new);
}

TEST(PromiseSlot, WhatNoEncoderWritesIsRefused) {
  const auto refused_at = [](std::size_t at, std::uint8_t value) {
    Promise promise = random_promise(1);
    promise.vote.reset();
    auto slot = encode_slot(promise, 7);
    slot[at] = value;
    reseal(slot);
    const auto decoded = decode_slot(slot);
    return !decoded && decoded.error().code == ErrorCode::promise_damaged;
  };
  EXPECT_TRUE(refused_at(0, 'R'));  // The magic.
  EXPECT_TRUE(refused_at(9, 4));    // An unknown flag.
  EXPECT_TRUE(refused_at(10, 1));   // Reserved.
  EXPECT_TRUE(refused_at(15, 1));   // Reserved.
  EXPECT_TRUE(refused_at(104, 1));  // A vote without its flag.
  EXPECT_FALSE(refused_at(40, 1));  // A transaction number may be anything.
}

// The file as FilePromise writes it: each write goes where decode_promise says.
RC_GTEST_PROP(PromiseFile, TheNewestWins, (std::uint64_t seed, std::uint8_t writes)) {
  Bytes file = empty_file();
  std::optional<Promise> last;
  for (int i = 0; i < writes % 9; ++i) {
    const auto now = decode_promise(file);
    RC_ASSERT(now.has_value());
    RC_ASSERT(now->promise == last);
    RC_ASSERT(!now->one_slot_damaged);
    last = random_promise(seed + static_cast<std::uint64_t>(i));
    put_slot(file, now->next_slot, encode_slot(*last, now->counter + 1));
  }
  RC_ASSERT(decode_promise(file)->promise == last);
}

// A write torn at any byte leaves the promise before it, or completes the new one.
TEST(PromiseFile, TornWriteLeavesTheOtherSlot) {
  for (int before = 0; before < 4; ++before) {
    Bytes file = empty_file();
    std::optional<Promise> last;
    for (int i = 0; i < before; ++i) {
      const auto now = decode_promise(file);
      last = random_promise(static_cast<std::uint64_t>(i));
      put_slot(file, now->next_slot, encode_slot(*last, now->counter + 1));
    }
    const auto now = decode_promise(file);
    const Promise next = random_promise(99);
    const auto slot = encode_slot(next, now->counter + 1);
    for (std::size_t written = 0; written <= promise_slot_bytes; ++written) {
      Bytes torn = file;
      put_slot(torn, now->next_slot, slot, written);
      const auto decoded = decode_promise(torn);
      if (!last && written > 0 && written < promise_slot_bytes) {
        // Nothing was promised before, and that can't be told from a damaged promise: the careful answer.
        EXPECT_EQ(decoded.error().code, ErrorCode::promise_damaged);
        continue;
      }
      ASSERT_TRUE(decoded) << before << " " << written;
      EXPECT_EQ(decoded->promise, written == promise_slot_bytes ? std::optional(next) : last);
      if (torn != file && written < promise_slot_bytes) {
        EXPECT_TRUE(decoded->one_slot_damaged);
        EXPECT_EQ(decoded->next_slot, now->next_slot);  // The torn one is written again, the good one kept.
      }
    }
  }
}

TEST(PromiseFile, BothSlotsDamagedIsAnError) {
  Bytes file = empty_file();
  put_slot(file, 0, encode_slot(random_promise(1), 1));
  put_slot(file, 1, encode_slot(random_promise(2), 2));
  file[50] ^= 1;
  ASSERT_TRUE(decode_promise(file));
  EXPECT_EQ(decode_promise(file)->promise, random_promise(2));
  file[promise_slot_stride + 50] ^= 1;
  EXPECT_EQ(decode_promise(file).error().code, ErrorCode::promise_damaged);
}

TEST(PromiseFile, EmptyIsNewAndTruncatedIsDamage) {
  ASSERT_TRUE(decode_promise({}));
  EXPECT_FALSE(decode_promise({})->promise);
  EXPECT_FALSE(decode_promise(empty_file())->promise);
  EXPECT_EQ(decode_promise(empty_file())->next_slot, 0);

  Bytes file = empty_file();
  put_slot(file, 0, encode_slot(random_promise(1), 3));
  put_slot(file, 1, encode_slot(random_promise(2), 2));
  const auto cut = decode_promise(ByteView(file).first(promise_slot_stride + 10));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->promise, random_promise(1));
  EXPECT_TRUE(cut->one_slot_damaged);
  EXPECT_EQ(decode_promise(ByteView(file).first(100)).error().code, ErrorCode::promise_damaged);
}

TEST(Standing, TheRule) {
  const StoreId id{{1}};
  const auto at = [&](std::uint64_t transaction) {
    return std::optional(Promise{.store_id = id, .transaction = transaction});
  };
  EXPECT_EQ(compare(id, 0, std::nullopt), Standing::fresh);
  EXPECT_EQ(compare(id, 1, std::nullopt), Standing::missing);
  EXPECT_EQ(compare(id, 5, at(5)), Standing::equal);
  EXPECT_EQ(compare(id, 6, at(5)), Standing::ahead);
  EXPECT_EQ(compare(id, 4, at(5)), Standing::behind);
  EXPECT_EQ(compare(StoreId{{2}}, 5, at(5)), Standing::foreign);
  auto repairing = at(5);
  repairing->repairing = true;
  EXPECT_EQ(compare(id, 9, repairing), Standing::repairing);
  EXPECT_EQ(compare(id, 4, repairing), Standing::behind);

  EXPECT_TRUE(check_standing(id, 6, at(5)));
  EXPECT_EQ(check_standing(id, 4, at(5)).error().code, ErrorCode::store_behind_promise);
  EXPECT_EQ(check_standing(id, 9, repairing).error().code, ErrorCode::store_repairing);
  EXPECT_EQ(check_standing(id, 1, std::nullopt).error().code, ErrorCode::promise_missing);
  EXPECT_EQ(check_standing(StoreId{{2}}, 5, at(5)).error().code, ErrorCode::promise_foreign);
  for (const auto standing : {Standing::behind, Standing::repairing, Standing::missing, Standing::foreign}) {
    EXPECT_FALSE(may_promise(standing));
  }
}

// Vector of docs/formats/store.md.
TEST(PromiseSlot, Vector) {
  Promise promise;
  for (std::uint8_t i = 0; i < 16; ++i) promise.store_id.bytes[i] = i;
  promise.transaction = 1000;
  promise.generation = 1;
  promise.term = 7;
  promise.vote.emplace();
  promise.vote->bytes.fill(0xaa);
  promise.last_index = 42;
  promise.last_hash.bytes.fill(0xbb);
  EXPECT_EQ(to_hex(encode_slot(promise, 513)),
            "727a70726f6d697301010000000000000102000000000000000102030405060708090a0b0c0d0e0fe803000000000000"
            "010000000000000007000000000000002a00000000000000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
            "bbbbbbbbbbbbbbbbaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaafa23cc01345b40e"
            "cae502fc436b84ad3591758fcd13b733b816974b2fd802b0");
}

}  // namespace
}  // namespace rz::store
