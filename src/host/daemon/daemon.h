// The daemon: one pod's device as a process. Owns the io_context's work: store, transport, HTTP, clock; the pod itself
// is a state machine that it feeds.
//
// Threads: everything on the io_context's thread but the commits (store/group_committer.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/daemon/files.h"
#include "host/daemon/links.h"
#include "host/daemon/listening.h"
#include "host/daemon/recovery_server.h"
#include "host/discovery/finder.h"
#include "host/entropy.h"
#include "host/http/http_server.h"
#include "host/network/network_watch.h"
#include "host/store/device_store.h"
#include "host/store/group_committer.h"
#include "pod/pod.h"

namespace boost::asio {
class io_context;
}

namespace rz::host {

class Api;

struct DaemonOptions {
  std::string folder;
  std::uint16_t http_port = 4848;
  std::vector<std::string> listen;     // Multiaddrs; empty: as daemon/listening.h says.
  std::uint16_t port = 4868;           // To listen on where `listen` is empty; another if it is taken.
  bool discover = false;               // Find the pod's devices on this network, and be found by them (mDNS).
  Duration idle_probe = seconds(120);  // TransportOptions has it.
  std::string static_root;             // The built page.
  std::string name;                    // Empty: as the store says.
  std::string arrival;                 // How this device was set up a moment ago (daemon/set_up.h), as JSON.
};

class Daemon {
 public:
  // Opens the folder's pod and starts to listen. Errors: not_found (no pod), store_locked, address_in_use, and those of
  // store and transport.
  static Result<std::unique_ptr<Daemon>> start(boost::asio::io_context& io, DaemonOptions options);
  ~Daemon();

  // Saves what is open, says goodbye, closes; `done` follows within a second.
  void stop(std::function<void()> done);
  // Why the process must end by itself: a disk that can't be trusted any more, or this device was removed.
  void on_fatal(std::function<void(const Error&)> handler) { fatal_ = std::move(handler); }

  // The process is to stop this daemon and start it anew: a damaged record was found, which that mends (pod.h), or this
  // device has another key.
  void on_reopen(std::function<void()> handler) { reopen_ = std::move(handler); }

  // The page's address, with the token that opens it.
  std::string url() const;
  const DaemonOptions& options() const { return options_; }
  pod::Pod& pod() { return *pod_; }
  const DeviceFiles& files() const { return files_; }
  Transport& transport() { return *transport_; }
  const SqliteStore& store() const { return *device_store_.store; }
  GroupCommitter::Stats commits() const { return committer_->stats(); }
  // Set while the disk is full: edits are refused, reads go on.
  const std::optional<Error>& held_up() const { return held_up_; }
  // What others are told of where this device listens; where they are told nothing yet, where it listens.
  std::vector<ipld::Multiaddr> addresses() const;
  // A code is about to be drawn: whoever it is for must be able to reach this device.
  void open_to_newcomer();
  // A JoinInvitation's text for a code that was drawn: with our key and addresses.
  Result<std::string> join_link(const identity::JoinSecret& secret) const;
  std::uint16_t http_port() const;
  std::uint64_t uptime_ms() const;
  crypto::Entropy& entropy() { return entropy_; }

  // Gives this device another key, drawn and kept here first; the process begins anew with it once it counts. Errors:
  // those of Pod::rotate_key and of writing a file.
  Result<pod::Outcome> rotate_key(const identity::PaperKey* paper);

  // The pod was given something: carry out what follows, soon; or now.
  void pump();
  void settle() { carry_out(); }
  boost::asio::io_context& io() { return io_; }

 private:
  explicit Daemon(boost::asio::io_context& io, DaemonOptions options);
  Status open();
  Status open_pod();
  bool begin_anew_with(const crypto::PublicKey& next);
  Status listen();
  Status serve();
  void carry_out();
  // daemon_network.cc
  std::vector<crypto::PublicKey> other_devices() const;
  bool has_others() const;
  void watch_pairing(const std::vector<pod::Notice>& notices);
  void update_listening();
  void network_changed();
  void dial();
  void dial_soon();
  void found(const crypto::PublicKey& device, const std::vector<ipld::Multiaddr>& addresses);
  LinkHandlers link_handlers();
  void serve_pairing(const StreamPtr& stream);
  void look_at_disk();
  void note_repaired();
  void fail(const Error& error);

  struct Impl;
  boost::asio::io_context& io_;
  DaemonOptions options_;
  DeviceFiles files_;
  SystemEntropy entropy_;
  DeviceStore device_store_;
  std::unique_ptr<GroupCommitter> committer_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Links> links_;
  std::optional<Listening> listening_;
  std::unique_ptr<NetworkWatch> network_watch_;
  std::unique_ptr<Finder> finder_;
  std::optional<pod::Pod> pod_;
  std::unique_ptr<RecoveryServer> recoveries_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Impl> impl_;
  std::optional<Error> held_up_;
  std::optional<Tick> disk_looked_at_;
  std::function<void(const Error&)> fatal_;
  std::function<void()> reopen_;
  std::map<std::uint64_t, StreamPtr> pairing_;  // By connection.
  std::string token_;
  Tick started_{};
  bool pumping_ = false;
  bool dialling_ = false;  // dial_soon is under way.
  bool inviting_ = false;  // A code is open, or somebody is coming in by one.
  bool stopping_ = false;
};

}  // namespace rz::host
