// What decoders may allocate: no more than the input is worth, whatever it claims.
#include <cstdlib>
#include <new>

#include "ipld/car.h"
#include "ipld/convert.h"
#include "ipld/dag_pb.h"
#include "ipld/test_values.h"

namespace {

std::size_t allocated_bytes = 0;  // Since the program began.

}  // namespace

void* operator new(std::size_t size) {
  allocated_bytes += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace rz::ipld {
namespace {

template <class Work>
std::size_t bytes_allocated_by(Work work) {
  const std::size_t before = allocated_bytes;
  work();
  return allocated_bytes - before;
}

// The error's own message is all.
constexpr std::size_t error_bytes_max = 512;

TEST(Memory, nine_bytes_that_claim_much_cost_nothing) {
  for (const std::string head : {"9b", "bb", "5b", "7b"}) {
    for (const std::string claim : {"1000000000000000", "00000000ffffffff", "ffffffffffffffff", "0000000100000000"}) {
      const Bytes bytes = hex(head + claim);
      EXPECT_LT(bytes_allocated_by([&] { EXPECT_FALSE(dag_cbor::decode(bytes).has_value()); }), error_bytes_max);
      EXPECT_LT(bytes_allocated_by([&] { EXPECT_FALSE(dag_cbor::Document::decode_view(bytes).has_value()); }),
                error_bytes_max);
    }
  }
  const Bytes car = hex("ffffff7f");
  EXPECT_LT(bytes_allocated_by([&] { EXPECT_FALSE(car::read_all(car).has_value()); }), 2 * error_bytes_max);
  const Bytes pb = hex("0affffffff0f");
  EXPECT_LT(bytes_allocated_by([&] { EXPECT_FALSE(dag_pb::decode(pb).has_value()); }), error_bytes_max);
}

TEST(Memory, a_decoded_tree_is_bounded_by_its_input) {
  // The worst case of a list: an item a byte, sixteen bytes each. Nested promises do not add to it.
  Bytes flat;
  cbor::put_array(flat, 100'000);
  flat.resize(flat.size() + 100'000, 0);
  EXPECT_LE(bytes_allocated_by([&] { EXPECT_TRUE(dag_cbor::decode(flat).has_value()); }), 17 * flat.size());
  Bytes nested;
  for (int i = 0; i < 100; ++i) cbor::put_array(nested, 60'000);
  nested.resize(70'000, 0);
  EXPECT_LE(bytes_allocated_by([&] { EXPECT_FALSE(dag_cbor::decode(nested).has_value()); }), 17 * nested.size());
}

TEST(Memory, checking_and_copying_a_cid_allocate_nothing) {
  const Bytes block = hex("a2646c696e6bd82a46000155000161646c697374830120f5");
  EXPECT_EQ(bytes_allocated_by([&] { EXPECT_TRUE(dag_cbor::check(block).has_value()); }), 0u);
  const Cid cid = test_cid(1);
  EXPECT_EQ(bytes_allocated_by([&] {
              const Cid copy = cid;
              EXPECT_EQ(Cid::decode(copy.bytes()).value(), cid);
            }),
            0u);
}

}  // namespace
}  // namespace rz::ipld
