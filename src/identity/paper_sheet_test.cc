#include "identity/paper_sheet.h"

#include <gtest/gtest.h>

#include "identity/pod_fixture.h"
#include "log/genesis.h"

namespace rz::identity {
namespace {

struct Sheet : ::testing::Test {
  Sheet() : entropy(5), key(PaperKey::random(entropy)) { did.bytes.fill(7); }

  std::string printed() const {
    return format_paper_sheet(
        {key.to_words(), log::did_text(did), {"/ip4/203.0.113.7/tcp/4868", "/ip6/2001:db8::1/tcp/4868"}});
  }
  std::string words_in_a_row() const {
    std::string text;
    for (const auto& word : key.to_words()) text += word + " ";
    return text;
  }

  crypto::SeededEntropy entropy;
  PaperKey key;
  log::Did did;
};

TEST_F(Sheet, ComesBackAsItWasPrinted) {
  const auto read = parse_paper_sheet(printed());
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_EQ(read->key.to_words(), key.to_words());
  EXPECT_EQ(read->did, did);
  ASSERT_EQ(read->addresses.size(), 2u);
  EXPECT_EQ(read->addresses[0].to_string(), "/ip4/203.0.113.7/tcp/4868");
}

TEST_F(Sheet, InAnyOrderWithHeadingsAndWhatIsTwice) {
  const std::string text = words("# Rhizome paper key\nAddresses:\n/ip4/10.0.0.1/tcp/1\t/ip4/10.0.0.1/tcp/1\r\nDID:\n",
                                 log::did_text(did), "\nThe words to keep:\n", words_in_a_row(), "\n");
  const auto read = parse_paper_sheet(text);
  ASSERT_TRUE(read.has_value()) << read.error().to_string();
  EXPECT_EQ(read->key.to_words(), key.to_words());
  EXPECT_EQ(read->did, did);
  EXPECT_EQ(read->addresses.size(), 1u);
}

TEST_F(Sheet, WordsAloneAreEnoughToRead) {
  const auto read = parse_paper_sheet(words_in_a_row());
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->did.has_value());
  EXPECT_TRUE(read->addresses.empty());
}

TEST_F(Sheet, SaysWhereItIsWrong) {
  const std::string text = "did:rhizome:nonsense\n" + words_in_a_row();
  EXPECT_EQ(parse_paper_sheet(text).error().code, ErrorCode::did_malformed);
  // The offset is that in the whole text, whatever stood before the words.
  const std::string typo = log::did_text(did) + "\nabandom " + words_in_a_row();
  const auto wrong = parse_paper_sheet(typo);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::paper_unknown_word);
  EXPECT_EQ(wrong.error().offset, typo.find("abandom"));
  log::Did other = did;
  other.bytes[0] ^= 1;
  EXPECT_EQ(parse_paper_sheet(printed() + log::did_text(other)).error().code, ErrorCode::did_malformed);
  EXPECT_FALSE(parse_paper_sheet(words_in_a_row() + "/ip4/1.2.3/tcp/1").has_value());
  EXPECT_EQ(parse_paper_sheet(std::string(paper_sheet_bytes_max + 1, ' ')).error().code, ErrorCode::limit_exceeded);
  std::string many = words_in_a_row();
  for (int i = 0; i < 20; ++i) many += words("\n/ip4/10.0.0.", i, "/tcp/1");
  EXPECT_EQ(parse_paper_sheet(many).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(parse_paper_sheet("").error().code, ErrorCode::paper_word_count);
}

}  // namespace
}  // namespace rz::identity
