// DAG-CBOR throughput, on inputs that the rivals read too.
//
//   ipld_bench --write DIR     writes the inputs as DIR/NAME.cbor
//   ipld_bench DIR SECONDS     for every input prints "rhizome OPERATION NAME MEGABYTES_PER_SECOND"; the operations are
//                              decode, encode (a tree of Values), document (the borrowing tree), header (pulling and
//                              writing event headers; NAME is what was done, in thousands a second)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "base/random.h"
#include "ipld/dag_cbor.h"

namespace rz::ipld {
namespace {

using Clock = std::chrono::steady_clock;
using Entries = std::vector<std::pair<std::string_view, Value>>;

// What the compiler must not see through.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// How often `work` runs in a second; the best of five stretches: the one that was disturbed least.
double rounds_per_second(double seconds, const std::function<void()>& work) {
  double best = 0;
  for (int stretch = 0; stretch < 5; ++stretch) {
    const auto start = Clock::now();
    double elapsed = 0;
    std::uint64_t rounds = 0;
    while (elapsed < seconds / 5) {
      work();
      ++rounds;
      elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    }
    best = std::max(best, static_cast<double>(rounds) / elapsed);
  }
  return best;
}

std::string letters(Random& random, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + random.below(26));
  return text;
}

Bytes noise(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

Cid some_cid(Random& random) {
  Hash256 digest;
  for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random.next());
  return Cid::dag_cbor_sha256(digest);
}

Value map_of(Entries entries) { return *Value::map(std::move(entries)); }

// The float is never whole: JavaScript would write it as an integer.
Value small_map(Random& random) {
  return map_of({{"id", Value::unsigned_integer(random.below(1'000'000))},
                 {"name", Value::text(letters(random, 4 + random.below(16)))},
                 {"done", Value::boolean(random.chance(1, 2))},
                 {"tags", Value::list({Value::text(letters(random, 5)), Value::text(letters(random, 7))})},
                 {"score", Value::floating((static_cast<double>(random.below(1000)) + 0.5) / 7)}});
}

template <class Make>
Value list_of(std::size_t count, Make make) {
  std::vector<Value> items;
  items.reserve(count);
  for (std::size_t i = 0; i < count; ++i) items.push_back(make());
  return Value::list(std::move(items));
}

Value nested(Random& random, int depth) {
  if (depth == 0) return Value::unsigned_integer(random.below(100'000));
  return map_of({{"left", nested(random, depth - 1)},
                 {"right", nested(random, depth - 1)},
                 {"list", Value::list({Value::integer(-5), Value::null(), Value::text(letters(random, 6))})}});
}

std::vector<std::pair<std::string, Value>> inputs() {
  Random random(1);
  std::vector<std::pair<std::string, Value>> made;
  made.emplace_back("small_maps", list_of(4000, [&] { return small_map(random); }));
  made.emplace_back("integers",
                    list_of(100'000, [&] { return Value::unsigned_integer(random.next() >> random.below(64) >> 11); }));
  made.emplace_back("texts", list_of(10'000, [&] { return Value::text(letters(random, 1 + random.below(60))); }));
  made.emplace_back("bytes", list_of(1000, [&] { return Value::bytes(noise(random, 16 + random.below(500))); }));
  made.emplace_back("links", list_of(5000, [&] { return Value::link(some_cid(random)); }));
  made.emplace_back("nested", nested(random, 12));
  return made;
}

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

int write_inputs(const std::string& folder) {
  for (const auto& [name, value] : inputs()) {
    const auto bytes = dag_cbor::encode(value);
    if (!bytes) return 1;
    std::ofstream file(folder + "/" + name + ".cbor", std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
    if (!file.flush()) return 1;
  }
  return 0;
}

void write_header(Bytes& out, const Cid& prev, ByteView id, std::uint64_t seq) {
  dag_cbor::Writer writer(out);
  writer.array(12);
  writer.unsigned_integer(1);
  writer.unsigned_integer(0);
  writer.bytes(id);
  writer.bytes(id);
  writer.unsigned_integer(123456789);
  writer.unsigned_integer(seq);
  writer.link(prev);
  writer.array(1);
  writer.link(prev);
  writer.unsigned_integer(1'700'000'000'000);
  writer.bytes(id);
  writer.bytes(id);
  writer.unsigned_integer(60);
}

Status read_header(ByteView bytes) {
  dag_cbor::Reader reader(bytes);
  Hash256 id;
  RZ_CHECK(reader.expect_array(12));
  RZ_CHECK(reader.expect_uint());
  RZ_CHECK(reader.expect_uint());
  RZ_CHECK(reader.expect_fixed(id));
  RZ_CHECK(reader.expect_fixed(id));
  RZ_CHECK(reader.expect_uint());
  RZ_CHECK(reader.expect_uint());
  RZ_TRY(const Cid prev, reader.expect_link());
  RZ_TRY(const std::uint64_t parents, reader.expect_array());
  for (std::uint64_t i = 0; i < parents; ++i) RZ_CHECK(reader.expect_link());
  RZ_CHECK(reader.expect_uint());
  RZ_CHECK(reader.expect_fixed(id));
  RZ_CHECK(reader.expect_fixed(id));
  RZ_CHECK(reader.expect_uint());
  keep(prev);
  return reader.finish();
}

void measure_headers(double seconds) {
  Random random(2);
  const Cid prev = some_cid(random);
  const Bytes id = noise(random, 32);
  Bytes header;
  write_header(header, prev, id, 1000);
  bool good = true;
  const double reads = rounds_per_second(seconds, [&] {
    for (int i = 0; i < 1000; ++i) good = read_header(header).has_value() && good;
  });
  Bytes out;
  const double writes = rounds_per_second(seconds, [&] {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      out.clear();
      write_header(out, prev, id, i);
      keep(out);
    }
  });
  if (!good) std::abort();
  std::printf("rhizome header read %.1f\n", reads);
  std::printf("rhizome header write %.1f\n", writes);
}

int measure(const std::string& folder, double seconds) {
  for (const auto& [name, made] : inputs()) {
    const Bytes bytes = read_file(folder + "/" + name + ".cbor");
    const auto value = dag_cbor::decode(bytes);
    if (!value || dag_cbor::encode(*value).value() != bytes) return 1;
    const double megabytes = static_cast<double>(bytes.size()) / 1e6;
    const double decode = rounds_per_second(seconds, [&] { keep(dag_cbor::decode(bytes)); });
    const double encode = rounds_per_second(seconds, [&] { keep(dag_cbor::encode(*value)); });
    const double document = rounds_per_second(seconds, [&] { keep(dag_cbor::Document::decode_view(bytes)); });
    std::printf("rhizome decode %s %.1f\n", name.c_str(), decode * megabytes);
    std::printf("rhizome encode %s %.1f\n", name.c_str(), encode * megabytes);
    std::printf("rhizome document %s %.1f\n", name.c_str(), document * megabytes);
  }
  measure_headers(seconds);
  return 0;
}

}  // namespace
}  // namespace rz::ipld

int main(int count, char** arguments) {
  const std::string first = count > 2 ? arguments[1] : "";
  if (first.empty()) {
    std::fputs("usage: ipld_bench --write DIR | DIR SECONDS\n", stderr);
    return 2;
  }
  if (first == "--write") return rz::ipld::write_inputs(arguments[2]);
  return rz::ipld::measure(first, std::atof(arguments[2]));
}
