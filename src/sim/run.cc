#include "sim/run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/sha256.h"
#include "sim/checker.h"
#include "sim/disk.h"

namespace rz::sim {
namespace {

using pod::WriteState;

constexpr Duration rest_limit = seconds(900);  // After the last fault: by then all must have come to rest.
constexpr std::size_t devices_max = 7;
constexpr std::size_t documents_max = 8;
constexpr std::uint32_t far_future_ms_log2 = 40;  // Half a century ahead, and more.

struct Proof {
  std::size_t document = 0;
  std::string word;
  WriteState reached = WriteState::visible;
};

class Run {
 public:
  Run(const Scenario& scenario, const RunOptions& options)
      : scenario_(scenario), options_(options), network_(scenario.seed, options_for(scenario)), checker_(network_) {
    network_.after_step = [this](std::size_t device) { checker_.stepped(device); };
    network_.on_frame = [this](std::size_t from, std::size_t to, Channel channel, ByteView frame) {
      ++result_.frames;
      const std::uint64_t head[] = {network_.now().tick.us, from, to, static_cast<std::uint64_t>(channel)};
      trace_.update(as_bytes(std::string_view(reinterpret_cast<const char*>(head), sizeof head))).update(frame);
    };
    network_.on_disk_error = [this](std::size_t device, const Error& error) {
      tell(words("  the disk of ", network_.device(device).name, ": ", error.message));
      end_process(device, 0);
    };
  }

  RunResult finish() {
    begin();
    const std::size_t count = std::min(scenario_.actions.size(), options_.actions_max);
    for (std::size_t i = 0; i < count && checker_.failure().empty(); ++i) {
      const Action& action = scenario_.actions[i];
      network_.run(action.after);
      note_reached();
      if (!checker_.failure().empty()) break;
      tell(words(network_.now().tick.us / 1000, " ms  ", action.number, ": ", text_of(action)));
      act(action);
    }
    if (checker_.failure().empty()) come_to_rest();
    if (checker_.failure().empty()) check_end();
    result_.why = checker_.failure();
    if (!result_.why.empty()) tell(network_.describe());
    result_.ok = result_.why.empty();
    result_.trace_hash = trace_.finish();
    result_.simulated_s = static_cast<double>(network_.now().tick.us) / 1e6;
    return result_;
  }

 private:
  static NetworkOptions options_for(const Scenario& scenario) {
    NetworkOptions network = scenario.network;
    network.make_store = [](const std::string&) { return std::make_unique<Disk>(); };
    return network;
  }

  Disk& disk(std::size_t i) { return static_cast<Disk&>(network_.device(i).disk()); }

  void tell(const std::string& line) {
    if (options_.tell) options_.tell(line);
  }

  void begin() {
    network_.found();
    for (std::uint32_t i = 1; i < scenario_.devices; ++i) {
      const bool cloud = scenario_.cloud && i + 1 == scenario_.devices;
      network_.add(0, words(cloud ? "cloud" : "device", i), cloud ? log::DeviceKind::cloud : log::DeviceKind::personal);
    }
    for (std::size_t i = 0; i < network_.size(); ++i) set_drift(i);
    for (int i = 0; i < 2; ++i) create(0);
    (void)network_.run_until([this] { return network_.has_converged(); }, seconds(60));
    for (std::size_t i = 0; i < network_.size(); ++i) disk(i).settle();
  }

  void set_drift(std::size_t i) {
    // From the process's beginning on: no clock of its kind leaps.
    network_.device(i).drift_ppm = scenario_.drift_ppm[i % scenario_.drift_ppm.size()];
    network_.crash(i, ~std::size_t{0});
    (void)network_.restart(i);
  }

  // --- People --------------------------------------------------------------------------------------------------------

  bool works(std::size_t i) {
    const Device& device = network_.device(i);
    return device.pod && !device.paused && !device.stopped;
  }

  void create(std::size_t by) {
    if (documents_.size() >= documents_max) return;
    const auto made = network_.pod(by).create_document(network_.now_of(by), words("note ", documents_.size()), "");
    if (made) documents_.push_back(*made);
    network_.pump(by);
  }

  // Words of proof stand in documents of even number; in the others anything goes.
  void type(std::size_t by, std::uint64_t n) {
    const std::size_t document = n % documents_.size();
    const auto text = network_.pod(by).text(documents_[document]);
    if (!text) return;  // Not here yet, or blind.
    const std::string word = words("[", by, ".", ++words_written_, "]");
    const bool proves = document % 2 == 0;
    std::size_t at = n / documents_.size() % (text->size() + 1);
    if (proves) at = std::min(text->find('[', at), text->size());  // Between two words.
    const auto done = network_.pod(by).edit_text(network_.now_of(by), documents_[document], {{at, 0, word}});
    if (done && proves) proofs_[by].push_back({document, word, WriteState::visible});
    network_.pump(by);
  }

  void erase(std::size_t by, std::uint64_t n) {
    const std::size_t document = n % documents_.size() | 1;
    if (document >= documents_.size()) return;
    const auto length = network_.pod(by).text_length(documents_[document]);
    if (!length || *length == 0) return;
    const std::uint64_t at = n / documents_.size() % *length;
    (void)network_.pod(by).edit_text(network_.now_of(by), documents_[document],
                                     {{at, std::min<std::uint64_t>(*length - at, 1 + n % 5), ""}});
    network_.pump(by);
  }

  void add(std::size_t by, log::DeviceKind kind) {
    if (network_.size() >= devices_max || !network_.pod(by).check_writable()) return;
    const std::string name = words(kind == log::DeviceKind::cloud ? "cloud" : "device", network_.size());
    const auto added = network_.try_add(by, name, kind);
    tell(added ? words("  added ", *added) : "  not added");
  }

  std::size_t personal_left(std::size_t seen_by) {
    std::size_t count = 0;
    for (const auto& device : network_.pod(seen_by).identity().devices) {
      count += device.is_personal() && device.in_pod() && !device.suspended ? 1 : 0;
    }
    return count;
  }

  void suspend(std::size_t by, std::size_t whom) {
    if (by == whom || personal_left(by) <= 2) return;
    const Status done = network_.pod(by).suspend_device(network_.now_of(by), network_.key(whom));
    tell(done ? "  suspended" : words("  ", done.error().message));
    network_.pump(by);
  }

  void lift(std::size_t by, std::size_t whom) {
    const auto done = network_.pod(by).lift_device(network_.now_of(by), network_.key(whom), &network_.paper());
    tell(done ? "  lifted" : words("  ", done.error().message));
    network_.pump(by);
  }

  void remove(std::size_t by, std::size_t whom) {
    if (by == whom || personal_left(by) <= 2) return;
    const auto done = network_.pod(by).remove_device(network_.now_of(by), network_.key(whom), &network_.paper());
    tell(done ? "  removed" : words("  ", done.error().message));
    network_.pump(by);
    if (!done) return;
    removed_.insert(whom);
    // What the remover had not seen may be set aside.
    std::erase_if(proofs_[whom], [&](const Proof& proof) { return !holds(by, proof); });
    // The rest is the remover's to keep, as what it wrote itself.
    for (Proof& proof : proofs_[whom]) {
      proof.reached = WriteState::visible;
      proofs_[by].push_back(std::move(proof));
    }
    proofs_[whom].clear();
  }

  void restart_cluster(std::size_t by) {
    const Status done = network_.pod(by).restart_cluster(network_.now_of(by));
    tell(done ? "  a new generation" : words("  ", done.error().message));
    network_.pump(by);
  }

  // --- Faults --------------------------------------------------------------------------------------------------------

  void end_process(std::size_t i, std::uint64_t committed_first) {
    network_.crash(i, committed_first);
    // What was never said to be on a disk need not be.
    std::erase_if(proofs_[i], [](const Proof& proof) { return proof.reached == WriteState::visible; });
  }

  void begin_process(std::size_t i) {
    if (network_.alive(i) || network_.device(i).stopped) return;
    const Status opened = network_.restart(i);
    if (opened) return;
    tell(words("  ", network_.device(i).name, " does not start: ", opened.error().to_string()));
    if (!destroyed_) checker_.fail(words("device ", i, " does not start: ", opened.error().to_string()));
  }

  // From now on the disk of the victim may lack what it promised to the victim's owner.
  void destroy(const Action& action) {
    if (!scenario_.victim) return;
    const std::size_t i = *scenario_.victim;
    destroyed_ = true;
    // What no other device holds is lost with it, whatever a lone voter decided on its order.
    std::erase_if(proofs_[i], [&](const Proof& proof) {
      for (std::size_t other = 0; other < network_.size(); ++other) {
        if (other != i && network_.alive(other) && !network_.device(other).stopped && holds(other, proof)) return false;
      }
      return true;
    });
    if (action.act == Act::flip) {
      const auto key = disk(i).flip(network_.random());
      hurt_in_life_ = network_.device(i).life;
      return tell(key ? words("  in ", static_cast<char>((*key)[0]), " ", to_hex(*key)) : "  in nothing");
    }
    end_process(i, 0);
    if (action.act == Act::lose) {
      (void)disk(i).lose(action.n + 1);
    } else if (disk(i).restore()) {
      network_.device(i).promise = backed_up_promise_;
    }
    checker_.began_anew(i);
  }

  void act(const Action& action) {
    const std::size_t a = action.a % network_.size();
    const std::size_t b = action.b % network_.size();
    switch (action.act) {
      case Act::type:
        return works(a) ? type(a, action.n) : void();
      case Act::erase:
        return works(a) ? erase(a, action.n) : void();
      case Act::create:
        return works(a) && !network_.pod(a).status(network_.now_of(a)).blind ? create(a) : void();
      case Act::add:
        return works(a) ? add(a, log::DeviceKind::personal) : void();
      case Act::add_cloud:
        return works(a) ? add(a, log::DeviceKind::cloud) : void();
      case Act::suspend:
        return works(a) ? suspend(a, b) : void();
      case Act::lift:
        return works(a) ? lift(a, b) : void();
      case Act::remove:
        return works(a) ? remove(a, b) : void();
      case Act::nap:
        if (!works(a)) return;
        network_.pod(a).prepare_sleep(network_.now_of(a));
        network_.pump(a);
        network_.run(milliseconds(50));
        return network_.pause(a);
      case Act::restart_cluster:
        return works(a) ? restart_cluster(a) : void();
      case Act::cut:
        return a == b ? void() : network_.cut(a, b);
      case Act::heal:
        return network_.heal(a, b);
      case Act::heal_all:
        return network_.heal_all();
      case Act::isolate:
        for (std::size_t other = 0; other < network_.size(); ++other) {
          if (other != a) network_.cut(a, other);
        }
        return;
      case Act::block:
        return a == b ? void() : network_.block(a, b);
      case Act::unblock:
        return network_.unblock(a, b);
      case Act::crash:
        return end_process(a, action.n);
      case Act::restart:
        return begin_process(a);
      case Act::pause:
        return network_.pause(a);
      case Act::resume:
        return network_.resume(a);
      case Act::wall:
        network_.device(a).wall_offset_ms = wall_offset(action.n);
        return;
      case Act::slow_disk:
        network_.device(a).disk_delay_max = milliseconds(static_cast<std::int64_t>(action.n + 1));
        return;
      case Act::full_disk:
        return disk(a).set_full(true);
      case Act::free_disk:
        return disk(a).set_full(false);
      case Act::fsync_error:
        return disk(a).fail_next(action.n == 1);
      case Act::back_up:
        if (!scenario_.victim) return;
        disk(*scenario_.victim).back_up();
        backed_up_promise_ = network_.device(*scenario_.victim).promise;
        return;
      case Act::flip:
      case Act::lose:
      case Act::restore:
        return destroy(action);
    }
  }

  // Right, an hour ahead, an hour behind, a day behind, or in the middle of the century.
  static std::uint64_t wall_offset(std::uint64_t n) {
    constexpr std::uint64_t hour = 3'600'000;
    constexpr std::uint64_t offsets[] = {0, hour, 0 - hour, 0 - 24 * hour, std::uint64_t{1} << far_future_ms_log2};
    return offsets[n % std::size(offsets)];
  }

  bool shows(std::size_t i, const Proof& proof) {
    const auto text = network_.pod(i).text(documents_[proof.document]);
    return text && text->find(proof.word) != std::string::npos;
  }

  // As an event: a live tail is shown, and may be gone with who types it.
  bool holds(std::size_t i, const Proof& proof) {
    return shows(i, proof) && !network_.pod(i).has_tails(documents_[proof.document]);
  }

  // --- Promises ------------------------------------------------------------------------------------------------------

  // Its disk has a flipped bit, and it was not opened since.
  bool is_hurt(std::size_t i) { return scenario_.victim == i && hurt_in_life_ == network_.device(i).life; }

  void note_reached() {
    for (auto& [by, proofs] : proofs_) {
      if (!works(by) || removed_.contains(by)) continue;
      std::vector<WriteState> states(documents_.size(), WriteState::visible);
      for (std::size_t i = 0; i < documents_.size(); i += 2) states[i] = network_.pod(by).state_of(documents_[i]);
      // What a lone voter has decided on is on one disk, and may be on no other.
      const bool alone = network_.pod(by).status(network_.now_of(by)).voters < 2;
      for (WriteState& state : states) {
        if (alone && state == WriteState::committed) state = WriteState::local;
        // It builds on what its disk has lost without having noticed: that is lost with it.
        if (is_hurt(by) && state == WriteState::local) state = WriteState::visible;
      }
      // Its state is that of what it holds: a word that it lost again is told nothing any more.
      for (Proof& proof : proofs) {
        if (states[proof.document] > proof.reached && shows(by, proof)) proof.reached = states[proof.document];
      }
    }
  }

  // --- The end -------------------------------------------------------------------------------------------------------

  // Who is in the pod, as one sees it that is: the one that leads, else the first that nobody has shut out.
  const Pod* standing() {
    const Pod* found = nullptr;
    for (std::size_t i = 0; i < network_.size(); ++i) {
      if (!network_.alive(i) || network_.device(i).stopped || shut_out(i)) continue;
      const raft::Raft* raft = network_.pod(i).order();
      if (raft != nullptr && raft->is_leader()) return &network_.pod(i);
      if (found == nullptr) found = &network_.pod(i);
    }
    return found;
  }

  bool takes_part(std::size_t i) {
    const Pod* pod = standing();
    const identity::Device* device = pod == nullptr ? nullptr : pod->identity().find(network_.key(i));
    return network_.alive(i) && !network_.device(i).stopped && device != nullptr && device->in_pod() &&
           !device->suspended;
  }

  bool shut_out(std::size_t i) {
    for (std::size_t other = 0; other < network_.size(); ++other) {
      if (!network_.alive(other) || network_.device(other).stopped) continue;
      const identity::Device* device = network_.pod(other).identity().find(network_.key(i));
      if (device != nullptr && (device->suspended || !device->in_pod())) return true;
    }
    return false;
  }

  // Everywhere the same, and in order. What a removed device began after its removal is no part of the pod, and may lie
  // where it was before that was known.
  bool at_rest() {
    const auto has_all = [this](std::size_t i, const log::HeadList& wanted) {
      const log::HeadList its = network_.pod(i).frontier();
      return std::all_of(wanted.begin(), wanted.end(), [&](const log::StreamHeads& heads) {
        return std::find(its.begin(), its.end(), heads) != its.end() &&
               network_.pod(i).state_of(heads.stream) == WriteState::committed;
      });
    };
    const Pod* reference = standing();
    if (reference == nullptr) return false;
    const log::HeadList wanted = reference->frontier();
    for (std::size_t i = 0; i < network_.size(); ++i) {
      if (takes_part(i) && (!has_all(i, wanted) || !network_.pod(i).rivals().empty())) return false;
    }
    return true;
  }

  void end_faults() {
    NetworkOptions& options = network_.options();
    options.loss_per_1000 = options.repeat_per_1000 = options.reorder_per_1000 = 0;
    options.bytes_per_second = 0;
    network_.heal_all();
    for (std::size_t i = 0; i < network_.size(); ++i) {
      disk(i).set_full(false);
      network_.device(i).disk_delay_max.reset();
      network_.resume(i);
      begin_process(i);
    }
  }

  void come_to_rest() {
    tell("the faults end");
    end_faults();
    const Tick end = network_.now().tick + rest_limit;
    bool helped = false;
    while (checker_.failure().empty() && network_.now().tick < end) {
      network_.run(seconds(2));
      note_reached();
      for (std::size_t i = 0; i < network_.size(); ++i) begin_process(i);  // An fsync error may still have been due.
      if (at_rest()) return;
      settle_contest();
      // Who lost a majority of those that decide, for good, or shut it out, says so.
      if (!helped && end - network_.now().tick < Duration{rest_limit.us / 2}) helped = help();
    }
    if (checker_.failure().empty())
      checker_.fail("it does not come to rest once the faults have ended:" + network_.describe());
  }

  bool help() {
    for (std::size_t i = 0; i < network_.size(); ++i) {
      if (!takes_part(i) || network_.pod(i).status(network_.now_of(i)).blind) continue;
      const Status done = network_.pod(i).restart_cluster(network_.now_of(i), destroyed_);
      network_.pump(i);
      tell(done ? words("  a new generation on ", i) : words("  ", done.error().message));
      if (done) return true;
    }
    return false;
  }

  void settle_contest() {
    for (std::size_t i = 0; i < network_.size(); ++i) {
      if (!takes_part(i)) continue;
      const auto rivals = network_.pod(i).rivals();
      if (rivals.empty()) continue;
      const Status done = network_.pod(i).decide_contest(network_.now_of(i), rivals.front().id, network_.paper());
      tell(done ? "  a contest is decided" : words("  ", done.error().message));
      network_.pump(i);
      return;
    }
  }

  // A flipped bit is noticed when the record is read: what it made unreadable comes again from the others.
  void read_everything() {
    for (std::size_t i = 0; i < network_.size(); ++i) {
      if (!takes_part(i)) continue;
      for (const log::StreamId& document : documents_) (void)network_.pod(i).text(document);
      network_.pump(i);
    }
    network_.run(seconds(30));
  }

  void check_end() {
    checker_.look_at_all();
    if (destroyed_) read_everything();
    std::map<std::size_t, std::string> texts;
    for (std::size_t i = 0; i < network_.size(); ++i) {
      if (!takes_part(i)) continue;
      for (std::size_t d = 0; d < documents_.size(); ++d) {
        const auto text = network_.pod(i).text(documents_[d]);
        if (!text) continue;  // Blind. Or its maker was set aside: then it is so for all.
        const auto [known, fresh] = texts.emplace(d, *text);
        if (!fresh && known->second != *text) {
          tell(words("  elsewhere: ", known->second, "\n  on ", i, ":      ", *text));
          return checker_.fail(words("document ", d, " reads otherwise on device ", i));
        }
      }
    }
    for (const auto& [by, proofs] : proofs_) {
      for (const Proof& proof : proofs) {
        const bool elsewhere =
            proof.reached >= WriteState::pod || (takes_part(by) && proof.reached == WriteState::local);
        if (!elsewhere) continue;
        ++result_.proofs;
        if (texts[proof.document].find(proof.word) != std::string::npos) continue;
        std::string where;
        for (std::size_t i = 0; i < network_.size(); ++i) {
          where += words(" ", i, network_.alive(i) && shows(i, proof) ? " has it" : " has not",
                         takes_part(i) ? ";" : " (and takes no part);");
        }
        return checker_.fail(words("lost: ", proof.word, " of document ", proof.document, ", which device ", by,
                                   " was told is ", name_of(proof.reached), ":", where));
      }
    }
  }

  const Scenario& scenario_;
  const RunOptions& options_;
  Network network_;
  Checker checker_;
  crypto::Sha256 trace_;
  RunResult result_;
  std::vector<log::StreamId> documents_;
  std::map<std::size_t, std::vector<Proof>> proofs_;  // By device.
  std::uint64_t words_written_ = 0;
  std::set<std::size_t> removed_;
  std::optional<store::Promise> backed_up_promise_;
  bool destroyed_ = false;
  std::optional<std::uint64_t> hurt_in_life_;
};

}  // namespace

RunResult run(const Scenario& scenario, const RunOptions& options) { return Run(scenario, options).finish(); }

Scenario shrink(Scenario scenario, std::size_t tries, const std::function<void(std::size_t left)>& progress) {
  if (run(scenario).ok) return scenario;
  for (std::size_t part = scenario.actions.size() / 2; part > 0 && tries > 0; part /= 2) {
    for (std::size_t begin = 0; begin < scenario.actions.size() && tries > 0;) {
      Scenario less = scenario;
      const auto first = less.actions.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = less.actions.begin() + static_cast<std::ptrdiff_t>(std::min(begin + part, less.actions.size()));
      // The time that passed stays.
      Duration passed;
      for (auto each = first; each != last; ++each) passed = passed + each->after;
      const auto next = less.actions.erase(first, last);
      if (next != less.actions.end()) next->after = next->after + passed;
      --tries;
      if (run(less).ok) {
        begin += part;
        continue;
      }
      scenario = std::move(less);
      if (progress) progress(scenario.actions.size());
    }
  }
  return scenario;
}

}  // namespace rz::sim
