// Rights: what a grant gives and what a control operation needs. Text on the wire, so that a later version can add one
// and this version still knows who lacks it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rz::log {

namespace rights {
inline constexpr std::string_view read = "read";      // Be given keys and bodies.
inline constexpr std::string_view write = "write";    // Operations, epochs, wraps, blobs, accepting, erasing one's own.
inline constexpr std::string_view branch = "branch";  // Open a branch: propose.
inline constexpr std::string_view grant = "grant";    // Pass on what one holds, and revoke what descends from it.
inline constexpr std::string_view create = "create";  // List a stream in the catalogue.
inline constexpr std::string_view own = "own";        // What only the owner's personal devices do: root, unlist.
inline constexpr std::string_view device = "device";  // Speak in stream zero.
inline constexpr std::string_view enter = "enter";    // What anybody may say first: the right is in the grant it names.
}  // namespace rights

// A sorted set of rights, known or not.
class RightSet {
 public:
  RightSet() = default;
  explicit RightSet(std::vector<std::string> names);  // Sorts and drops repeats.
  // All that this version knows: the owner's personal devices. Holds unknown rights too: `has` is true for any name.
  static RightSet all();

  bool has(std::string_view right) const;
  bool contains(const RightSet& other) const;
  bool is_all() const { return all_; }
  bool is_empty() const { return !all_ && names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  friend bool operator==(const RightSet&, const RightSet&) = default;

 private:
  std::vector<std::string> names_;  // Ascending, unique.
  bool all_ = false;
};

}  // namespace rz::log
