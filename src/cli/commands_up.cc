// up: this device as a process, from a folder without a pod on.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "cli/command.h"
#include "host/config/config.h"
#include "host/daemon/daemon.h"
#include "host/daemon/set_up.h"
#include "host/log/logger.h"

namespace rz::cli {
namespace {

// Beside the program: where it was built, or where it was installed.
std::string find_page(const char* program) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path folder = (error ? std::filesystem::path(program) : self).parent_path();
  for (const char* place : {"../share/rhizome/page", "../../../web/dashboard/dist"}) {
    const auto page = std::filesystem::weakly_canonical(folder / place, error);
    if (std::filesystem::exists(page / "index.html", error)) return page.string();
  }
  return {};
}

host::DaemonOptions daemon_options(const std::vector<host::Setting>& settings) {
  host::DaemonOptions options;
  options.listen = host::setting<std::vector<std::string>>(settings, "listen");
  options.port = static_cast<std::uint16_t>(host::setting<std::uint64_t>(settings, "port"));
  options.discover = host::setting<bool>(settings, "discover");
  options.http_port = static_cast<std::uint16_t>(host::setting<std::uint64_t>(settings, "http"));
  options.static_root = host::setting<std::string>(settings, "page");
  options.idle_probe = seconds(static_cast<std::int64_t>(host::setting<std::uint64_t>(settings, "idle_probe")));
  return options;
}

// The page's address; then where other devices find this one.
void print_up(const Context& context, const host::DaemonOptions& options, host::Daemon& daemon) {
  Json addresses = Json::array();
  for (const auto& address : daemon.addresses()) addresses.push_back(address.to_string());
  if (context.json) {
    print_json(
        {{"url", daemon.url()}, {"http", words("http://127.0.0.1:", daemon.http_port())}, {"addresses", addresses}});
  } else {
    std::printf("Your pod is up:  %s\n", context.style.bold(daemon.url()).c_str());
    if (options.static_root.empty()) std::printf("(the page is not built: `./dev build` builds it; the API answers)\n");
    for (const auto& address : addresses) {
      std::printf("Other devices reach it at %s\n", address.get<std::string>().c_str());
    }
    std::printf("%s\n", context.style.dim("Ctrl-C stops it. Nothing is lost by that.").c_str());
  }
  std::fflush(stdout);
}

void print_set_up(const Context& context, const host::DaemonOptions& options, const host::SetUp& page) {
  if (context.json) {
    print_json({{"state", "set-up"}, {"url", page.url()}, {"http", words("http://127.0.0.1:", page.http_port())}});
  } else {
    std::printf("There is no pod in %s yet.\nBegin here:  %s\n", options.folder.c_str(),
                context.style.bold(page.url()).c_str());
    std::printf("%s\n",
                context.style.dim("or in a terminal: rhizome init, rhizome join CODE, rhizome recover").c_str());
  }
  std::fflush(stdout);
}

// One process from a folder without a pod to a device that runs.
class Up {
 public:
  Up(const Context& context, host::DaemonOptions options, std::string name)
      : context_(context), options_(std::move(options)), name_(std::move(name)), signals_(io_, SIGINT, SIGTERM) {}

  int run() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) stop();
    });
    const Status begun = host::SetUp::is_due(options_.folder) ? set_up() : start();
    if (!begun) return fail_with(context_, begun.error());
    io_.run();
    daemon_.reset();
    return code_;
  }

 private:
  Status set_up() {
    RZ_TRY(page_, host::SetUp::start(io_, {options_.folder, options_.http_port, options_.static_root, name_},
                                     [this](std::string arrival) { set_up_done(std::move(arrival)); }));
    print_set_up(context_, options_, *page_);
    return {};
  }

  void set_up_done(std::string arrival) {
    options_.http_port = page_->http_port();
    options_.arrival = std::move(arrival);
    // Not from within the page's own call.
    boost::asio::post(io_, [this] {
      page_.reset();
      start_or_end();
    });
  }

  Status start() {
    RZ_TRY(daemon_, host::Daemon::start(io_, options_));
    daemon_->on_fatal([this](const Error& error) {
      code_ = fail_with(context_, error);
      if (code_ == 0) code_ = 1;
      // After an fsync error nothing may be believed any more: no goodbye, no further write.
      if (error.code == ErrorCode::fsync_failed) ::_exit(code_);
      stop();
    });
    daemon_->on_reopen([this] { begin_anew(); });
    if (!std::exchange(printed_, true)) print_up(context_, options_, *daemon_);
    return {};
  }

  void start_or_end() {
    if (const Status begun = start(); !begun) end(fail_with(context_, begun.error()));
  }

  // On the same port, with the same token: whoever was connected comes back by itself.
  void begin_anew() {
    options_.http_port = daemon_->http_port();
    daemon_->stop([this] {
      boost::asio::post(io_, [this] {
        daemon_.reset();
        if (stopping_) return end(code_);
        start_or_end();
      });
    });
  }

  void stop() {
    if (std::exchange(stopping_, true)) return;
    if (daemon_) return daemon_->stop([this] { io_.stop(); });
    if (page_ && page_->is_working()) ::_exit(code_);  // Waiting for another device; nothing begun is lost.
    page_.reset();
    end(code_);
  }

  void end(int code) {
    code_ = code;
    io_.stop();
  }

  const Context& context_;
  host::DaemonOptions options_;
  std::string name_;  // What a device that is set up is called, unless its owner says otherwise.
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_;
  std::unique_ptr<host::SetUp> page_;
  std::unique_ptr<host::Daemon> daemon_;
  int code_ = 0;
  bool printed_ = false;
  bool stopping_ = false;
};

int up(const Context& context, const host::CommandLine& command_line) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto settings = host::read_settings(context.folder, command_line);
  if (!settings) return fail_with(context, settings.error());
  host::DaemonOptions options = daemon_options(*settings);
  if (options.static_root.empty()) options.static_root = find_page("rhizome");
  options.folder = context.folder;
  std::string name = host::setting<std::string>(*settings, "name");
  if (name.empty()) name = this_host();
  const char* no_color = std::getenv("NO_COLOR");
  host::start_log(*host::log_level_named(host::setting<std::string>(*settings, "log_level")),
                  *host::log_format_named(host::setting<std::string>(*settings, "log_format")),
                  no_color == nullptr || *no_color == '\0');
  return Up(context, std::move(options), std::move(name)).run();
}

}  // namespace

void add_up_command(CLI::App& app, Context& context) {
  static host::CommandLine up_settings;
  auto* start = app.add_subcommand("up", "Run this device, and serve its page");
  add_setting_options(*start, up_settings);
  start->footer(
      "Examples:\n  rhizome up\n  rhizome up --http 4900 --discover\n  rhizome up --listen /ip4/0.0.0.0/tcp/4868\n"
      "What it is told here can be kept: rhizome config set KEY VALUE");
  start->callback([&context] { context.chosen = [&context] { return up(context, up_settings); }; });
}

}  // namespace rz::cli
