#include "host/daemon/join.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>

#include "crypto/initialise.h"
#include "host/daemon/clock.h"
#include "host/entropy.h"
#include "host/store/device_store.h"
#include "host/transport/transport.h"
#include "identity/join_link.h"
#include "log/genesis.h"
#include "pod/layout.h"
#include "pod/pod.h"

namespace rz::host {
namespace {

namespace asio = boost::asio;

Status commit_first(const DeviceFiles& files, const store::Batch& batch, crypto::Entropy& entropy) {
  SqliteStore::Options options;
  options.folder = files.folder;
  RZ_TRY(const DeviceStore store, DeviceStore::open(options, entropy));
  RZ_CHECK(store.store->commit(batch));
  store::Promise promise;
  promise.store_id = store.store->id();
  promise.transaction = store.store->transaction();
  return store.promise->write(promise);
}

Status check_empty(const DeviceFiles& files) {
  if (std::filesystem::exists(files.path("device.key"))) {
    return fail(ErrorCode::pod_exists, words(files.folder, " holds a pod already; choose another folder with --data"));
  }
  return {};
}

// What a folder that may be joined holds: nothing, or a read-only copy, whose keys and pod it keeps.
struct Standing {
  identity::DeviceKeys keys;
  std::optional<Bytes> genesis;
};

Result<Standing> standing_of(const DeviceFiles& files, crypto::Entropy& entropy) {
  if (check_empty(files)) return Standing{identity::DeviceKeys::random(entropy), std::nullopt};
  RZ_TRY(identity::DeviceKeys keys, files.read_keys());
  SqliteStore::Options options;
  options.folder = files.folder;
  RZ_TRY(const auto store, SqliteStore::open(options, entropy));
  RZ_TRY(const auto read_only, store->get(pod::singleton_key("read_only")));
  if (!read_only) return std::unexpected(check_empty(files).error());
  RZ_TRY(auto genesis, store->get(pod::singleton_key("genesis")));
  return Standing{std::move(keys), std::move(genesis)};
}

// One attempt to join: the state machine, its connection and its timer.
class Joining {
 public:
  Joining(asio::io_context& io, const DeviceFiles& files, const identity::DeviceKeys& keys,
          const identity::JoinInvitation& invitation, const JoinOptions& options, std::optional<Bytes> genesis)
      : io_(io),
        files_(files),
        options_(options),
        genesis_(std::move(genesis)),
        invitation_(invitation),
        timer_(io),
        newcomer_(keys, invitation.secret, invitation.inviter, options.name) {}

  Result<Begun> run(Transport& transport, const identity::DeviceKeys& keys,
                    const std::vector<ipld::Multiaddr>& places) {
    dial(transport, places, 0);
    io_.run();
    if (error_) return std::unexpected(*error_);
    if (newcomer_.stage() != identity::Newcomer::Stage::joined) {
      return fail(ErrorCode::transport_closed, "the connection ended before the other device answered");
    }
    const auto genesis = log::decode_identity_genesis(newcomer_.welcome()->genesis);
    return Begun{log::did_text(log::did_of(*genesis)), identity::peer_id_text(keys.public_key()), {}};
  }

 private:
  void dial(Transport& transport, const std::vector<ipld::Multiaddr>& places, std::size_t at) {
    std::optional<net::PeerId> expected;
    if (invitation_.inviter) expected = net::PeerId::from_key(*invitation_.inviter);
    transport.dial(places[at], expected, [this, &transport, places, at](Result<ConnectionPtr> connection) {
      if (connection) return open(transport, *connection);
      if (at + 1 < places.size()) return dial(transport, places, at + 1);
      end(transport,
          Error{connection.error().code, words("the other device can't be reached at ", places[at].to_string(), ": ",
                                               connection.error().message, ". Is `rhizome up` running there?")});
    });
  }

  void open(Transport& transport, const ConnectionPtr& connection) {
    connection->open_stream("/rhizome/pairing/1", [this, &transport, connection](Result<StreamPtr> stream) {
      if (!stream) return end(transport, stream.error());
      const auto exporter = connection->export_keying_material(identity::pairing_exporter_label, {}, 32);
      if (!exporter || !connection->remote_key()) {
        return end(transport, Error{ErrorCode::transport_tls, "the connection can't be used for pairing"});
      }
      stream_ = *stream;
      const identity::PairingPeer peer{identity::ConnectionId{connection->id()}, *identity::Exporter::from(*exporter),
                                       *connection->remote_key()};
      inviter_ = peer.key;
      stream_->on_frame([this, &transport, peer](ByteView frame) {
        step(transport, identity::Newcomer::Message{peer.connection, to_bytes(frame)});
      });
      const auto gone = [this, &transport, peer] {
        step(transport, identity::Newcomer::Disconnected{peer.connection});
      };
      stream_->on_remote_closed(gone);
      stream_->on_closed([gone](const Status&) { gone(); });
      step(transport, identity::Newcomer::Connected{peer});
    });
  }

  void step(Transport& transport, identity::Newcomer::Input input) {
    if (ended_) return;
    identity::Newcomer::Output out = newcomer_.step(now().tick, std::move(input));
    if (out.progress && options_.progress) options_.progress(*out.progress);
    if (out.persist && genesis_ && *genesis_ != out.persist->genesis) {
      return end(transport, Error{ErrorCode::genesis_mismatch,
                                  words(files_.folder,
                                        " holds a copy of another pod than this code belongs to: join in a "
                                        "folder of its own (--data), and remove this device where the code was made")});
    }
    if (out.persist) {
      pod::Options pod_options;
      pod_options.name = options_.name;
      auto batch = pod::Pod::joined(*out.persist, *inviter_, pod_options, entropy_);
      const Status stored = batch ? commit_first(files_, *batch, entropy_) : Status(std::unexpected(batch.error()));
      if (!stored) return end(transport, stored.error());
      step(transport, identity::Newcomer::Persisted{});
    }
    for (const auto& send : out.send) (void)stream_->send_frame(send.bytes);
    if (newcomer_.stage() == identity::Newcomer::Stage::joined) return end(transport, std::nullopt);
    if (newcomer_.stage() == identity::Newcomer::Stage::failed) {
      return end(transport, out.progress && out.progress->why ? *out.progress->why
                                                              : Error{ErrorCode::transport_closed, "pairing failed"});
    }
    if (!out.wake_at) return;
    timer_.expires_after(std::chrono::microseconds(std::max<std::int64_t>((*out.wake_at - now().tick).us, 0)));
    timer_.async_wait([this, &transport](const boost::system::error_code& error) {
      if (!error) step(transport, identity::Newcomer::Ticked{});
    });
  }

  void end(Transport& transport, std::optional<Error> error) {
    if (ended_) return;
    ended_ = true;
    error_ = std::move(error);
    transport.close();
    timer_.expires_after(std::chrono::milliseconds(150));  // What was sent last gets its moment.
    timer_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
  }

  asio::io_context& io_;
  const DeviceFiles& files_;
  const JoinOptions& options_;
  std::optional<Bytes> genesis_;  // Of the copy that the folder holds.
  const identity::JoinInvitation& invitation_;
  SystemEntropy entropy_;
  asio::steady_timer timer_;
  identity::Newcomer newcomer_;
  StreamPtr stream_;
  std::optional<crypto::PublicKey> inviter_;
  std::optional<Error> error_;
  bool ended_ = false;
};

}  // namespace

Result<Begun> begin_pod(const DeviceFiles& files, const std::string& name) {
  RZ_CHECK(crypto::initialise());
  RZ_CHECK(identity::check_device_name(name));
  RZ_CHECK(check_empty(files));
  RZ_CHECK(files.prepare());
  SystemEntropy entropy;
  const identity::DeviceKeys keys = identity::DeviceKeys::random(entropy);
  const identity::PaperKey paper = identity::PaperKey::random(entropy);
  pod::Options options;
  options.name = name;
  RZ_TRY(const store::Batch batch, pod::Pod::found(keys, paper, options, entropy, now().wall));
  RZ_CHECK(commit_first(files, batch, entropy));
  RZ_CHECK(files.write_paper(paper));
  RZ_CHECK(files.write_keys(keys));  // Last: the folder holds a pod from here on.
  Bytes genesis;
  for (const auto& operation : batch.operations()) {
    if (as_text(operation.key) == "igenesis") genesis = operation.value;
  }
  RZ_TRY(const log::IdentityGenesis decoded, log::decode_identity_genesis(genesis));
  return Begun{log::did_text(log::did_of(decoded)), identity::peer_id_text(keys.public_key()), paper.to_words()};
}

Result<Begun> join_pod(const DeviceFiles& files, const JoinOptions& options) {
  RZ_CHECK(crypto::initialise());
  RZ_CHECK(identity::check_device_name(options.name));
  SystemEntropy entropy;
  RZ_TRY(Standing standing, standing_of(files, entropy));
  RZ_TRY(const identity::JoinInvitation invitation, identity::parse_join_invitation(options.invitation));
  std::vector<ipld::Multiaddr> places;
  for (const std::string& text : options.at) {
    RZ_TRY(ipld::Multiaddr place, ipld::Multiaddr::parse(text));
    places.push_back(std::move(place));
  }
  if (places.empty()) places = invitation.addresses;
  if (places.empty()) {
    return fail(ErrorCode::bad_argument,
                "a typed code does not say where the other device is: add --at MULTIADDR, as "
                "`rhizome device add` shows it");
  }
  RZ_CHECK(files.prepare());
  const identity::DeviceKeys& keys = standing.keys;
  asio::io_context io;
  RZ_TRY(const auto transport, Transport::make(io, keys.signing_key()));
  Joining joining(io, files, keys, invitation, options, std::move(standing.genesis));
  RZ_TRY(Begun begun, joining.run(*transport, keys, places));
  RZ_CHECK(files.write_keys(keys));
  return begun;
}

}  // namespace rz::host
