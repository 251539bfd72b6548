#include "document/rope.h"

#include <algorithm>
#include <cstring>

#include "document/utf8.h"

namespace rz::document {
namespace {

// How much of `text` to take: at most `bytes_max`, ending at a code point.
std::size_t whole_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  std::size_t end = bytes_max;
  while (utf8::is_continuation(text[end])) --end;
  return end;
}

}  // namespace

std::size_t Rope::offset_in(const Chunk& chunk, std::uint64_t chars) {
  const auto index = static_cast<std::size_t>(chars);
  return chunk.bytes == chunk.chars ? index : utf8::offset_of(chunk.text(), index);
}

// Where text at `position` goes: into the chunk that holds the code point before it, so that typing at a chunk's end
// stays in it. `position` becomes the offset within that chunk.
Rope::Tree::Cursor Rope::place_for(std::uint64_t& position) const {
  if (position == 0) return tree_.begin();
  --position;
  const auto at = tree_.find(position, [](const Counts& counts) { return counts.chars; });
  ++position;
  return at;
}

void Rope::insert(std::uint64_t position, std::string_view text, std::uint64_t chars) {
  RZ_REQUIRE(position <= length());
  if (text.size() <= chunk_bytes_max / 2) return insert_small(position, text, chars);
  while (!text.empty()) {
    const std::size_t taken = whole_prefix(text, chunk_bytes_max / 2);
    const std::size_t taken_chars = utf8::count(text.substr(0, taken));
    insert_small(position, text.substr(0, taken), taken_chars);
    position += taken_chars;
    text.remove_prefix(taken);
  }
}

void Rope::insert_small(std::uint64_t position, std::string_view text, std::uint64_t chars) {
  if (text.empty()) return;
  auto at = place_for(position);
  if (at.at_end()) {
    Chunk chunk;
    std::memcpy(chunk.data, text.data(), text.size());
    chunk.bytes = static_cast<std::uint16_t>(text.size());
    chunk.chars = static_cast<std::uint16_t>(chars);
    tree_.insert(at, chunk);
    return;
  }
  Chunk& chunk = at.item();
  const std::size_t offset = offset_in(chunk, position);
  const Counts was = Traits::measure(chunk);
  if (chunk.bytes + text.size() <= chunk_bytes_max) {
    std::memmove(chunk.data + offset + text.size(), chunk.data + offset, chunk.bytes - offset);
    std::memcpy(chunk.data + offset, text.data(), text.size());
    chunk.bytes = static_cast<std::uint16_t>(chunk.bytes + text.size());
    chunk.chars = static_cast<std::uint16_t>(chunk.chars + chars);
    tree_.changed(at, was);
    return;
  }
  // Full: the chunk keeps what lies before the place (and the text, where it fits), the rest becomes a chunk after it.
  Chunk tail;
  tail.bytes = static_cast<std::uint16_t>(chunk.bytes - offset);
  tail.chars = static_cast<std::uint16_t>(chunk.chars - position);
  std::memcpy(tail.data, chunk.data + offset, tail.bytes);
  chunk.bytes = static_cast<std::uint16_t>(offset);
  chunk.chars = static_cast<std::uint16_t>(position);
  const bool fits_before = offset + text.size() <= chunk_bytes_max;
  Chunk& host = fits_before ? chunk : tail;
  if (!fits_before) std::memmove(tail.data + text.size(), tail.data, tail.bytes);
  std::memcpy(host.data + (fits_before ? offset : 0), text.data(), text.size());
  host.bytes = static_cast<std::uint16_t>(host.bytes + text.size());
  host.chars = static_cast<std::uint16_t>(host.chars + chars);
  tree_.changed(at, was);
  if (tail.bytes > 0) tree_.insert({at.leaf, at.slot + 1}, tail);
}

void Rope::erase(std::uint64_t position, std::uint64_t count) {
  RZ_REQUIRE(position + count <= length());
  while (count > 0) {
    std::uint64_t within = position;
    auto at = tree_.find(within, [](const Counts& counts) { return counts.chars; });
    Chunk& chunk = at.item();
    const std::uint64_t taken = std::min<std::uint64_t>(count, chunk.chars - within);
    count -= taken;
    if (taken == chunk.chars) {
      tree_.erase(at);
      continue;
    }
    const Counts was = Traits::measure(chunk);
    const std::size_t begin = offset_in(chunk, within);
    const std::size_t end = offset_in(chunk, within + taken);
    std::memmove(chunk.data + begin, chunk.data + end, chunk.bytes - end);
    chunk.bytes = static_cast<std::uint16_t>(chunk.bytes - (end - begin));
    chunk.chars = static_cast<std::uint16_t>(chunk.chars - taken);
    tree_.changed(at, was);
  }
}

std::string Rope::slice(std::uint64_t position, std::uint64_t count) const {
  RZ_REQUIRE(position + count <= length());
  std::string out;
  if (count == 0) return out;
  std::uint64_t within = position;
  auto at = tree_.find(within, [](const Counts& counts) { return counts.chars; });
  while (count > 0) {
    const Chunk& chunk = at.item();
    const std::uint64_t taken = std::min<std::uint64_t>(count, chunk.chars - within);
    const std::size_t begin = offset_in(chunk, within);
    const std::size_t end = offset_in(chunk, within + taken);
    out.append(chunk.data + begin, end - begin);
    count -= taken;
    within = 0;
    at = Tree::next(at);
  }
  return out;
}

std::string Rope::to_string() const {
  std::string out;
  out.reserve(static_cast<std::size_t>(size_bytes()));
  for (auto at = Tree::normal(tree_.begin()); !at.at_end(); at = Tree::next(at)) out.append(at.item().text());
  return out;
}

}  // namespace rz::document
