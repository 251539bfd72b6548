#include <algorithm>
#include <bit>
#include <cmath>

#include "base/varint.h"
#include "document/payload.h"
#include "document/payload_tags.h"
#include "document/utf8.h"

namespace rz::document {
namespace {

constexpr std::uint64_t integer_end = std::uint64_t{1} << 53;
constexpr std::size_t payload_size_max = 512 * 1024;

// Reads from a part of the payload; knows where in the whole it stands.
class Reader {
 public:
  Reader(ByteView bytes, std::uint64_t offset) : bytes_(bytes), offset_(offset) {}

  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t left() const { return bytes_.size() - at_; }
  std::uint64_t offset() const { return offset_ + at_; }

  Result<std::uint64_t> number(std::uint64_t end = integer_end) {
    Varint read;
    switch (get_varint(bytes_.subspan(at_), read)) {
      case VarintState::truncated:
        return fail_at(ErrorCode::payload_truncated, offset(), "a number breaks off");
      case VarintState::not_minimal:
      case VarintState::too_long:
        return fail_at(ErrorCode::payload_not_canonical, offset(), "a number in too many bytes");
      case VarintState::complete:
        break;
    }
    if (read.value >= end) return fail_at(ErrorCode::payload_bad_value, offset(), words("a number of ", read.value));
    at_ += read.size_bytes;
    return read.value;
  }

  Result<std::int64_t> signed_number() {
    RZ_TRY(const std::uint64_t folded, number(2 * integer_end));
    const auto value = static_cast<std::int64_t>(folded >> 1 ^ (0 - (folded & 1)));
    if (value > integer_max || value < -integer_max) {
      return fail_at(ErrorCode::payload_bad_value, offset(), "an integer of 2^53 or more");
    }
    return value;
  }

  Result<ByteView> take(std::uint64_t size) {
    if (size > left()) return fail_at(ErrorCode::payload_truncated, offset(), words("expected ", size, " more bytes"));
    const ByteView taken = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }

  Result<ByteView> sized() {
    RZ_TRY(const std::uint64_t size, number());
    return take(size);
  }

  Result<Reader> column() {
    RZ_TRY(const ByteView bytes, sized());
    return Reader(bytes, offset() - bytes.size());
  }

  Status finished(std::string_view what) const {
    if (at_end()) return {};
    return fail_at(ErrorCode::payload_not_canonical, offset(), words("bytes left over in ", what));
  }

 private:
  ByteView bytes_;
  std::uint64_t offset_;
  std::size_t at_ = 0;
};

Result<std::string> read_utf8(Reader& from, std::size_t min, std::size_t max) {
  const std::uint64_t at = from.offset();
  RZ_TRY(const ByteView bytes, from.sized());
  if (bytes.size() < min || bytes.size() > max || !utf8::is_valid(as_text(bytes))) {
    return fail_at(ErrorCode::payload_bad_value, at, "a text that is no UTF-8 or of a size that may not be");
  }
  return std::string(as_text(bytes));
}

Result<Atom> read_atom(Reader& from) {
  const std::uint64_t at = from.offset();
  RZ_TRY(const ByteView tag, from.take(1));
  switch (static_cast<AtomTag>(tag[0])) {
    case AtomTag::null:
      return Atom(Null{});
    case AtomTag::no:
      return Atom(false);
    case AtomTag::yes:
      return Atom(true);
    case AtomTag::natural: {
      RZ_TRY(const std::uint64_t value, from.number());
      return Atom(static_cast<std::int64_t>(value));
    }
    case AtomTag::negative: {
      RZ_TRY(const std::uint64_t value, from.number(integer_end - 1));
      return Atom(-1 - static_cast<std::int64_t>(value));
    }
    case AtomTag::real: {
      RZ_TRY(const ByteView bytes, from.take(8));
      std::uint64_t bits = 0;
      for (const std::uint8_t byte : bytes) bits = bits << 8 | byte;
      const auto value = std::bit_cast<double>(bits);
      if (!std::isfinite(value)) return fail_at(ErrorCode::payload_bad_value, at, "a number that is not finite");
      return Atom(value);
    }
    case AtomTag::string: {
      RZ_TRY(std::string text, read_utf8(from, 0, payload_size_max));
      return Atom(std::move(text));
    }
    case AtomTag::bytes: {
      RZ_TRY(const ByteView bytes, from.sized());
      return Atom(to_bytes(bytes));
    }
    case AtomTag::container_map:
    case AtomTag::container_list:
    case AtomTag::container_text:
    case AtomTag::container_counter:
      return Atom(static_cast<Type>(tag[0] - static_cast<int>(AtomTag::container_map)));
    case AtomTag::end:
      break;
  }
  return fail_at(ErrorCode::payload_bad_value, at, words("a value of sort ", tag[0]));
}

class Decoder {
 public:
  explicit Decoder(ByteView bytes)
      : reader_(bytes, 0), heads_(ByteView(), 0), places_(heads_), counts_(heads_), values_(heads_), text_(heads_) {}

  Result<Payload> run() {
    RZ_TRY(const std::uint64_t version, reader_.number());
    if (version != payload_version) {
      return fail_at(ErrorCode::payload_unknown_version, 0, words("version ", version));
    }
    RZ_CHECK(read_containers());
    RZ_CHECK(read_columns());
    RZ_CHECK(read_ops());
    RZ_CHECK(heads_.finished("heads"));
    RZ_CHECK(places_.finished("places"));
    RZ_CHECK(counts_.finished("counts"));
    RZ_CHECK(values_.finished("values"));
    RZ_CHECK(text_.finished("text"));
    if (containers_used_ != out_.containers.size()) {
      return fail_at(ErrorCode::payload_not_canonical, reader_.offset(), "a container without operations");
    }
    return std::move(out_);
  }

 private:
  Status read_containers() {
    RZ_TRY(const std::uint64_t events, reader_.number());
    if (events > reader_.left() / EventId::size_bytes) {
      return fail_at(ErrorCode::payload_truncated, reader_.offset(), "more events named than there are bytes");
    }
    std::vector<EventId> named(static_cast<std::size_t>(events));
    std::vector<bool> used(static_cast<std::size_t>(events), false);
    for (std::size_t i = 0; i < named.size(); ++i) {
      RZ_TRY(const ByteView bytes, reader_.take(EventId::size_bytes));
      std::copy(bytes.begin(), bytes.end(), named[i].bytes.begin());
      if (i > 0 && !(named[i - 1] < named[i])) {
        return fail_at(ErrorCode::payload_not_canonical, reader_.offset(), "events not in ascending order");
      }
    }
    RZ_TRY(const std::uint64_t count, reader_.number());
    if (count > reader_.left()) {
      return fail_at(ErrorCode::payload_truncated, reader_.offset(), "more containers named than there are bytes");
    }
    out_.containers.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) RZ_CHECK(read_container(named, used));
    for (const bool is_used : used) {
      if (!is_used) return fail_at(ErrorCode::payload_bad_reference, reader_.offset(), "an event named for nothing");
    }
    return check_distinct();
  }

  Status read_container(const std::vector<EventId>& named, std::vector<bool>& used) {
    const std::uint64_t at = reader_.offset();
    RZ_TRY(const std::uint64_t tag, reader_.number());
    ContainerName name;
    constexpr auto other = static_cast<std::uint64_t>(ContainerName::Kind::other);
    name.kind = static_cast<ContainerName::Kind>(tag < other ? tag : other);
    if (tag >= other) {
      if (tag - other >= named.size()) return fail_at(ErrorCode::payload_bad_reference, at, "an event not listed");
      const auto place = static_cast<std::size_t>(tag - other);
      name.event = named[place];
      used[place] = true;
    }
    if (name.kind >= ContainerName::Kind::own) {
      RZ_TRY(const std::uint64_t offset, reader_.number(units_max));
      name.offset = static_cast<std::uint32_t>(offset);
    }
    out_.containers.push_back(name);
    return {};
  }

  Status check_distinct() const {
    std::vector<ContainerName> sorted = out_.containers;
    const auto before = [](const ContainerName& a, const ContainerName& b) {
      if (a.kind != b.kind) return a.kind < b.kind;
      if (a.event != b.event) return a.event < b.event;
      return a.offset < b.offset;
    };
    std::sort(sorted.begin(), sorted.end(), before);
    if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return {};
    return fail_at(ErrorCode::payload_not_canonical, reader_.offset(), "a container named twice");
  }

  Status read_columns() {
    RZ_TRY(ops_, reader_.number());
    if (ops_ == 0) return fail_at(ErrorCode::payload_not_canonical, reader_.offset(), "a payload without operations");
    RZ_TRY(heads_, reader_.column());
    RZ_TRY(places_, reader_.column());
    RZ_TRY(counts_, reader_.column());
    RZ_TRY(values_, reader_.column());
    const std::uint64_t at = reader_.offset();
    RZ_TRY(const ByteView text, reader_.take(reader_.left()));
    text_ = Reader(text, at);
    if (!utf8::is_valid(as_text(text))) return fail_at(ErrorCode::payload_bad_value, at, "text that is no UTF-8");
    out_.text = std::string(as_text(text));
    expected_.assign(out_.containers.size(), 0);
    return {};
  }

  // A run takes at least a byte of some column, except a repeated head with all else absent, which no kind has.
  Status read_ops() {
    std::uint64_t previous = ~std::uint64_t{0};
    while (out_.ops.size() < ops_) {
      const std::uint64_t at = heads_.offset();
      RZ_TRY(const std::uint64_t head, heads_.number());
      RZ_TRY(const std::uint64_t repeats, heads_.number());
      if (head == previous || repeats >= ops_ - out_.ops.size()) {
        return fail_at(ErrorCode::payload_not_canonical, at, "a repetition of heads not in its canonical form");
      }
      previous = head;
      const std::uint64_t container = head / op_kinds;
      if (container >= out_.containers.size() || container > containers_used_) {
        return fail_at(ErrorCode::payload_bad_reference, at, "a container not listed, or before its turn");
      }
      if (container == containers_used_) ++containers_used_;
      for (std::uint64_t i = 0; i <= repeats; ++i) {
        Op op;
        op.container = static_cast<std::uint32_t>(container);
        op.kind = static_cast<OpKind>(head % op_kinds);
        RZ_CHECK(read_op(op));
      }
    }
    return {};
  }

  Status read_op(Op& op) {
    const std::uint64_t at = places_.offset();
    if (has_place(op.kind)) {
      RZ_TRY(const std::int64_t delta, places_.signed_number());
      const std::int64_t place = static_cast<std::int64_t>(expected_[op.container]) + delta;
      if (place < 0 || place > integer_max) {
        return fail_at(ErrorCode::payload_bad_value, at, "a position below zero or too large");
      }
      op.position = static_cast<std::uint64_t>(place);
    }
    if (has_count(op.kind)) {
      const std::uint64_t count_at = counts_.offset();
      RZ_TRY(const std::uint64_t count, counts_.number(units_max));
      const std::uint64_t least = op.kind == OpKind::delete_back ? 2 : 1;
      if (count < least) return fail_at(ErrorCode::payload_not_canonical, count_at, "a run of too few");
      op.count = static_cast<std::uint32_t>(count);
      if (op.kind == OpKind::delete_back && op.position + 1 < count) {
        return fail_at(ErrorCode::payload_bad_value, count_at, "a deletion before the beginning");
      }
    }
    units_ += op.count;
    if (units_ > units_max) return fail_at(ErrorCode::payload_too_large, at, "more operations than an event may hold");
    RZ_CHECK(read_content(op));
    if (!out_.ops.empty() && continues_run(out_.ops.back(), op)) {
      return fail_at(ErrorCode::payload_not_canonical, at, "two runs that are one");
    }
    if (has_place(op.kind)) expected_[op.container] = place_after(op);
    out_.ops.push_back(op);
    return {};
  }

  Status read_key(Op& op) {
    RZ_TRY(std::string key, read_utf8(values_, 1, key_bytes_max));
    op.key = static_cast<std::uint32_t>(out_.keys.size());
    out_.keys.push_back(std::move(key));
    return {};
  }

  Status read_atoms(Op& op, std::uint32_t count) {
    if (count > values_.left()) return fail_at(ErrorCode::payload_truncated, values_.offset(), "values are missing");
    op.content = static_cast<std::uint32_t>(out_.atoms.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      RZ_TRY(Atom atom, read_atom(values_));
      out_.atoms.push_back(std::move(atom));
    }
    return {};
  }

  Status read_content(Op& op) {
    switch (op.kind) {
      case OpKind::text_insert: {
        const auto begin = static_cast<std::uint32_t>(text_read_);
        const std::string_view rest = std::string_view(out_.text).substr(begin);
        const std::size_t bytes = op.count > rest.size() ? rest.size() : utf8::offset_of(rest, op.count);
        if (op.count > rest.size() || utf8::count(rest.substr(0, bytes)) != op.count) {
          return fail_at(ErrorCode::payload_truncated, text_.offset(), "text is missing");
        }
        op.content = begin;
        op.bytes = static_cast<std::uint32_t>(bytes);
        text_read_ += bytes;
        RZ_CHECK(text_.take(bytes));
        return {};
      }
      case OpKind::delete_forward:
      case OpKind::delete_back:
        return {};
      case OpKind::list_insert:
        return read_atoms(op, op.count);
      case OpKind::list_set:
        return read_atoms(op, 1);
      case OpKind::map_set:
        RZ_CHECK(read_key(op));
        return read_atoms(op, 1);
      case OpKind::map_delete:
        return read_key(op);
      case OpKind::counter_add: {
        RZ_TRY(op.by, values_.signed_number());
        return {};
      }
      default: {
        RZ_TRY(const ByteView bytes, values_.sized());
        op.key = static_cast<std::uint32_t>(out_.opaque.size());
        out_.opaque.push_back(to_bytes(bytes));
        return {};
      }
    }
  }

  Reader reader_;
  Reader heads_;
  Reader places_;
  Reader counts_;
  Reader values_;
  Reader text_;
  Payload out_;
  std::uint64_t ops_ = 0;
  std::uint64_t units_ = 0;
  std::size_t text_read_ = 0;
  std::size_t containers_used_ = 0;
  std::vector<std::uint64_t> expected_;
};

}  // namespace

Result<Payload> decode_payload(ByteView bytes) {
  if (bytes.empty()) return Payload();
  if (bytes.size() > payload_size_max) {
    return fail_at(ErrorCode::payload_too_large, payload_size_max, words(bytes.size(), " bytes"));
  }
  return Decoder(bytes).run();
}

}  // namespace rz::document
