// The paper key: 256 random bits on a sheet of paper, as the 24 words of BIP-39, from which the pod can be recovered.
//
// From the seed come two keys and nothing else: the recovery signing key (stream zero's genesis commits to its hash)
// and the recovery box key (every epoch is wrapped for it). We use BIP-39 for its words and checksum only: its
// passphrase and its derivation of wallets have no place here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/box.h"
#include "crypto/secret.h"
#include "crypto/sign.h"

namespace rz::identity {

inline constexpr std::size_t paper_words_count = 24;
inline constexpr std::size_t paper_text_bytes_max = 4096;

class PaperKey {
 public:
  explicit PaperKey(crypto::Secret32 seed);
  static PaperKey random(crypto::Entropy& entropy);

  // Forgiving: any case, any spaces, numbering ("1. abandon"), commas, and a word's first four or more letters.
  // Errors: paper_word_count; paper_unknown_word (names the position, counted from one, and the nearest word; offset:
  // the byte in `text`); paper_bad_checksum; limit_exceeded.
  static Result<PaperKey> parse(std::string_view text);

  const crypto::Secret32& seed() const { return seed_; }
  // The 24 words, lower case.
  std::vector<std::string> to_words() const;

  const crypto::SigningKey& signing_key() const { return signing_key_; }
  const crypto::BoxKey& box_key() const { return box_key_; }

 private:
  crypto::Secret32 seed_;
  crypto::SigningKey signing_key_;
  crypto::BoxKey box_key_;
};

// What stands on the sheet. `addresses` are hints: where members were last heard.
struct PaperSheet {
  std::vector<std::string> words;
  std::string did;
  std::vector<std::string> addresses;
};

// The sheet as plain text, to print or to keep: words in six rows of four with their numbers, then DID and addresses.
std::string format_paper_sheet(const PaperSheet& sheet);

// The word of the list that is nearest to `typed` (fewest letters changed, dropped, added or swapped; the first of
// several), for a suggestion. `typed` is cut at 16 letters.
std::string_view nearest_paper_word(std::string_view typed);

}  // namespace rz::identity
