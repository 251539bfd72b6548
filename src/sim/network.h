// A network of whole devices in one process, under virtual time: what tests and the simulator run pods in. Every delay,
// crash and cut is drawn from a seed or ordered by who runs it; equal seeds give equal runs.
//
// What it models: a disk that commits batches in order after a delay, and loses those that were not committed when the
// process ends; connections that deliver in order after a delay, and lose what is under way when they are cut; one
// direction of a link that stalls; processes that stand still; clocks that run fast, slow, or say something else;
// pairing over a connection whose both ends know the same exporter.
//
// Frames of sync come in order or not at all, as TCP has them. Those of raft and live may be lost, repeated and
// reordered as well (NetworkOptions): the protocols have to bear it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "identity/pairing.h"
#include "pod/pod.h"
#include "store/memory_store.h"

namespace rz::sim {

using pod::Channel;
using pod::Notice;
using pod::Now;
using pod::Persist;
using pod::Pod;
using pod::PublicKey;
using pod::Send;

struct NetworkOptions {
  Duration link_delay_max = milliseconds(12);
  Duration disk_delay_max = milliseconds(6);
  Duration redial_every = milliseconds(60);
  std::optional<std::uint64_t> compact_every = std::nullopt;  // As in pod::Options; none: its own.
  std::optional<std::uint64_t> compact_keep = std::nullopt;
  std::uint32_t checkpoint_after_events = 0;
  // A device's store; none: in memory.
  std::function<std::unique_ptr<store::Store>(const std::string& name)> make_store = {};
  bool group_commits = false;  // What waits for the disk shares one transaction, as in the daemon.
  raft::PolicyOptions membership = {};
  // Of frames of raft and live, in thousandths.
  std::uint32_t loss_per_1000 = 0;
  std::uint32_t repeat_per_1000 = 0;
  std::uint32_t reorder_per_1000 = 0;
  std::uint64_t bytes_per_second = 0;  // Of each direction of a link; 0: without limit.
  // Stores are compared with their promises when they are opened, as the host does. Without it a store is believed,
  // whatever a test did to it.
  bool compare_promises = false;
};

// One device: what survives a crash (store, promise, keys) and what does not (pod).
struct Device {
  Device(std::string its_name, identity::DeviceKeys its_keys, std::uint64_t seed)
      : name(std::move(its_name)), keys(std::move(its_keys)), entropy(seed) {}

  std::string name;
  identity::DeviceKeys keys;
  std::optional<identity::DeviceKeys> next;  // That it asked for, or has begun to.
  std::vector<identity::DeviceKeys> former;  // That it had before, the newest last: until they are of no use.
  std::vector<PublicKey> former_public;      // All of them.
  crypto::SeededEntropy entropy;             // Goes on across restarts, as the world does.
  store::MemoryStore store;
  std::unique_ptr<store::Store> made_store;  // In its place, where the options make one.
  store::Store& disk() { return made_store ? *made_store : store; }
  std::optional<store::Promise> promise;

  std::optional<Pod> pod;
  std::uint64_t life = 0;  // Counts restarts.
  std::optional<Tick> wake_at;
  std::deque<Persist> writes;  // Handed to the disk, not durable yet.
  std::vector<Notice> notices;
  bool stopped = false;  // It was told to stop: it was removed.
  bool wiped = false;

  std::uint64_t wall_offset_ms = 0;        // Of its wall clock, modulo 2^64.
  std::int32_t drift_ppm = 0;              // How much faster its clock runs than the world's.
  std::optional<Duration> disk_delay_max;  // None: the network's.
  bool paused = false;                     // The process stands still; what falls due waits in `deferred`.
  std::deque<std::function<void()>> deferred;
  bool reopening = false;
};

class Network {
 public:
  explicit Network(std::uint64_t seed, NetworkOptions options = {});
  NetworkOptions& options() { return options_; }

  // --- Devices
  // The first device of a new pod. Returns 0.
  std::size_t found(std::string name = "laptop");
  // A new device, paired by `inviter`, which says yes. Returns its number; asserts that it comes about.
  std::size_t add(std::size_t inviter, std::string name, log::DeviceKind kind = log::DeviceKind::personal);
  // The same, where it may not come about: the inviter's disk is full, say, or its process ends meanwhile.
  std::optional<std::size_t> try_add(std::size_t inviter, std::string name, log::DeviceKind kind);
  // A new device that proves `paper` to `member` and is its guest from then on. Nothing where the member does not let
  // it in. `again`: a device that tried before and whose process has ended. `end_guest` ends that connection; from then
  // on it is dialled as a device.
  std::optional<std::size_t> recovering(std::size_t member, std::string name, const identity::PaperKey& paper,
                                        std::optional<std::size_t> again = std::nullopt);
  void end_guest(std::size_t device, std::size_t member) { disconnect(device, member); }
  std::size_t size() const { return devices_.size(); }
  Device& device(std::size_t i) { return *devices_[i]; }
  Pod& pod(std::size_t i) { return *devices_[i]->pod; }
  bool alive(std::size_t i) const { return devices_[i]->pod.has_value(); }
  const PublicKey& key(std::size_t i) const { return devices_[i]->keys.public_key(); }
  const identity::PaperKey& paper() const { return *paper_; }

  // A machine with a copy of that device's folder, which does not run yet. Returns its number.
  std::size_t copy(std::size_t i);
  // The device asks for another key, as the host does: drawn and kept first. Errors: those of Pod::rotate_key.
  Result<pod::Outcome> rotate(std::size_t i, const identity::PaperKey* paper = nullptr);

  // --- What goes wrong
  // The process ends: batches that the disk has not committed are lost, but for as many as `committed_first`.
  void crash(std::size_t i, std::size_t committed_first = 0);
  // Opens the device again. Errors: those of Pod::open.
  Status restart(std::size_t i);
  void cut(std::size_t a, std::size_t b);
  void heal(std::size_t a, std::size_t b);
  void heal_all();
  bool connected(std::size_t a, std::size_t b) const;
  // Nothing of one arrives at the other until it is unblocked; then all of it does, in order.
  void block(std::size_t from, std::size_t to);
  void unblock(std::size_t from, std::size_t to);
  void pause(std::size_t i);
  void resume(std::size_t i);

  // --- Time
  Now now() const { return {now_, UnixMs{1'700'000'000'000 + now_.us / 1000 + wall_offset_ms_}}; }
  // The same as that device's own clocks have it.
  Now now_of(std::size_t i) const;
  // Every device's wall clock is off by that much from now on. May be negative.
  void set_wall_clocks(std::int64_t offset_ms) { wall_offset_ms_ = static_cast<std::uint64_t>(offset_ms); }
  // The machines sleep, or the test does: everything that fell due happens afterwards.
  void sleep(Duration duration) { now_ = now_ + duration; }
  void run(Duration duration);
  // Runs until `done`, at most `limit`. Returns whether it came about.
  bool run_until(const std::function<bool()>& done, Duration limit = seconds(60));
  // Until all that live and are not stopped have the same frontier, and every event is committed everywhere.
  bool converge(Duration limit = seconds(60));
  // After commands: carries out what the pod wants.
  void pump(std::size_t i);

  // --- What was seen
  // Every frame handed to a link: from, to, channel, bytes.
  std::function<void(std::size_t, std::size_t, Channel, ByteView)> on_frame;
  // May change or, by returning false, lose a frame.
  std::function<bool(std::size_t, std::size_t, Channel, Bytes&)> filter;
  // After a device has carried out what it wanted: for checkers.
  std::function<void(std::size_t)> after_step;
  // A disk did not confirm a write: the process ends, as the daemon does.
  std::function<void(std::size_t, const Error&)> on_disk_error;
  // Whether a frame waits until it is released. Those that don't pass it by.
  std::function<bool(std::size_t, std::size_t, Channel, ByteView)> hold;
  // Delivers the first frame that is held from one to the other, now. Returns whether there was one.
  bool release(std::size_t from, std::size_t to);
  Random& random() { return random_; }
  bool has_converged() const;
  // What every device thinks, for a failure's message.
  std::string describe();

 private:
  struct Connection {
    std::uint64_t id = 0;
    Tick last[2];                     // When the last frame of either direction arrives.
    std::optional<std::size_t> host;  // The other end is this one's guest.
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  static Pair pair_of(std::size_t a, std::size_t b) { return a < b ? Pair{a, b} : Pair{b, a}; }

  Status open(std::size_t i);
  void keep_first_promise(Device& device) const;
  void keep_promise(Device& device, const store::Promise& promise) const;
  void schedule(Tick at, std::function<void()> action);
  Tick draw(Duration delay_max);
  void dial();
  void connect(std::size_t a, std::size_t b);
  void disconnect(std::size_t a, std::size_t b);
  void send(std::size_t from, Send send);
  void write(std::size_t i, Persist persist);
  void schedule_commit(std::size_t i);
  void commit_next(std::size_t i);
  void reopen(std::size_t i);
  bool take_next_key(std::size_t i);
  void deliver(std::size_t from, std::size_t to, std::uint64_t connection, const Send& sent);
  // Now, or once its process goes on.
  void when_running(std::size_t i, std::function<void()> action);
  Tick world_tick(const Device& device, Tick own) const;
  std::optional<std::size_t> find(const PublicKey& key) const;

  NetworkOptions options_;
  Random random_;
  crypto::SeededEntropy entropy_;
  std::optional<identity::PaperKey> paper_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::map<Pair, Connection> connections_;
  std::set<Pair> cuts_;
  std::set<Pair> blocked_;                 // From, to.
  std::map<Pair, std::deque<Send>> held_;  // From, to.
  std::map<std::pair<Tick, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t next_event_ = 0;
  std::uint64_t next_connection_ = 1;
  Tick now_{1'000'000};
  std::uint64_t wall_offset_ms_ = 0;  // Modulo 2^64.
  // Of the pairing under way: what the inviter sends to the newcomer.
  std::deque<Bytes> to_newcomer_;
  bool newcomer_closed_ = false;
};

}  // namespace rz::sim
