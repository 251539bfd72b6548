#include <algorithm>

#include "ipld/dag_json.h"
#include "ipld/dag_json_parts.h"
#include "ipld/utf8.h"

namespace rz::ipld::dag_json {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The short escapes of JSON that the canonical form uses where it can.
char short_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
      return letter;
    default:
      return 0;
  }
}

class Decoder {
 public:
  Decoder(std::string_view text, Form form, const Limits& limits)
      : text_(text), canonical_(form == Form::canonical), depth_max_(limits.depth_max) {}

  Result<Value> document() {
    RZ_CHECK(space());
    RZ_TRY(Value root, value(0));
    RZ_CHECK(space());
    if (at_ != text_.size()) return fail_at(ErrorCode::trailing_bytes, at_, "something follows the value");
    return root;
  }

 private:
  using Entries = std::vector<std::pair<std::string, Value>>;

  std::unexpected<Error> bad(std::string_view why) const { return fail_at(ErrorCode::bad_json, at_, why); }
  std::unexpected<Error> cut() const { return fail_at(ErrorCode::truncated, text_.size(), "the text is cut short"); }
  std::unexpected<Error> not_canonical(std::size_t at, std::string_view why) const {
    return fail_at(ErrorCode::not_canonical, at, why);
  }

  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  Status space() {
    if (at_end() || !is_space(text_[at_])) return {};
    if (canonical_) return not_canonical(at_, "white space");
    while (!at_end() && is_space(text_[at_])) ++at_;
    return {};
  }

  Status expect(char c) {
    RZ_CHECK(space());
    if (at_end()) return cut();
    if (text_[at_] != c) return bad(words("expected \"", std::string_view(&c, 1), "\""));
    ++at_;
    return space();
  }

  Result<Value> value(std::uint32_t depth) {
    if (at_end()) return cut();
    const char c = text_[at_];
    if (c == '{') return map(depth);
    if (c == '[') return list(depth);
    if (c == '"') {
      RZ_TRY(const std::string text, string());
      return Value::text(text);
    }
    if (c == '-' || is_digit(c)) return number();
    if (take_word("true")) return Value::boolean(true);
    if (take_word("false")) return Value::boolean(false);
    if (take_word("null")) return Value::null();
    return bad("no value begins like this");
  }

  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Result<Value> number() {
    const std::size_t begin = at_;
    RZ_CHECK(number_grammar());
    const std::string_view text = text_.substr(begin, at_ - begin);
    auto value = number_value(text);
    if (!value) return fail_at(ErrorCode::bad_number, begin, "a number that the data model does not hold");
    if (canonical_) {
      const bool same = value->kind() == Kind::floating ? float_text(value->as_floating()) == text : text != "-0";
      if (!same) return not_canonical(begin, "a number not in its one form");
    }
    return *std::move(value);
  }

  // RFC 8259 section 6.
  Status number_grammar() {
    if (next_is('-')) ++at_;
    if (next_is('0')) {
      ++at_;
      if (!at_end() && is_digit(text_[at_])) return bad("a number with a leading zero");
    } else {
      RZ_CHECK(digits());
    }
    if (next_is('.')) {
      ++at_;
      RZ_CHECK(digits());
    }
    if (next_is('e') || next_is('E')) {
      ++at_;
      if (next_is('+') || next_is('-')) ++at_;
      RZ_CHECK(digits());
    }
    return {};
  }

  Status digits() {
    if (at_end()) return cut();
    if (!is_digit(text_[at_])) return bad("a digit is missing");
    while (!at_end() && is_digit(text_[at_])) ++at_;
    return {};
  }

  Result<std::string> string() {
    const std::size_t begin = at_;
    ++at_;  // The quotation mark.
    std::string out;
    for (;;) {
      const std::size_t run = at_;
      while (!at_end() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<std::uint8_t>(text_[at_]) >= 0x20)
        ++at_;
      RZ_CHECK(check_utf8(as_bytes(text_.substr(run, at_ - run)), run));
      out += text_.substr(run, at_ - run);
      if (at_end())
        return fail_at(ErrorCode::truncated, text_.size(), words("the text that began at ", begin, " has no end"));
      if (text_[at_] == '"') break;
      if (text_[at_] != '\\') return bad("a control character that is not escaped");
      RZ_CHECK(escape(out));
    }
    ++at_;
    return out;
  }

  Status escape(std::string& out) {
    const std::size_t begin = at_;
    if (text_.size() - at_ < 2) return cut();
    const char letter = text_[at_ + 1];
    if (const char meant = short_escape(letter)) {
      out += meant;
      at_ += 2;
      return {};
    }
    if (letter == '/' && !canonical_) {
      out += '/';
      at_ += 2;
      return {};
    }
    if (letter != 'u') {
      return letter == '/' ? not_canonical(begin, "an escaped solidus") : bad("an escape that JSON does not have");
    }
    RZ_TRY(char32_t code, unicode_escape());
    if (canonical_) {
      const std::string_view written = text_.substr(begin + 2, 4);
      const bool upper = std::any_of(written.begin(), written.end(), [](char c) { return c >= 'A' && c <= 'F'; });
      const bool has_short = code == '\b' || code == '\f' || code == '\n' || code == '\r' || code == '\t';
      if (code >= 0x20 || has_short || upper) return not_canonical(begin, "an escape not in its one form");
    }
    if (code >= 0xd800 && code < 0xdc00) {
      if (!next_is('\\') || text_.substr(at_, 2) != "\\u")
        return fail_at(ErrorCode::invalid_utf8, begin, "half a surrogate pair");
      RZ_TRY(const char32_t low, unicode_escape());
      if (low < 0xdc00 || low > 0xdfff) return fail_at(ErrorCode::invalid_utf8, begin, "half a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
      return fail_at(ErrorCode::invalid_utf8, begin, "half a surrogate pair");
    }
    put_code_point(out, code);
    return {};
  }

  // At a "\uXXXX".
  Result<char32_t> unicode_escape() {
    if (text_.size() - at_ < 6) return cut();
    char32_t code = 0;
    for (std::size_t i = 2; i < 6; ++i) {
      const int digit = hex_digit(text_[at_ + i]);
      if (digit < 0) return bad("four hexadecimal digits follow \\u");
      code = code * 16 + static_cast<char32_t>(digit);
    }
    at_ += 6;
    return code;
  }

  Result<Value> list(std::uint32_t depth) {
    if (depth >= depth_max_) return fail_at(ErrorCode::too_deep, at_, "lists and maps nested too deeply");
    RZ_CHECK(expect('['));
    std::vector<Value> items;
    while (!next_is(']')) {
      if (!items.empty()) RZ_CHECK(expect(','));
      RZ_TRY(Value item, value(depth + 1));
      items.push_back(std::move(item));
      RZ_CHECK(space());
      if (!next_is(']') && !next_is(',')) return at_end() ? cut() : bad("expected \",\" or \"]\"");
    }
    ++at_;
    return Value::list(std::move(items));
  }

  Result<std::string> key() {
    if (at_end()) return cut();
    if (text_[at_] != '"') return bad("a key is a text");
    RZ_TRY(std::string text, string());
    RZ_CHECK(expect(':'));
    return text;
  }

  Result<Value> map(std::uint32_t depth) {
    const std::size_t begin = at_;
    if (depth >= depth_max_) return fail_at(ErrorCode::too_deep, at_, "lists and maps nested too deeply");
    RZ_TRY(std::optional<Value> special, reserved_form());
    if (special) return *std::move(special);
    RZ_CHECK(expect('{'));
    Entries entries;
    while (!next_is('}')) {
      if (!entries.empty()) RZ_CHECK(expect(','));
      const std::size_t key_at = at_;
      RZ_TRY(std::string name, key());
      if (canonical_ && !entries.empty()) {
        const int order = entries.back().first.compare(name);
        if (order == 0)
          return fail_at(ErrorCode::duplicate_key, key_at, words("the key \"", name, "\" is there twice"));
        if (order > 0)
          return fail_at(ErrorCode::unsorted_keys, key_at, words("the key \"", name, "\" is out of order"));
      }
      RZ_TRY(Value item, value(depth + 1));
      entries.emplace_back(std::move(name), std::move(item));
      RZ_CHECK(space());
      if (!next_is('}') && !next_is(',')) return at_end() ? cut() : bad("expected \",\" or \"}\"");
    }
    ++at_;
    return map_of(std::move(entries), begin);
  }

  static Result<Value> map_of(Entries entries, std::size_t begin) {
    std::vector<std::pair<std::string_view, Value>> views;
    views.reserve(entries.size());
    for (auto& [name, item] : entries) views.emplace_back(name, std::move(item));
    auto made = Value::map(std::move(views));
    if (!made) return fail_at(made.error().code, begin, made.error().message);
    if (is_reserved(*made)) return fail_at(ErrorCode::reserved_key, begin, reserved_words);
    return made;
  }

  // A link or bytes; none, and nothing taken, where the map at hand is an ordinary one.
  Result<std::optional<Value>> reserved_form() {
    const std::size_t begin = at_;
    RZ_CHECK(expect('{'));
    if (take_key("/")) {
      if (next_is('"')) return link(begin);
      if (next_is('{')) {
        RZ_CHECK(expect('{'));
        if (take_key("bytes") && next_is('"')) return bytes(begin);
      }
    }
    at_ = begin;
    return std::nullopt;
  }

  bool take_key(std::string_view name) {
    if (!next_is('"')) return false;
    const auto taken = key();
    return taken && *taken == name;
  }

  Status close_reserved(std::size_t begin) {
    RZ_CHECK(space());
    if (at_end()) return cut();
    if (text_[at_] != '}') return fail_at(ErrorCode::reserved_key, begin, reserved_words);
    ++at_;
    return {};
  }

  Result<std::optional<Value>> link(std::size_t begin) {
    const std::size_t text_at = at_;
    RZ_TRY(const std::string text, string());
    RZ_CHECK(close_reserved(begin));
    const auto cid = Cid::parse(text);
    if (!cid) return fail_at(cid.error().code, text_at, cid.error().message);
    if (canonical_ && cid->to_string() != text) return not_canonical(text_at, "a CID not in its one text");
    return Value::link(*cid);
  }

  Result<std::optional<Value>> bytes(std::size_t begin) {
    const std::size_t text_at = at_;
    RZ_TRY(const std::string text, string());
    RZ_CHECK(close_reserved(begin));
    RZ_CHECK(close_reserved(begin));
    const auto decoded = base_decode(Multibase::base64, text);
    if (!decoded) return fail_at(decoded.error().code, text_at, decoded.error().message);
    return Value::bytes(*decoded);
  }

  std::string_view text_;
  bool canonical_;
  std::uint32_t depth_max_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Value> decode(ByteView bytes, Form form, Limits limits) {
  if (bytes.size() > limits.bytes_max) {
    return fail_at(ErrorCode::too_large, 0, words(bytes.size(), " bytes; ", limits.bytes_max, " are taken"));
  }
  return Decoder(as_text(bytes), form, limits).document();
}

}  // namespace rz::ipld::dag_json
