// What every store must do (store.h), as tests: each implementation calls `check_contract` with a fresh store, and a
// random history of batches is compared with a plain std::map.
#pragma once

#include <map>

#include <gtest/gtest.h>

#include "base/random.h"
#include "store/store.h"

namespace rz::store::testing {

using Model = std::map<Bytes, Bytes>;

inline Bytes random_key(Random& random) {
  // Few and short, of extreme bytes, so that keys collide, nest and touch the ends of ranges.
  static constexpr std::uint8_t alphabet[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  Bytes key(1 + random.below(3));
  for (auto& byte : key) byte = alphabet[random.below(5)];
  return key;
}

inline Bytes random_value(Random& random) {
  Bytes value(random.chance(1, 20) ? random.below(20000) : random.below(40));
  for (auto& byte : value) byte = static_cast<std::uint8_t>(random.next());
  return value;
}

inline bool in_range(const Bytes& key, const Bytes& begin, const Bytes& end) {
  return key >= begin && (end.empty() || key < end);
}

inline Batch random_batch(Random& random) {
  Batch batch;
  for (auto count = random.below(6); count > 0; --count) {
    const Bytes key = random_key(random);
    switch (random.below(8)) {
      case 0:
        batch.erase_range(key, random.chance(1, 4) ? Bytes{} : random_key(random));
        break;
      case 1:
      case 2:
        batch.erase(key);
        break;
      default:
        batch.put(key, random_value(random));
    }
  }
  return batch;
}

inline void apply(Model& model, const Batch& batch) {
  for (const auto& operation : batch.operations()) {
    switch (operation.kind) {
      case Batch::Kind::put:
        model[operation.key] = operation.value;
        break;
      case Batch::Kind::erase:
        model.erase(operation.key);
        break;
      case Batch::Kind::erase_range:
        std::erase_if(model, [&](const auto& pair) { return in_range(pair.first, operation.key, operation.value); });
        break;
    }
  }
}

using Pairs = std::vector<std::pair<Bytes, Bytes>>;

inline Pairs read_range(const Reader& reader, const Bytes& begin, const Bytes& end, Reader::Order order,
                        std::size_t limit = ~std::size_t{0}) {
  Pairs pairs;
  const auto status = reader.scan({begin, end, order},
                                  [&](ByteView key, ByteView value) {
                                    pairs.emplace_back(to_bytes(key), to_bytes(value));
                                    return pairs.size() < limit;
                                  },
                                  {});
  EXPECT_TRUE(status) << status.error().to_string();
  return pairs;
}

inline Model all_of(const Reader& reader) {
  Model model;
  for (auto& pair : read_range(reader, {}, {}, Reader::Order::ascending)) model.insert(std::move(pair));
  return model;
}

inline void check_random_history(Store& store, std::uint64_t seed, int steps) {
  Random random(seed);
  Model model;
  for (int step = 0; step < steps; ++step) {
    const auto before = store.transaction();
    const Batch batch = random_batch(random);
    const auto status = store.commit(batch);
    ASSERT_TRUE(status) << status.error().to_string();
    apply(model, batch);
    ASSERT_EQ(store.transaction(), before + 1);

    const Bytes key = random_key(random);
    const auto got = store.get(key);
    ASSERT_TRUE(got) << got.error().to_string();
    const auto found = model.find(key);
    ASSERT_EQ(*got, found == model.end() ? std::nullopt : std::optional(found->second)) << "seed " << seed;

    const Bytes begin = random_key(random);
    const Bytes end = random.chance(1, 4) ? Bytes{} : random_key(random);
    Pairs expected;
    for (const auto& pair : model) {
      if (in_range(pair.first, begin, end)) expected.emplace_back(pair);
    }
    ASSERT_EQ(read_range(store, begin, end, Reader::Order::ascending), expected) << "seed " << seed;
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(read_range(store, begin, end, Reader::Order::descending), expected) << "seed " << seed;
    if (!expected.empty()) {
      expected.resize(1);
      ASSERT_EQ(read_range(store, begin, end, Reader::Order::descending, 1), expected) << "seed " << seed;
    }
  }
  EXPECT_EQ(all_of(store), model) << "seed " << seed;
}

inline void check_limits_are_kept(Store& store) {
  const auto before = store.transaction();
  const auto refused = [&](const Batch& batch) {
    const auto status = store.commit(batch);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::bad_argument);
    EXPECT_EQ(store.transaction(), before);
    EXPECT_TRUE(all_of(store).empty());
  };
  Batch batch;
  batch.put(as_bytes("good"), as_bytes("but not alone"));
  batch.put({}, as_bytes("no key"));
  refused(batch);
  batch.clear();
  batch.put(Bytes(key_bytes_max + 1), {});
  refused(batch);
  batch.clear();
  batch.put(as_bytes("k"), Bytes(value_bytes_max + 1));
  refused(batch);
  EXPECT_EQ(store.get({}).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(store.get(Bytes(key_bytes_max + 1)).error().code, ErrorCode::bad_argument);

  batch.clear();
  batch.put(Bytes(key_bytes_max, 1), Bytes(value_bytes_max, 2));
  batch.put(Bytes(1, 1), {});
  EXPECT_TRUE(store.commit(batch));
  EXPECT_EQ(store.get(Bytes(key_bytes_max, 1)).value(), Bytes(value_bytes_max, 2));
  EXPECT_EQ(store.get(Bytes(1, 1)).value(), Bytes{});  // An empty value is not no value.
}

}  // namespace rz::store::testing
