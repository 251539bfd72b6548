#include "identity/paper.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "crypto/sha256.h"
#include "identity/bip39_english.h"
#include "identity/keys.h"

namespace rz::identity {
namespace {

std::string joined(const std::vector<std::string>& words_list) {
  std::string text;
  for (const auto& word : words_list) text += (text.empty() ? "" : " ") + word;
  return text;
}

PaperKey paper_of(std::string_view hex) { return PaperKey(*crypto::Secret32::from(*from_hex(hex))); }

PaperKey any_paper() {
  const auto seed = *rc::gen::container<std::vector<std::uint8_t>>(32, rc::gen::arbitrary<std::uint8_t>());
  return PaperKey(*crypto::Secret32::from(seed));
}

TEST(Bip39English, IsTheStandardsList) {
  std::string text;
  for (const auto word : bip39_english()) text += std::string(word) + "\n";
  EXPECT_EQ(crypto::sha256(as_bytes(text)).hex(), "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
  EXPECT_TRUE(std::is_sorted(bip39_english().begin(), bip39_english().end()));
}

// The 256-bit vectors of trezor/python-mnemonic's vectors.json, which BIP-39 refers to.
TEST(PaperKey, PublishedVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"0000000000000000000000000000000000000000000000000000000000000000",
       "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
       "abandon "
       "abandon abandon abandon abandon abandon abandon abandon abandon abandon art"},
      {"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
       "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal "
       "winner thank year wave sausage worth title"},
      {"8080808080808080808080808080808080808080808080808080808080808080",
       "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid "
       "letter advice cage absurd amount doctor acoustic bless"},
      {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
       "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote"},
      {"00ac97c48106f0aeb8ba061e0250a559b3251dc35854e694780ba51d53a50120",
       "absent gorilla van acoustic humor firm title dolphin bulk barely citizen recall crane moment aspect appear "
       "track phrase actual enforce steel spoon afraid benefit"},
      {"3edc83b60740d77af3afa2fcb82c2f1bc541ee4e2518ddef4996d32453f54a3c",
       "disagree tomato unique attend aspect runway solid violin witness scrap armed daring favorite warm decade "
       "perfect target kid grant play early wide cigar night"},
      {"911fec0fbd88029f6fa99164896c18d898c9232af18bdcca3e42d53b86493104",
       "much youth advance kitchen lens exile salt cram goose enter alert raise milk muscle profit cousin system faint "
       "mouse price reveal cause series long"},
  };
  for (const auto& [seed, text] : vectors) {
    EXPECT_EQ(joined(paper_of(seed).to_words()), text);
    const auto parsed = PaperKey::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(to_hex(parsed->seed().expose()), seed);
  }
}

RC_GTEST_PROP(PaperKey, ParsesWhatItWrites, ()) {
  const auto paper = any_paper();
  const auto parsed = PaperKey::parse(joined(paper.to_words()));
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->seed().equals(paper.seed()));
  RC_ASSERT(parsed->signing_key().public_key() == paper.signing_key().public_key());
  RC_ASSERT(parsed->box_key().public_key() == paper.box_key().public_key());
}

RC_GTEST_PROP(PaperKey, ForgivesNumbersCaseAndEndings, ()) {
  const auto paper = any_paper();
  std::string text;
  std::size_t number = 0;
  for (auto word : paper.to_words()) {
    if (*rc::gen::arbitrary<bool>() && word.size() > 4) {
      word = word.substr(0, *rc::gen::inRange<std::size_t>(4, word.size()));
    }
    if (*rc::gen::arbitrary<bool>()) std::transform(word.begin(), word.end(), word.begin(), ::toupper);
    ++number;
    text += *rc::gen::element(std::string(" "), std::string("\n"), words(" ", number, ". "), std::string(", "),
                              std::string("\xc2\xa0"));
    text += word;
  }
  const auto parsed = PaperKey::parse(text);
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(parsed->seed().equals(paper.seed()));
}

TEST(PaperKey, NamesTheFirstWrongWordAndTheNearest) {
  auto list = paper_of(std::string(64, '7')).to_words();
  list[4] = "abandom";
  list[9] = "qqqq";
  const auto text = joined(list);
  const auto parsed = PaperKey::parse(text);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::paper_unknown_word);
  EXPECT_EQ(parsed.error().message, "word 5: \"abandom\" is not in the list; perhaps \"abandon\"");
  EXPECT_EQ(parsed.error().offset, text.find("abandom"));
}

TEST(PaperKey, NearestWordKnowsSwapsAndDrops) {
  EXPECT_EQ(nearest_paper_word("zoen"), "zone");
  EXPECT_EQ(nearest_paper_word("aslo"), "also");
  EXPECT_EQ(nearest_paper_word("rythm"), "rhythm");
  EXPECT_EQ(nearest_paper_word("wintter"), "winter");
  EXPECT_EQ(nearest_paper_word(""), "act");
}

TEST(PaperKey, RefusesSwappedWordsByTheirChecksum) {
  auto list = paper_of("3edc83b60740d77af3afa2fcb82c2f1bc541ee4e2518ddef4996d32453f54a3c").to_words();
  std::swap(list[0], list[1]);
  EXPECT_EQ(PaperKey::parse(joined(list)).error().code, ErrorCode::paper_bad_checksum);
}

TEST(PaperKey, RefusesOtherCounts) {
  auto list = paper_of(std::string(64, '0')).to_words();
  list.pop_back();
  EXPECT_EQ(PaperKey::parse(joined(list)).error().message, "a paper key has 24 words, this has 23");
  list.insert(list.end(), {"art", "art"});
  EXPECT_EQ(PaperKey::parse(joined(list)).error().code, ErrorCode::paper_word_count);
  EXPECT_EQ(PaperKey::parse("").error().code, ErrorCode::paper_word_count);
  EXPECT_EQ(PaperKey::parse(std::string(5000, 'a')).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(PaperKey::parse("\xff\xfe zoo").error().code, ErrorCode::paper_unknown_word);
}

TEST(PaperKey, SheetShowsWordsDidAndAddresses) {
  const PaperSheet sheet{
      paper_of(std::string(64, '0')).to_words(), "did:rhizome:bafyexample", {"/ip4/127.0.0.1/tcp/1"}};
  const auto text = format_paper_sheet(sheet);
  EXPECT_NE(text.find(" 1. abandon"), std::string::npos);
  EXPECT_NE(text.find("24. art\n"), std::string::npos);
  EXPECT_NE(text.find("did:rhizome:bafyexample\n/ip4/127.0.0.1/tcp/1\n"), std::string::npos);
  // What stands above the DID is the key as it can be typed.
  EXPECT_TRUE(PaperKey::parse(std::string_view(text).substr(0, text.find("did:"))));
}

TEST(DeviceKeys, DifferByPurposeAndStream) {
  crypto::SeededEntropy entropy(3);
  const auto keys = DeviceKeys::random(entropy);
  const DeviceKeys again(keys.secret().clone());
  EXPECT_EQ(keys.public_key(), again.public_key());
  EXPECT_EQ(keys.box_key().public_key(), again.box_key().public_key());
  log::StreamId a, b;
  b.bytes[0] = 1;
  EXPECT_EQ(keys.author_key(a).public_key(), again.author_key(a).public_key());
  EXPECT_NE(keys.author_key(a).public_key(), keys.author_key(b).public_key());
  EXPECT_NE(keys.author_key(a).public_key(), keys.public_key());
}

// The PeerId of RFC 8032's first test key, by the rules of libp2p's peer-ids specification.
TEST(DeviceKeys, PeerIdIsLibp2ps) {
  const auto key =
      *crypto::PublicKey::from(*from_hex("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"));
  EXPECT_EQ(to_hex(peer_id_bytes(key)), "0024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e");
  EXPECT_TRUE(peer_id_text(key).starts_with("12D3KooW"));
}

}  // namespace
}  // namespace rz::identity
