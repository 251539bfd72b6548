// What the commands share: where the pod is, how to speak, and the running daemon.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/terminal.h"

namespace CLI {
class App;
}

namespace rz::cli {

using Json = nlohmann::ordered_json;

// Filled in by the parser before a command runs.
struct Context {
  std::string folder;
  bool json = false;
  bool verbose = false;
  Style style{false};
  std::function<int()> chosen;  // What the parsed command does.
};

// The daemon of the folder, by its API.
class Remote {
 public:
  // Errors: not_reachable (no daemon runs on this folder), unauthorized.
  static Result<Remote> of(const Context& context);

  // The reply's JSON. Errors: what the daemon refused, with its own code and words; not_reachable, unknown_outcome.
  Result<Json> call(const std::string& method, const std::string& path, const Json& body = nullptr) const;
  std::uint16_t port() const { return port_; }
  std::string url() const;

 private:
  std::uint16_t port_ = 0;
  std::string token_;
};

// A device by its name, or by the beginning of its id. Errors: not_found, bad_argument (several), those of `call`.
Result<Json> find_device(const Remote& remote, const std::string& wanted);

// Prints the error for whoever reads it (a person on stderr, or JSON on stdout) and returns its exit code.
int fail_with(const Context& context, const Error& error);
// Prints the JSON, one line.
void print_json(const Json& json);

void add_pod_commands(CLI::App& app, Context& context);       // init, up, join, status, doctor, config, version, log
void add_device_commands(CLI::App& app, Context& context);    // device add|list|remove|suspend
void add_cluster_commands(CLI::App& app, Context& context);   // cluster status|restart|transfer|promote|demote
void add_document_commands(CLI::App& app, Context& context);  // doc new|list|show|edit|import|export
void add_ipld_commands(CLI::App& app, Context& context);      // ipld convert|cid|inspect, car ls|verify
void add_completion_command(CLI::App& app, Context& context);

// The QR code of a text in half blocks, two modules a character. Empty where it does not fit.
std::string qr_text(const std::string& text);

}  // namespace rz::cli
