// A recorded session of several typists through whole devices in one process: real pods on SQLite stores, paired as a
// person's are, exchanging their real frames under a virtual clock. tools/replay.py hands the trace over and judges.
//
// Where every device's share of the trace stands in one line (each of its transactions knows all before), a device is
// held at exactly the version that a transaction was typed on: frames with events wait until that version holds them.
// Otherwise positions are carried over to the text that all devices have by then (replay_merge.h).
//
// usage: rhizome-replay DEVICES FOLDER < TRACE
// TRACE: "transactions\n", then for each "agent parents p... patches\n" and for each patch "position deleted bytes\n"
// and those bytes, "\n". Ends with a line of JSON: {"exact", "edits", "cpu_ms", "sha256": [each device's]}.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <map>
#include <set>

#include "crypto/sha256.h"
#include "host/entropy.h"
#include "host/store/sqlite_store.h"
#include "replay_merge.h"
#include "sim/network.h"
#include "sync/messages.h"

namespace rz::replay {
namespace {

using sim::Network;

struct Txn {
  std::uint32_t agent = 0;
  std::size_t device = 0;
  std::vector<std::uint32_t> parents;
  std::vector<Change> changes;
};

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "rhizome-replay: %s\n", why.c_str());
  std::exit(1);
}

std::vector<Txn> read_trace(std::istream& in, std::size_t devices) {
  std::size_t count = 0;
  if (!(in >> count) || count > 10'000'000) die("the trace does not say how many transactions it has");
  std::vector<Txn> txns(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Txn& txn = txns[i];
    std::size_t parents = 0;
    std::size_t patches = 0;
    in >> txn.agent >> parents;
    for (std::size_t n = 0; n < parents && in; ++n) {
      std::uint32_t parent = 0;
      in >> parent;
      if (parent >= i) die("a transaction whose parent comes later");
      txn.parents.push_back(parent);
    }
    in >> patches;
    for (std::size_t n = 0; n < patches && in; ++n) {
      Change change;
      std::size_t bytes = 0;
      in >> change.position >> change.removed >> bytes;
      in.get();
      if (bytes > 64u * 1024 * 1024) die("a patch of more than 64 MiB");
      change.inserted.resize(bytes);
      in.read(change.inserted.data(), static_cast<std::streamsize>(bytes));
      txn.changes.push_back(std::move(change));
    }
    if (!in) die("the trace breaks off");
    txn.device = txn.agent % devices;
  }
  return txns;
}

// How many transactions of each device a transaction knows, itself not counted; none where some device would have to
// stand at two versions at once.
using Clock = std::vector<std::uint32_t>;
std::optional<std::vector<Clock>> clocks_of(const std::vector<Txn>& txns, std::size_t devices) {
  std::vector<Clock> clocks;
  std::vector<std::uint32_t> place(txns.size());  // Among those of its device.
  Clock so_far(devices, 0);
  for (std::size_t i = 0; i < txns.size(); ++i) {
    Clock clock(devices, 0);
    for (const std::uint32_t parent : txns[i].parents) {
      for (std::size_t each = 0; each < devices; ++each) clock[each] = std::max(clock[each], clocks[parent][each]);
      std::uint32_t& known = clock[txns[parent].device];
      known = std::max(known, place[parent] + 1);
    }
    if (clock[txns[i].device] != so_far[txns[i].device]) return std::nullopt;
    place[i] = so_far[txns[i].device]++;
    clocks.push_back(std::move(clock));
  }
  return clocks;
}

class Replay {
 public:
  Replay(std::vector<Txn> txns, std::size_t devices, const std::string& folder);
  void run();

 private:
  void type(std::size_t device, const std::vector<Change>& changes);
  void close(std::size_t device);
  void meet(const std::function<bool()>& done, const char* what);
  void note_admitted(std::size_t device);
  void run_exact(const std::vector<Clock>& clocks);
  void bring(std::size_t device, const Clock& clock);
  void run_carried();
  void hand_over(std::size_t from, std::size_t to);

  std::vector<Txn> txns_;
  host::SystemEntropy entropy_;
  std::unique_ptr<Network> net_;
  log::StreamId document_;
  std::uint64_t edits_ = 0;
  std::vector<std::set<log::EventId>> admitted_;  // By device.
  // By device: after how many of its transactions an event was closed for others, which, and the transaction's number.
  struct Closed {
    std::size_t txn = 0;
    std::size_t device = 0;
    std::uint32_t count = 0;
    log::EventId event;
  };
  std::vector<Closed> closed_;                       // In the trace's order.
  std::vector<std::vector<std::uint32_t>> brought_;  // To, from: how many transactions.
  std::vector<std::size_t> looked_at_;               // To: closed_ below is there.
};

Replay::Replay(std::vector<Txn> txns, std::size_t devices, const std::string& folder) : txns_(std::move(txns)) {
  sim::NetworkOptions options;
  options.group_commits = true;
  options.make_store = [this, folder](const std::string& name) -> std::unique_ptr<store::Store> {
    auto opened = host::SqliteStore::open({.folder = folder + "/" + name}, entropy_);
    if (!opened) die(opened.error().to_string());
    return *std::move(opened);
  };
  net_ = std::make_unique<Network>(1, std::move(options));
  net_->found("laptop");
  const char* names[] = {"laptop", "phone", "tablet"};
  for (std::size_t i = 1; i < devices; ++i) net_->add(0, names[i]);
  if (!net_->converge()) die("the devices did not come together");
  // Provisional tails are shown among the closed text: positions of a trace know nothing of them.
  net_->filter = [](std::size_t, std::size_t, pod::Channel channel, Bytes&) { return channel != pod::Channel::live; };
  const auto made = net_->pod(0).create_document(net_->now(), "Replayed", "");
  if (!made) die(made.error().to_string());
  document_ = *made;
  net_->pump(0);
  if (!net_->converge()) die("the document did not reach all devices");
  admitted_.resize(devices);
  brought_.assign(devices, std::vector<std::uint32_t>(devices, 0));
  looked_at_.assign(devices, 0);
}

void Replay::type(std::size_t device, const std::vector<Change>& changes) {
  std::vector<pod::TextEdit> edits;
  for (const Change& change : changes) edits.push_back({change.position, change.removed, change.inserted});
  const auto done = net_->pod(device).edit_text(net_->now(), document_, edits);
  if (!done) die(words("an edit was refused: ", done.error().to_string()));
}

void Replay::close(std::size_t device) {
  net_->pod(device).flush(net_->now());
  net_->pump(device);
}

void Replay::meet(const std::function<bool()>& done, const char* what) {
  for (int i = 0; !done(); ++i) {
    if (i == 200'000) die(words("it did not come to ", what, net_->describe()));
    net_->run(milliseconds(1));
  }
}

void Replay::note_admitted(std::size_t device) {
  for (const pod::Notice& notice : net_->device(device).notices) {
    const auto* admitted = std::get_if<pod::Admitted>(&notice);
    if (admitted == nullptr || admitted->stream != document_) continue;
    for (std::uint32_t i = admitted->begin; i < admitted->end; ++i) {
      admitted_[device].insert(net_->pod(device).event(document_, i).id);
    }
  }
  net_->device(device).notices.clear();
}

// --- At exactly the version that each was typed on -------------------------------------------------------------------

void Replay::run_exact(const std::vector<Clock>& clocks) {
  const std::size_t devices = net_->size();
  std::vector<std::set<std::uint32_t>> wanted(devices);  // After how many transactions of it somebody else goes on.
  std::vector<bool> types(devices, false);
  for (std::size_t i = 0; i < txns_.size(); ++i) {
    types[txns_[i].device] = true;
    for (std::size_t each = 0; each < devices; ++each) {
      if (each != txns_[i].device) wanted[each].insert(clocks[i][each]);
    }
  }
  net_->hold = [this, types](std::size_t, std::size_t to, pod::Channel channel, ByteView frame) {
    if (channel != pod::Channel::sync || !types[to]) return false;
    const auto message = sync::decode(frame);
    const auto* events = message ? std::get_if<sync::Events>(&*message) : nullptr;
    return events != nullptr && events->stream == document_;
  };
  std::vector<std::uint32_t> count(devices, 0);
  for (std::size_t i = 0; i < txns_.size(); ++i) {
    const Txn& txn = txns_[i];
    bring(txn.device, clocks[i]);
    type(txn.device, txn.changes);
    edits_ += txn.changes.size();
    if (!wanted[txn.device].contains(++count[txn.device])) continue;
    close(txn.device);
    note_admitted(txn.device);
    for (const log::StreamHeads& heads : net_->pod(txn.device).frontier()) {
      if (heads.stream != document_) continue;
      if (heads.heads.size() != 1) die("an event that does not name all that its device has");
      closed_.push_back({i, txn.device, count[txn.device], heads.heads.front()});
    }
    net_->run(microseconds(200));
  }
  net_->hold = nullptr;
  for (std::size_t from = 0; from < devices; ++from) {
    for (std::size_t to = 0; to < devices; ++to) {
      while (from != to && net_->release(from, to)) net_->device(to).notices.clear();
    }
  }
}

// Delivers what the clock knows and the device lacks, in the trace's order: each event after what it names.
void Replay::bring(std::size_t device, const Clock& clock) {
  bool lacks = false;
  for (std::size_t from = 0; from < clock.size(); ++from) {
    lacks = lacks || (from != device && brought_[device][from] < clock[from]);
  }
  if (!lacks) return;
  std::vector<std::uint32_t>& brought = brought_[device];
  for (std::size_t i = looked_at_[device]; i < closed_.size(); ++i) {
    const Closed& closed = closed_[i];
    if (closed.device == device || closed.count <= brought[closed.device]) {
      if (i == looked_at_[device]) ++looked_at_[device];
      continue;
    }
    if (closed.count > clock[closed.device]) continue;
    for (int tries = 0; !admitted_[device].contains(closed.event); ++tries) {
      if (!net_->release(closed.device, device)) {
        if (tries > 100'000) die("an event did not come");
        net_->run(milliseconds(1));  // Its frame waits for a window or for the disk.
      }
      note_admitted(device);
    }
    brought[closed.device] = closed.count;
    if (i == looked_at_[device]) ++looked_at_[device];
  }
}

// --- Carried over ----------------------------------------------------------------------------------------------------

void Replay::hand_over(std::size_t from, std::size_t to) {
  close(from);
  const auto heads_of = [this](std::size_t device) {
    for (log::StreamHeads& heads : net_->pod(device).frontier()) {
      if (heads.stream == document_) return std::move(heads.heads);
    }
    return std::vector<log::EventId>{};
  };
  const auto heads = heads_of(from);
  meet([&] { return heads_of(to) == heads; }, "the next device");
  for (std::size_t i = 0; i < net_->size(); ++i) net_->device(i).notices.clear();
}

void Replay::run_carried() {
  std::vector<std::uint32_t> agents;
  for (const Txn& txn : txns_) agents.push_back(txn.agent);
  Merge merge(std::move(agents));
  std::vector<Merge::TxnSet> known;  // By transaction: its past and itself.
  // By agent: its last transaction, the text as it saw it then, and what it did not know.
  struct Seat {
    std::uint32_t last = 0;
    Merge::View view;
    Merge::TxnSet unseen;
  };
  std::map<std::uint32_t, Seat> seats;
  std::optional<std::size_t> last;
  for (std::uint32_t i = 0; i < txns_.size(); ++i) {
    const Txn& txn = txns_[i];
    Merge::TxnSet past(i + 1, false);
    for (const std::uint32_t parent : txn.parents) {
      for (std::size_t n = 0; n < known[parent].size(); ++n) past[n] = past[n] || known[parent][n];
    }
    Seat seat;
    const auto seated = seats.find(txn.agent);
    if (seated != seats.end() && txn.parents == std::vector<std::uint32_t>{seated->second.last}) {
      seat = std::move(seated->second);  // It went on typing, and still knows nothing of the others.
      const std::size_t before = seat.unseen.size();
      seat.unseen.resize(i, true);
      if (before <= seat.last) seat.unseen[seat.last] = false;
    } else {
      seat.unseen.assign(i, false);
      for (std::uint32_t n = 0; n < i; ++n) seat.unseen[n] = !past[n];
      seat.view = merge.view(seat.unseen);
    }
    std::vector<Change> changes;
    for (const Change& change : txn.changes) merge.apply(seat.view, seat.unseen, i, change, changes);
    seat.last = i;
    past[i] = true;
    known.push_back(std::move(past));
    seats[txn.agent] = std::move(seat);
    while (seats.size() > 8) seats.erase(seats.begin()->first == txn.agent ? std::next(seats.begin()) : seats.begin());
    if (last && *last != txn.device) hand_over(*last, txn.device);
    type(txn.device, changes);
    edits_ += txn.changes.size();
    last = txn.device;
  }
}

void Replay::run() {
  const std::clock_t began = std::clock();
  const auto clocks = clocks_of(txns_, net_->size());
  if (clocks) {
    run_exact(*clocks);
  } else {
    run_carried();
  }
  for (std::size_t i = 0; i < net_->size(); ++i) close(i);
  if (!net_->converge(seconds(600))) die(words("the devices did not become equal: ", net_->describe()));
  const auto cpu_ms = static_cast<std::uint64_t>((std::clock() - began) * 1000 / CLOCKS_PER_SEC);
  std::string hashes;
  for (std::size_t i = 0; i < net_->size(); ++i) {
    const auto text = net_->pod(i).text(document_);
    if (!text) die(text.error().to_string());
    hashes += words(i > 0 ? "\", \"" : "\"", crypto::sha256(as_bytes(*text)).hex());
  }
  std::printf("{\"exact\": %s, \"edits\": %llu, \"cpu_ms\": %llu, \"sha256\": [%s\"]}\n", clocks ? "true" : "false",
              static_cast<unsigned long long>(edits_), static_cast<unsigned long long>(cpu_ms), hashes.c_str());
}

}  // namespace
}  // namespace rz::replay

int main(int count, char** words) {
  std::size_t devices = 0;
  if (count == 3) std::from_chars(words[1], words[1] + std::strlen(words[1]), devices);
  if (devices < 1 || devices > 3) {
    std::fprintf(stderr, "usage: rhizome-replay DEVICES FOLDER < TRACE\n");
    return 2;
  }
  std::ios::sync_with_stdio(false);
  rz::replay::Replay(rz::replay::read_trace(std::cin, devices), devices, words[2]).run();
  return 0;
}
