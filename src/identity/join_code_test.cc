#include "identity/join_code.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "identity/join_link.h"

namespace rz::identity {
namespace {

JoinSecret secret_of(const std::vector<std::uint8_t>& seed) {
  JoinSecret secret;
  for (std::size_t i = 0; i < secret.bytes.size() && i < seed.size(); ++i) secret.bytes[i] = seed[i];
  return secret;
}

JoinSecret any_secret() {
  return secret_of(*rc::gen::container<std::vector<std::uint8_t>>(16, rc::gen::arbitrary<std::uint8_t>()));
}

std::string without_dashes(std::string text) {
  std::erase(text, '-');
  return text;
}

// docs/formats/pairing.md: the vectors there.
TEST(JoinCode, Vectors) {
  EXPECT_EQ(format_join_code(JoinSecret{}), "0000-0000-0000-0000-0000-0000-0000");
  JoinSecret secret;
  for (std::size_t i = 0; i < 16; ++i) secret.bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(format_join_code(secret), "000G-40R4-0M30-E209-185G-R38E-1WYR");
  secret.bytes.fill(0xff);
  EXPECT_EQ(format_join_code(secret), "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZWYX");
}

RC_GTEST_PROP(JoinCode, ParsesWhatItFormats, ()) {
  const auto secret = any_secret();
  RC_ASSERT((parse_join_code(format_join_code(secret)) == secret));
}

RC_GTEST_PROP(JoinCode, ForgivesCaseSpacesAndLookalikes, ()) {
  const auto secret = any_secret();
  std::string typed;
  for (char c : format_join_code(secret)) {
    if (c == '0') c = *rc::gen::element('0', 'O', 'o');
    if (c == '1') c = *rc::gen::element('1', 'I', 'l', 'L', 'i');
    if (c >= 'A' && c <= 'Z' && *rc::gen::arbitrary<bool>()) c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = *rc::gen::element('-', ' ', '.', '_');
    typed += c;
    if (*rc::gen::inRange(0, 5) == 0) typed += ' ';
  }
  RC_ASSERT((parse_join_code(typed) == secret));
}

RC_GTEST_PROP(JoinCode, NamesASingleWrongCharacter, ()) {
  std::string text = without_dashes(format_join_code(any_secret()));
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  const char other = code_alphabet[*rc::gen::inRange<std::size_t>(0, 32)];
  RC_PRE(other != text[at]);
  text[at] = other;
  const auto parsed = parse_join_code(text);
  RC_ASSERT(!parsed);
  RC_ASSERT(parsed.error().code == ErrorCode::code_mistyped);
  RC_ASSERT(parsed.error().offset == at);
}

RC_GTEST_PROP(JoinCode, NoticesAnyTwoWrongCharacters, ()) {
  const std::string right = without_dashes(format_join_code(any_secret()));
  std::string text = right;
  const auto a = *rc::gen::inRange<std::size_t>(0, text.size());
  const auto b = *rc::gen::inRange<std::size_t>(0, text.size());
  text[a] = code_alphabet[*rc::gen::inRange<std::size_t>(0, 32)];
  text[b] = code_alphabet[*rc::gen::inRange<std::size_t>(0, 32)];
  RC_PRE(text != right);
  RC_ASSERT(!parse_join_code(text));
}

RC_GTEST_PROP(JoinCode, NoticesSwappedNeighbours, ()) {
  std::string text = without_dashes(format_join_code(any_secret()));
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size() - 1);
  RC_PRE(text[at] != text[at + 1]);
  std::swap(text[at], text[at + 1]);
  RC_ASSERT(!parse_join_code(text));
}

TEST(JoinCode, SaysWhatIsWrong) {
  const auto short_one = parse_join_code("7KQ2-M0XR");
  ASSERT_FALSE(short_one);
  EXPECT_EQ(short_one.error().to_string(), "code_wrong_length: a join code has 28 characters, this has 8");
  const auto letter = parse_join_code("000G-U0R4-0M30-E209-185G-R38E-1WYR");
  ASSERT_FALSE(letter);
  EXPECT_EQ(letter.error().code, ErrorCode::code_bad_character);
  EXPECT_EQ(letter.error().offset, 5U);
  const auto control = parse_join_code("000G-\x01");
  ASSERT_FALSE(control);
  EXPECT_EQ(control.error().message, "character 5 is byte 0x01, which no join code has");
  EXPECT_EQ(parse_join_code(std::string(300, '0')).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(parse_join_code("").error().code, ErrorCode::code_wrong_length);
}

// The two bits after the secret are zero: a second text for one secret is refused, whatever its check says.
TEST(JoinCode, HasOneTextForEachSecret) {
  std::size_t taken = 0;
  const std::string body = "0000000000000000000000000";
  for (const char last : std::string_view("123")) {
    for (const char a : code_alphabet) {
      for (const char b : code_alphabet) taken += parse_join_code(body + last + a + b).has_value() ? 1 : 0;
    }
  }
  EXPECT_EQ(taken, 0U);
}

TEST(JoinCode, DrawsFromTheEntropy) {
  crypto::SeededEntropy a(1), b(1), c(2);
  EXPECT_EQ(draw_join_secret(a), draw_join_secret(b));
  EXPECT_NE(draw_join_secret(a), draw_join_secret(c));
}

JoinLink some_link() {
  crypto::SeededEntropy entropy(7);
  const auto key = crypto::SigningKey::from_seed(crypto::Secret32::random(entropy));
  return {draw_join_secret(entropy),
          key.public_key(),
          {*ipld::Multiaddr::parse("/ip4/127.0.0.1/tcp/4868"), *ipld::Multiaddr::parse("/ip6/::1/tcp/4868")}};
}

TEST(JoinLink, ParsesWhatItFormats) {
  const auto link = some_link();
  const auto text = format_join_link(link);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("rhizome:join/"));
  EXPECT_EQ(parse_join_link(*text), link);
  EXPECT_EQ(parse_join_link("  " + *text + "\n"), link);
  EXPECT_EQ(parse_join_link(*format_join_qr(link)), link);
}

TEST(JoinLink, RefusesWhatIsNone) {
  EXPECT_EQ(parse_join_link("https://example.org/").error().code, ErrorCode::join_link_malformed);
  EXPECT_EQ(parse_join_link("rhizome:join/1").error().code, ErrorCode::join_link_malformed);
  EXPECT_FALSE(parse_join_link("rhizome:join/"));
  EXPECT_EQ(parse_join_link(std::string(5000, 'a')).error().code, ErrorCode::limit_exceeded);
  JoinLink many = some_link();
  many.addresses.resize(join_link_addresses_max + 1, many.addresses[0]);
  EXPECT_EQ(format_join_link(many).error().code, ErrorCode::limit_exceeded);
}

TEST(JoinLink, RefusesEveryTruncationAndFlippedCharacter) {
  const auto text = *format_join_link(some_link());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_join_link(text.substr(0, size))) << size;
  const auto link = some_link();
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string flipped = text;
    flipped[at] = flipped[at] == 'q' ? 'r' : 'q';
    const auto parsed = parse_join_link(flipped);
    // The secret and the addresses are free bytes; nothing may parse as the same link.
    if (parsed) EXPECT_NE(*parsed, link) << at;
  }
}

TEST(JoinInvitation, IsALinkOrACode) {
  const auto link = some_link();
  const auto from_link = parse_join_invitation(*format_join_qr(link));
  ASSERT_TRUE(from_link);
  EXPECT_EQ(from_link->inviter, link.inviter);
  EXPECT_EQ(from_link->addresses, link.addresses);
  const auto typed = parse_join_invitation(format_join_code(link.secret));
  ASSERT_TRUE(typed);
  EXPECT_EQ(typed->secret, link.secret);
  EXPECT_FALSE(typed->inviter);
  EXPECT_EQ(parse_join_invitation("rhizome:foo").error().code, ErrorCode::join_link_malformed);
}

}  // namespace
}  // namespace rz::identity
