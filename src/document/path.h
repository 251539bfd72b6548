// Where something is in a document: keys of maps and indices into lists, from the root map down.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace rz::document {

// A key of a map (1 to 1,024 bytes of UTF-8) or an index into a list.
using PathStep = std::variant<std::string, std::uint64_t>;
using Path = std::vector<PathStep>;

// Every document has, besides the root map (the empty path), one text that nobody needs to create, so that two devices
// can't create it twice: the body, under the root's key "" (which no write may use).
inline const Path& body() {
  static const Path path{std::string()};
  return path;
}

// "title", "todos/3/done": for messages only, not parsed anywhere.
std::string to_string(const Path& path);

}  // namespace rz::document
