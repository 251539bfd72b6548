// Links over Asio's TCP sockets: the only part of the transport, with the scheduler and address.h, that knows Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/tick.h"
#include "host/transport/link.h"

namespace rz::host {

// Takes a connected socket. Errors: transport_io where it is already gone.
// `idle_probe`: a connection without traffic is probed by the kernel after that long (0: never), and ends if nothing
// comes back (docs/decisions/0077).
Result<LinkPtr> make_tcp_link(boost::asio::ip::tcp::socket socket, Duration idle_probe);

}  // namespace rz::host
