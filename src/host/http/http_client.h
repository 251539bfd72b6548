// A small client for the daemon's own API on loopback: what the commands use. Blocking.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace rz::host {

struct HttpReply {
  int status = 0;
  std::string body;
};

// Errors: not_reachable (nobody listens on the port), unknown_outcome (the connection broke after the request was
// sent), limit_exceeded (a reply of over 256 MiB).
Result<HttpReply> http_call(std::uint16_t port, const std::string& token, const std::string& method,
                            const std::string& target, const std::string& body);

}  // namespace rz::host
