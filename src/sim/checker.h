// What must hold at every moment of a run, whatever goes wrong (architecture, "Consensus"; dissertation, figure 3.2).
//
//   election safety      within a generation, a term has one leader
//   leader append-only, no vote changed, no step back       raft::check_change, after each step of a device
//   log matching, leader completeness, state machine safety     what one device knows to be committed at an index,
//   every
//                        other has there too, once it knows it to be committed
//   a whole log          raft::check_state, now and then, and at the end
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "raft/invariants.h"
#include "sim/network.h"

namespace rz::sim {

class Checker {
 public:
  explicit Checker(Network& network) : network_(network) {}

  // After a step of that device.
  void stepped(std::size_t device);
  // Looks at the whole of every log.
  void look_at_all();
  // Its store went back, or its process began anew: what it had promised in memory may be gone.
  void began_anew(std::size_t device);

  const std::string& failure() const { return failure_; }
  void fail(std::string why);

 private:
  struct Seen {
    std::uint64_t life = 0;
    std::optional<raft::StateMark> mark;
    raft::Index committed;  // Compared so far, in this generation.
    raft::Generation generation;
    std::uint64_t steps = 0;
  };
  using Order = std::pair<std::uint64_t, raft::FoundingHash>;  // A generation.

  void compare_committed(std::size_t device, const raft::Raft& raft, Seen& seen);

  Network& network_;
  std::map<std::size_t, Seen> seen_;
  std::map<std::pair<Order, std::uint64_t>, raft::NodeId> leaders_;     // By generation and term.
  std::map<std::pair<Order, std::uint64_t>, raft::EntryId> committed_;  // By generation and index.
  std::string failure_;
};

}  // namespace rz::sim
