#include "host/daemon/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "crypto/initialise.h"
#include "host/api/api.h"
#include "host/daemon/clock.h"
#include "host/daemon/daemon_impl.h"
#include "host/log/logger.h"
#include "identity/pairing.h"

namespace rz::host {

namespace asio = boost::asio;

namespace {

constexpr const char* pairing_protocol = "/rhizome/pairing/1";
constexpr std::size_t pairing_streams_max = 16;

}  // namespace

Daemon::Daemon(asio::io_context& io, DaemonOptions options)
    : io_(io), options_(std::move(options)), files_{options_.folder}, impl_(std::make_unique<Impl>(io)) {}

Daemon::~Daemon() {
  if (committer_) committer_->drain();
  if (http_) files_.forget_where();  // Else it may be that of another process.
}

Result<std::unique_ptr<Daemon>> Daemon::start(asio::io_context& io, DaemonOptions options) {
  std::unique_ptr<Daemon> daemon(new Daemon(io, std::move(options)));
  RZ_CHECK(daemon->open());
  RZ_CHECK(daemon->listen());
  RZ_CHECK(daemon->serve());
  daemon->look_at_disk();
  daemon->pump();
  daemon->dial();
  log_event(LogLevel::info, "started",
            {{"device", daemon->pod_->self()},
             {"http", std::uint64_t{daemon->http_port()}},
             {"pid", std::uint64_t(::getpid())}});
  return daemon;
}

Status Daemon::open() {
  RZ_CHECK(crypto::initialise());
  started_ = now().tick;
  auto keys = files_.read_keys();
  if (!keys && keys.error().code == ErrorCode::not_found) {
    return rz::fail(ErrorCode::not_found, words("there is no pod in ", files_.folder,
                                                ": `rhizome init` makes one, `rhizome "
                                                "join CODE` adds this device to one"));
  }
  if (!keys) return std::unexpected(keys.error());
  SqliteStore::Options store_options;
  store_options.folder = files_.folder;
  RZ_TRY(device_store_, DeviceStore::open(store_options, entropy_));
  RZ_TRY(token_, files_.api_token(entropy_));
  RZ_CHECK(open_pod());
  // Its key has a successor that is here, and the process ended before that took its place. A chain of them is as long
  // as the keys that wait for it: one.
  if (const std::optional<crypto::PublicKey> successor = pod_->successor()) {
    RZ_TRY(const bool is_here, files_.has_next_key(*successor));
    if (is_here) {
      pod_.reset();
      RZ_CHECK(files_.take_next_keys());
      RZ_CHECK(open_pod());
      log_event(LogLevel::info, "this device has another key", {{"device", pod_->self()}});
    }
  }
  const crypto::PublicKey self = pod_->self();
  committer_ = std::make_unique<GroupCommitter>(
      *device_store_.store, *device_store_.promise,
      [this](std::function<void()> call) { asio::post(io_, std::move(call)); },
      [this](std::optional<Error> condition) {
        if (condition) {
          log_event(LogLevel::warn, "nothing can be saved", {{"code", *condition}});
        } else if (held_up_) {
          log_event(LogLevel::info, "saving goes on");
        }
        held_up_ = std::move(condition);
      });
  links_ = std::make_unique<Links>(*transport_, self, link_handlers());
  recoveries_ = std::make_unique<RecoveryServer>(*transport_, *pod_, [this] { pump(); });
  transport_->handle(pairing_protocol, [this](const StreamPtr& stream) { serve_pairing(stream); });
  return {};
}

Status Daemon::open_pod() {
  RZ_TRY(identity::DeviceKeys keys, files_.read_keys());
  RZ_TRY(std::vector<identity::DeviceKeys> former, files_.former_keys());
  TransportOptions transport_options;
  transport_options.idle_probe = options_.idle_probe;
  RZ_TRY(transport_, Transport::make(io_, keys.signing_key(), std::move(transport_options)));
  pod::Options pod_options;
  pod_options.name = options_.name;
  std::array<std::uint8_t, 8> seed{};
  entropy_.fill(seed);
  std::memcpy(&pod_options.seed, seed.data(), sizeof pod_options.seed);
  RZ_TRY(pod::Pod opened,
         pod::Pod::open(std::move(pod_options), std::move(keys), *device_store_.store,
                        {device_store_.standing, device_store_.promise->newest()}, entropy_, now(), std::move(former)));
  pod_.emplace(std::move(opened));
  return {};
}

Result<pod::Outcome> Daemon::rotate_key(const identity::PaperKey* paper) {
  RZ_TRY(const identity::DeviceKeys next, files_.next_keys(entropy_));
  return pod_->rotate_key(now(), next, paper);
}

// False: the key is not here, so this device was removed.
bool Daemon::begin_anew_with(const crypto::PublicKey& next) {
  const auto is_here = files_.has_next_key(next);
  if (!is_here || !*is_here || !reopen_) return false;
  log_event(LogLevel::info, "begins anew with another key", {{"device", next}});
  // Not at once: who asked for it is still being answered.
  impl_->anew.expires_after(std::chrono::milliseconds(100));
  impl_->anew.async_wait([this](const boost::system::error_code& error) {
    if (!error && reopen_) std::exchange(reopen_, {})();
  });
  return true;
}

Status Daemon::serve() {
  api_ = std::make_unique<Api>(*this);
  HttpOptions http;
  http.port = options_.http_port;
  http.token = token_;
  http.static_root = options_.static_root;
  RZ_TRY(http_, HttpServer::start(io_, std::move(http), api_->handlers()));
  return files_.tell_where(http_->port());
}

std::string Daemon::url() const { return page_url(http_->port(), token_); }

std::uint16_t Daemon::http_port() const { return http_->port(); }

std::uint64_t Daemon::uptime_ms() const { return static_cast<std::uint64_t>((now().tick - started_).us) / 1000; }

Result<std::string> Daemon::join_link(const identity::JoinSecret& secret) const {
  identity::JoinLink link;
  link.secret = secret;
  link.inviter = *transport_->local_peer().key();
  link.addresses = addresses();
  link.addresses.resize(std::min(link.addresses.size(), identity::join_link_addresses_max));
  return identity::format_join_link(link);
}

// --- The pod's output ------------------------------------------------------------------------------------------------

void Daemon::pump() {
  if (pumping_) return;
  pumping_ = true;
  asio::post(io_, [this] {
    pumping_ = false;
    carry_out();
  });
}

void Daemon::carry_out() {
  if (!pod_) return;
  pod::Output out = pod_->take_output(now());
  if (out.persist) {
    const std::uint64_t ticket = out.persist->ticket;
    const Status queued =
        committer_->submit(std::move(out.persist->batch), out.persist->promise, [this, ticket](const Status& done) {
          if (!done) return fail(done.error());
          if (!pod_) return;
          pod_->persisted(now(), ticket);
          look_at_disk();
          note_repaired();
          pump();
        });
    if (!queued) return fail(queued.error());
  }
  for (const pod::Send& send : out.send) {
    if (!recoveries_->send(send.to, send.channel, send.frame)) links_->send(send.to, send.channel, send.frame);
  }
  for (const identity::Inviter::Send& send : out.pairing_send) {
    const auto stream = pairing_.find(send.connection.value);
    if (stream != pairing_.end()) (void)stream->second->send_frame(send.bytes);
  }
  for (const identity::ConnectionId id : out.pairing_close) {
    const auto stream = pairing_.find(id.value);
    if (stream != pairing_.end()) stream->second->close();
  }
  for (const pod::Output::Close& close : out.close) {
    links_->close(close.device);
    recoveries_->close(close.device);
  }
  for (const identity::ConnectionId stream : out.guest_reset) recoveries_->reset(stream);
  watch_pairing(out.notices);
  api_->notify(out.notices);
  if (out.vetoed) {
    return fail(Error{ErrorCode::not_a_device,
                      "the other devices of this pod have vetoed the recovery that made this one a device: it takes no "
                      "further part"});
  }
  if (out.former_keys_done) files_.drop_former_keys();
  const bool begins_anew = out.must_rotate && begin_anew_with(*out.must_rotate);
  if (out.must_wipe && !begins_anew) {
    files_.drop_keys();
    files_.drop_paper();
  }
  if (out.must_stop && !begins_anew) {
    return fail(Error{ErrorCode::not_a_device,
                      out.must_wipe
                          ? "this device was removed from the pod: its key is deleted, and what it stored can "
                            "no longer be read here"
                          : "this device was removed from the pod by a recovery with the paper key: it keeps "
                            "its key for 72 hours, in which that can be undone"});
  }
  if (out.must_reopen && reopen_) {
    log_event(LogLevel::warn, "a damaged record was found: the store is opened again");
    asio::post(io_, std::exchange(reopen_, {}));
  }
  if (out.wake_at) {
    const Duration wait = *out.wake_at - now().tick;
    impl_->wake.expires_after(std::chrono::microseconds(std::max<std::int64_t>(wait.us, 0)));
    impl_->wake.async_wait([this](const boost::system::error_code& error) {
      if (error || !pod_) return;
      pod_->tick(now());
      pump();
    });
  }
}

// How full the disk is, for the owner of the pod to see on every device: after commits, but not after each.
void Daemon::look_at_disk() {
  constexpr Duration every = seconds(5);
  if (disk_looked_at_ && now().tick - *disk_looked_at_ < every) return;
  disk_looked_at_ = now().tick;
  std::error_code error;
  const auto space = std::filesystem::space(files_.folder, error);
  if (!error) pod_->set_room(now(), {device_store_.store->size_bytes(), space.available});
}

// What the store was behind of has come back from the others: the promise says so, or the next start would begin to
// mend all over again, and without others in reach this device would never decide on anything any more.
void Daemon::note_repaired() {
  if (store::may_promise(device_store_.standing)) return;
  const raft::Raft* order = pod_->order();
  if (order == nullptr || order->is_damaged()) return;
  committer_->drain();
  if (const Status done = device_store_.repaired(*device_store_.promise->newest()); !done) return fail(done.error());
  log_event(LogLevel::info, "what the disk had lost is here again");
}

void Daemon::fail(const Error& error) {
  log_event(LogLevel::error, "can't go on", {{"code", error}});
  if (fatal_) std::exchange(fatal_, {})(error);
}

// --- Pairing: the inviter's side -------------------------------------------------------------------------------------

void Daemon::serve_pairing(const StreamPtr& stream) {
  const ConnectionPtr connection = stream->connection();
  if (connection == nullptr || !connection->remote_key() || pairing_.size() >= pairing_streams_max)
    return stream->reset();
  const auto exporter = connection->export_keying_material(identity::pairing_exporter_label, {}, 32);
  if (!exporter) return stream->reset();
  const identity::PairingPeer peer{identity::ConnectionId{connection->id()}, *identity::Exporter::from(*exporter),
                                   *connection->remote_key()};
  pairing_[connection->id()] = stream;
  stream->on_frame([this, peer](ByteView frame) {
    pod_->pairing(now(), identity::Inviter::Message{peer, to_bytes(frame)});
    pump();
  });
  const auto gone = [this, peer] {
    if (pairing_.erase(peer.connection.value) == 0 || !pod_) return;
    pod_->pairing(now(), identity::Inviter::Disconnected{peer.connection});
    pump();
  };
  stream->on_remote_closed(gone);
  stream->on_closed([gone](const Status&) { gone(); });
}

// --- The end ---------------------------------------------------------------------------------------------------------

void Daemon::stop(std::function<void()> done) {
  if (stopping_) return;
  stopping_ = true;
  log_event(LogLevel::info, "stopping");
  pod_->prepare_to_stop(now());
  carry_out();
  committer_->drain();
  http_->stop();
  network_watch_.reset();
  finder_.reset();
  transport_->close();
  impl_->wake.cancel();
  impl_->dial.cancel();
  impl_->anew.cancel();
  impl_->goodbye.expires_after(std::chrono::milliseconds(100));
  impl_->goodbye.async_wait([done = std::move(done)](const boost::system::error_code&) { done(); });
}

}  // namespace rz::host
