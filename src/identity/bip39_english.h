// The English word list of BIP-39: 2,048 words, sorted, each told from all others by its first four letters.
//
// Data of a published standard, not ours: Bitcoin Improvement Proposal 39 (Palatinus, Rusnak, Voisine and Bowe, 2013),
// as distributed with trezor/python-mnemonic 0.21 under the MIT licence (copyright 2013 Pavol Rusnak and others).
// SHA-256 of the list, one word a line, each line ended by a line feed:
// 2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda (a test computes it).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace rz::identity {

inline constexpr std::size_t bip39_words_count = 2048;

// In the list's own order, which is alphabetical: a word's index is its value, 11 bits.
const std::array<std::string_view, bip39_words_count>& bip39_english();

}  // namespace rz::identity
