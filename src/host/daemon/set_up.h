// A folder without a pod, and its page: makes a pod, joins one, or brings one back with the paper key (journeys 1, 2
// and 5 of a person who opens no terminal). The same work that `rhizome init`, `join` and `recover` do, one at a time.
//
//   GET  /api/set-up           {"state": "choose" | "working", "name", "folder", "doing", "step" …, "error"}
//   POST /api/set-up/new       {"name"}
//   POST /api/set-up/join      {"invitation", "at"?, "name"}
//   POST /api/set-up/recover   {"paper", "at"?, "name", "others_live"?, "partial"?}
//
// A POST answers at once with that state; the page asks until it is "ready", which the daemon says that takes over on
// the same port with the same token.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "host/http/http_server.h"

namespace boost::asio {
class io_context;
}

namespace rz::host {

struct SetUpOptions {
  std::string folder;
  std::uint16_t http_port = 4848;
  std::string static_root;  // The built page.
  std::string name;         // What to call this device unless its owner says otherwise.
};

class SetUp {
 public:
  // Whether the folder holds no device yet, so that there is something to set up. Not where one was, and was removed.
  static bool is_due(const std::string& folder);

  // Serves until `done`, which comes once, on the io_context's thread, when the folder holds a device; with what to
  // tell the page of it, as JSON (DaemonOptions::arrival). Errors: store_io, address_in_use.
  static Result<std::unique_ptr<SetUp>> start(boost::asio::io_context& io, SetUpOptions options,
                                              std::function<void(std::string arrival)> done);
  ~SetUp();

  std::string url() const;
  std::uint16_t http_port() const;
  // Closes the port. Work under way can't be broken off, and need not be: every step of it survives the process's end.
  void stop();
  bool is_working() const;

 private:
  struct Work;
  struct Impl;
  explicit SetUp(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rz::host
