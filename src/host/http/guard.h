// The checks every request passes before anyone looks at what it asks for. Pure functions, tested by themselves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rz::host {

// Whether a Host header names this server: 127.0.0.1, localhost or [::1] with our port. A page that rebinds its own
// name to 127.0.0.1 still sends its own name here.
bool host_is_ours(std::string_view host, std::uint16_t port);

// Whether an Origin header is absent (empty) or one of our own pages.
bool origin_is_ours(std::string_view origin, std::uint16_t port);

// The value of a cookie in a Cookie header, if it is there exactly once.
std::optional<std::string> cookie_value(std::string_view header, std::string_view name);

// Percent-decoding; nothing for a broken escape or a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

// "a=1&b=2", decoded; nothing if an escape is broken or there are more than 64 pairs.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view query);

// Whether a path may name a file under the page's root: segments of letters, digits, '.', '-', '_', none of them
// starting with a dot.
bool static_path_is_safe(std::string_view path);

// By the ending: "text/html; charset=utf-8" and so on.
std::string_view content_type_of(std::string_view path);

}  // namespace rz::host
