// Where this device listens, and what of it the others are told.
//
// The owner's word comes first: what `--listen` or the configuration names is listened on, from the start and for ever.
// Without it: on loopback alone while the pod has no other device, and tells nobody; on all interfaces once there is
// another device, or one is being added (docs/decisions/0075).
#pragma once

#include <string>
#include <vector>

#include "host/network/interfaces.h"
#include "host/transport/transport.h"

namespace rz::host {

class Listening {
 public:
  // `named`: the owner's addresses, or none. `port`: tried first where nothing is named; another if it is taken.
  Listening(Transport& transport, std::vector<std::string> named, std::uint16_t port);

  // Opens what is to be open. Errors: bad_multiaddr and the like, address_in_use, transport_io, naming the address and
  // what to do. Where nothing is named a port is always found.
  Status open(bool others);
  // The same while it runs; and reads the interfaces anew. True if what is announced has changed.
  bool update(bool others);

  const std::vector<ipld::Multiaddr>& listening() const { return listening_; }
  const std::vector<ipld::Multiaddr>& announced() const { return announced_; }
  const std::vector<InterfaceAddress>& interfaces() const { return interfaces_; }
  // What `others` was last.
  bool is_for_others() const { return to_all_; }

 private:
  Status open_named();
  Status open_unnamed(bool others);
  void read_interfaces();

  Transport& transport_;
  std::vector<std::string> named_;
  std::uint16_t port_;
  bool to_all_ = false;
  std::vector<ipld::Multiaddr> listening_;
  std::vector<ipld::Multiaddr> announced_;
  std::vector<InterfaceAddress> interfaces_;
};

}  // namespace rz::host
