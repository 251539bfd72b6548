// The one translation unit that includes spdlog: it is heavy.
#include "host/log/logger.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>

namespace rz::host {

namespace {

constexpr std::array<std::pair<std::string_view, spdlog::level::level_enum>, 5> levels = {{
    {"error", spdlog::level::err},
    {"warn", spdlog::level::warn},
    {"info", spdlog::level::info},
    {"debug", spdlog::level::debug},
    {"trace", spdlog::level::trace},
}};

struct Log {
  std::unique_ptr<spdlog::logger> logger;
  bool json = false;
};

Log& the_log() {
  static Log log;
  return log;
}

// As RFC 8259 has it; what is no printable ASCII is escaped byte by byte, so that a line is a line whatever comes.
std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

std::unique_ptr<spdlog::formatter> formatter(bool json) {
  if (json) {
    return std::make_unique<spdlog::pattern_formatter>(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})",
                                                       spdlog::pattern_time_type::utc);
  }
  return std::make_unique<spdlog::pattern_formatter>("%H:%M:%S.%e %^%-5l%$ %v", spdlog::pattern_time_type::local);
}

std::string line_text(std::string_view event, const LogField* begin, const LogField* end) {
  std::string line(event);
  for (const LogField* each = begin; each != end; ++each) {
    line += words("  ", each->name, "=", needs_quotes(each->value) ? quoted(each->value) : each->value);
  }
  return line;
}

std::string line_json(std::string_view event, const LogField* begin, const LogField* end) {
  std::string line = "\"event\":" + quoted(event);
  for (const LogField* each = begin; each != end; ++each) {
    line += words(",", quoted(each->name), ":", each->is_number ? each->value : quoted(each->value));
  }
  return line;
}

}  // namespace

std::optional<LogLevel> log_level_named(std::string_view name) {
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].first == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::optional<LogFormat> log_format_named(std::string_view name) {
  if (name == "auto") return LogFormat::automatic;
  if (name == "text") return LogFormat::text;
  if (name == "json") return LogFormat::json;
  return std::nullopt;
}

void start_log(LogLevel level, LogFormat format, bool colours) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  Log& log = the_log();
  log.json = format == LogFormat::json || (format == LogFormat::automatic && !terminal);
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (terminal && colours && !log.json) {
    sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  log.logger = std::make_unique<spdlog::logger>("rhizome", std::move(sink));
  log.logger->set_formatter(formatter(log.json));
  log.logger->set_level(levels[static_cast<std::size_t>(level)].second);
  log.logger->flush_on(spdlog::level::trace);
  log.logger->set_error_handler([](const std::string&) {});  // Nobody reads it: no reason to stop, or to say more.
}

bool log_enabled(LogLevel level) {
  const Log& log = the_log();
  return log.logger && log.logger->should_log(levels[static_cast<std::size_t>(level)].second);
}

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  const Log& log = the_log();
  const std::string line =
      log.json ? line_json(event, fields.begin(), fields.end()) : line_text(event, fields.begin(), fields.end());
  log.logger->log(levels[static_cast<std::size_t>(level)].second, spdlog::string_view_t(line.data(), line.size()));
}

std::string log_line_text(std::string_view event, std::initializer_list<LogField> fields) {
  return line_text(event, fields.begin(), fields.end());
}

std::string log_line_json(std::string_view event, std::initializer_list<LogField> fields) {
  return "{" + line_json(event, fields.begin(), fields.end()) + "}";
}

}  // namespace rz::host
