// The daemon's log: what happened, for the person who runs it and for programs that watch it. One line an event, on
// standard error: text where a person looks on, JSON lines otherwise (docs/guides/running.md).
//
// What never stands in a log: keys, tokens, codes, words of the paper, titles, texts, bodies of requests. Names of
// fields and events are constants of the source; values are numbers, addresses, error codes, and the beginnings of
// device ids.
//
// spdlog is behind this: one translation unit includes it. Threads: any.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/sign.h"

namespace rz::host {

enum class LogLevel : std::uint8_t { error, warn, info, debug, trace };
enum class LogFormat : std::uint8_t { automatic, text, json };  // automatic: text on a terminal.

std::optional<LogLevel> log_level_named(std::string_view name);
std::optional<LogFormat> log_format_named(std::string_view name);  // "auto", "text", "json".

struct LogField {
  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const char* text) : name(field), value(text) {}
  LogField(std::string_view field, const std::string& text) : name(field), value(text) {}
  LogField(std::string_view field, std::uint64_t number) : name(field), value(words(number)), is_number(true) {}
  // The beginning of its id: enough to tell devices apart.
  LogField(std::string_view field, const crypto::PublicKey& device) : name(field), value(device.hex().substr(0, 12)) {}
  // Its code alone: messages may quote what a person typed.
  LogField(std::string_view field, const Error& error) : name(field), value(name_of(error.code)) {}

  std::string_view name;
  std::string value;
  bool is_number = false;
};

// Before this nothing is logged. Colours on a terminal, unless `colours` is false.
void start_log(LogLevel level, LogFormat format, bool colours);
bool log_enabled(LogLevel level);
// "link up", {{"device", key}, …}
void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// For tests: the lines, without their time, as `log_event` would write them.
std::string log_line_text(std::string_view event, std::initializer_list<LogField> fields);
std::string log_line_json(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace rz::host
