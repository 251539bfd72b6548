#include "sim/scenario.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/random.h"
#include "base/result.h"

namespace rz::sim {
namespace {

struct Kind {
  Act act;
  std::string_view name;
  std::uint32_t weight;  // How often, where it is on.
  bool always;           // On in every run.
  std::uint64_t n_max;
};

// Without what undoes them faults would pile up: each has its opposite, a little more often.
constexpr Kind kinds[] = {
    {Act::type, "type", 60, true, 1u << 20},
    {Act::erase, "erase", 10, false, 1u << 20},
    {Act::create, "create", 4, false, 0},
    {Act::add, "add", 1, false, 0},
    {Act::add_cloud, "add-cloud", 1, false, 0},
    {Act::suspend, "suspend", 1, false, 0},
    {Act::lift, "lift", 2, false, 0},
    {Act::remove, "remove", 1, false, 0},
    {Act::nap, "nap", 3, false, 0},
    {Act::restart_cluster, "restart-cluster", 1, false, 0},
    {Act::cut, "cut", 8, false, 0},
    {Act::heal, "heal", 8, true, 0},
    {Act::heal_all, "heal-all", 3, true, 0},
    {Act::isolate, "isolate", 4, false, 0},
    {Act::block, "block", 6, false, 0},
    {Act::unblock, "unblock", 7, true, 0},
    {Act::crash, "crash", 8, false, 4},
    {Act::restart, "restart", 12, true, 0},
    {Act::pause, "pause", 5, false, 0},
    {Act::resume, "resume", 8, true, 0},
    {Act::wall, "wall", 3, false, 5},
    {Act::slow_disk, "slow-disk", 3, false, 2000},
    {Act::full_disk, "full-disk", 2, false, 0},
    {Act::free_disk, "free-disk", 3, true, 0},
    {Act::fsync_error, "fsync-error", 2, false, 2},
    {Act::flip, "flip", 2, false, 0},
    {Act::lose, "lose", 2, false, 20},
    {Act::back_up, "back-up", 2, false, 0},
    {Act::restore, "restore", 1, false, 0},
};

const Kind& kind_of(Act act) {
  for (const Kind& kind : kinds) {
    if (kind.act == act) return kind;
  }
  return kinds[0];
}

}  // namespace

std::string_view name_of(Act act) { return kind_of(act).name; }

bool destroys(Act act) { return act == Act::flip || act == Act::lose || act == Act::restore; }

std::string text_of(const Action& action) {
  return words("+", action.after.us / 1000, " ms ", name_of(action.act), " ", action.a, " ", action.b, " ", action.n);
}

Scenario draw_scenario(std::uint64_t seed, std::size_t actions, bool unsolvable) {
  Random random(seed * 0x9e3779b97f4a7c15u + 1);
  Scenario scenario;
  scenario.seed = seed;
  scenario.devices = static_cast<std::uint32_t>(random.between(2, 5));
  scenario.cloud = random.chance(1, 2);
  const auto victim = static_cast<std::uint32_t>(random.below(scenario.devices));
  const std::uint32_t personal = scenario.devices - (scenario.cloud ? 1 : 0);
  if (personal > 1 || victim >= personal) scenario.victim = victim;
  for (int i = 0; i < 16; ++i) {
    scenario.drift_ppm.push_back(random.chance(1, 2) ? 0 : static_cast<std::int32_t>(random.below(400)) - 200);
  }
  NetworkOptions& network = scenario.network;
  network.link_delay_max = milliseconds(std::int64_t{1} << random.below(9));
  network.disk_delay_max = milliseconds(std::int64_t{1} << random.below(7));
  network.redial_every = milliseconds(static_cast<std::int64_t>(random.between(50, 2000)));
  network.group_commits = random.chance(3, 4);
  network.compare_promises = true;
  if (random.chance(1, 3)) network.loss_per_1000 = static_cast<std::uint32_t>(random.below(200));
  if (random.chance(1, 3)) network.repeat_per_1000 = static_cast<std::uint32_t>(random.below(200));
  if (random.chance(1, 3)) network.reorder_per_1000 = static_cast<std::uint32_t>(random.below(300));
  if (random.chance(1, 4)) network.bytes_per_second = std::uint64_t{1} << random.between(13, 20);
  if (random.chance(1, 2)) {  // Saved states of the order, and members that are behind the log's start.
    network.compact_every = random.between(4, 64);
    network.compact_keep = random.below(8);
  }
  if (random.chance(1, 2)) network.checkpoint_after_events = static_cast<std::uint32_t>(random.between(1, 20));
  std::array<std::uint32_t, std::size(kinds)> weights{};
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    bool on = kinds[i].always || random.chance(2, 5);
    on = on && (unsolvable || kinds[i].act != Act::restore);
    weights[i] = on ? kinds[i].weight * static_cast<std::uint32_t>(random.between(1, 4)) : 0;
    all += weights[i];
  }
  const std::uint64_t pace_ms = std::uint64_t{1} << random.between(4, 11);
  for (std::size_t i = 0; i < actions; ++i) {
    std::uint32_t at = static_cast<std::uint32_t>(random.below(all));
    std::size_t kind = 0;
    while (at >= weights[kind]) at -= weights[kind++];
    Action action;
    action.act = kinds[kind].act;
    action.after = milliseconds(static_cast<std::int64_t>(random.below(pace_ms)));
    action.a = static_cast<std::uint32_t>(random.below(64));
    action.b = static_cast<std::uint32_t>(random.below(64));
    action.n = kinds[kind].n_max == 0 ? 0 : random.below(kinds[kind].n_max);
    action.number = i;
    scenario.actions.push_back(action);
  }
  return scenario;
}

void keep_only(Scenario& scenario, const std::vector<std::size_t>& numbers) {
  std::vector<Action> kept;
  Duration passed;
  for (Action& action : scenario.actions) {
    passed = passed + action.after;
    if (std::find(numbers.begin(), numbers.end(), action.number) == numbers.end()) continue;
    action.after = std::exchange(passed, Duration{});
    kept.push_back(action);
  }
  scenario.actions = std::move(kept);
}

}  // namespace rz::sim
