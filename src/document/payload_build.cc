#include <algorithm>

#include "document/payload.h"
#include "document/utf8.h"

namespace rz::document {

std::uint64_t Payload::units() const {
  std::uint64_t units = 0;
  for (const Op& op : ops) units += op.count;
  return units;
}

bool continues_run(const Op& last, const Op& next) {
  if (last.container != next.container) return false;
  const bool next_deletes = next.kind == OpKind::delete_forward || next.kind == OpKind::delete_back;
  switch (last.kind) {
    case OpKind::text_insert:
    case OpKind::list_insert:
      return next.kind == last.kind && next.position == last.position + last.count;
    case OpKind::delete_forward:
      if (!next_deletes) return false;
      return next.position == last.position || (last.count == 1 && next.position + 1 == last.position);
    case OpKind::delete_back:
      return next_deletes && next.position + last.count == last.position;
    default:
      return false;
  }
}

std::size_t PayloadBuilder::bound_of(const Atom& atom) {
  if (const auto* text = std::get_if<std::string>(&atom)) return text->size() + 12;
  if (const auto* bytes = std::get_if<Bytes>(&atom)) return bytes->size() + 12;
  return 12;
}

std::uint32_t PayloadBuilder::container(const ContainerName& name) {
  auto& names = payload_.containers;
  for (std::size_t i = names.size(); i-- > 0;) {
    if (names[i] == name) return static_cast<std::uint32_t>(i);
  }
  names.push_back(name);
  size_bound_ += container_bound;
  return static_cast<std::uint32_t>(names.size() - 1);
}

Op& PayloadBuilder::begin_op(std::uint32_t container, OpKind kind, std::uint64_t position, std::uint32_t count) {
  Op& op = payload_.ops.emplace_back();
  op.container = container;
  op.kind = kind;
  op.position = position;
  op.count = count;
  size_bound_ += op_bound;
  return op;
}

void PayloadBuilder::text_insert(std::uint32_t container, std::uint64_t position, std::string_view text,
                                 std::uint32_t chars) {
  units_ += chars;
  size_bound_ += text.size();
  const auto content = static_cast<std::uint32_t>(payload_.text.size());
  payload_.text.append(text);
  if (!payload_.ops.empty()) {
    Op& last = payload_.ops.back();
    if (last.container == container && last.kind == OpKind::text_insert && position == last.position + last.count) {
      last.count += chars;
      last.bytes += static_cast<std::uint32_t>(text.size());
      return;
    }
  }
  Op& op = begin_op(container, OpKind::text_insert, position, chars);
  op.content = content;
  op.bytes = static_cast<std::uint32_t>(text.size());
}

void PayloadBuilder::erase(std::uint32_t container, std::uint64_t position, std::uint32_t count) {
  units_ += count;
  if (!payload_.ops.empty()) {
    Op& last = payload_.ops.back();
    Op unit;
    unit.container = container;
    unit.kind = OpKind::delete_forward;
    unit.position = position;
    if (continues_run(last, unit)) {
      if (position == last.position && last.kind == OpKind::delete_forward) {
        last.count += count;
        return;
      }
      // One place before: the run goes backwards, and takes the first unit only.
      last.kind = OpKind::delete_back;
      ++last.count;
      if (--count == 0) return;
    }
  }
  begin_op(container, OpKind::delete_forward, position, count);
}

void PayloadBuilder::list_insert(std::uint32_t container, std::uint64_t position, std::vector<Atom> atoms) {
  const auto count = static_cast<std::uint32_t>(atoms.size());
  units_ += count;
  for (const Atom& atom : atoms) size_bound_ += bound_of(atom);
  const auto content = static_cast<std::uint32_t>(payload_.atoms.size());
  std::move(atoms.begin(), atoms.end(), std::back_inserter(payload_.atoms));
  if (!payload_.ops.empty()) {
    Op& last = payload_.ops.back();
    if (last.container == container && last.kind == OpKind::list_insert && position == last.position + last.count) {
      last.count += count;
      return;
    }
  }
  begin_op(container, OpKind::list_insert, position, count).content = content;
}

void PayloadBuilder::list_set(std::uint32_t container, std::uint64_t position, Atom atom) {
  ++units_;
  size_bound_ += bound_of(atom);
  begin_op(container, OpKind::list_set, position, 1).content = static_cast<std::uint32_t>(payload_.atoms.size());
  payload_.atoms.push_back(std::move(atom));
}

void PayloadBuilder::map_set(std::uint32_t container, std::string key, Atom atom) {
  ++units_;
  size_bound_ += bound_of(atom) + key.size();
  Op& op = begin_op(container, OpKind::map_set, 0, 1);
  op.content = static_cast<std::uint32_t>(payload_.atoms.size());
  op.key = static_cast<std::uint32_t>(payload_.keys.size());
  payload_.atoms.push_back(std::move(atom));
  payload_.keys.push_back(std::move(key));
}

void PayloadBuilder::map_delete(std::uint32_t container, std::string key) {
  ++units_;
  size_bound_ += key.size();
  begin_op(container, OpKind::map_delete, 0, 1).key = static_cast<std::uint32_t>(payload_.keys.size());
  payload_.keys.push_back(std::move(key));
}

void PayloadBuilder::counter_add(std::uint32_t container, std::int64_t by) {
  ++units_;
  begin_op(container, OpKind::counter_add, 0, 1).by = by;
}

namespace {

bool same_atoms(const Payload& a, const Op& x, const Payload& b, const Op& y, std::uint32_t count) {
  return std::equal(a.atoms.begin() + x.content, a.atoms.begin() + x.content + count, b.atoms.begin() + y.content);
}

// Whether the first `x.count` units of `y` are those of `x`.
bool begins_with(const Payload& whole, const Op& y, const Payload& part, const Op& x) {
  if (whole.containers[y.container] != part.containers[x.container]) return false;
  const bool turned = x.kind == OpKind::delete_forward && x.count == 1 && y.kind == OpKind::delete_back;
  if ((x.kind != y.kind && !turned) || x.position != y.position || x.count > y.count) return false;
  switch (x.kind) {
    case OpKind::text_insert:
      return whole.text_of(y).starts_with(part.text_of(x));
    case OpKind::delete_forward:
    case OpKind::delete_back:
      return true;
    case OpKind::list_insert:
    case OpKind::list_set:
      return same_atoms(whole, y, part, x, x.count);
    case OpKind::map_set:
      return whole.keys[y.key] == part.keys[x.key] && same_atoms(whole, y, part, x, 1);
    case OpKind::map_delete:
      return whole.keys[y.key] == part.keys[x.key];
    case OpKind::counter_add:
      return x.by == y.by;
    default:
      return x.count == y.count && whole.opaque[y.key] == part.opaque[x.key];
  }
}

// What is left of the run `y` after the units of `x`.
Op rest_of(Op y, const Op& x) {
  y.count -= x.count;
  switch (y.kind) {
    case OpKind::text_insert:
      y.position += x.count;
      y.content += x.bytes;
      y.bytes -= x.bytes;
      break;
    case OpKind::list_insert:
      y.position += x.count;
      y.content += x.count;
      break;
    case OpKind::delete_back:
      y.position -= x.count;
      if (y.count == 1) y.kind = OpKind::delete_forward;
      break;
    default:
      break;
  }
  return y;
}

}  // namespace

Remainder remainder_after(const Payload& part, const Payload& whole) {
  Remainder remainder;
  if (part.ops.size() > whole.ops.size()) return remainder;
  for (std::size_t i = 0; i < part.ops.size(); ++i) {
    const Op& x = part.ops[i];
    const Op& y = whole.ops[i];
    if (!begins_with(whole, y, part, x)) return remainder;
    if (x.count == y.count) continue;
    if (i + 1 < part.ops.size()) return remainder;
    remainder.ops.push_back(rest_of(y, x));
  }
  remainder.matches = true;
  remainder.ops.insert(remainder.ops.end(), whole.ops.begin() + static_cast<std::ptrdiff_t>(part.ops.size()),
                       whole.ops.end());
  return remainder;
}

}  // namespace rz::document
