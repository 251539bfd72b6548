#include "log/control.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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
template <class Fixed>
std::vector<Fixed> list(Random& random, std::size_t at_least = 0) {
  std::vector<Fixed> items;
  for (std::uint64_t i = random.below(4) + at_least; i > 0; --i) items.push_back(fixed<Fixed>(random));
  std::sort(items.begin(), items.end());
  return items;
}
std::string text(Random& random) { return words("text ", random.below(1000)); }
std::optional<Hash256> maybe_hash(Random& random) {
  return random.chance(1, 2) ? std::optional(fixed<Hash256>(random)) : std::nullopt;
}
std::vector<Wrap> wraps(Random& random) {
  std::vector<Wrap> all;
  for (const auto& reader : list<crypto::BoxPublicKey>(random)) all.push_back({reader, Bytes(80, 3)});
  return all;
}
Endorsement endorsement(Random& random, bool paper) {
  Endorsement made;
  for (const auto& author : list<AuthorKey>(random)) made.devices.push_back({author, fixed<crypto::Signature>(random)});
  if (paper) made.paper = PaperSignature{fixed<crypto::PublicKey>(random), fixed<crypto::Signature>(random)};
  return made;
}
AddDevice device(Random& random) {
  return {fixed<AuthorKey>(random), fixed<crypto::BoxPublicKey>(random), static_cast<DeviceKind>(random.below(3)),
          text(random), maybe_hash(random)};
}

Operation random_operation(Random& random, std::size_t which) {
  const bool coin = random.chance(1, 2);
  switch (which) {
    case 0: {
      Grant grant{Audience::of(fixed<AuthorKey>(random)), RightSet({"write", "read", "later"}), text(random), {}, {}};
      if (coin) grant.audience = Audience::of(fixed<Did>(random));
      if (coin) grant.expires = UnixMs{random.below(integer_end)};
      if (!coin) grant.proof = fixed<EventId>(random);
      return grant;
    }
    case 1:
      return Revoke{Audience::of(fixed<AuthorKey>(random)), {}, list<EventId>(random)};
    case 2: {
      OpenEpoch epoch{
          coin ? list<EpochId>(random, 2) : std::vector<EpochId>{}, fixed<Hash256>(random), wraps(random), {}};
      for (const auto& older : list<EpochId>(random)) epoch.older.push_back({older, fixed<Hash256>(random)});
      return epoch;
    }
    case 3:
      return MoreWraps{fixed<EpochId>(random), wraps(random)};
    case 4:
      return Branch{list<EventId>(random), list<AuthorKey>(random)};
    case 5:
      return Accept{list<EventId>(random), coin ? std::optional(list<EventId>(random)) : std::nullopt};
    case 6:
      return Enter{fixed<EventId>(random), fixed<EventId>(random), fixed<crypto::Signature>(random)};
    case 7: {
      Erase erase;
      for (const auto& event : list<EventId>(random)) erase.items.push_back({event, fixed<BodyHash>(random)});
      return erase;
    }
    case 8: {
      Root root;
      for (const auto& event : list<EventId>(random)) root.heads.push_back({event, random.below(9), 3, UnixMs{5}});
      for (const auto& author : list<AuthorKey>(random))
        root.authors.push_back({author, 1, random.below(99), UnixMs{7}});
      root.state = fixed<Hash256>(random);
      root.controls = list<EventId>(random);
      return root;
    }
    case 9:
      return Attach{{{0x55, fixed<Hash256>(random), random.below(integer_end)}, {0x71, fixed<Hash256>(random), 1}}};
    case 10:
      return Release{{{0x55, fixed<Hash256>(random), 5}}};
    case 11: {
      Genesis genesis;
      genesis.owner = fixed<Did>(random);
      return List{encode_genesis(genesis), coin ? Keeping::kept : Keeping::followed};
    }
    case 12:
      return Unlist{fixed<StreamId>(random)};
    case 13:
      return device(random);
    case 14:
      return ConfirmDevice{fixed<AuthorKey>(random), fixed<EventId>(random), endorsement(random, coin)};
    case 15:
      return SuspendDevice{fixed<AuthorKey>(random)};
    case 16:
      return LiftSuspension{fixed<AuthorKey>(random), list<EventId>(random), endorsement(random, coin)};
    case 17:
      return RemoveDevice{fixed<AuthorKey>(random), fixed<Hash256>(random), list<EventId>(random),
                          endorsement(random, coin)};
    case 18:
      return RotateKeys{fixed<AuthorKey>(random),         fixed<AuthorKey>(random), fixed<crypto::BoxPublicKey>(random),
                        fixed<crypto::Signature>(random), fixed<Hash256>(random),   list<EventId>(random),
                        endorsement(random, coin)};
    case 19:
      return SetPolicy{Bytes{1, 2, 3}, list<EventId>(random), endorsement(random, coin)};
    case 20:
      return SetServices{{{"a", "Kind", "https://example.org"}, {"b", text(random), text(random)}}};
    case 21:
      return Recover{device(random), fixed<Hash256>(random), fixed<crypto::BoxPublicKey>(random), list<EventId>(random),
                     endorsement(random, true)};
    case 22:
      return Veto{fixed<EventId>(random), endorsement(random, coin)};
    case 23:
      return FoundGeneration{random.below(99), maybe_hash(random), list<AuthorKey>(random)};
    default:
      return NameDevice{fixed<AuthorKey>(random), text(random)};
  }
}
constexpr std::size_t known_operations = std::variant_size_v<Operation> - 1;

RC_GTEST_PROP(Control, EveryOperationRoundTripsAndIsStrict, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  for (std::size_t which = 0; which < known_operations; ++which) {
    const ControlBody body = control(random_operation(random, which));
    RC_ASSERT(body.operation.index() == which);
    const Bytes bytes = must(encode_control(body));
    RC_ASSERT(must(decode_control(bytes)) == body);
    for (int i = 0; i < 10; ++i) {
      Bytes changed = bytes;
      changed[random.below(changed.size())] = static_cast<std::uint8_t>(random.next());
      if (const auto read = decode_control(changed)) RC_ASSERT(must(encode_control(*read)) == changed);
    }
    RC_ASSERT(!decode_control(ByteView(bytes).first(random.below(bytes.size()))));
    // What co-signers sign does not depend on who has signed already.
    if (const Endorsement* endorsed = endorsement_of(body.operation)) {
      Operation bare = body.operation;
      *endorsement_of(bare) = {};
      const StreamId stream = fixed<StreamId>(random);
      const AuthorKey author = fixed<AuthorKey>(random);
      RC_ASSERT(endorsement_message(stream, author, bare) == endorsement_message(stream, author, body.operation));
      RC_ASSERT(endorsement_message(stream, author, bare) !=
                endorsement_message(fixed<StreamId>(random), author, bare));
      RC_ASSERT(endorsed != nullptr);
    }
  }
}

TEST(Control, KeepsWhatALaterVersionWrote) {
  // ["own", "later", {"a": [1, true]}, h'00']
  const Bytes bytes = must(from_hex("84636f776e656c61746572a161618201f54100"));
  const ControlBody body = must(decode_control(bytes));
  EXPECT_EQ(body.right, "own");
  const auto& unknown = std::get<Unknown>(body.operation);
  EXPECT_EQ(unknown.operation, "later");
  EXPECT_EQ(unknown.argument_count, 2u);
  EXPECT_EQ(must(encode_control(body)), bytes);
  // Its arguments are held to DAG-CBOR all the same: an indefinite length, a wrong order of keys.
  EXPECT_EQ(decode_control(must(from_hex("83636f776e656c617465729fff"))).error().code, ErrorCode::indefinite_length);
  EXPECT_EQ(decode_control(must(from_hex("83636f776e656c61746572a2616201616101"))).error().code,
            ErrorCode::unsorted_keys);
}

TEST(Control, RefusesEachBreachByItsOwnError) {
  const auto code = [](const ControlBody& body) {
    const auto encoded = encode_control(body);
    return encoded ? ErrorCode{} : encoded.error().code;
  };
  Random random(1);
  const EventId a = fixed<EventId>(random);
  EXPECT_EQ(code({"write", SuspendDevice{}}), ErrorCode::control_right);
  EXPECT_EQ(code(control(Revoke{{}, {}, {a, a}})), ErrorCode::list_order);
  EXPECT_EQ(code(control(OpenEpoch{{EpochId{}}, {}, {}, {}})), ErrorCode::control_value);
  EXPECT_EQ(code(control(MoreWraps{{}, {{{}, Bytes(79)}}})), ErrorCode::control_value);
  EXPECT_EQ(code(control(List{Bytes{1}, Keeping::kept})), ErrorCode::control_value);
  EXPECT_EQ(code(control(Recover{})), ErrorCode::control_value);
  EXPECT_EQ(code(control(Veto{{}, {std::vector<CoSignature>(2), {}}})), ErrorCode::list_order);
  EXPECT_EQ(code(control(SetPolicy{Bytes(small_bytes_max + 1), {}, {}})), ErrorCode::limit_exceeded);
  EXPECT_EQ(code(control(FoundGeneration{integer_end, {}, {}})), ErrorCode::integer_too_large);
  AddDevice add;
  add.name = std::string(text_bytes_max + 1, 'x');
  EXPECT_EQ(code(control(add)), ErrorCode::limit_exceeded);
  EXPECT_EQ(code(control(NameDevice{{}, add.name})), ErrorCode::limit_exceeded);
  EXPECT_EQ(decode_control(must(from_hex("8163616263"))).error().code, ErrorCode::unexpected_count);
  // ["device", "suspend"] lacks its argument.
  EXPECT_EQ(decode_control(must(from_hex("826664657669636567737573"
                                         "70656e64")))
                .error()
                .code,
            ErrorCode::unexpected_count);
}

TEST(Control, NamesAndRightsAreFixed) {
  Random random(2);
  std::string all;
  for (std::size_t which = 0; which < known_operations; ++which) {
    const Operation operation = random_operation(random, which);
    all += words(operation_name(operation), ":", right_needed(operation), " ");
  }
  EXPECT_EQ(
      all,
      "grant:grant revoke:grant epoch:write wrap:write branch:branch accept:write enter:enter erase:write root:own "
      "attach:write release:write list:create unlist:own add:device confirm:device suspend:device lift:device "
      "remove:device rotate:device policy:device services:device recover:enter veto:device generation:device "
      "name:device ");
}

}  // namespace
}  // namespace rz::log
