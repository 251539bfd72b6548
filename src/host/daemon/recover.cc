#include "host/daemon/recover.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>

#include "crypto/initialise.h"
#include "host/daemon/clock.h"
#include "host/daemon/recovery_server.h"
#include "host/entropy.h"
#include "host/store/device_store.h"
#include "identity/recovery.h"
#include "log/genesis.h"
#include "pod/layout.h"

namespace rz::host {
namespace {

namespace asio = boost::asio;

constexpr Duration answer_within = seconds(20);
constexpr Duration halt_after = seconds(30);  // So long nothing new may come before the transfer counts as halted.
constexpr Duration announce_within = seconds(30);
constexpr Duration tell_every = milliseconds(100);
constexpr std::size_t paper_addresses_max = 12;

Result<bool> holds(const SqliteStore& store, std::string_view name) {
  RZ_TRY(const auto value, store.get(pod::singleton_key(name)));
  return value.has_value();
}

// What the folder is at the beginning.
struct Folder {
  identity::DeviceKeys keys;
  bool fresh = true;       // No store yet.
  bool recovered = false;  // The recovery is in the store; only the others may not know of it yet.
};

class Recovery {
 public:
  Recovery(const DeviceFiles& files, const identity::PaperReading& paper, const RecoverOptions& options)
      : files_(files), paper_(paper), options_(options), timer_(io_) {}

  Result<Recovered> run();

 private:
  Result<Folder> look();
  Status open_store();
  Status open_pod(ByteView genesis, const crypto::PublicKey* member);
  Status connect(const std::vector<ipld::Multiaddr>& places);
  void dial(std::size_t at);
  void knock(std::size_t at, const ConnectionPtr& connection);
  void answered(std::size_t at, ByteView frame);
  void failed(std::size_t at, const Error& why, bool refused);
  Status carry_out();
  void received(ByteView frame);
  Status fetch();
  Status finish();
  Status announce();
  // Runs the network until `done`, or nothing new for `patience`, or the connection ends.
  Status run_until(const std::function<bool()>& done, Duration patience);
  Result<Recovered> report();
  Result<Recovered> as_it_was();
  void count();

  const DeviceFiles& files_;
  const identity::PaperReading& paper_;
  const RecoverOptions& options_;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  SystemEntropy entropy_;
  std::optional<Folder> folder_;
  DeviceStore store_;
  std::optional<pod::Pod> pod_;
  std::unique_ptr<Transport> transport_;
  std::vector<ipld::Multiaddr> places_;
  std::size_t trying_ = 0;  // Which of them.
  StreamPtr stream_;
  std::optional<crypto::PublicKey> member_;
  std::optional<identity::RecoveryGrant> grant_;
  std::optional<Error> error_;
  std::optional<Error> refusal_;
  bool settled_ = false;  // Connecting has come to an end.
  bool gone_ = false;     // The member has left.
  Recovered result_;
};

Result<Folder> Recovery::look() {
  for (const std::string_view name : {"device.key", "recover.key"}) {
    auto keys = files_.read_keys(name);
    if (!keys && keys.error().code == ErrorCode::not_found) continue;
    if (!keys) return std::unexpected(keys.error());
    folder_.emplace(Folder{*std::move(keys), false, false});
    RZ_CHECK(open_store());
    RZ_TRY(folder_->recovered, holds(*store_.store, "unannounced"));
    RZ_TRY(const bool copy, holds(*store_.store, "read_only"));
    RZ_TRY(const bool broken_off, holds(*store_.store, "recovering"));
    if (name == "recover.key" || copy || broken_off || folder_->recovered) return std::move(*folder_);
    return fail(ErrorCode::pod_exists, words(files_.folder, " holds a pod already; choose another folder with --data"));
  }
  return Folder{identity::DeviceKeys::random(entropy_), true, false};
}

Status Recovery::open_store() {
  if (store_.store) return {};
  SqliteStore::Options options;
  options.folder = files_.folder;
  RZ_TRY(store_, DeviceStore::open(options, entropy_));
  return {};
}

Status Recovery::open_pod(ByteView genesis, const crypto::PublicKey* member) {
  RZ_CHECK(files_.prepare());
  if (folder_->fresh) RZ_CHECK(files_.write_keys(folder_->keys, "recover.key"));
  RZ_CHECK(open_store());
  pod::Options options;
  options.name = options_.name;
  if (!folder_->recovered) {
    RZ_TRY(const store::Batch batch, pod::Pod::recovering(*store_.store, genesis, member, options, entropy_));
    RZ_CHECK(store_.store->commit(batch));
    store::Promise promise = store_.promise->newest().value_or(store::Promise{});
    promise.store_id = store_.store->id();
    promise.transaction = store_.store->transaction();
    RZ_CHECK(store_.promise->write(promise));
  }
  RZ_TRY(pod::Pod opened, pod::Pod::open(std::move(options), identity::DeviceKeys(folder_->keys.secret().clone()),
                                         *store_.store, {store_.standing, store_.promise->newest()}, entropy_, now()));
  pod_.emplace(std::move(opened));
  return carry_out();
}

// --- Connecting ------------------------------------------------------------------------------------------------------

Status Recovery::connect(const std::vector<ipld::Multiaddr>& places) {
  places_ = places;
  RZ_TRY(transport_, Transport::make(io_, folder_->keys.signing_key()));
  dial(0);
  while (!settled_ && io_.run_one() > 0) {}
  timer_.cancel();
  if (grant_) return {};
  if (refusal_) {
    return fail(
        ErrorCode::recovery_wrong_key,
        "who answered lets nobody in with this paper: the words are of another pod, or of an older paper (each "
        "is good for one recovery; the next one was shown then), or what answered there is none of your devices");
  }
  return fail(ErrorCode::not_reachable,
              words("none of your devices can be reached. The last try: ", error_ ? error_->message : "no answer",
                    ". Is `rhizome up` running there? Another address is tried with --at MULTIADDR"));
}

void Recovery::failed(std::size_t at, const Error& why, bool refused) {
  if (settled_ || at != trying_) return;  // What an attempt leaves behind has no say any more.
  timer_.cancel();
  if (refused) refusal_ = why;
  error_ = Error{why.code, words(places_[at].to_string(), ": ", why.message)};
  if (stream_) stream_->reset();
  stream_.reset();
  settled_ = ++trying_ == places_.size();
  if (!settled_) dial(trying_);
}

void Recovery::dial(std::size_t at) {
  if (options_.dialling) options_.dialling(places_[at].to_string());
  transport_->dial(places_[at], std::nullopt, [this, at](Result<ConnectionPtr> connection) {
    if (!connection) return failed(at, connection.error(), false);
    knock(at, *connection);
  });
}

void Recovery::knock(std::size_t at, const ConnectionPtr& connection) {
  connection->open_stream(recovery_protocol, [this, at, connection](Result<StreamPtr> stream) {
    if (at != trying_) return;
    if (!stream) return failed(at, stream.error(), true);
    const auto exporter = connection->export_keying_material(identity::recovery_exporter_label, {}, 32);
    if (!exporter || !connection->remote_key()) {
      return failed(at, Error{ErrorCode::transport_tls, "the connection can't be used for a recovery"}, false);
    }
    stream_ = *stream;
    member_ = *connection->remote_key();
    const identity::RecoveryChannel channel{*identity::Exporter::from(*exporter), folder_->keys.public_key(), *member_};
    stream_->on_frame([this, at](ByteView frame) {
      if (pod_) return received(frame);
      if (!grant_) answered(at, frame);
    });
    stream_->on_closed([this, at](const Status&) {
      gone_ = grant_.has_value();
      if (!grant_) failed(at, Error{ErrorCode::recovery_wrong_key, "not let in"}, true);
    });
    stream_->on_remote_closed([this, at] {
      gone_ = grant_.has_value();
      if (!grant_) failed(at, Error{ErrorCode::recovery_wrong_key, "not let in"}, true);
    });
    (void)stream_->send_frame(
        identity::encode_recovery_request(identity::make_recovery_request(paper_.key, *paper_.did, channel)));
    timer_.expires_after(std::chrono::microseconds(answer_within.us));
    timer_.async_wait([this, at](const boost::system::error_code& error) {
      if (!error) failed(at, Error{ErrorCode::transport_timeout, "no answer"}, false);
    });
  });
}

void Recovery::answered(std::size_t at, ByteView frame) {
  auto grant = identity::decode_recovery_grant(frame);
  if (!grant) return failed(at, grant.error(), true);
  if (const Status right = identity::check_recovery_grant(*grant, *paper_.did); !right) {
    return failed(at, right.error(), true);
  }
  grant_ = *std::move(grant);
  stream_->pause_reading();  // Until the pod is open.
  settled_ = true;
}

// --- Fetching --------------------------------------------------------------------------------------------------------

// What the pod wants: first durable, then said.
Status Recovery::carry_out() {
  for (;;) {
    pod::Output out = pod_->take_output(now());
    if (out.persist) {
      RZ_CHECK(store_.store->commit(out.persist->batch));
      out.persist->promise.store_id = store_.store->id();
      out.persist->promise.transaction = store_.store->transaction();
      RZ_CHECK(store_.promise->write(out.persist->promise));
      pod_->persisted(now(), out.persist->ticket);
    }
    for (const pod::Send& send : out.send) {
      if (stream_ && member_ && send.to == *member_ && send.channel == pod::Channel::sync) {
        (void)stream_->send_frame(send.frame);
      }
    }
    for (const pod::Output::Close& close : out.close) {
      if (member_ && close.device == *member_) error_ = close.why;
    }
    if (!out.persist) break;
  }
  return {};
}

void Recovery::received(ByteView frame) {
  if (error_) return;
  pod_->received(now(), *member_, pod::Channel::sync, frame);
  if (Status done = carry_out(); !done) error_ = done.error();
}

void Recovery::count() {
  const pod::RecoveryProgress progress = pod_->recovery_progress(*member_);
  result_.events = progress.events;
  result_.events_missing = progress.events_missing;
}

Status Recovery::run_until(const std::function<bool()>& done, Duration patience) {
  Tick told{};
  Tick moved = now().tick;
  std::uint64_t events = 0;
  while (!done()) {
    if (error_) return std::unexpected(*error_);
    if (gone_) return fail(ErrorCode::transport_closed, "the other device ended the connection");
    const Tick tick = now().tick;
    const pod::RecoveryProgress progress = pod_->recovery_progress(*member_);
    if (progress.events != events) {
      events = progress.events;
      moved = tick;
    }
    if (tick - moved >= patience) return fail(ErrorCode::transport_timeout, "nothing new came any more");
    if (options_.progress && tick - told >= tell_every) {
      told = tick;
      options_.progress(progress);
    }
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
    pod_->tick(now());
    RZ_CHECK(carry_out());
  }
  return {};
}

Status Recovery::fetch() {
  error_.reset();
  pod_->connected(now(), *member_);
  RZ_CHECK(carry_out());
  stream_->resume_reading();
  const Status done = run_until([this] { return pod_->recovery_progress(*member_).complete(); },
                                options_.partial ? seconds(5) : halt_after);
  count();
  if (options_.progress) options_.progress(pod_->recovery_progress(*member_));
  const identity::Device* served_by = pod_->identity().find(*member_);
  if (done || options_.partial) {
    if (served_by != nullptr && served_by->in_pod()) {
      result_.served_by = served_by->name;
      if (!done) error_.reset();
      return {};
    }
    if (done)
      return fail(ErrorCode::sync_wrong_pod, "what answered is none of this pod's devices: nothing was changed");
  }
  return fail(done.error().code, words("it came to a halt after ", result_.events, " changes, with ",
                                       result_.events_missing, " still to come: ", done.error().message,
                                       ". The same command goes on from here; --partial makes do with what has come"));
}

// --- Becoming a device -----------------------------------------------------------------------------------------------

Status Recovery::finish() {
  if (!folder_->recovered) {
    for (const auto& event : pod_->newest_events(1)) result_.newest = event.time;
    // Before the recovery commits to it: a paper that nobody ever saw would be one that is lost.
    RZ_TRY(auto next, files_.read_paper());
    if (!next) {
      next.emplace(identity::PaperKey::random(entropy_));
      RZ_CHECK(files_.write_paper(*next));
    }
    RZ_CHECK(pod_->recover(now(), paper_.key, *next, !options_.others_live));
    RZ_CHECK(carry_out());
  }
  RZ_CHECK(files_.write_keys(folder_->keys));  // The folder holds a pod from here on.
  ::unlink(files_.path("recover.key").c_str());
  return {};
}

Status Recovery::announce() {
  const Status told = run_until([this] { return pod_->recovery_announced(now()); }, announce_within);
  RZ_CHECK(carry_out());
  result_.announced = told.has_value();
  return {};
}

Result<Recovered> Recovery::report() {
  RZ_TRY(const auto next, files_.read_paper());
  if (next) result_.paper_words = next->to_words();
  result_.did = log::did_text(pod_->identity().did);
  result_.peer_id = identity::peer_id_text(folder_->keys.public_key());
  for (const pod::DocumentSummary& document : pod_->documents()) {
    ++result_.documents;
    if (!document.readable) ++result_.unreadable;
  }
  for (const pod::DeviceSummary& device : pod_->devices(now())) {
    if (!device.self && !device.removed && device.kind != log::DeviceKind::cloud) result_.lost.push_back(device.name);
  }
  result_.paper_addresses = addresses_for_paper(*pod_, now());
  return std::move(result_);
}

// The pod was recovered into this folder before, and nobody serves who holds that paper: either nobody is in reach, or
// they know of this device already, and the paper has had its day.
Result<Recovered> Recovery::as_it_was() {
  RZ_TRY(const auto genesis, store_.store->get(pod::singleton_key("genesis")));
  if (!genesis) return fail(ErrorCode::store_damaged, "the pod in this folder can't be read");
  RZ_CHECK(open_pod(*genesis, nullptr));
  RZ_CHECK(finish());
  result_.events = pod_->status(now()).events;
  result_.announced = false;
  return report();
}

Result<Recovered> Recovery::run() {
  RZ_TRY(Folder folder, look());
  folder_.emplace(std::move(folder));
  if (options_.offline) {
    if (folder_->fresh) {
      return fail(ErrorCode::bad_argument,
                  "--offline needs a copy of the pod in the folder: `rhizome init --from FILE`");
    }
    RZ_TRY(const auto genesis, store_.store->get(pod::singleton_key("genesis")));
    if (!genesis) return fail(ErrorCode::store_damaged, "the copy in this folder can't be read");
    grant_ = identity::RecoveryGrant{*genesis};
    if (paper_.did) RZ_CHECK(identity::check_recovery_grant(*grant_, *paper_.did));
    RZ_CHECK(open_pod(*genesis, nullptr));
    RZ_CHECK(finish());
    result_.events = pod_->status(now()).events;
    result_.announced = false;
    return report();
  }
  if (!paper_.did) {
    return fail(ErrorCode::bad_argument,
                "the line that begins with did:rhizome: is missing: it stands on the paper too");
  }
  std::vector<ipld::Multiaddr> places;
  for (const std::string& text : options_.at) {
    RZ_TRY(ipld::Multiaddr place, ipld::Multiaddr::parse(text));
    places.push_back(std::move(place));
  }
  places.insert(places.end(), paper_.addresses.begin(), paper_.addresses.end());
  if (places.empty()) {
    return fail(ErrorCode::bad_argument,
                "this paper has no address on it: say with --at MULTIADDR where an always-on device of yours listens");
  }
  const Status connected = connect(places);
  if (!connected && folder_->recovered) return as_it_was();
  RZ_CHECK(connected);
  RZ_CHECK(open_pod(grant_->genesis, &*member_));
  RZ_CHECK(fetch());
  RZ_CHECK(finish());
  RZ_CHECK(announce());
  auto reported = report();
  stream_->close();
  transport_->close();
  io_.restart();
  io_.run_for(std::chrono::milliseconds(150));  // What was sent last gets its moment.
  return reported;
}

}  // namespace

Result<Recovered> recover_pod(const DeviceFiles& files, const identity::PaperReading& paper,
                              const RecoverOptions& options) {
  RZ_CHECK(crypto::initialise());
  RZ_CHECK(identity::check_device_name(options.name));
  return Recovery(files, paper, options).run();
}

std::vector<std::string> addresses_for_paper(const pod::Pod& pod, pod::Now now) {
  const std::vector<pod::DeviceSummary> devices = pod.devices(now);
  const auto rank = [](const pod::DeviceSummary& device) {
    return device.self ? 2 : device.kind == log::DeviceKind::cloud ? 0 : 1;
  };
  std::vector<std::string> addresses;
  for (int of_rank = 0; of_rank < 3; ++of_rank) {
    for (const pod::DeviceSummary& device : devices) {
      if (rank(device) != of_rank || device.removed || device.suspended) continue;
      for (const ipld::Multiaddr& address : device.addresses) {
        std::string text = address.to_string();
        const bool known = std::find(addresses.begin(), addresses.end(), text) != addresses.end();
        if (!known && addresses.size() < paper_addresses_max) addresses.push_back(std::move(text));
      }
    }
  }
  return addresses;
}

}  // namespace rz::host
