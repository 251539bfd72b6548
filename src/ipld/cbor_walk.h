// One strict walk over a DAG-CBOR item, for everything that looks at whole items: decoding into a tree, checking,
// collecting links. Inside this room only.
//
// `Build` says what becomes of an item. It has a type `Slot` (where an item goes) and
//   null(slot), boolean(slot, bool), integer(slot, Integer), floating(slot, double), text|bytes|link(slot, ByteView)
//   begin_list(slot, count), item_slot(slot, index) -> Slot
//   begin_map(slot, count), entry_slot(slot, index, key) -> Slot
//
// Memory: a container of n items is announced only if the input still has a byte for each item promised so far, its own
// and those of all containers around it. So what `begin_*` allocates in sum is bounded by the size of the input.
#pragma once

#include "base/bytes.h"
#include "base/cbor_head.h"
#include "ipld/cbor_item.h"
#include "ipld/cid.h"
#include "ipld/limits.h"
#include "ipld/utf8.h"
#include "ipld/value.h"

namespace rz::ipld::dag_cbor {

template <class Build>
class Walk {
 public:
  using Slot = typename Build::Slot;

  Walk(ByteView bytes, std::size_t at, const Limits& limits, Build& build)
      : begin_(bytes.data()),
        at_(bytes.data() + at),
        end_(bytes.data() + bytes.size()),
        depth_max_(limits.depth_max),
        build_(build) {}

  // False: error() says why.
  bool item(Slot slot, std::uint32_t depth) {
    const std::uint8_t* const item_at = at_;
    ItemHead head;
    if (const HeadFault fault = read_head(at_, end_, head); fault != HeadFault::ok) [[unlikely]] {
      return complain(complaint_of(fault), item_at);
    }
    switch (head.major) {
      case 0:
        build_.integer(slot, Integer{head.argument, false});
        return true;
      case 1:
        build_.integer(slot, Integer{head.argument, true});
        return true;
      case 2: {
        ByteView bytes;
        if (!take(head.argument, item_at, bytes)) return false;
        build_.bytes(slot, bytes);
        return true;
      }
      case 3: {
        ByteView text;
        if (!take_text(head.argument, item_at, text)) return false;
        build_.text(slot, text);
        return true;
      }
      case 4:
        return list(slot, head.argument, depth, item_at);
      case 5:
        return map(slot, head.argument, depth, item_at);
      case 6:
        return link(slot, head.argument, item_at);
      default:
        return simple(slot, head, item_at);
    }
  }

  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  Error error() const {
    return {complaint_.code, complaint_.message, static_cast<std::uint64_t>(complained_at_ - begin_)};
  }

 private:
  bool complain(Complaint complaint, const std::uint8_t* at) {
    complaint_ = complaint;
    complained_at_ = at;
    return false;
  }

  std::uint64_t left() const { return static_cast<std::uint64_t>(end_ - at_); }

  bool take(std::uint64_t size, const std::uint8_t* item_at, ByteView& out) {
    if (size > left()) [[unlikely]] {
      return complain({ErrorCode::truncated, "a length that reaches behind the end"}, item_at);
    }
    out = ByteView(at_, static_cast<std::size_t>(size));
    at_ += size;
    return true;
  }

  bool take_text(std::uint64_t size, const std::uint8_t* item_at, ByteView& out) {
    if (!take(size, item_at, out)) return false;
    if (const auto bad = find_bad_utf8(out)) [[unlikely]] {
      return complain({ErrorCode::invalid_utf8, "ill-formed UTF-8"}, out.data() + *bad);
    }
    return true;
  }

  // Enters a container of `count` things, each of `items_each` items.
  bool enter(std::uint64_t count, std::uint64_t items_each, std::uint32_t depth, const std::uint8_t* item_at) {
    if (depth >= depth_max_) [[unlikely]]
      return complain({ErrorCode::too_deep, "lists and maps nested too deeply"}, item_at);
    // Sizes are below 2^48 in any address space, so neither sum nor product overflows after the first comparison.
    if (count > left() || (owed_ += count * items_each) > left()) [[unlikely]] {
      return complain({ErrorCode::truncated, "a count of items that the input is too short for"}, item_at);
    }
    return true;
  }

  bool list(Slot slot, std::uint64_t count, std::uint32_t depth, const std::uint8_t* item_at) {
    if (!enter(count, 1, depth, item_at)) return false;
    build_.begin_list(slot, static_cast<std::uint32_t>(count));
    for (std::uint32_t i = 0; i < count; ++i) {
      --owed_;
      if (!item(build_.item_slot(slot, i), depth + 1)) return false;
    }
    return true;
  }

  bool map(Slot slot, std::uint64_t count, std::uint32_t depth, const std::uint8_t* item_at) {
    if (!enter(count, 2, depth, item_at)) return false;
    build_.begin_map(slot, static_cast<std::uint32_t>(count));
    ByteView previous;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint8_t* const key_at = at_;
      ItemHead head;
      if (const HeadFault fault = read_head(at_, end_, head); fault != HeadFault::ok) [[unlikely]] {
        return complain(complaint_of(fault), key_at);
      }
      if (head.major != 3) [[unlikely]]
        return complain({ErrorCode::key_not_text, "the keys of a map are text"}, key_at);
      ByteView key;
      if (!take_text(head.argument, key_at, key)) return false;
      if (i > 0) {
        const int order = compare_keys(as_text(previous), as_text(key));
        if (order == 0) [[unlikely]]
          return complain({ErrorCode::duplicate_key, "a key is there twice"}, key_at);
        if (order > 0) [[unlikely]]
          return complain({ErrorCode::unsorted_keys, "keys out of order"}, key_at);
      }
      previous = key;
      owed_ -= 2;
      if (!item(build_.entry_slot(slot, i, key), depth + 1)) return false;
    }
    return true;
  }

  bool link(Slot slot, std::uint64_t tag, const std::uint8_t* item_at) {
    if (tag != 42) [[unlikely]]
      return complain({ErrorCode::unknown_tag, "a tag other than 42"}, item_at);
    ItemHead head;
    const std::uint8_t* const content_at = at_;
    if (const HeadFault fault = read_head(at_, end_, head); fault != HeadFault::ok) [[unlikely]] {
      return complain(complaint_of(fault), content_at);
    }
    if (head.major != 2) [[unlikely]]
      return complain({ErrorCode::bad_link, "tag 42 goes with bytes"}, content_at);
    ByteView content;
    if (!take(head.argument, content_at, content)) return false;
    if (content.empty() || content[0] != 0) [[unlikely]] {
      return complain({ErrorCode::bad_link, "the CID of a link begins with the byte 0"}, content_at);
    }
    const ByteView cid = content.subspan(1);
    const auto size = cid_size(cid);
    if (!size || *size != cid.size()) [[unlikely]]
      return complain({ErrorCode::bad_link, "not a CID"}, content_at);
    build_.link(slot, cid);
    return true;
  }

  bool simple(Slot slot, const ItemHead& head, const std::uint8_t* item_at) {
    switch (head.info) {
      case 20:
      case 21:
        build_.boolean(slot, head.info == 21);
        return true;
      case 22:
        build_.null(slot);
        return true;
      case info_uint64:
        if (!is_finite_float(head.argument)) [[unlikely]] {
          return complain({ErrorCode::float_not_finite, "NaN or an infinity"}, item_at);
        }
        build_.floating(slot, std::bit_cast<double>(head.argument));
        return true;
      default:
        return complain(complaint_of_simple(head), item_at);
    }
  }

  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint32_t depth_max_;
  std::uint64_t owed_ = 0;  // Items promised by the containers around and not yet begun.
  Build& build_;
  Complaint complaint_;
  const std::uint8_t* complained_at_ = nullptr;
};

// Builds nothing.
struct NoBuild {
  struct Slot {};
  void null(Slot) {}
  void boolean(Slot, bool) {}
  void integer(Slot, Integer) {}
  void floating(Slot, double) {}
  void text(Slot, ByteView) {}
  void bytes(Slot, ByteView) {}
  void link(Slot, ByteView) {}
  void begin_list(Slot, std::uint32_t) {}
  Slot item_slot(Slot, std::uint32_t) { return {}; }
  void begin_map(Slot, std::uint32_t) {}
  Slot entry_slot(Slot, std::uint32_t, ByteView) { return {}; }
};

}  // namespace rz::ipld::dag_cbor
