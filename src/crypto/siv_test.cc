#include "crypto/siv.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rz::crypto {
namespace {

Secret32 secret_of(std::uint64_t seed) {
  SeededEntropy entropy(seed);
  return Secret32::random(entropy);
}

std::string field(ByteView bytes) { return bytes.empty() ? "-" : to_hex(bytes); }
Bytes unfield(const std::string& text) { return text == "-" ? Bytes{} : *from_hex(text); }

RC_GTEST_PROP(Siv, OpensToWhatWasSealed, (std::uint64_t seed, const Bytes& header, const Bytes& body)) {
  const Secret32 key = secret_of(seed);
  const Bytes sealed = siv_seal(key, header, body);
  RC_ASSERT(sealed.size() == body.size() + siv_overhead_bytes);
  RC_ASSERT(sealed == siv_seal(key, header, body));
  const auto opened = siv_open(key, header, sealed);
  RC_ASSERT(opened.has_value());
  RC_ASSERT(*opened == body);
}

RC_GTEST_PROP(Siv, HeaderAndKeyAreBound, (const Bytes& header, const Bytes& body, std::uint8_t extra)) {
  const Bytes sealed = siv_seal(secret_of(1), header, body);
  Bytes other = header;
  other.push_back(extra);
  RC_ASSERT(siv_open(secret_of(1), other, sealed).error().code == ErrorCode::not_authentic);
  RC_ASSERT(siv_open(secret_of(2), header, sealed).error().code == ErrorCode::not_authentic);
}

// No byte moves between header and body unnoticed: the tags of all splits of one text differ.
TEST(Siv, SplitsDiffer) {
  const Secret32 key = secret_of(1);
  const Bytes text = to_bytes("header and body");
  std::vector<Bytes> tags;
  for (std::size_t split = 0; split <= text.size(); ++split) {
    Bytes tag = siv_seal(key, ByteView(text).first(split), ByteView(text).subspan(split));
    tag.resize(siv_overhead_bytes);
    EXPECT_EQ(std::find(tags.begin(), tags.end(), tag), tags.end());
    tags.push_back(tag);
  }
}

TEST(Siv, AnyFlippedBitAndEveryTruncationIsRefused) {
  const Secret32 key = secret_of(1);
  const Bytes header = to_bytes("header");
  const Bytes good = siv_seal(key, header, as_bytes("the body of an event"));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_EQ(siv_open(key, header, bad).error().code, ErrorCode::not_authentic) << "bit " << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(siv_open(key, header, ByteView(good).first(size)).error().code,
              size < siv_overhead_bytes ? ErrorCode::sealed_too_short : ErrorCode::not_authentic);
  }
}

TEST(Siv, Vectors) {
  std::ifstream file(RZ_SOURCE_DIR "/tests/vectors/siv.txt");
  ASSERT_TRUE(file);
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string key, header, body, sealed;
    fields >> key >> header >> body >> sealed;
    EXPECT_EQ(to_hex(siv_seal(*Secret32::from(unfield(key)), unfield(header), unfield(body))), sealed);
    ++count;
  }
  EXPECT_GE(count, 8);
}

class Scratch {
 public:
  Scratch() : path_(testing::TempDir() + "rz_siv_" + std::to_string(getpid())) {}
  ~Scratch() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The second implementation (tests/second/siv.py) over random cases of lengths around the ciphers' block sizes.
TEST(Siv, AgreesWithTheSecondImplementation) {
  if (std::system("python3 -c 'import hashlib' >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no python3";
  const Scratch cases;
  std::vector<std::string> expected;
  {
    std::ofstream out(cases.path());
    Random random(20261123);
    SeededEntropy entropy(7);
    for (int i = 0; i < 200; ++i) {
      const Secret32 key = Secret32::random(entropy);
      Bytes header(random.below(300));
      Bytes body(random.below(400));
      entropy.fill(header);
      entropy.fill(body);
      out << field(key.expose()) << ' ' << field(header) << ' ' << field(body) << '\n';
      expected.push_back(to_hex(siv_seal(key, header, body)));
    }
  }
  const std::string command = "python3 " RZ_SOURCE_DIR "/tests/second/siv.py < " + cases.path();
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string printed;
  char buffer[4096];
  for (std::size_t read = 0; (read = fread(buffer, 1, sizeof buffer, pipe)) > 0;) printed.append(buffer, read);
  ASSERT_EQ(pclose(pipe), 0);
  std::istringstream lines(printed);
  std::vector<std::string> actual;
  for (std::string line; std::getline(lines, line);) actual.push_back(line);
  EXPECT_EQ(actual, expected);
}

}  // namespace
}  // namespace rz::crypto
