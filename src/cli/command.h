// What the commands share: where the pod is, how to speak, and the running daemon.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/terminal.h"
#include "host/config/config.h"

namespace CLI {
class App;
}

namespace rz::cli {

using Json = nlohmann::ordered_json;

// Filled in by the parser before a command runs.
struct Context {
  std::string folder;
  std::string folder_from;  // "--data", "XDG_DATA_HOME" or "the default".
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
  // Fetches what the daemon made into a file, which is there only once it is whole. Errors: as above, those of the
  // disk.
  Status download(const std::string& path, const std::string& file, unsigned mode) const;
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

void add_pod_commands(CLI::App& app, Context& context);  // init, join, status, version, log
void add_up_command(CLI::App& app, Context& context);
void add_doctor_command(CLI::App& app, Context& context);
void add_config_commands(CLI::App& app, Context& context);  // config, config set|unset
void add_device_commands(CLI::App& app, Context& context);  // device add|list|remove|suspend
void add_request_commands(CLI::App& device,
                          Context& context);  // device requests|approve|decline|lift|leave|undo-recovery|decide
void add_cluster_commands(CLI::App& app, Context& context);   // cluster status|restart|transfer|promote|demote
void add_document_commands(CLI::App& app, Context& context);  // doc new|list|show|edit|accept|import|export
void add_leaving_commands(CLI::App& app, Context& context);   // snapshot, export
void add_recover_command(CLI::App& app, Context& context);    // recover
void add_ipld_commands(CLI::App& app, Context& context);      // ipld convert|cid|inspect, car ls|verify
void add_completion_command(CLI::App& app, Context& context);

// The options of `rhizome up`: one for each setting; what is given lands in `given`.
void add_setting_options(CLI::App& command, host::CommandLine& given);
// "remove" or "lift", by name or id; `paper` may be empty, or "-" to be asked for. Returns the exit code: `unknown`
// where the other devices are asked.
int change_standing(const Context& context, const std::string& wanted, const std::string& what,
                    const std::string& paper);
// This device's key, alike.
int rotate_key(const Context& context, const std::string& paper);
// What this machine is called, for a device that has no other name.
std::string this_host();
// Of this machine's clock, to tell people how long ago something was.
std::uint64_t wall_ms();

// The QR code of a text in half blocks, two modules a character. Empty where it does not fit.
std::string qr_text(const std::string& text);

}  // namespace rz::cli
