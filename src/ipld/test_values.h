// Values for tests: generated, and found in the shared fixtures.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <string>

#include "ipld/dag_cbor.h"

namespace rz::ipld {

// Files: defined in convert_test.cc.
std::string shared_data();  // The folder ../shared/data.
bool is_there(const std::string& path);
Bytes read_file(const std::string& path);

#define RZ_NEED_SHARED(path) \
  if (!is_there(path)) GTEST_SKIP() << "skipped: no ../shared"

inline Bytes hex(std::string_view text) {
  auto bytes = from_hex(text);
  EXPECT_TRUE(bytes.has_value()) << text;
  return bytes ? *bytes : Bytes();
}

inline Bytes json(std::string_view text) { return to_bytes(text); }

// A CID from a small number.
inline Cid test_cid(std::uint64_t number, Codec codec = Codec::dag_cbor) {
  Bytes bytes;
  cbor::put_uint(bytes, number);
  return Cid::of(codec, bytes);
}

inline rc::Gen<std::string> gen_text() {
  return rc::gen::map(
      rc::gen::container<std::vector<char32_t>>(
          rc::gen::map(rc::gen::weightedOneOf<std::uint32_t>({{8, rc::gen::inRange<std::uint32_t>(0, 0x80)},
                                                              {1, rc::gen::inRange<std::uint32_t>(0x80, 0x800)},
                                                              {1, rc::gen::inRange<std::uint32_t>(0xe000, 0x110000)}}),
                       [](std::uint32_t code) { return static_cast<char32_t>(code); })),
      [](const std::vector<char32_t>& codes) {
        std::string text;
        for (const char32_t code : codes) {
          if (code < 0x80) {
            text += static_cast<char>(code);
          } else if (code < 0x800) {
            text += static_cast<char>(0xc0 | code >> 6);
            text += static_cast<char>(0x80 | (code & 0x3f));
          } else if (code < 0x10000) {
            text += static_cast<char>(0xe0 | code >> 12);
            text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
            text += static_cast<char>(0x80 | (code & 0x3f));
          } else {
            text += static_cast<char>(0xf0 | code >> 18);
            text += static_cast<char>(0x80 | (code >> 12 & 0x3f));
            text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
            text += static_cast<char>(0x80 | (code & 0x3f));
          }
        }
        return text;
      });
}

inline rc::Gen<double> gen_finite() {
  return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
    const auto value = std::bit_cast<double>(bits);
    return std::isfinite(value) ? value : 0.5;
  });
}

inline rc::Gen<Value> gen_scalar() {
  return rc::gen::oneOf(
      rc::gen::just(Value::null()), rc::gen::map(rc::gen::arbitrary<bool>(), &Value::boolean),
      rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 65), rc::gen::arbitrary<std::pair<std::uint64_t, bool>>()),
                   [](const auto& drawn) {
                     const auto& [shift, number] = drawn;
                     return Value::integer(Integer{shift == 64 ? 0 : number.first >> shift, number.second});
                   }),
      rc::gen::map(gen_finite(), &Value::floating),
      rc::gen::map(gen_text(), [](const std::string& text) { return Value::text(text); }),
      rc::gen::map(rc::gen::arbitrary<Bytes>(), [](const Bytes& bytes) { return Value::bytes(bytes); }),
      rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t n) { return Value::link(test_cid(n)); }));
}

inline rc::Gen<Value> gen_value(int depth = 3) {
  if (depth == 0) return gen_scalar();
  const auto inner = rc::gen::lazy([depth] { return gen_value(depth - 1); });
  return rc::gen::weightedOneOf<Value>(
      {{3, gen_scalar()},
       {1, rc::gen::map(rc::gen::scale(0.3, rc::gen::container<std::vector<Value>>(inner)),
                        [](std::vector<Value> items) { return Value::list(std::move(items)); })},
       {1, rc::gen::map(rc::gen::scale(0.3, rc::gen::container<std::map<std::string, Value>>(gen_text(), inner)),
                        [](const std::map<std::string, Value>& map) {
                          std::vector<std::pair<std::string_view, Value>> entries;
                          for (const auto& [key, value] : map) entries.emplace_back(key, value);
                          return *Value::map(std::move(entries));
                        })}});
}

}  // namespace rz::ipld

// How rapidcheck prints a counterexample.
template <>
struct rc::Arbitrary<rz::ipld::Value> {
  static rc::Gen<rz::ipld::Value> arbitrary() { return rz::ipld::gen_value(); }
};

namespace rz::ipld {
inline void showValue(const Value& value, std::ostream& out) {
  const auto encoded = dag_cbor::encode(value);
  out << (encoded ? to_hex(*encoded) : encoded.error().to_string());
}
}  // namespace rz::ipld
