// A member's side of /rhizome/recover/1 over the network: streams of who is no device, each of which gets one try to
// prove the paper key, and is a guest of the pod afterwards (pod/core_recovery.cc, docs/formats/recovery.md).
//
// Contract: a stream that proves nothing is reset without an answer, whatever the reason. One guest stream a device
// key.
#pragma once

#include <functional>
#include <map>

#include "host/transport/transport.h"
#include "pod/pod.h"

namespace rz::host {

inline constexpr const char* recovery_protocol = "/rhizome/recover/1";

class RecoveryServer {
 public:
  // `pump`: the pod was given something. Both outlive it.
  RecoveryServer(Transport& transport, pod::Pod& pod, std::function<void()> pump);

  // Whether the frame was for a guest, to whom only sync is sent.
  bool send(const crypto::PublicKey& to, pod::Channel channel, ByteView frame);
  void close(const crypto::PublicKey& device);
  void reset(identity::ConnectionId stream);
  std::size_t guests() const { return guests_.size(); }

 private:
  struct Guest {
    identity::ConnectionId id;
    StreamPtr stream;
  };
  void serve(const StreamPtr& stream);
  void received(identity::ConnectionId id, const identity::RecoveryChannel& channel, ByteView frame);
  void gone(identity::ConnectionId id, const crypto::PublicKey& device);

  pod::Pod& pod_;
  std::function<void()> pump_;
  std::uint64_t next_id_ = 1;
  std::map<identity::ConnectionId, StreamPtr> waiting_;  // Nothing is proved yet.
  std::map<crypto::PublicKey, Guest> guests_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace rz::host
