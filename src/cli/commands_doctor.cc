// doctor: what is wrong with this device, and how to mend it.
#include <sys/stat.h>
#ifdef __linux__
#include <sys/timex.h>
#endif

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "cli/command.h"
#include "host/daemon/files.h"
#include "host/entropy.h"
#include "host/store/sqlite_store.h"
#include "ipld/multiaddr.h"

namespace rz::cli {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Finding {
  std::string what;
  bool good;
  std::string text;
  std::string mend;
};
using Findings = std::vector<Finding>;

constexpr auto connect_within = std::chrono::seconds(2);

std::optional<tcp::endpoint> endpoint_of(const std::string& multiaddr) {
  const auto address = ipld::Multiaddr::parse(multiaddr);
  if (!address || !address->host() || !address->tcp_port()) return std::nullopt;
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(*address->host(), error);
  if (error) return std::nullopt;
  return tcp::endpoint(ip, *address->tcp_port());
}

// Whether something accepts connections there.
bool answers(const tcp::endpoint& endpoint) {
  asio::io_context io;
  tcp::socket socket(io);
  bool connected = false;
  socket.async_connect(endpoint, [&](const boost::system::error_code& error) { connected = !error; });
  io.run_for(connect_within);
  return connected;
}

bool can_listen(const tcp::endpoint& endpoint) {
  asio::io_context io;
  boost::system::error_code error;
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  return !error;
}

void check_permissions(const Context& context, Findings& findings) {
  for (const char* name : {"device.key", "device.key.next", "device.key.old", "paper.key", "api.token"}) {
    const std::string path = context.folder + "/" + name;
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0 || (about.st_mode & 077) == 0) continue;
    findings.push_back({"permissions", false, words(name, " can be read by others on this machine"),
                        words("close it: chmod 600 ", path)});
  }
}

void check_clock(Findings& findings) {
  using namespace std::chrono;
  const auto year = duration_cast<hours>(system_clock::now().time_since_epoch()).count() / 8766 + 1970;
  if (year < 2026 || year >= 2037) {
    findings.push_back(
        {"clock", false, words("it says the year ", year), "set it; only what people read depends on it"});
    return;
  }
  bool synchronised = true;
#ifdef __linux__
  timex state{};
  synchronised = ::adjtimex(&state) != TIME_ERROR;
#endif
  findings.push_back({"clock", true,
                      synchronised ? "plausible, and kept in step by the system"
                                   : "plausible; the system does not keep it in step (no NTP), which does no harm",
                      ""});
}

void check_disk(const Context& context, Findings& findings) {
  std::error_code error;
  const auto space = std::filesystem::space(std::filesystem::exists(context.folder) ? context.folder : "/", error);
  const bool room = !error && space.available > 256u * 1024 * 1024;
  findings.push_back({"disk", room, words(bytes_text(error ? 0 : space.available), " free"),
                      room ? "" : "make room: nothing new can be saved on a full disk"});
}

void check_reach(const Json& status, Findings& findings) {
  bool only_here = true;
  for (const Json& each : status["addresses"]) {
    const std::string text = each;
    const auto endpoint = endpoint_of(text);
    if (!endpoint) continue;
    if (!endpoint->address().is_loopback()) only_here = false;
    const bool open = answers(*endpoint);
    findings.push_back({"address", open, words(text, open ? " answers" : " does not answer, not even from here"),
                        open ? "" : "is a firewall in the way? `rhizome config` says where it listens, and why"});
  }
  if (only_here && status["devices"].get<std::uint64_t>() > 1) {
    findings.push_back({"address", true, "other machines can't reach this one: it listens on this machine only", ""});
  }
}

void check_running(const Remote& remote, Findings& findings) {
  const auto status = remote.call("GET", "/api/status");
  if (!status) {
    findings.push_back({"daemon", false, status.error().message, "start it: rhizome up"});
    return;
  }
  findings.push_back({"daemon", true, words("answers on port ", remote.port()), ""});
  const bool damaged = status->value("damaged", false);
  findings.push_back({"store", !damaged, damaged ? "a part is damaged and is being repaired" : "no damage is known",
                      damaged ? "keep another device in reach" : ""});
  if (status->value("read_only", false)) {
    findings.push_back({"order", true, "a copy to read: as it was when it was exported", ""});
    return;
  }
  const bool quorum = (*status)["quorum"]["ok"];
  findings.push_back({"order", quorum, quorum ? "enough devices are in reach" : "too few devices are in reach",
                      quorum ? "" : "start the others; writing and reading go on meanwhile"});
  const bool confirmed = status->value("paper_confirmed", true);
  if (!confirmed)
    findings.push_back({"paper key", true, "not confirmed as written down yet: the page asks for it", ""});
  check_reach(*status, findings);
  const auto devices = remote.call("GET", "/api/devices");
  if (!devices) return;
  for (const Json& device : (*devices)["devices"]) {
    if (device["this"].get<bool>()) continue;
    const bool online = device["online"];
    findings.push_back({words("device ", device["name"].get<std::string>()), online,
                        online ? "in reach" : "not in reach",
                        online ? ""
                               : "is it on, and is `rhizome up` running there? On one network `--discover` on both "
                                 "finds it wherever it moved"});
  }
}

// Whether `rhizome up` would find its ports free.
void check_ports(const std::vector<host::Setting>& settings, Findings& findings) {
  const auto http = static_cast<std::uint16_t>(host::setting<std::uint64_t>(settings, "http"));
  const bool free = http == 0 || can_listen({asio::ip::address_v4::loopback(), http});
  findings.push_back({"port", free,
                      words("127.0.0.1:", http, free ? " is free for the page" : " is taken by another program"),
                      free ? "" : "choose another: rhizome config set http 4900"});
  for (const std::string& text : host::setting<std::vector<std::string>>(settings, "listen")) {
    const auto endpoint = endpoint_of(text);
    if (!endpoint) continue;
    const bool open = can_listen(*endpoint);
    findings.push_back(
        {"port", open, words(text, open ? " is free for other devices" : " can't be listened on"),
         open ? "" : "another program has it, or this machine has no such address: rhizome config set listen …"});
  }
}

void check_stopped(const Context& context, Findings& findings) {
  host::SystemEntropy entropy;
  host::SqliteStore::Options options;
  options.folder = context.folder;
  const auto store = host::SqliteStore::open(options, entropy);
  if (!store) {
    const bool locked = store.error().code == ErrorCode::store_locked;
    findings.push_back({"store", false, store.error().message,
                        locked ? "a daemon has it open but can't be asked; stop it, then start it again"
                               : "restore it from another device: rhizome join"});
    return;
  }
  std::size_t damaged = 0;
  const Status checked = (*store)->check([&damaged](ByteView) { ++damaged; });
  const bool good = checked && damaged == 0;
  findings.push_back({"store", good,
                      good      ? words("every record was read, ", bytes_text((*store)->size_bytes()))
                      : checked ? words(damaged, " damaged records")
                                : checked.error().message,
                      good ? "" : "start it with another device in reach: what is damaged is fetched again"});
}

int report(const Context& context, const Findings& findings) {
  bool all = true;
  Json list = Json::array();
  for (const Finding& finding : findings) {
    all = all && finding.good;
    list.push_back({{"check", finding.what}, {"ok", finding.good}, {"text", finding.text}, {"mend", finding.mend}});
    if (context.json) continue;
    std::printf("%s  %-16s %s\n", finding.good ? context.style.green("✓").c_str() : context.style.red("✗").c_str(),
                finding.what.c_str(), finding.text.c_str());
    if (!finding.good && !finding.mend.empty())
      std::printf("   %-16s %s\n", "", context.style.dim(finding.mend).c_str());
  }
  if (context.json) print_json({{"ok", all}, {"checks", list}});
  return all ? 0 : 1;
}

int doctor(const Context& context) {
  Findings findings;
  const host::DeviceFiles files{context.folder};
  const auto keys = files.read_keys();
  findings.push_back({"pod", keys.has_value(), keys ? words("in ", context.folder) : keys.error().message,
                      keys ? "" : "make one: rhizome init"});
  check_permissions(context, findings);
  const auto settings = host::read_settings(context.folder, {});
  if (!settings) {
    findings.push_back({"settings", false, settings.error().message, "mend the file, or: rhizome config unset KEY"});
  }
  check_clock(findings);
  check_disk(context, findings);
  if (keys) {
    const auto remote = Remote::of(context);
    const bool running = remote && remote->call("GET", "/api/status").has_value();
    if (running) {
      check_running(*remote, findings);
    } else {
      findings.push_back({"daemon", false, "not running", "start it: rhizome up"});
      if (settings) check_ports(*settings, findings);
      check_stopped(context, findings);
    }
  }
  return report(context, findings);
}

}  // namespace

void add_doctor_command(CLI::App& app, Context& context) {
  auto* health = app.add_subcommand("doctor", "Check store, clock, disk, ports and reach, and say how to mend them");
  health->footer("Examples:\n  rhizome doctor\n  rhizome doctor --json | jq '.checks[] | select(.ok | not)'");
  health->callback([&context] { context.chosen = [&context] { return doctor(context); }; });
}

}  // namespace rz::cli
