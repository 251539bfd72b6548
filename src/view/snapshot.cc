#include "view/snapshot.h"

#include <algorithm>

#include "identity/did.h"
#include "ipld/dag_cbor.h"

namespace rz::view {

namespace {

constexpr std::uint64_t format_version = 1;

ipld::Cid link_of(const log::EventId& event) { return ipld::Cid::dag_cbor_sha256(Hash256{event.bytes}); }

Result<log::EventId> expect_event(ipld::dag_cbor::Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const ipld::Cid link, reader.expect_link());
  const auto digest =
      link.version() == 1 && link.codec() == ipld::Codec::dag_cbor ? link.sha256_digest() : std::nullopt;
  if (!digest) return fail_at(ErrorCode::link_not_event, at, "a link to something other than an event");
  return log::EventId{digest->bytes};
}

Result<ipld::Cid> expect_block(ipld::dag_cbor::Reader& reader) {
  RZ_TRY(const log::EventId digest, expect_event(reader));
  return link_of(digest);
}

Status expect_version(ipld::dag_cbor::Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != format_version) return fail_at(ErrorCode::view_bad_block, at, words("version ", version));
  return {};
}

void put_text(ipld::dag_cbor::Writer& writer, const std::optional<std::string>& text) {
  if (text) {
    writer.text(*text);
  } else {
    writer.null();
  }
}

Result<std::optional<std::string>> expect_text_or_null(ipld::dag_cbor::Reader& reader) {
  RZ_TRY(const ipld::Kind kind, reader.peek());
  if (kind == ipld::Kind::null) {
    RZ_CHECK(reader.expect_null());
    return std::nullopt;
  }
  RZ_TRY(const std::string_view text, reader.expect_text());
  return std::string(text);
}

using Entries = std::vector<std::pair<std::string_view, ipld::Value>>;

ipld::Value root_value(const identity::IdentityState& identity, const ipld::Cid& operations, const ipld::Cid& state) {
  const ipld::Value document = identity::did_document(identity);
  const ipld::Value metadata = identity::did_document_metadata(identity);
  Entries entries;
  for (const ipld::MapEntry& entry : document.as_map()) entries.emplace_back(entry.key(), entry.value());
  entries.emplace_back("versionId", *metadata.find("versionId"));
  entries.emplace_back("operations", ipld::Value::link(operations));
  entries.emplace_back("state", ipld::Value::link(state));
  auto root = ipld::Value::map(std::move(entries));
  RZ_ASSERT(root.has_value());  // No field of a DID Document has one of these names.
  return *std::move(root);
}

}  // namespace

// --- What the map says of a stream -----------------------------------------------------------------------------------

Bytes encode_stream_state(const StreamState& state) {
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(6);
  writer.unsigned_integer(format_version);
  put_text(writer, state.kind);
  writer.bytes(state.genesis);
  writer.array(state.heads.size());
  for (const log::EventId& head : state.heads) writer.link(link_of(head));
  put_text(writer, state.title);
  writer.encoded(state.value);
  return bytes;
}

Result<StreamState> decode_stream_state(ByteView bytes) {
  StreamState state;
  ipld::dag_cbor::Reader reader(bytes, {.bytes_max = value_bytes_max, .depth_max = ipld::depth_max});
  RZ_CHECK(reader.expect_array(6));
  RZ_CHECK(expect_version(reader));
  RZ_TRY(state.kind, expect_text_or_null(reader));
  RZ_TRY(const ByteView genesis, reader.expect_bytes());
  if (genesis.size() > log::genesis_bytes_max) return fail(ErrorCode::limit_exceeded, "a genesis too large");
  state.genesis = to_bytes(genesis);
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > log::list_items_max) return fail_at(ErrorCode::limit_exceeded, reader.offset(), words(count, " heads"));
  for (std::uint64_t i = 0; i < count; ++i) {
    RZ_TRY(const log::EventId head, expect_event(reader));
    if (!state.heads.empty() && head <= state.heads.back()) {
      return fail_at(ErrorCode::list_order, reader.offset(), "heads out of order");
    }
    state.heads.push_back(head);
  }
  RZ_TRY(state.title, expect_text_or_null(reader));
  RZ_TRY(const ByteView value, reader.skip_bytes());
  state.value = to_bytes(value);
  RZ_CHECK(reader.finish());
  return state;
}

// --- State -----------------------------------------------------------------------------------------------------------

Block make_state(const SnapshotKey& key, const SnapshotState& state) {
  Bytes body;
  ipld::dag_cbor::Writer writer(body);
  writer.array(3);
  writer.unsigned_integer(static_cast<std::uint64_t>(BodyKind::state));
  writer.bytes(state.cut.view());
  writer.unsigned_integer(state.streams);
  std::vector<ipld::Cid> links;
  if (state.map) links.push_back(*state.map);
  return key.seal(links, body);
}

Result<SnapshotState> open_state(const SnapshotKey& key, const ipld::Cid& cid, ByteView block) {
  RZ_TRY(SnapshotKey::Opened opened, key.open(cid, block));
  SnapshotState state;
  ipld::dag_cbor::Reader reader(opened.body);
  RZ_CHECK(reader.expect_array(3));
  RZ_TRY(const std::uint64_t kind, reader.expect_uint());
  if (kind != static_cast<std::uint64_t>(BodyKind::state)) {
    return fail(ErrorCode::view_bad_shape, words("a block of kind ", kind, " where the state stands"));
  }
  RZ_CHECK(reader.expect_fixed(state.cut));
  RZ_TRY(state.streams, reader.expect_uint());
  RZ_CHECK(reader.finish());
  if (opened.links.size() != (state.streams == 0 ? 0u : 1u)) {
    return fail(ErrorCode::view_bad_shape, "a state with another number of links than it needs");
  }
  if (!opened.links.empty()) state.map = std::move(opened.links.front());
  return state;
}

// --- Root ------------------------------------------------------------------------------------------------------------

Block make_root(const identity::IdentityState& identity, const ipld::Cid& operations, const ipld::Cid& state) {
  auto bytes = ipld::dag_cbor::encode(root_value(identity, operations, state));
  RZ_ASSERT(bytes.has_value());  // Texts in the state were decoded as UTF-8.
  return make_block(*std::move(bytes));
}

Result<SnapshotRoot> decode_root(ByteView block) {
  SnapshotRoot root;
  RZ_TRY(root.document, ipld::dag_cbor::decode(block, {.bytes_max = root_bytes_max, .depth_max = 8}));
  if (root.document.kind() != ipld::Kind::map) return fail_at(ErrorCode::view_bad_root, 0, "a root is a map");
  // The very fields: a reader that knows DID Documents and nothing else must not be told something else by others.
  const ipld::Cid any = ipld::Cid::of(ipld::Codec::dag_cbor, {});
  const ipld::Value shape = root_value({}, any, any);
  const auto same_key = [](const ipld::MapEntry& a, const ipld::MapEntry& b) { return a.key() == b.key(); };
  if (!std::equal(root.document.as_map().begin(), root.document.as_map().end(), shape.as_map().begin(),
                  shape.as_map().end(), same_key)) {
    return fail(ErrorCode::view_bad_root, "a root has the fields of a DID Document, versionId, operations and state");
  }
  const auto id = root.document.find("id")->get_text();
  const auto version = root.document.find("versionId")->get_text();
  if (!id || !version) return fail(ErrorCode::view_bad_root, "a root's id and versionId are texts");
  RZ_TRY(root.did, identity::parse_did(*id));
  root.version_id = std::string(*version);
  for (const auto& [name, into] : {std::pair{"operations", &root.operations}, std::pair{"state", &root.state}}) {
    auto link = root.document.find(name)->get_link();
    if (!link || link->version() != 1 || link->codec() != ipld::Codec::dag_cbor || !link->sha256_digest()) {
      return fail(ErrorCode::view_bad_root, words("a root's ", name, " is a link to a DAG-CBOR block by SHA-256"));
    }
    *into = *std::move(link);
  }
  return root;
}

Status verify_root(const SnapshotRoot& root, const BlockSource& source) {
  RZ_TRY(const Operations operations, read_operations(root.operations, source));
  if (operations.zero.stream() != root.did) return fail(ErrorCode::view_bad_root, "operations of another identity");
  const identity::IdentityState identity = fold_operations(operations);
  if (root_value(identity, root.operations, root.state) != root.document) {
    return fail(ErrorCode::view_bad_root, "the DID Document is not what its operations say");
  }
  return {};
}

// --- Seals -----------------------------------------------------------------------------------------------------------

Block make_seals(const ipld::Cid& root, const std::vector<log::Seal>& seals) {
  Bytes data;
  ipld::dag_cbor::Writer writer(data);
  writer.array(3);
  writer.unsigned_integer(format_version);
  writer.link(root);
  writer.array(seals.size());
  for (const log::Seal& seal : seals) {
    writer.array(2);
    writer.link(link_of(seal.head));
    writer.bytes(seal.signature.view());
  }
  return make_block(std::move(data));
}

Result<SnapshotSeals> decode_seals(ByteView block) {
  if (block.size() > 2 * block_bytes_max)
    return fail(ErrorCode::limit_exceeded, words(block.size(), " bytes of seals"));
  SnapshotSeals seals;
  ipld::dag_cbor::Reader reader(block);
  RZ_CHECK(reader.expect_array(3));
  RZ_CHECK(expect_version(reader));
  RZ_TRY(seals.root, expect_block(reader));
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > seals_max) return fail_at(ErrorCode::limit_exceeded, reader.offset(), words(count, " seals"));
  for (std::uint64_t i = 0; i < count; ++i) {
    log::Seal seal;
    RZ_CHECK(reader.expect_array(2));
    RZ_TRY(seal.head, expect_event(reader));
    RZ_CHECK(reader.expect_fixed(seal.signature));
    if (!seals.seals.empty() && seal.head <= seals.seals.back().head) {
      return fail_at(ErrorCode::list_order, reader.offset(), "seals out of order");
    }
    seals.seals.push_back(seal);
  }
  RZ_CHECK(reader.finish());
  return seals;
}

}  // namespace rz::view
