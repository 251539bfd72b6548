// Bytes, views on them, and their printable forms.
//
// `Bytes` owns, `ByteView` borrows: a view never outlives what it looks at. Text is UTF-8 in std::string; nothing here
// checks that (see ipld/utf8.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rz {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

inline void append(Bytes& to, ByteView from) { to.insert(to.end(), from.begin(), from.end()); }

inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Three-way comparison in memcmp order, shorter first where one is a prefix: the order of keys in a store.
int compare(ByteView a, ByteView b);

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);

// The inverse of to_hex; upper case is taken too. Errors: bad_hex (odd length, a character that is no digit).
Result<Bytes> from_hex(std::string_view hex);

}  // namespace rz
