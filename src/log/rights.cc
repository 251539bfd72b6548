#include "log/rights.h"

#include <algorithm>

namespace rz::log {

RightSet::RightSet(std::vector<std::string> names) : names_(std::move(names)) {
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

RightSet RightSet::all() {
  RightSet set;
  set.all_ = true;
  return set;
}

bool RightSet::has(std::string_view right) const {
  return all_ || std::binary_search(names_.begin(), names_.end(), right);
}

bool RightSet::contains(const RightSet& other) const {
  if (all_) return true;
  if (other.all_) return false;
  return std::includes(names_.begin(), names_.end(), other.names_.begin(), other.names_.end());
}

}  // namespace rz::log
