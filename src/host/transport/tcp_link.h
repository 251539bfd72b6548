// Links over Asio's TCP sockets: the only part of the transport, with the scheduler and address.h, that knows Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "host/transport/link.h"

namespace rz::host {

// Takes a connected socket. Errors: transport_io where it is already gone.
Result<LinkPtr> make_tcp_link(boost::asio::ip::tcp::socket socket);

}  // namespace rz::host
