// Notices when this machine's network changes: an address comes or goes, a cable is pulled, a lid was opened.
//
// On Linux the kernel says so (netlink), and nothing runs meanwhile; elsewhere the interfaces are read every few
// seconds. Told is a change of what `interface_addresses` gives, once it has been still for a moment.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace rz::host {

class NetworkWatch {
 public:
  static std::unique_ptr<NetworkWatch> make(boost::asio::io_context& io, std::function<void()> changed);
  virtual ~NetworkWatch() = default;  // Nothing is called afterwards.
};

}  // namespace rz::host
