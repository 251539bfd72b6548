#include "identity/did.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "identity/pod_fixture.h"
#include "ipld/dag_cbor.h"
#include "log/genesis.h"

namespace rz::identity {
namespace {

using testing::Pod;

TEST(Did, ParsesItsOneText) {
  Pod pod;
  const auto did = pod.device(0).state().did;
  const auto text = log::did_text(did);
  EXPECT_TRUE(text.starts_with("did:rhizome:bafyrei"));
  EXPECT_EQ(parse_did(text), did);
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse_did(std::string_view(text).substr(0, size)));
}

TEST(Did, RefusesWhatIsNone) {
  const auto refused = [](std::string_view text) { return parse_did(text).error().code; };
  EXPECT_EQ(refused("did:key:z6Mk"), ErrorCode::did_malformed);
  EXPECT_EQ(refused("did:rhizome:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"), ErrorCode::did_malformed);
  // A raw block's CID, an upper-case one, a URL.
  EXPECT_EQ(refused("did:rhizome:bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
            ErrorCode::did_malformed);
  const auto text = log::did_text(log::Did{});
  EXPECT_EQ(refused(text + "#key"), ErrorCode::did_malformed);
  std::string upper = text;
  upper[12] = 'B';
  for (std::size_t i = 13; i < upper.size(); ++i) upper[i] = static_cast<char>(::toupper(upper[i]));
  EXPECT_EQ(refused(upper), ErrorCode::did_malformed);
  EXPECT_EQ(refused(std::string(500, 'a')), ErrorCode::limit_exceeded);
}

// The did:key specification's first Ed25519 example, and its X25519 form.
TEST(Multikey, IsTheStandards) {
  const auto key =
      *crypto::PublicKey::from(*from_hex("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6"));
  EXPECT_EQ(multikey_text(key), "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK");
  EXPECT_TRUE(multikey_text(crypto::BoxPublicKey{key.bytes}).starts_with("z6LS"));
}

TEST(DidDocument, ListsDevicesThatSpeakAndServices) {
  Pod pod;
  pod.grow_established(2);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& owner = pod.device(0);
  owner.write(*draft_services(owner.state(), owner.key(), {{"pod", "RhizomePod", "https://example.org/"}}));
  const auto cut = owner.cut_of(pod.device(2).key());
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), pod.device(2).key(), cut), {&pod.device(1)}));
  const auto state = owner.state();
  const auto document = did_document(state);
  EXPECT_EQ(document.find("id")->as_text(), log::did_text(state.did));
  EXPECT_EQ(document.find("verificationMethod")->as_list().size(), 4U);
  EXPECT_EQ(document.find("authentication")->as_list().size(), 2U);
  EXPECT_EQ(document.find("keyAgreement")->as_list().size(), 2U);
  ASSERT_EQ(document.find("service")->as_list().size(), 1U);
  EXPECT_EQ(document.find("service")->at(0)->find("id")->as_text(), log::did_text(state.did) + "#pod");

  const auto json = did_document_json(state);
  EXPECT_NE(json.find(multikey_text(owner.key())), std::string::npos);
  EXPECT_EQ(json.find(multikey_text(cloud.key())), std::string::npos) << "a cloud peer has no voice";
  EXPECT_EQ(json.find(multikey_text(pod.device(2).key())), std::string::npos);
  EXPECT_EQ(json.find("a device"), std::string::npos) << "names are for the owner";
  EXPECT_EQ(did_document_metadata(state).find("versionId")->as_text(), std::to_string(state.operations_count));

  const auto block = ipld::dag_cbor::encode(document);
  ASSERT_TRUE(block);
  EXPECT_EQ(ipld::dag_cbor::decode(*block), document);
}

TEST(DidDocument, VersionCountsIdentityOperationsOnly) {
  Pod pod;
  auto& owner = pod.device(0);
  pod.add();
  const auto before = owner.state().operations_count;
  owner.write(log::OpenEpoch{{}, Hash256{}, {}, {}});
  owner.write(*draft_generation(owner.state(), owner.key(), {owner.key()}, std::nullopt));
  EXPECT_EQ(owner.state().operations_count, before);
  owner.write(*draft_services(owner.state(), owner.key(), {}));
  EXPECT_EQ(owner.state().operations_count, before + 1);
}

}  // namespace
}  // namespace rz::identity
