// Every character ever inserted by a trace, in one order, so that a position in an old version is a position in today's
// text. For traces whose typists are more than the devices: one device can't stand at two versions at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rz::replay {

struct Change {
  std::uint64_t position = 0;
  std::uint64_t removed = 0;
  std::string inserted;  // UTF-8.
};

class Merge {
 public:
  using TxnSet = std::vector<bool>;  // By number.
  using View = std::vector<std::uint32_t>;

  explicit Merge(std::vector<std::uint32_t> agents) : agents_(std::move(agents)) {}

  // The text as somebody saw it who knows all but the transactions in `unseen`.
  View view(const TxnSet& unseen) const;
  // Applies a transaction's change to the view and to today's text; adds the changes that today's text needs.
  void apply(View& view, const TxnSet& unseen, std::uint32_t txn, const Change& change, std::vector<Change>& out);

 private:
  void insert(View& view, const TxnSet& unseen, std::uint32_t txn, const Change& change, std::vector<Change>& out);
  bool is_unseen(const TxnSet& unseen, std::uint32_t txn) const { return txn < unseen.size() && unseen[txn]; }

  std::vector<std::uint32_t> agents_;       // By transaction.
  std::vector<std::uint32_t> items_;        // All characters.
  std::vector<std::uint32_t> visible_;      // Those that stand in today's text.
  std::vector<std::uint32_t> inserted_by_;  // By character.
  std::vector<std::vector<std::uint32_t>> deleted_by_;
};

// The number of code points, and the bytes of the one that begins at `at`.
std::uint64_t count_code_points(const std::string& text);

}  // namespace rz::replay
