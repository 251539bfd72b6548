// Whole items: into a Value that owns, into a Document that borrows, checked only, or for their links.
#include <algorithm>

#include "ipld/cbor_walk.h"
#include "ipld/dag_cbor.h"
#include "ipld/value_maker.h"

namespace rz::ipld::dag_cbor {
namespace {

using Owner = ValueMaker::Owner;

// What both kinds of trees have in common; a slot is a null Value that is already counted by its container.
template <class Derived>
struct BuildTree {
  using Slot = Value*;

  void null(Slot) {}
  void boolean(Slot slot, bool value) { ValueMaker::set_boolean(*slot, value); }
  void integer(Slot slot, Integer value) { ValueMaker::set_integer(*slot, value); }
  void floating(Slot slot, double value) { ValueMaker::set_floating(*slot, value); }
  void text(Slot slot, ByteView text) {
    derived().put(*slot, Kind::text, text);
    ValueMaker::mark_utf8(*slot);
  }
  void bytes(Slot slot, ByteView bytes) { derived().put(*slot, Kind::bytes, bytes); }
  void link(Slot slot, ByteView cid) { derived().put(*slot, Kind::link, cid); }
  void begin_list(Slot slot, std::uint32_t count) { derived().begin(*slot, Kind::list, count * sizeof(Value)); }
  Slot item_slot(Slot list, std::uint32_t index) { return &ValueMaker::add_item(*list, index); }
  void begin_map(Slot slot, std::uint32_t count) { derived().begin(*slot, Kind::map, count * sizeof(MapEntry)); }
  Slot entry_slot(Slot map, std::uint32_t index, ByteView key) {
    MapEntry& entry = ValueMaker::add_entry(*map, index);
    derived().put(ValueMaker::key(entry), Kind::text, key);
    ValueMaker::mark_utf8(ValueMaker::key(entry));
    return &ValueMaker::value(entry);
  }

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }
};

struct BuildOwning : BuildTree<BuildOwning> {
  void put(Value& slot, Kind kind, ByteView bytes) { ValueMaker::copy(slot, kind, bytes); }
  void begin(Value& slot, Kind kind, std::size_t block_bytes) {
    ValueMaker::begin_block(slot, kind, ::operator new(block_bytes + 1), Owner::value);
  }
};

// Bytes stay where they are; blocks come from chunks that the Document keeps.
struct BuildBorrowing : BuildTree<BuildBorrowing> {
  static constexpr std::size_t chunk_bytes_min = 1024;
  static constexpr std::size_t chunk_bytes_max = std::size_t{1} << 20;

  BuildBorrowing(std::vector<std::unique_ptr<std::uint8_t[]>>& chunks, std::size_t input_bytes)
      : chunks_(chunks), next_chunk_bytes_(std::clamp(input_bytes, chunk_bytes_min, chunk_bytes_max)) {}

  void put(Value& slot, Kind kind, ByteView bytes) { ValueMaker::borrow(slot, kind, bytes); }
  void begin(Value& slot, Kind kind, std::size_t block_bytes) {
    if (block_bytes > free_bytes_) grow(block_bytes);
    ValueMaker::begin_block(slot, kind, free_, Owner::arena);
    free_ += block_bytes;
    free_bytes_ -= block_bytes;
  }

 private:
  void grow(std::size_t block_bytes) {
    const std::size_t bytes = std::max(block_bytes, next_chunk_bytes_);
    chunks_.emplace_back(new std::uint8_t[bytes]);  // Not zeroed; operator new aligns for any object.
    free_ = chunks_.back().get();
    free_bytes_ = bytes;
    next_chunk_bytes_ = std::min(next_chunk_bytes_ * 2, chunk_bytes_max);
  }

  std::vector<std::unique_ptr<std::uint8_t[]>>& chunks_;
  std::size_t next_chunk_bytes_;
  std::uint8_t* free_ = nullptr;
  std::size_t free_bytes_ = 0;
};

struct CollectLinks : NoBuild {
  std::vector<Cid> links;

  void link(Slot, ByteView cid) {
    auto decoded = Cid::decode(cid);
    RZ_ASSERT(decoded.has_value());
    links.push_back(*std::move(decoded));
  }
};

template <class Build>
Status walk_all(ByteView bytes, const Limits& limits, Build& build, typename Build::Slot slot) {
  // Counts and sizes inside are kept in 32 bits.
  if (bytes.size() > std::min<std::uint64_t>(limits.bytes_max, 0xfffffffe)) {
    return fail_at(ErrorCode::too_large, 0, words(bytes.size(), " bytes; ", limits.bytes_max, " are taken"));
  }
  Walk<Build> walk(bytes, 0, limits, build);
  if (!walk.item(slot, 0)) return std::unexpected(walk.error());
  if (walk.offset() != bytes.size()) {
    return fail_at(ErrorCode::trailing_bytes, walk.offset(), "bytes after the item");
  }
  return {};
}

}  // namespace

Result<Value> decode(ByteView bytes, Limits limits) {
  BuildOwning build;
  Result<Value> root;
  RZ_CHECK(walk_all(bytes, limits, build, &*root));
  return root;
}

Status check(ByteView bytes, Limits limits) {
  NoBuild build;
  return walk_all(bytes, limits, build, {});
}

Result<std::vector<Cid>> links(ByteView bytes, Limits limits) {
  CollectLinks build;
  RZ_CHECK(walk_all(bytes, limits, build, {}));
  return std::move(build.links);
}

Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::decode_view(ByteView block, Limits limits) {
  Document document;
  document.view_ = block;
  BuildBorrowing build(document.arena_, block.size());
  RZ_CHECK(walk_all(block, limits, build, &document.root_));
  return document;
}

Result<Document> Document::decode(Bytes block, Limits limits) {
  RZ_TRY(Document document, decode_view(block, limits));
  document.block_ = std::move(block);  // Moving a vector leaves its bytes where they are.
  return document;
}

// The Reader's: one item, checked and left behind.
Status Reader::skip() {
  NoBuild build;
  Walk<NoBuild> walk(bytes_, at_, limits_, build);
  if (!walk.item({}, 0)) return std::unexpected(walk.error());
  at_ = walk.offset();
  return {};
}

}  // namespace rz::ipld::dag_cbor
