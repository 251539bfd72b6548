// What happens in one run: drawn whole from a seed before it begins, so that it can be printed, cut short and thinned
// out (shrink.h). Swarm testing: each seed draws which kinds of things happen at all, and how often.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/tick.h"
#include "sim/network.h"

namespace rz::sim {

enum class Act : std::uint8_t {
  // What people do.
  type,             // Device a writes a word at a place of document n.
  erase,            // Device a takes a few characters out of a document that is no proof (run.h).
  create,           // Device a begins a document.
  add,              // Device a adds a personal device.
  add_cloud,        // Device a adds a cloud peer.
  suspend,          // Device a suspends b.
  lift,             // Device a lifts that, with the paper key.
  remove,           // Device a removes b, with the paper key.
  nap,              // Device a is put to sleep as one should; it wakes by `resume`.
  restart_cluster,  // The owner begins a new generation on a: only where no majority is left.
  // What the network does.
  cut,   // Between a and b.
  heal,  // Between a and b.
  heal_all,
  isolate,  // Device a from all others.
  block,    // What a sends stalls on its way to b.
  unblock,
  // What processes do.
  crash,  // Device a ends; n of its pending writes reach the disk first.
  restart,
  pause,  // Device a stands still.
  resume,
  // What clocks do.
  wall,  // Device a's wall clock says something else from now on.
  // What disks do.
  slow_disk,  // n milliseconds at most.
  full_disk,
  free_disk,
  fsync_error,  // The next write of a is not confirmed: the process ends.
  // What destroys: only ever on one device of a run, so that the others can make it good.
  flip,  // A bit of a record.
  lose,  // Device a crashes, and its newest n transactions are gone.
  back_up,
  restore,  // Device a crashes, and is put back to its backup, promise and all: nothing here tells it that it forgot.
};
std::string_view name_of(Act act);
bool destroys(Act act);

struct Action {
  Duration after;  // Of the action before.
  Act act = Act::type;
  std::uint32_t a = 0;  // Devices, modulo how many there are.
  std::uint32_t b = 0;
  std::uint64_t n = 0;
  std::size_t number = 0;  // Among all that the seed draws: `keep_only` names it.
};
std::string text_of(const Action& action);

struct Scenario {
  std::uint64_t seed = 0;
  NetworkOptions network;
  std::uint32_t devices = 3;  // Of these the last a cloud peer, if `cloud`.
  bool cloud = false;
  // Whose disk may be destroyed: a personal device that is not the only one, or a cloud peer. None: nobody's.
  std::optional<std::uint32_t> victim;
  std::vector<std::int32_t> drift_ppm;  // By device.
  std::vector<Action> actions;
};

// `unsolvable`: what no protocol makes good happens too; then only a wrong text or a lost word is wrong.
Scenario draw_scenario(std::uint64_t seed, std::size_t actions, bool unsolvable = false);
// Leaves out the other actions; the time that they took passes all the same.
void keep_only(Scenario& scenario, const std::vector<std::size_t>& numbers);

}  // namespace rz::sim
