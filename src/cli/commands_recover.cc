// recover: a pod comes back from the paper and whoever still stores it.
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "cli/command.h"
#include "crypto/secret.h"
#include "host/api/json.h"
#include "host/daemon/recover.h"
#include "identity/paper_sheet.h"

namespace rz::cli {
namespace {

struct Asked {
  std::string paper_file;
  host::RecoverOptions options;
};

// No echo while it lives, so that the words stand on no screen.
class Quiet {
 public:
  Quiet() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~Quiet() {
    if (quiet_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  termios before_{};
  bool quiet_ = false;
};

void wipe(std::string& text) { crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }

// One line that was typed; nothing at the end. Read as it comes, so that `more` can tell what is left of a paste.
std::optional<std::string> typed_line() {
  std::string line;
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1;) {
    if (c == '\n') return line;
    line += c;
    if (line.size() > identity::paper_sheet_bytes_max) return line;
  }
  return line.empty() ? std::nullopt : std::optional(line);
}

bool more_was_pasted() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 150) == 1;
}

// From a terminal: the words, unseen, over as many lines as they take; then the rest of the sheet.
Result<identity::PaperReading> ask_for_paper() {
  std::string text;
  auto reading = identity::parse_paper_sheet(text);
  {
    const Quiet quiet;
    std::fprintf(stderr,
                 "The 24 words of the paper, in their order (what you type is not shown), then an empty line:\n");
    while (!reading && text.size() <= identity::paper_sheet_bytes_max) {
      auto line = typed_line();
      if (!line || line->empty()) break;
      text += *line + "\n";
      wipe(*line);
      reading = identity::parse_paper_sheet(text);
    }
  }
  if (reading && !reading->did) {
    std::fprintf(stderr, "The words fit together. Now the line that begins with did:rhizome: and stands below them:\n");
    while (!reading->did) {
      const auto line = typed_line();
      if (!line) break;
      if (line->empty()) continue;
      text += *line + "\n";
      reading = identity::parse_paper_sheet(text);
      if (!reading) break;
    }
  }
  // The addresses, if the whole sheet was pasted.
  while (reading && more_was_pasted()) {
    const auto line = typed_line();
    if (!line) break;
    text += *line + "\n";
    reading = identity::parse_paper_sheet(text);
  }
  wipe(text);
  return reading;
}

Result<identity::PaperReading> read_paper(const std::string& file) {
  std::string text;
  if (!file.empty() && file != "-") {
    RZ_TRY(text, host::read_file(file, identity::paper_sheet_bytes_max));
  } else if (stdin_is_terminal()) {
    return ask_for_paper();
  } else {
    char buffer[1024];
    while (std::cin.read(buffer, sizeof buffer) || std::cin.gcount() > 0) {
      text.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
      if (text.size() > identity::paper_sheet_bytes_max) break;
    }
  }
  auto reading = identity::parse_paper_sheet(text);
  wipe(text);
  return reading;
}

// One line that fills, on a terminal only.
class Bar {
 public:
  explicit Bar(const Context& context) : shown_(!context.json && stdout_is_terminal()) {}
  ~Bar() {
    if (drawn_) std::printf("\n");
  }
  void show(const pod::RecoveryProgress& progress) {
    if (!shown_ || !progress.told) return;
    constexpr std::uint64_t width = 30;
    const std::uint64_t all = progress.events + progress.events_missing;
    const std::uint64_t filled = all == 0 ? 0 : progress.events * width / all;
    std::string bar;
    for (std::uint64_t i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
    std::printf("\r%s  %llu of %llu changes", bar.c_str(), static_cast<unsigned long long>(progress.events),
                static_cast<unsigned long long>(all));
    std::fflush(stdout);
    drawn_ = true;
  }

 private:
  bool shown_;
  bool drawn_ = false;
};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return text;
}

void print_back(const Context& context, const host::Recovered& back) {
  const Style& style = context.style;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::printf("%s\n\n", style.bold("Your pod is back.").c_str());
  std::printf("  %zu document%s, %llu changes", back.documents, back.documents == 1 ? "" : "s",
              static_cast<unsigned long long>(back.events));
  if (back.newest) std::printf(", the newest from %s", ago(back.newest->ms, now_ms).c_str());
  if (!back.served_by.empty()) std::printf(", as \"%s\" stored them", back.served_by.c_str());
  std::printf(".\n");
  if (back.unreadable > 0)
    std::printf("  %zu of the documents can't be read: no key for them came.\n", back.unreadable);
  if (back.events_missing > 0) {
    std::printf("  %s\n", style.yellow(words(back.events_missing, " changes are known of but did not come.")).c_str());
  }
  std::printf("  What was written on a lost device and reached no other one is not here, and can't be.\n");
  if (!back.announced) {
    std::printf(
        "\n%s\n",
        style.yellow("No other device knows of this yet. Run the same command again while one is in reach.").c_str());
  }
  if (!back.paper_words.empty()) {
    std::printf("\nThe old paper has done its work: it opens nothing any more. This is the %s.\n\n",
                style.bold("next paper key").c_str());
    std::printf("%s", identity::format_paper_sheet({back.paper_words, back.did, back.paper_addresses}).c_str());
    std::printf(
        "\nWrite it down now and destroy the old one. The page asks for three of its words, and shows it "
        "until\nthen.\n");
  }
  std::printf("\nFor 72 hours your other devices could still object, and this one removes nobody.\n");
  if (!back.lost.empty()) {
    std::printf("If %s may be in somebody's hands:  rhizome device suspend NAME\n", listed(back.lost).c_str());
  }
  std::printf(
      "\nNext:  %s\n",
      style.bold(words("rhizome up", context.folder == host::default_folder() ? "" : " --data " + context.folder))
          .c_str());
}

int recover(const Context& context, Asked asked) {
  auto paper = read_paper(asked.paper_file);
  if (!paper) return fail_with(context, paper.error());
  asked.options.dialling = [&context](const std::string& address) {
    if (!context.json) std::fprintf(stderr, "Asking %s …\n", address.c_str());
  };
  const auto back = [&] {
    Bar bar(context);
    asked.options.progress = [&bar](const pod::RecoveryProgress& progress) { bar.show(progress); };
    return host::recover_pod({context.folder}, *paper, asked.options);
  }();
  if (!back) return fail_with(context, back.error());
  if (context.json) {
    Json json = {{"state", "recovered"}, {"data", context.folder}};
    json.update(host::recovered_json(*back));
    print_json(json);
  } else {
    print_back(context, *back);
  }
  return 0;
}

}  // namespace

void add_recover_command(CLI::App& app, Context& context) {
  static Asked asked;
  asked.options.name = this_host();
  auto* command = app.add_subcommand("recover", "Every device is lost: get your pod back with the paper key");
  command->add_option("--at", asked.options.at, "Where one of your devices listens, before what stands on the paper")
      ->type_name("MULTIADDR");
  command->add_option("--name", asked.options.name, "What to call this device")->capture_default_str();
  command->add_option("--paper", asked.paper_file, "The paper's text in a file; - or nothing: from standard input")
      ->type_name("FILE");
  command->add_flag("--others-live", asked.options.others_live,
                    "Your other devices are not lost: leave the order of changes to them");
  command->add_flag("--offline", asked.options.offline,
                    "From the read-only copy in the folder (`rhizome init --from`), while no device is in reach");
  command->add_flag("--partial", asked.options.partial, "Make do with what came, if not everything did");
  command->footer(
      "Examples:\n"
      "  rhizome recover                                      asks for the words of the paper\n"
      "  rhizome recover --at /ip4/203.0.113.7/tcp/4868       where your always-on device listens\n"
      "  rhizome recover --paper paper.txt --data DIR --name \"new laptop\"\n"
      "The paper is good once: the next one is shown at the end. An attempt that breaks off goes on when repeated.");
  command->callback([&context] { context.chosen = [&context] { return recover(context, asked); }; });
}

}  // namespace rz::cli
