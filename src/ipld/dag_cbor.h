// DAG-CBOR, strict: one byte string for each value (ipld.io/specs/codecs/dag-cbor).
//
//   Reader    pulls item by item out of bytes that it does not copy: for formats with a known shape (event headers)
//   Writer    appends item by item
//   Value     a tree (value.h): decode() and encode()
//   Document  a tree that borrows from the bytes and an arena of its own: the fast path for reading
//
// Refused, each by its own error with the offset of the item: indefinite_length, not_minimal, unsorted_keys,
// duplicate_key, key_not_text, unknown_tag, bad_link, float_not_finite, float_width, bad_simple (undefined and all
// others but false, true, null), reserved_head (additional information 28 to 30), invalid_utf8, truncated,
// trailing_bytes, too_deep, too_large. A length or count is compared with the bytes that are there before anything is
// allocated for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/cbor_head.h"
#include "ipld/cid.h"
#include "ipld/limits.h"
#include "ipld/value.h"

namespace rz::ipld::dag_cbor {

// A link is this tag around the bytes [0, CID]; the 0 is the identity multibase.
inline constexpr std::uint64_t link_tag = 42;

class Reader {
 public:
  // Borrows `bytes`. Limits are checked by the first call that reads.
  explicit Reader(ByteView bytes, Limits limits = {}) : bytes_(bytes), limits_(limits) {}

  // Kind of the next item, nothing consumed. Only its first byte is looked at. Errors: truncated, and those of a head.
  Result<Kind> peek() const;

  // Each takes one item. Errors: unexpected_kind where the next item is another kind, and those of the form.
  Status expect_null();
  Result<bool> expect_bool();
  Result<std::int64_t> expect_int();    // integer_range where it does not fit.
  Result<std::uint64_t> expect_uint();  // integer_range where it is negative.
  Result<Integer> expect_integer();
  Result<double> expect_float();
  Result<std::string_view> expect_text();  // Borrows.
  Result<ByteView> expect_bytes();         // Borrows.
  Result<Cid> expect_link();
  // The head of a list: the caller takes that many items next. The count never exceeds the bytes that are left.
  Result<std::uint64_t> expect_array();
  // The same where the count is known. Errors: unexpected_count.
  Status expect_array(std::uint64_t count);
  // Exactly `count` bytes, copied out. Errors: unexpected_count.
  template <class Tag, std::size_t N>
  Status expect_fixed(FixedBytes<Tag, N>& out) {
    RZ_TRY(const ByteView view, expect_bytes());
    if (view.size() != N) return wrong_length(N, view.size());
    std::memcpy(out.bytes.data(), view.data(), N);
    return {};
  }

  // A map: `count` times next_key() and a value. next_key() holds the keys to the canonical order.
  struct Map {
    std::uint64_t count = 0;
    std::string_view previous_key;
    bool started = false;
  };
  Result<Map> expect_map();
  Result<std::string_view> next_key(Map& map);

  // Takes one item whole, whatever it is, checked as strictly as decode() would.
  Status skip();
  // The same, and gives its bytes (borrowed).
  Result<ByteView> skip_bytes();

  // Nothing may be left. Errors: trailing_bytes.
  Status finish() const;

  std::size_t offset() const { return at_; }
  ByteView rest() const { return bytes_.subspan(at_); }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  struct Head {
    std::uint8_t major = 0;
    std::uint8_t info = 0;  // The low five bits of the first byte.
    std::uint64_t argument = 0;
  };
  Status head(Head& out);
  Status head_of(std::uint8_t major, Head& out);
  Result<ByteView> take(std::uint64_t size, std::size_t item_at);
  std::unexpected<Error> unexpected(std::size_t item_at, std::string_view wanted) const;
  std::unexpected<Error> wrong_length(std::uint64_t wanted, std::uint64_t got) const;

  ByteView bytes_;
  std::size_t at_ = 0;
  Limits limits_;
};

// Appends to `out`. Canonical as far as one item goes; the caller keeps counts, and the order of a map's keys.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void null() { out_.push_back(0xf6); }
  void boolean(bool value) { out_.push_back(value ? 0xf5 : 0xf4); }
  void integer(std::int64_t value) { integer(Integer::of(value)); }
  void unsigned_integer(std::uint64_t value) { cbor::put_uint(out_, value); }
  void integer(Integer value) {
    cbor::put_head(out_, value.negative ? cbor::Major::negative_int : cbor::Major::unsigned_int, value.argument);
  }
  void floating(double value);  // Must be finite.
  void text(std::string_view text) { cbor::put_text(out_, text); }
  void bytes(ByteView bytes) { cbor::put_bytes(out_, bytes); }
  void link(const Cid& cid);
  void array(std::uint64_t count) { cbor::put_array(out_, count); }
  void map(std::uint64_t count) { cbor::put_head(out_, cbor::Major::map, count); }
  // What is already encoded, as it is.
  void encoded(ByteView item) { append(out_, item); }

 private:
  Bytes& out_;
};

// Exactly one item. Errors: as above.
Result<Value> decode(ByteView bytes, Limits limits = {});

// Is it one canonical item? Errors: as decode; allocates nothing.
Status check(ByteView bytes, Limits limits = {});

// Errors: invalid_utf8, too_deep, float_not_finite: what decode() would refuse.
Result<Bytes> encode(const Value& value, Limits limits = {});

// A tree whose text and bytes point into the block, its lists and maps into one arena. About as fast as looking at
// every byte once. Neither copyable nor changeable; copy Values out of it to keep or change them.
class Document {
 public:
  // Takes the block over. Errors: as decode().
  static Result<Document> decode(Bytes block, Limits limits = {});
  // Borrows the block: it must outlive the Document.
  static Result<Document> decode_view(ByteView block, Limits limits = {});

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document();

  const Value& root() const { return root_; }
  ByteView block() const { return view_; }

 private:
  Document() = default;

  Bytes block_;
  ByteView view_;
  std::vector<std::unique_ptr<std::uint8_t[]>> arena_;
  Value root_;
};

// Every link in `bytes`, in the order of the block; checked as strictly as decode(). Errors: as decode().
Result<std::vector<Cid>> links(ByteView bytes, Limits limits = {});

}  // namespace rz::ipld::dag_cbor
