#include "identity/join_code.h"

#include <array>
#include <optional>

namespace rz::identity {

namespace {

constexpr std::size_t data_characters = 26;
constexpr std::size_t group_characters = 4;

using Symbol = std::uint8_t;  // An element of GF(32), below 32.
using Word = std::array<Symbol, join_code_characters>;

// GF(32) = GF(2)[x] / (x^5 + x^2 + 1), in which x generates all 31 non-zero elements.
struct Field {
  std::array<Symbol, 31> power{};  // power[i] = x^i
  std::array<Symbol, 32> log{};    // log[power[i]] = i; log[0] is never asked for

  constexpr Field() {
    unsigned element = 1;
    for (unsigned i = 0; i < 31; ++i) {
      power[i] = static_cast<Symbol>(element);
      log[element] = static_cast<Symbol>(i);
      element <<= 1;
      if ((element & 32) != 0) element ^= 0b100101;
    }
  }

  constexpr Symbol times(Symbol a, Symbol b) const { return a == 0 || b == 0 ? 0 : power[(log[a] + log[b]) % 31U]; }
  constexpr Symbol over(Symbol a, Symbol b) const { return a == 0 ? 0 : power[(log[a] + 31U - log[b]) % 31U]; }
};

constexpr Field field;

// Both are zero for a code word: the sum of the symbols, and that of symbol i times x^i.
struct Syndromes {
  Symbol sum = 0;
  Symbol weighted = 0;
};

Syndromes syndromes_of(const Word& word) {
  Syndromes s;
  for (std::size_t i = 0; i < word.size(); ++i) {
    s.sum = static_cast<Symbol>(s.sum ^ word[i]);
    s.weighted = static_cast<Symbol>(s.weighted ^ field.times(word[i], field.power[i]));
  }
  return s;
}

// Solves both syndromes for the last two symbols, which are zero on entry.
void put_check(Word& word) {
  const Syndromes s = syndromes_of(word);
  const Symbol first = field.power[data_characters];
  const Symbol second = field.power[data_characters + 1];
  const auto difference = static_cast<Symbol>(first ^ second);
  const auto right_side = static_cast<Symbol>(s.weighted ^ field.times(s.sum, first));
  word[data_characters + 1] = field.over(right_side, difference);
  word[data_characters] = static_cast<Symbol>(s.sum ^ word[data_characters + 1]);
}

// Where the one wrong symbol is, if one is enough to explain the syndromes.
std::optional<std::size_t> single_error(const Syndromes& s) {
  if (s.sum == 0 || s.weighted == 0) return std::nullopt;
  const std::size_t at = field.log[field.over(s.weighted, s.sum)];
  return at < join_code_characters ? std::optional(at) : std::nullopt;
}

bool is_separator(char c) {
  return c == ' ' || c == '-' || c == '.' || c == '_' || c == '\t' || c == '\r' || c == '\n';
}

std::optional<Symbol> symbol_of(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const auto at = code_alphabet.find(c);
  return at == std::string_view::npos ? std::nullopt : std::optional(static_cast<Symbol>(at));
}

// One character of somebody's text as it may stand in an error message.
std::string shown(char c) {
  if (c > ' ' && c < 0x7f) return words("'", std::string_view(&c, 1), "'");
  const auto byte = static_cast<std::uint8_t>(c);
  return words("byte 0x", to_hex(ByteView(&byte, 1)));
}

}  // namespace

JoinSecret draw_join_secret(crypto::Entropy& entropy) {
  JoinSecret secret;
  entropy.fill(secret.mutable_view());
  return secret;
}

std::string format_join_code(const JoinSecret& secret) {
  Word word{};
  for (std::size_t bit = 0; bit < 8 * JoinSecret::size_bytes; ++bit) {
    const bool set = (secret.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
    if (set) word[bit / 5] = static_cast<Symbol>(word[bit / 5] | 16 >> bit % 5);
  }
  put_check(word);
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (i > 0 && i % group_characters == 0) text += '-';
    text += code_alphabet[word[i]];
  }
  return text;
}

Result<JoinSecret> parse_join_code(std::string_view text) {
  if (text.size() > join_code_text_bytes_max) return fail(ErrorCode::limit_exceeded, "far too long for a join code");
  Word word{};
  std::array<std::size_t, join_code_characters> offset{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_separator(text[i])) continue;
    const auto symbol = symbol_of(text[i]);
    if (!symbol) {
      return fail_at(ErrorCode::code_bad_character, i,
                     words("character ", count + 1, " is ", shown(text[i]), ", which no join code has"));
    }
    if (count < word.size()) {
      word[count] = *symbol;
      offset[count] = i;
    }
    ++count;
  }
  if (count != word.size()) {
    return fail(ErrorCode::code_wrong_length, words("a join code has 28 characters, this has ", count));
  }
  if (const Syndromes s = syndromes_of(word); s.sum != 0 || s.weighted != 0) {
    const auto at = single_error(s);
    if (!at) return fail(ErrorCode::code_mistyped, "at least two characters of the join code are wrong");
    return fail_at(ErrorCode::code_mistyped, offset[*at],
                   words("a typing mistake: look at character ", *at + 1, ", ", shown(text[offset[*at]]),
                         ", and at what stands around it"));
  }
  JoinSecret secret;
  for (std::size_t bit = 0; bit < 5 * data_characters; ++bit) {
    if ((word[bit / 5] >> (4 - bit % 5) & 1) == 0) continue;
    if (bit >= 8 * JoinSecret::size_bytes) return fail(ErrorCode::code_mistyped, "not a code that this version makes");
    secret.bytes[bit / 8] = static_cast<std::uint8_t>(secret.bytes[bit / 8] | 128 >> bit % 8);
  }
  return secret;
}

}  // namespace rz::identity
