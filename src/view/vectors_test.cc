// The golden vectors of docs/formats/snapshot.md: made here from fixed inputs, compared with what the page says, and
// made a second time by tests/second/snapshot_vectors.py. Formats are frozen: if this fails, the code is wrong.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "crypto/sha256.h"
#include "view/snapshot.h"
#include "view/test_blocks.h"

namespace rz::view {
namespace {

using Vectors = std::vector<std::pair<std::string, std::string>>;

Vectors on_page() {
  std::ifstream in(RZ_SOURCE_DIR "/docs/formats/snapshot.md");
  Vectors vectors;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) inside = line == "```vectors";
    const auto equals = line.find(" = ");
    if (inside && equals != std::string::npos) vectors.emplace_back(line.substr(0, equals), line.substr(equals + 3));
  }
  return vectors;
}

MapKey key_of(std::uint64_t number) { return crypto::sha256(as_bytes(std::to_string(number))); }

// Bytes that anybody can make again: SHA-256 of the numbers from 0, one after the other.
Bytes counted_bytes(std::size_t size) {
  Bytes bytes;
  for (std::uint64_t i = 0; bytes.size() < size; ++i) append(bytes, key_of(i).view());
  bytes.resize(size);
  return bytes;
}

Vectors made() {
  const SnapshotKey key = testing::test_key();
  const testing::Built one = testing::build(key, {{key_of(0), to_bytes("hello")}});
  testing::Map numbers;
  for (std::uint64_t i = 0; i < 300; ++i) numbers[key_of(i)] = Bytes(i, static_cast<std::uint8_t>(i));
  const testing::Built many = testing::build(key, numbers);
  const testing::Built long_one = testing::build(key, {{key_of(0), counted_bytes(100'000)}});
  const Block state = make_state(key, {key_of(1), 300, many.root});
  const auto digest = [](const ipld::Cid& cid) { return cid.sha256_digest()->hex(); };
  return {{"one_entry_block", to_hex(one.blocks.back().data)},
          {"one_entry_root", digest(*one.root)},
          {"many_blocks", std::to_string(many.blocks.size())},
          {"many_root", digest(*many.root)},
          {"long_blocks", std::to_string(long_one.blocks.size())},
          {"long_root", digest(*long_one.root)},
          {"state", digest(state.cid)}};
}

TEST(SnapshotVectors, AreWhatThePageSays) {
  std::string lines;
  for (const auto& [name, value] : made()) lines += words(name, " = ", value, "\n");
  EXPECT_EQ(on_page(), made()) << "docs/formats/snapshot.md should have:\n" << lines;
}

TEST(SnapshotVectors, ASecondImplementationAgrees) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "no Python here";
  EXPECT_EQ(std::system("python3 " RZ_SOURCE_DIR "/tests/second/snapshot_vectors.py >/dev/null </dev/null"), 0);
}

}  // namespace
}  // namespace rz::view
