// The loopback HTTP and WebSocket server of the daemon: transport, authentication and limits; what the requests mean is
// host/api's business.
//
// Contract: binds to a loopback address only. Every request carries the token (Authorization: Bearer, or the cookie
// that `GET /?token=` trades it for), names a Host that is ours (against DNS rebinding) and, where it has an Origin,
// ours too (against other sites' pages). Sizes, numbers of connections and rates are limited before anything is
// allocated. Threads: all calls and callbacks on the io_context's one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boost::asio {
class io_context;
}

namespace rz::host {

struct HttpRequest {
  std::string method;                        // "GET", upper case.
  std::string path;                          // Without the query, percent-decoded.
  std::map<std::string, std::string> query;  // Decoded.
  std::string body;
};

// A body too large for memory: read piece by piece as the other side takes it.
struct HttpStream {
  std::uint64_t bytes = 0;
  // At most `bytes_max` from `offset`; fewer than asked for only at the end.
  std::function<Result<std::string>(std::uint64_t offset, std::size_t bytes_max)> read;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::shared_ptr<HttpStream> stream = nullptr;  // If set: instead of `body`.
};

// One open WebSocket. Owned by the server; whoever keeps a pointer checks `open()` before use.
class LiveSocket {
 public:
  virtual ~LiveSocket() = default;
  virtual bool open() const = 0;
  // Queues a text frame. A reader so slow that more than the limit is queued is disconnected: it will come back and
  // ask for the state, which is smaller than a history it never read.
  virtual void send(std::string text) = 0;
  virtual void close() = 0;
};

struct HttpHandlers {
  // Answers once, now or later. Runs only for authenticated requests under /api and for /metrics.
  std::function<void(HttpRequest, std::function<void(HttpResponse)>)> request;
  std::function<void(std::shared_ptr<LiveSocket>)> live_opened;
  std::function<void(const std::shared_ptr<LiveSocket>&, std::string)> live_message;
  std::function<void(const std::shared_ptr<LiveSocket>&)> live_closed;
};

struct HttpOptions {
  std::uint16_t port = 4848;  // 0 lets the system choose.
  std::string token;          // What every request must carry.
  std::string static_root;    // The built page; empty serves none.
  std::size_t body_bytes_max = 8 * 1024 * 1024;
  std::size_t frame_bytes_max = 4 * 1024 * 1024;
  std::size_t queued_bytes_max = 16 * 1024 * 1024;
  std::size_t connections_max = 256;
  std::size_t requests_per_second_max = 5000;  // Of all connections together.
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  // The port it listens on.
  virtual std::uint16_t port() const = 0;
  // Stops listening and closes every connection.
  virtual void stop() = 0;

  // Errors: address_in_use, naming the port and how to choose another.
  static Result<std::unique_ptr<HttpServer>> start(boost::asio::io_context& io, HttpOptions options,
                                                   HttpHandlers handlers);
};

}  // namespace rz::host
