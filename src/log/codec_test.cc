// Every block of this room: what is encoded is read back, and nothing else is.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "log/certificate.h"
#include "log/cut.h"
#include "log/seal.h"
#include "log/test_world.h"

namespace rz::log {
namespace {

using test::must;

template <class Fixed>
Fixed fixed(Random& random) {
  Fixed value;
  for (auto& byte : value.bytes) byte = static_cast<std::uint8_t>(random.next());
  return value;
}

std::vector<EventId> ids(Random& random, std::size_t count) {
  std::vector<EventId> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back(fixed<EventId>(random));
  std::sort(list.begin(), list.end());
  return list;
}

Header random_header(Random& random) {
  Header header;
  header.kind = random.chance(1, 3) ? EventKind::control : EventKind::operations;
  header.stream = fixed<StreamId>(random);
  header.author = fixed<AuthorKey>(random);
  header.feed = FeedId{random.below(integer_end)};
  header.seq = Seq{random.below(random.chance(1, 2) ? 30 : integer_end)};
  header.prev = fixed<EventId>(random);
  header.parents = ids(random, random.below(4));
  header.time = UnixMs{random.below(integer_end)};
  if (header.kind == EventKind::operations) header.epoch = fixed<EpochId>(random);
  header.body = fixed<BodyHash>(random);
  header.size = random.below(body_bytes_max + 1);
  return header;
}

EntryHeader random_entry(Random& random) {
  return {static_cast<EntryKind>(random.below(4)),
          random.below(9),
          random.below(integer_end),
          random.below(1000),
          fixed<Hash256>(random),
          UnixMs{random.below(integer_end)},
          fixed<Hash256>(random)};
}

HeadList random_heads(Random& random, std::size_t streams) {
  HeadList list;
  for (std::size_t i = 0; i < streams; ++i) list.push_back({fixed<StreamId>(random), ids(random, 1 + random.below(3))});
  return canonical(list);
}

// A strict decoder takes nothing that its encoder would not write: whatever byte is changed or cut off, what is still
// read encodes to the very bytes that were read.
template <class Decode, class Encode>
void is_strict(Random& random, const Bytes& block, Decode&& decode, Encode&& encode) {
  for (int i = 0; i < 20; ++i) {
    Bytes changed = block;
    changed[random.below(changed.size())] = static_cast<std::uint8_t>(random.next());
    if (const auto value = decode(changed)) RC_ASSERT(encode(*value) == changed);
  }
  RC_ASSERT(!decode(ByteView(block).first(random.below(block.size()))));
  Bytes longer = block;
  longer.push_back(0);
  RC_ASSERT(!decode(longer));
}

#define RZ_ROUND_TRIP(value, encode, decode)  \
  do {                                        \
    const auto made = (value);                \
    const Bytes block = encode(made);         \
    const auto read = decode(block);          \
    RC_ASSERT(read.has_value());              \
    RC_ASSERT(*read == made);                 \
    is_strict(random, block, decode, encode); \
  } while (false)

RC_GTEST_PROP(Blocks, RoundTripAndAreStrict, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  RZ_ROUND_TRIP(random_header(random), encode_header, decode_header);
  Genesis genesis{fixed<Did>(random), random.chance(1, 2) ? Visibility::open : Visibility::sealed,
                  Bytes(random.below(40), 7), fixed<Nonce>(random), fixed<Hash256>(random)};
  RZ_ROUND_TRIP(genesis, encode_genesis, decode_genesis);
  IdentityGenesis identity{fixed<AuthorKey>(random), fixed<crypto::BoxPublicKey>(random), fixed<Hash256>(random),
                           fixed<crypto::BoxPublicKey>(random), fixed<crypto::PublicKey>(random)};
  RZ_ROUND_TRIP(identity, encode_identity_genesis, decode_identity_genesis);
  RZ_ROUND_TRIP((Seal{fixed<EventId>(random), fixed<crypto::Signature>(random)}), encode_seal, decode_seal);
  RZ_ROUND_TRIP(random_entry(random), encode_entry, decode_entry);
  RZ_ROUND_TRIP((Cut{UnixMs{random.below(integer_end)}, random_heads(random, random.below(5))}), encode_cut,
                decode_cut);
  RZ_ROUND_TRIP(random_heads(random, random.below(5)), encode_head_list, decode_head_list);
  HeadBranch branch{random.below(9), random.below(9), {fixed<Hash256>(random), fixed<Hash256>(random)}};
  RZ_ROUND_TRIP(branch, encode_branch, decode_branch);
  FeedHeads heads;
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    heads.push_back(
        {{fixed<AuthorKey>(random), FeedId{random.below(99)}}, Seq{random.below(99)}, fixed<EventId>(random)});
  }
  std::sort(heads.begin(), heads.end());
  RZ_ROUND_TRIP(heads, encode_feed_heads, decode_feed_heads);
  Certificate certificate{random_entry(random), {}};
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    certificate.signatures.push_back({fixed<AuthorKey>(random), fixed<crypto::Signature>(random)});
  }
  std::sort(certificate.signatures.begin(), certificate.signatures.end(),
            [](const VoterSignature& a, const VoterSignature& b) { return a.voter < b.voter; });
  RZ_ROUND_TRIP(certificate, encode_certificate, decode_certificate);
}

ErrorCode code_of(const Header& header) {
  const auto decoded = decode_header(encode_header(header));
  return decoded ? ErrorCode{} : decoded.error().code;
}

TEST(Header, RefusesEachBreachByItsOwnError) {
  Random random(1);
  Header good = random_header(random);
  good.kind = EventKind::operations;
  good.parents = ids(random, 3);
  EXPECT_EQ(code_of(good), ErrorCode{});
  Header bad = good;
  bad.seq = Seq{integer_end};
  EXPECT_EQ(code_of(bad), ErrorCode::integer_too_large);
  bad = good;
  bad.size = body_bytes_max + 1;
  EXPECT_EQ(code_of(bad), ErrorCode::body_too_large);
  bad = good;
  std::swap(bad.parents[0], bad.parents[1]);
  EXPECT_EQ(code_of(bad), ErrorCode::list_order);
  bad.parents[1] = bad.parents[0];
  EXPECT_EQ(code_of(bad), ErrorCode::list_order);
  EXPECT_EQ(check_header(bad).error().code, ErrorCode::parents_order);
  bad = good;
  bad.prev = bad.parents[1];
  EXPECT_EQ(code_of(bad), ErrorCode::parents_order);
  bad = good;
  bad.kind = EventKind::control;
  EXPECT_EQ(code_of(bad), ErrorCode::control_sealed);
  bad = good;
  bad.parents = ids(random, parents_max + 1);
  EXPECT_EQ(code_of(bad), ErrorCode::limit_exceeded);
  EXPECT_EQ(check_header(bad).error().code, ErrorCode::parents_count);
  bad.parents.pop_back();
  EXPECT_EQ(code_of(bad), ErrorCode{});
  EXPECT_LE(encode_header(bad).size(), header_bytes_max);
  Bytes block = encode_header(good);
  block[1] = 2;
  EXPECT_EQ(decode_header(block).error().code, ErrorCode::event_version);
  block[1] = 1;
  block[2] = 2;
  EXPECT_EQ(decode_header(block).error().code, ErrorCode::event_kind);
  EXPECT_EQ(decode_header(block).error().offset, 2u);
}

TEST(Header, ALinkIsToADagCborBlockBySha256) {
  Random random(2);
  Header header = random_header(random);
  header.feed = FeedId{1};
  header.seq = Seq{1};
  Bytes block = encode_header(header);
  const std::size_t codec_at = 1 + 2 + 34 + 34 + 2 + 4 + 2;  // Inside `prev`: after tag, length, multibase, version.
  ASSERT_EQ(block[codec_at], 0x71);
  block[codec_at] = 0x55;
  EXPECT_EQ(decode_header(block).error().code, ErrorCode::link_not_event);
}

RC_GTEST_PROP(HeadTree, ABranchProvesItsStreamAndNothingElse, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const HeadList list = random_heads(random, *rc::gen::inRange<std::size_t>(1, 40));
  const Hash256 root = head_tree_root(list);
  for (const StreamHeads& heads : list) {
    const HeadBranch branch = must(make_branch(list, heads.stream));
    must(verify_branch(root, heads, branch));
    StreamHeads other = heads;
    other.heads.front().bytes[0] ^= 1;
    RC_ASSERT(!verify_branch(root, other, branch));
    HeadBranch moved = branch;
    moved.leaf_index = (branch.leaf_index + 1) % (branch.leaf_count + 1);
    RC_ASSERT(!verify_branch(root, heads, moved));
    HeadBranch longer = branch;
    longer.path.push_back(root);
    RC_ASSERT(!verify_branch(root, heads, longer));
    if (branch.path.empty()) continue;
    HeadBranch shorter = branch;
    shorter.path.pop_back();
    RC_ASSERT(!verify_branch(root, heads, shorter));
  }
  RC_ASSERT(make_branch(list, fixed<StreamId>(random)).error().code == ErrorCode::not_found);
  HeadList shuffled = list;
  std::reverse(shuffled.begin(), shuffled.end());
  RC_ASSERT(head_tree_root(canonical(shuffled)) == root);
}

TEST(Certificate, NeedsAMajorityOfTheVoters) {
  Random random(3);
  const Did did = fixed<Did>(random);
  std::vector<crypto::SigningKey> keys;
  std::vector<AuthorKey> voters;
  for (std::uint64_t i = 0; i < 4; ++i) keys.push_back(test::key_of(i));
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.public_key() < b.public_key(); });
  for (std::size_t i = 0; i < 3; ++i) voters.push_back(keys[i].public_key());
  Certificate certificate{random_entry(random), {}};
  certificate.signatures.push_back(sign_entry(keys[0], did, certificate.entry));
  certificate.signatures.push_back(sign_entry(keys[3], did, certificate.entry));  // Not a voter: does not count.
  EXPECT_EQ(verify_certificate(certificate, did, voters).error().code, ErrorCode::certificate_minority);
  certificate.signatures.insert(certificate.signatures.begin() + 1, sign_entry(keys[1], did, certificate.entry));
  EXPECT_TRUE(verify_certificate(certificate, did, voters));
  const Did other = fixed<Did>(random);
  EXPECT_EQ(verify_certificate(certificate, other, voters).error().code, ErrorCode::certificate_signature);
  EXPECT_EQ(verify_certificate(certificate, did, {}).error().code, ErrorCode::certificate_minority);
}

TEST(Certificate, TwoEntriesAtOnePlaceProveEquivocation) {
  Random random(4);
  const Did did = fixed<Did>(random);
  const crypto::SigningKey voter = test::key_of(1);
  EntryHeader first = random_entry(random);
  EntryHeader second = first;
  second.root = fixed<Hash256>(random);
  const auto proof = [&](const EntryHeader& a, const EntryHeader& b) {
    return Equivocation{a, b, sign_entry(voter, did, a), sign_entry(voter, did, b)};
  };
  EXPECT_TRUE(verify_equivocation(proof(first, second), did));
  EXPECT_FALSE(verify_equivocation(proof(first, first), did));
  EXPECT_EQ(must(decode_equivocation(encode_equivocation(proof(first, second)))), proof(first, second));
  EntryHeader later = second;
  ++later.index;
  EXPECT_FALSE(verify_equivocation(proof(first, later), did));
  Equivocation two_voters = proof(first, second);
  two_voters.on_second = sign_entry(test::key_of(2), did, second);
  EXPECT_EQ(verify_equivocation(two_voters, did).error().code, ErrorCode::equivocation_unproven);
}

TEST(Body, IsSealedUnderItsHeader) {
  Random random(5);
  const crypto::Secret32 secret = test::secret_of(1);
  Header header = random_header(random);
  header.kind = EventKind::operations;
  header.epoch = fixed<EpochId>(random);
  const BodyKey key(secret, header.stream, header.epoch);
  const Bytes plaintext = must(encode_operations_body({1, std::nullopt, to_bytes("typed")}));
  const Bytes sealed = must(key.seal(header, plaintext));
  EXPECT_EQ(sealed.size(), plaintext.size() + 24);
  EXPECT_EQ(header.size, sealed.size());
  EXPECT_EQ(must(key.open(header, sealed)), plaintext);
  // The body's place is part of what is authenticated.
  Header moved = header;
  moved.seq.value ^= 1;
  EXPECT_EQ(key.open(moved, sealed).error().code, ErrorCode::not_authentic);
  // So is the stream: its key is another.
  const BodyKey other(secret, fixed<StreamId>(random), header.epoch);
  EXPECT_EQ(other.open(header, sealed).error().code, ErrorCode::not_authentic);
  Bytes altered = sealed;
  altered[30] ^= 1;
  EXPECT_EQ(key.open(header, altered).error().code, ErrorCode::body_hash_mismatch);
  Bytes huge(body_bytes_max - 23);
  EXPECT_EQ(key.seal(header, huge).error().code, ErrorCode::body_too_large);
  huge.pop_back();
  EXPECT_TRUE(key.seal(header, huge));
}

TEST(Body, EpochKeys) {
  Random random(6);
  const StreamId stream = fixed<StreamId>(random);
  const crypto::Secret32 a = test::secret_of(1), b = test::secret_of(2);
  const crypto::Secret32 joint = joint_epoch_key({&a, &b}, stream);
  EXPECT_TRUE(joint.equals(joint_epoch_key({&a, &b}, stream)));
  EXPECT_FALSE(joint.equals(joint_epoch_key({&b, &a}, stream)));
  EXPECT_NE(key_commitment(a, stream), key_commitment(b, stream));
  EXPECT_NE(key_commitment(a, stream), key_commitment(a, fixed<StreamId>(random)));
}

}  // namespace
}  // namespace rz::log
