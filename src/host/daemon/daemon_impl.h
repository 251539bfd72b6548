// The daemon's timers: of Asio, which daemon.h does not include.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "host/daemon/daemon.h"

namespace rz::host {

struct Daemon::Impl {
  explicit Impl(boost::asio::io_context& io) : wake(io), dial(io), anew(io), goodbye(io) {}
  boost::asio::steady_timer wake;
  boost::asio::steady_timer dial;
  boost::asio::steady_timer anew;
  boost::asio::steady_timer goodbye;
};

}  // namespace rz::host
