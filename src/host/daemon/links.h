// Links: one connection with the three streams of a pod (raft, live, sync) to each device that is in reach.
//
// Contract: dials the places it is told and those that were found, one after the other without waiting long for any,
// round after round with growing pauses; takes in what others dial. Of two connections between two
// devices both sides keep the one that the device with the smaller key dialled. The streams of raft and live come up
// before that of sync, so that a device is told `connected` only once all three are there.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "host/transport/transport.h"
#include "pod/pod.h"

namespace rz::host {

struct LinkHandlers {
  std::function<bool(const crypto::PublicKey&)> is_device;
  std::function<void(const crypto::PublicKey&)> connected;
  std::function<void(const crypto::PublicKey&)> disconnected;
  std::function<void(const crypto::PublicKey&, pod::Channel, ByteView)> received;
  std::function<void()> dial_again;  // `dial` is to be called soon, from outside of here.
};

class Links {
 public:
  Links(Transport& transport, const crypto::PublicKey& self, LinkHandlers handlers);

  // Where devices are. Dials those without a link, when their time has come; returns when to call again.
  Tick dial(Tick now, const std::vector<std::pair<crypto::PublicKey, std::vector<ipld::Multiaddr>>>& places);
  // Where a device was seen on the network just now: dialled before its places, and at once. `dial` follows.
  void found(const crypto::PublicKey& device, std::vector<ipld::Multiaddr> addresses);
  // This machine's addresses are these now. Links from addresses that are gone end, the others must answer a ping; who
  // is not linked is dialled at once. `dial` follows.
  void network_changed(const std::vector<ipld::Multiaddr>& own_addresses);
  // A frame to a device without a link is dropped: raft repeats, sync starts anew with the next link.
  void send(const crypto::PublicKey& to, pod::Channel channel, ByteView frame);
  void close(const crypto::PublicKey& device);
  std::size_t count() const { return links_.size(); }

 private:
  struct Link {
    std::uint64_t connection = 0;
    StreamPtr streams[3];
    ConnectionPtr held;
    bool up = false;
  };
  struct Attempt {
    Tick next{};                         // Not before.
    std::uint32_t rounds_failed = 0;     // In a row.
    std::uint32_t under_way = 0;         // Dials without an outcome.
    std::vector<ipld::Multiaddr> round;  // Still to be dialled in this round, the first one last.
    std::vector<ipld::Multiaddr> seen;   // On the network, not long ago.
  };

  void dial_next(const crypto::PublicKey& device, Attempt& attempt, Tick now);
  void dialled(const crypto::PublicKey& device, Result<ConnectionPtr> connection);
  void open(const crypto::PublicKey& device, const ConnectionPtr& connection, std::size_t channel);
  void accept(const StreamPtr& stream, std::size_t channel);
  bool keep(const crypto::PublicKey& device, const ConnectionPtr& connection);
  bool carries(const crypto::PublicKey& device, const ConnectionPtr& connection) const;
  void attach(const crypto::PublicKey& device, const StreamPtr& stream, std::size_t channel);
  void drop(const crypto::PublicKey& device, std::uint64_t connection);

  Transport& transport_;
  crypto::PublicKey self_;
  LinkHandlers handlers_;
  std::map<crypto::PublicKey, Link> links_;
  std::map<crypto::PublicKey, Attempt> attempts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace rz::host
