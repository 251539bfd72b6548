// A small client for the daemon's own API on loopback: what the commands use. Blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

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

// GET, a body of any size: handed over piece by piece. The reply's body is that of a refusal. Errors: as above, those
// of `take`; unknown_outcome where the body ended early.
Result<HttpReply> http_download(std::uint16_t port, const std::string& token, const std::string& target,
                                const std::function<Status(std::string_view)>& take);

}  // namespace rz::host
