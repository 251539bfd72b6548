// The golden vectors on the format pages (docs/formats): made here from fixed inputs, compared with what the pages say.
// Formats are frozen: if this fails, the code is wrong, not the page.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "log/certificate.h"
#include "log/cut.h"
#include "log/test_world.h"

namespace rz::log {
namespace {

using test::must;
using Vectors = std::vector<std::pair<std::string, std::string>>;

// The lines "name = hex" of the page's ```vectors block.
Vectors on_page(const std::string& page) {
  std::ifstream in(std::string(RZ_SOURCE_DIR "/docs/formats/") + page + ".md");
  Vectors vectors;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```vectors";
      continue;
    }
    const auto equals = line.find(" = ");
    if (inside && equals != std::string::npos) vectors.emplace_back(line.substr(0, equals), line.substr(equals + 3));
  }
  return vectors;
}

void expect_on_page(const std::string& page, const Vectors& made) {
  std::string lines;
  for (const auto& [name, hex] : made) lines += words(name, " = ", hex, "\n");
  EXPECT_EQ(on_page(page), made) << "docs/formats/" << page << ".md should have:\n" << lines;
}

// 32 bytes of one value: easy to see in hex, easy to make elsewhere.
template <class Fixed>
Fixed filled(std::uint8_t value) {
  Fixed made;
  made.bytes.fill(value);
  return made;
}

crypto::Secret32 secret_filled(std::uint8_t value) { return must(crypto::Secret32::from(Bytes(32, value))); }
crypto::SigningKey author_key() {
  (void)crypto::initialise();
  return crypto::SigningKey::from_seed(secret_filled(0x01));
}

Genesis genesis() {
  Genesis made;
  made.owner = filled<Did>(0x0a);
  made.nonce = filled<Nonce>(0x0b);
  made.about = about_hash({"rhizome/document", std::nullopt, filled<Nonce>(0x0c)});
  return made;
}

const Bytes plaintext = must(encode_operations_body({1, std::nullopt, to_bytes("hello")}));

BodyKey body_key() { return BodyKey(secret_filled(0x02), stream_id(genesis()), filled<EpochId>(0x0e)); }

Header header() {
  Header made;
  made.stream = stream_id(genesis());
  made.author = author_key().public_key();
  made.feed = FeedId{1234567};
  made.prev = filled<EventId>(0x0d);
  made.time = UnixMs{1'700'000'000'000};
  made.epoch = filled<EpochId>(0x0e);
  return made;
}

// Two events of one feed: the second has a parent.
struct Two {
  Header first = header();
  Header second = header();
  Bytes first_body = must(body_key().seal(first, plaintext));
  Bytes second_body;
  Two() {
    second.seq = Seq{1};
    second.prev = event_id(first);
    second.parents = {filled<EventId>(0x0f)};
    second.time.ms += 250;
    second_body = must(body_key().seal(second, plaintext));
  }
};

TEST(Vectors, Genesis) {
  IdentityGenesis identity{author_key().public_key(), filled<crypto::BoxPublicKey>(0x03), filled<Hash256>(0x04),
                           filled<crypto::BoxPublicKey>(0x05), filled<crypto::PublicKey>(0x06)};
  const Did did = did_of(identity);
  expect_on_page("genesis", {{"about", to_hex(encode_about({"rhizome/document", {}, filled<Nonce>(0x0c)}))},
                             {"stream_genesis", to_hex(encode_genesis(genesis()))},
                             {"stream_id", stream_id(genesis()).hex()},
                             {"identity_genesis", to_hex(encode_identity_genesis(identity))},
                             {"did", did_text(did)},
                             {"catalogue_genesis", to_hex(encode_genesis(catalogue_genesis(did)))}});
}

TEST(Vectors, Event) {
  const Two two;
  Header control_header = header();
  control_header.kind = EventKind::control;
  control_header.epoch = {};
  const Bytes body = must(encode_control(control(SuspendDevice{filled<AuthorKey>(0x07)})));
  must(set_plain_body(control_header, body));
  expect_on_page("event", {{"plaintext", to_hex(plaintext)},
                           {"associated_data", to_hex(body_associated_data(two.first))},
                           {"sealed_body", to_hex(two.first_body)},
                           {"header", to_hex(encode_header(two.first))},
                           {"event_id", event_id(two.first).hex()},
                           {"cid", to_hex(to_cid(event_id(two.first)))},
                           {"next_header", to_hex(encode_header(two.second))},
                           {"control_header", to_hex(encode_header(control_header))},
                           {"key_commitment", key_commitment(secret_filled(0x02), stream_id(genesis())).hex()}});
}

TEST(Vectors, Seal) {
  const Two two;
  const Seal seal = make_seal(author_key(), event_id(two.second));
  expect_on_page("seal", {{"author", author_key().public_key().hex()}, {"seal", to_hex(encode_seal(seal))}});
}

TEST(Vectors, FeedRun) {
  const Two two;
  FeedRun run;
  run.events = {{two.first, BodyForm::plain, plaintext}, {two.second, BodyForm::plain, plaintext}};
  run.seal = make_seal(author_key(), event_id(two.second));
  const std::string plain = to_hex(must(encode_run(run)));
  run.events = {{two.first, BodyForm::stored, two.first_body}, {two.second, BodyForm::stored, two.second_body}};
  const std::string stored = to_hex(must(encode_run(run)));
  run.events = {{two.first, BodyForm::absent, {}}, {two.second, BodyForm::absent, {}}};
  run.seal.reset();
  expect_on_page("feed-run", {{"plain", plain}, {"stored", stored}, {"absent", to_hex(must(encode_run(run)))}});
}

TEST(Vectors, Control) {
  Vectors made;
  const auto add = [&made](std::string name, Operation operation) {
    made.emplace_back(std::move(name), to_hex(must(encode_control(control(std::move(operation))))));
  };
  add("grant", Grant{Audience::of(filled<AuthorKey>(1)), RightSet({"read", "write"}), "/notes", UnixMs{5}, {}});
  add("revoke", Revoke{Audience::of(filled<Did>(2)), {}, {filled<EventId>(3)}});
  add("epoch", OpenEpoch{{}, filled<Hash256>(1), {{filled<crypto::BoxPublicKey>(2), Bytes(80, 3)}}, {}});
  add("accept", Accept{{filled<EventId>(1)}, std::nullopt});
  add("erase", Erase{{{filled<EventId>(1), filled<BodyHash>(2)}}});
  add("add", AddDevice{filled<AuthorKey>(1), filled<crypto::BoxPublicKey>(2), DeviceKind::personal, "laptop", {}});
  add("name", NameDevice{filled<AuthorKey>(1), "laptop"});
  Endorsement endorsement{{{filled<AuthorKey>(3), filled<crypto::Signature>(4)}}, {}};
  add("remove", RemoveDevice{filled<AuthorKey>(1), filled<Hash256>(2), {filled<EventId>(5)}, endorsement});
  made.emplace_back(
      "endorsement_message",
      to_hex(endorsement_message(filled<StreamId>(6), filled<AuthorKey>(7),
                                 RemoveDevice{filled<AuthorKey>(1), filled<Hash256>(2), {}, endorsement})));
  expect_on_page("control", made);
}

HeadList heads() {
  HeadList list;
  for (std::uint8_t i = 1; i <= 3; ++i)
    list.push_back({filled<StreamId>(i), {filled<EventId>(i), filled<EventId>(0x10)}});
  return list;
}

EntryHeader entry() {
  return {EntryKind::cut, 1, 42, 7, filled<Hash256>(0x0a), UnixMs{1'700'000'000'000}, head_tree_root(heads())};
}

TEST(Vectors, HeadTree) {
  expect_on_page("head-tree",
                 {{"empty_root", head_tree_root({}).hex()},
                  {"one_root", head_tree_root({heads().front()}).hex()},
                  {"head_list", to_hex(encode_head_list(heads()))},
                  {"root", head_tree_root(heads()).hex()},
                  {"branch_of_second", to_hex(encode_branch(must(make_branch(heads(), filled<StreamId>(2)))))}});
}

TEST(Vectors, Cut) { expect_on_page("cut", {{"cut", to_hex(encode_cut({UnixMs{1'700'000'000'000}, heads()}))}}); }

TEST(Vectors, Certificate) {
  const Certificate certificate{entry(), {sign_entry(author_key(), filled<Did>(0x0a), entry())}};
  expect_on_page("certificate", {{"entry", to_hex(encode_entry(entry()))},
                                 {"entry_hash", entry_hash(entry()).hex()},
                                 {"certificate", to_hex(encode_certificate(certificate))}});
}

TEST(Vectors, ASecondImplementationAgrees) {
  const std::string script = RZ_SOURCE_DIR "/tests/second/log_vectors.py";
  if (!std::ifstream(script) || std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "skipped: no python3";
  EXPECT_EQ(std::system(("python3 " + script).c_str()), 0);
}

}  // namespace
}  // namespace rz::log
