// A text that is edited in the middle: UTF-8 in small chunks under a count tree. Positions are code points.
//
// Insert and delete cost O(log n) and one move within a chunk. A chunk never splits a code point.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "document/count_tree.h"

namespace rz::document {

class Rope {
 public:
  std::uint64_t length() const { return tree_.total().chars; }
  std::uint64_t size_bytes() const { return tree_.total().bytes; }
  std::size_t memory_bytes() const { return sizeof(*this) + tree_.memory_bytes(); }

  // `text` is valid UTF-8, `chars` its code points; position <= length().
  void insert(std::uint64_t position, std::string_view text, std::uint64_t chars);
  // position + count <= length().
  void erase(std::uint64_t position, std::uint64_t count);

  std::string slice(std::uint64_t position, std::uint64_t count) const;
  std::string to_string() const;

 private:
  static constexpr std::size_t chunk_bytes_max = 252;

  struct Chunk {
    std::uint16_t bytes = 0;
    std::uint16_t chars = 0;
    char data[chunk_bytes_max];
    std::string_view text() const { return {data, bytes}; }
  };
  struct Counts {
    std::uint64_t bytes = 0;
    std::uint64_t chars = 0;
    Counts& operator+=(const Counts& other) {
      bytes += other.bytes;
      chars += other.chars;
      return *this;
    }
    Counts& operator-=(const Counts& other) {
      bytes -= other.bytes;
      chars -= other.chars;
      return *this;
    }
  };
  struct Traits {
    using Item = Chunk;
    using Sum = Counts;
    static Sum measure(const Chunk& chunk) { return {chunk.bytes, chunk.chars}; }
    static constexpr std::size_t leaf_max = 4;
    static constexpr std::size_t inner_max = 16;
  };
  using Tree = CountTree<Traits>;

  static std::size_t offset_in(const Chunk& chunk, std::uint64_t chars);
  Tree::Cursor place_for(std::uint64_t& position) const;
  void insert_small(std::uint64_t position, std::string_view text, std::uint64_t chars);

  Tree tree_;
};

}  // namespace rz::document
