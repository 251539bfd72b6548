#include "replay_merge.h"

#include <algorithm>

namespace rz::replay {

std::uint64_t count_code_points(const std::string& text) {
  return static_cast<std::uint64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Merge::View Merge::view(const TxnSet& unseen) const {
  if (std::find(unseen.begin(), unseen.end(), true) == unseen.end()) return visible_;
  View seen;
  for (const std::uint32_t item : items_) {
    if (is_unseen(unseen, inserted_by_[item])) continue;
    const auto& by = deleted_by_[item];
    if (std::all_of(by.begin(), by.end(), [&](std::uint32_t txn) { return is_unseen(unseen, txn); })) {
      seen.push_back(item);
    }
  }
  return seen;
}

void Merge::apply(View& view, const TxnSet& unseen, std::uint32_t txn, const Change& change, std::vector<Change>& out) {
  const auto begin = view.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(change.position, view.size()));
  const auto left = static_cast<std::uint64_t>(view.end() - begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(change.removed, left));
  const std::size_t first_out = out.size();
  auto at = visible_.begin();
  for (auto each = begin; each != end; ++each) {
    if (deleted_by_[*each].empty()) {
      // The next one stands where the last one stood, as a rule.
      if (at == visible_.end() || *at != *each) at = std::find(visible_.begin(), visible_.end(), *each);
      const auto position = static_cast<std::uint64_t>(at - visible_.begin());
      at = visible_.erase(at);
      if (out.size() > first_out && out.back().position == position) {
        ++out.back().removed;
      } else {
        out.push_back({position, 1, {}});
      }
    }
    deleted_by_[*each].push_back(txn);
  }
  view.erase(begin, end);
  if (!change.inserted.empty()) insert(view, unseen, txn, change, out);
}

void Merge::insert(View& view, const TxnSet& unseen, std::uint32_t txn, const Change& change,
                   std::vector<Change>& out) {
  const std::uint64_t position = std::min<std::uint64_t>(change.position, view.size());
  auto at = items_.begin();
  if (position > 0) at = std::find(items_.begin(), items_.end(), view[position - 1]) + 1;
  while (at != items_.end() && is_unseen(unseen, inserted_by_[*at]) && agents_[inserted_by_[*at]] < agents_[txn]) {
    ++at;
  }
  auto left = at;
  while (left != items_.begin() && !deleted_by_[*(left - 1)].empty()) --left;
  std::uint64_t place = 0;
  if (left != items_.begin()) {
    place = static_cast<std::uint64_t>(std::find(visible_.begin(), visible_.end(), *(left - 1)) - visible_.begin()) + 1;
  }
  const std::uint64_t count = count_code_points(change.inserted);
  std::vector<std::uint32_t> made(count);
  for (std::uint32_t& item : made) {
    item = static_cast<std::uint32_t>(inserted_by_.size());
    inserted_by_.push_back(txn);
    deleted_by_.emplace_back();
  }
  items_.insert(at, made.begin(), made.end());
  visible_.insert(visible_.begin() + static_cast<std::ptrdiff_t>(place), made.begin(), made.end());
  view.insert(view.begin() + static_cast<std::ptrdiff_t>(position), made.begin(), made.end());
  out.push_back({place, 0, change.inserted});
}

}  // namespace rz::replay
