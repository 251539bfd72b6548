#include "identity/paper.h"

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/sha256.h"
#include "identity/bip39_english.h"

namespace rz::identity {

namespace {

constexpr std::size_t bits_per_word = 11;
constexpr std::size_t seed_bits = 256;
constexpr std::size_t prefix_letters = 4;  // As many as tell every word of the list from all others.
constexpr std::size_t typed_letters_max = 16;

using Indices = std::array<std::size_t, paper_words_count>;

// The entropy followed by the first eight bits of its SHA-256 (BIP-39, "Generating the mnemonic").
std::array<std::uint8_t, 33> with_checksum(const crypto::Secret32& seed) {
  std::array<std::uint8_t, 33> bytes{};
  std::copy(seed.expose().begin(), seed.expose().end(), bytes.begin());
  bytes[32] = crypto::sha256(seed.expose()).bytes[0];
  return bytes;
}

Indices indices_of(const crypto::Secret32& seed) {
  auto bytes = with_checksum(seed);
  Indices indices{};
  for (std::size_t bit = 0; bit < paper_words_count * bits_per_word; ++bit) {
    const std::size_t value = bytes[bit / 8] >> (7 - bit % 8) & 1;
    indices[bit / bits_per_word] = indices[bit / bits_per_word] << 1 | value;
  }
  crypto::wipe(bytes);
  return indices;
}

std::optional<std::size_t> index_of(std::string_view typed) {
  const auto& list = bip39_english();
  const auto found = std::lower_bound(list.begin(), list.end(), typed);
  if (found == list.end()) return std::nullopt;
  const bool same = *found == typed;
  const bool prefix = typed.size() >= prefix_letters && found->starts_with(typed);
  return same || prefix ? std::optional(static_cast<std::size_t>(found - list.begin())) : std::nullopt;
}

// Optimal string alignment: how many letters to change, drop, add or swap with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, typed_letters_max + 1>;
  Row before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({changed, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

struct TypedWord {
  std::string letters;
  std::size_t offset = 0;
};

// Splits at everything that is no letter; bytes above ASCII belong to the word, so that they are named as wrong.
std::vector<TypedWord> split(std::string_view text) {
  std::vector<TypedWord> found;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (text.substr(i).starts_with("\xc2\xa0")) {  // A no-break space, which copying from a page brings along.
      inside = false;
      ++i;
      continue;
    }
    const bool letter = (c >= 'a' && c <= 'z') || static_cast<std::uint8_t>(c) >= 0x80;
    if (letter && !inside) found.push_back({{}, i});
    if (letter) found.back().letters += c;
    inside = letter;
  }
  return found;
}

bool is_plain(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

crypto::SigningKey signing_key_of(const crypto::Secret32& seed) {
  return crypto::SigningKey::from_seed(crypto::kdf(seed, "rhizome paper signing key", {}));
}

crypto::BoxKey box_key_of(const crypto::Secret32& seed) {
  return crypto::BoxKey::from_seed(crypto::kdf(seed, "rhizome paper box key", {}));
}

}  // namespace

PaperKey::PaperKey(crypto::Secret32 seed)
    : seed_(std::move(seed)), signing_key_(signing_key_of(seed_)), box_key_(box_key_of(seed_)) {}

PaperKey PaperKey::random(crypto::Entropy& entropy) { return PaperKey(crypto::Secret32::random(entropy)); }

std::vector<std::string> PaperKey::to_words() const {
  std::vector<std::string> result;
  for (const std::size_t index : indices_of(seed_)) result.emplace_back(bip39_english()[index]);
  return result;
}

std::string_view nearest_paper_word(std::string_view typed) {
  typed = typed.substr(0, typed_letters_max);
  std::string_view nearest;
  std::size_t least = ~std::size_t{0};
  for (const std::string_view word : bip39_english()) {
    const std::size_t d = distance(typed, word);
    if (d < least) {
      least = d;
      nearest = word;
    }
  }
  return nearest;
}

Result<PaperKey> PaperKey::parse(std::string_view text) {
  if (text.size() > paper_text_bytes_max) return fail(ErrorCode::limit_exceeded, "far too long for a paper key");
  const auto typed = split(text);
  std::array<std::uint8_t, 33> bytes{};
  for (std::size_t i = 0; i < typed.size() && i < paper_words_count; ++i) {
    const auto index = index_of(typed[i].letters);
    if (!index) {
      const auto shown = is_plain(typed[i].letters) && typed[i].letters.size() <= typed_letters_max
                             ? words("\"", typed[i].letters, "\"")
                             : std::string("this");
      return fail_at(ErrorCode::paper_unknown_word, typed[i].offset,
                     words("word ", i + 1, ": ", shown, " is not in the list; perhaps \"",
                           nearest_paper_word(typed[i].letters), "\""));
    }
    for (std::size_t bit = 0; bit < bits_per_word; ++bit) {
      const std::size_t at = i * bits_per_word + bit;
      if ((*index >> (bits_per_word - 1 - bit) & 1) != 0) {
        bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] | 128 >> at % 8);
      }
    }
  }
  if (typed.size() != paper_words_count) {
    return fail(ErrorCode::paper_word_count, words("a paper key has 24 words, this has ", typed.size()));
  }
  auto seed = crypto::Secret32::from(ByteView(bytes).first(seed_bits / 8));
  const std::uint8_t checksum = bytes[32];
  crypto::wipe(bytes);
  if (!seed) return std::unexpected(std::move(seed).error());
  if (crypto::sha256(seed->expose()).bytes[0] != checksum) {
    return fail(ErrorCode::paper_bad_checksum,
                "all words are in the list but they do not fit together: one is another than on the paper, or two "
                "changed places");
  }
  return PaperKey(*std::move(seed));
}

std::string format_paper_sheet(const PaperSheet& sheet) {
  constexpr std::size_t columns = 4;
  constexpr std::size_t column_letters = 14;  // "24. " and the longest word, eight letters, with room after it.
  std::string text;
  for (std::size_t i = 0; i < sheet.words.size(); ++i) {
    std::string cell = words(i + 1 < 10 ? " " : "", i + 1, ". ", sheet.words[i]);
    const bool last = i % columns == columns - 1 || i + 1 == sheet.words.size();
    if (!last && cell.size() < column_letters) cell.append(column_letters - cell.size(), ' ');
    text += cell;
    if (last) text += '\n';
  }
  text += words("\n", sheet.did, "\n");
  for (const auto& address : sheet.addresses) text += words(address, "\n");
  return text;
}

}  // namespace rz::identity
