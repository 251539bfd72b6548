// One TCP socket as a source and sink of bytes. Reads all the time (what bounds memory is the protocols' flow control,
// above), sends one buffer after the other. Handlers are called from the io_context, never from inside a call.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "ipld/multiaddr.h"

namespace rz::host {

class Link {
 public:
  struct Handlers {
    std::function<void(ByteView)> received;  // The view lasts for the call.
    std::function<void()> sent;              // The buffer given to `send` is out: give the next.
    std::function<void(Error)> ended;        // Once: transport_io, or transport_closed where the other side ended.
  };

  virtual ~Link() = default;
  virtual void start(Handlers handlers) = 0;
  virtual void send(Bytes bytes) = 0;  // Requires !is_sending.
  virtual bool is_sending() const = 0;
  virtual void end_sending() = 0;  // Tells the other side that no more comes. Requires !is_sending.
  virtual void close() = 0;        // At once; no handler is called afterwards.

  virtual const ipld::Multiaddr& remote_address() const = 0;
  virtual const ipld::Multiaddr& local_address() const = 0;
};
using LinkPtr = std::shared_ptr<Link>;

}  // namespace rz::host
