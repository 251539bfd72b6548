#include "identity/pairing_messages.h"

#include "crypto/sha256.h"
#include "ipld/dag_cbor.h"
#include "ipld/utf8.h"

namespace rz::identity {

namespace {

using ipld::dag_cbor::Reader;
using ipld::dag_cbor::Writer;

constexpr std::string_view proof_domain = "rhizome pairing proof v1";
constexpr std::string_view fingerprint_domain = "rhizome pairing fingerprint v1";
constexpr std::size_t fingerprint_characters = 8;

enum class Kind : std::uint64_t { prove = 0, accept = 1, refuse = 2, welcome = 3, received = 4, give_up = 5 };

void put_kind(Writer& writer, std::uint64_t fields, Kind kind) {
  writer.array(fields);
  writer.unsigned_integer(static_cast<std::uint64_t>(kind));
}

struct Encoder {
  Writer writer;

  void operator()(const Prove& prove) {
    put_kind(writer, 6, Kind::prove);
    writer.unsigned_integer(pairing_version);
    writer.bytes(prove.proof.view());
    writer.bytes(prove.box_key.view());
    writer.text(prove.name);
    writer.boolean(prove.browser);
  }
  void operator()(const Accept& accept) {
    put_kind(writer, 2, Kind::accept);
    writer.bytes(accept.proof.view());
  }
  void operator()(const Refuse& refuse) {
    put_kind(writer, 2, Kind::refuse);
    writer.unsigned_integer(static_cast<std::uint64_t>(refuse.reason));
  }
  void operator()(const Welcome& welcome) {
    put_kind(writer, 8, Kind::welcome);
    writer.bytes(welcome.genesis);
    writer.unsigned_integer(static_cast<std::uint64_t>(welcome.kind));
    writer.bytes(welcome.addition.view());
    writer.bytes(welcome.chain.view());
    writer.array(welcome.heads.size());
    for (const auto& head : welcome.heads) writer.bytes(head.view());
    writer.array(welcome.addresses.size());
    for (const auto& address : welcome.addresses) writer.bytes(address.bytes());
    writer.bytes(welcome.configuration);
  }
  void operator()(const Received&) { put_kind(writer, 1, Kind::received); }
  void operator()(const GiveUp&) { put_kind(writer, 1, Kind::give_up); }
};

Status check_welcome_sizes(const Welcome& welcome) {
  if (welcome.genesis.size() > welcome_genesis_bytes_max) return fail(ErrorCode::limit_exceeded, "a long genesis");
  if (welcome.heads.size() > welcome_heads_max) return fail(ErrorCode::limit_exceeded, "too many heads");
  if (welcome.addresses.size() > welcome_addresses_max) return fail(ErrorCode::limit_exceeded, "too many addresses");
  if (welcome.configuration.size() > welcome_configuration_bytes_max) {
    return fail(ErrorCode::limit_exceeded, "a long configuration");
  }
  for (std::size_t i = 1; i < welcome.heads.size(); ++i) {
    if (!(welcome.heads[i - 1] < welcome.heads[i])) {
      return fail(ErrorCode::pairing_bad_message, "heads that do not ascend");
    }
  }
  return {};
}

// Before a list is read, so that its count can't make us allocate.
Result<std::uint64_t> read_count(Reader& reader, std::size_t count_max, std::string_view what) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > count_max) return fail_at(ErrorCode::limit_exceeded, at, words("too many ", what));
  return count;
}

Result<Bytes> read_bytes(Reader& reader, std::size_t bytes_max, std::string_view what) {
  const std::size_t at = reader.offset();
  RZ_TRY(const ByteView view, reader.expect_bytes());
  if (view.size() > bytes_max) return fail_at(ErrorCode::limit_exceeded, at, words(what, " is too long"));
  return to_bytes(view);
}

Result<PairingMessage> read_prove(Reader& reader) {
  Prove prove;
  const std::size_t version_at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != pairing_version) {
    return fail_at(ErrorCode::pairing_bad_message, version_at,
                   words("pairing version ", version, " is not spoken here"));
  }
  RZ_CHECK(reader.expect_fixed(prove.proof));
  const std::size_t key_at = reader.offset();
  RZ_CHECK(reader.expect_fixed(prove.box_key));
  if (!crypto::is_valid(prove.box_key)) {
    return fail_at(ErrorCode::pairing_bad_message, key_at, "the box key is not a key");
  }
  const std::size_t name_at = reader.offset();
  RZ_TRY(const std::string_view name, reader.expect_text());
  if (auto status = check_device_name(name); !status) {
    return fail_at(ErrorCode::pairing_bad_message, name_at, status.error().message);
  }
  prove.name = std::string(name);
  RZ_TRY(prove.browser, reader.expect_bool());
  return prove;
}

Result<PairingMessage> read_refuse(Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t reason, reader.expect_uint());
  if (reason > static_cast<std::uint64_t>(RefusalReason::failed)) {
    return fail_at(ErrorCode::pairing_bad_message, at, words("unknown reason ", reason));
  }
  return Refuse{static_cast<RefusalReason>(reason)};
}

Result<PairingMessage> read_welcome(Reader& reader) {
  Welcome welcome;
  RZ_TRY(welcome.genesis, read_bytes(reader, welcome_genesis_bytes_max, "the genesis"));
  const std::size_t kind_at = reader.offset();
  RZ_TRY(const std::uint64_t kind, reader.expect_uint());
  if (kind > static_cast<std::uint64_t>(DeviceKind::browser)) {
    return fail_at(ErrorCode::pairing_bad_message, kind_at, words("unknown kind of device ", kind));
  }
  welcome.kind = static_cast<DeviceKind>(kind);
  RZ_CHECK(reader.expect_fixed(welcome.addition));
  RZ_CHECK(reader.expect_fixed(welcome.chain));
  RZ_TRY(const std::uint64_t heads, read_count(reader, welcome_heads_max, "heads"));
  for (std::uint64_t i = 0; i < heads; ++i) {
    log::EventId head;
    RZ_CHECK(reader.expect_fixed(head));
    welcome.heads.push_back(head);
  }
  RZ_TRY(const std::uint64_t addresses, read_count(reader, welcome_addresses_max, "addresses"));
  for (std::uint64_t i = 0; i < addresses; ++i) {
    RZ_TRY(const ByteView address, reader.expect_bytes());
    RZ_TRY(auto multiaddr, ipld::Multiaddr::decode(address));
    welcome.addresses.push_back(std::move(multiaddr));
  }
  RZ_TRY(welcome.configuration, read_bytes(reader, welcome_configuration_bytes_max, "the configuration"));
  RZ_CHECK(check_welcome_sizes(welcome));
  return welcome;
}

Result<PairingMessage> read_message(Reader& reader) {
  RZ_TRY(const std::uint64_t fields, reader.expect_array());
  const std::size_t kind_at = reader.offset();
  if (fields == 0) return fail_at(ErrorCode::pairing_bad_message, 0, "an empty message");
  RZ_TRY(const std::uint64_t kind, reader.expect_uint());
  auto has_fields = [&](std::uint64_t wanted) -> Status {
    if (fields == wanted) return {};
    return fail_at(ErrorCode::pairing_bad_message, 0, words(fields, " fields where ", wanted, " belong"));
  };
  switch (static_cast<Kind>(kind)) {
    case Kind::prove:
      RZ_CHECK(has_fields(6));
      return read_prove(reader);
    case Kind::accept: {
      RZ_CHECK(has_fields(2));
      Accept accept;
      RZ_CHECK(reader.expect_fixed(accept.proof));
      return accept;
    }
    case Kind::refuse:
      RZ_CHECK(has_fields(2));
      return read_refuse(reader);
    case Kind::welcome:
      RZ_CHECK(has_fields(8));
      return read_welcome(reader);
    case Kind::received:
      RZ_CHECK(has_fields(1));
      return Received{};
    case Kind::give_up:
      RZ_CHECK(has_fields(1));
      return GiveUp{};
  }
  return fail_at(ErrorCode::pairing_bad_message, kind_at, words("unknown kind of message ", kind));
}

// What both proofs and the fingerprint are over.
Bytes channel_bytes(std::string_view domain, std::uint64_t role, const PairingChannel& channel) {
  Bytes bytes;
  Writer writer(bytes);
  writer.array(5);
  writer.text(domain);
  writer.unsigned_integer(role);
  writer.bytes(channel.exporter.view());
  writer.bytes(channel.newcomer.view());
  writer.bytes(channel.inviter.view());
  return bytes;
}

}  // namespace

Result<Bytes> encode_pairing(const PairingMessage& message) {
  if (const auto* prove = std::get_if<Prove>(&message)) {
    if (auto status = check_device_name(prove->name); !status) {
      return fail(ErrorCode::pairing_bad_message, status.error().message);
    }
  }
  if (const auto* welcome = std::get_if<Welcome>(&message)) RZ_CHECK(check_welcome_sizes(*welcome));
  Bytes bytes;
  std::visit(Encoder{Writer(bytes)}, message);
  if (bytes.size() > pairing_message_bytes_max) return fail(ErrorCode::limit_exceeded, "a pairing message too long");
  return bytes;
}

Result<PairingMessage> decode_pairing(ByteView bytes) {
  if (bytes.size() > pairing_message_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a pairing message of ", bytes.size(), " bytes"));
  }
  Reader reader(bytes);
  RZ_TRY(auto message, read_message(reader));
  RZ_CHECK(reader.finish());
  return message;
}

crypto::Secret32 pairing_key(const JoinSecret& secret) {
  auto digest = crypto::hmac_sha256(secret.view(), as_bytes("rhizome pairing key v1"));
  auto key = crypto::Secret32::from(digest.view());
  crypto::wipe(digest.mutable_view());
  RZ_ASSERT(key.has_value());
  return *std::move(key);
}

Proof make_proof(const crypto::Secret32& pairing_key, PairingRole role, const PairingChannel& channel) {
  const auto message = channel_bytes(proof_domain, static_cast<std::uint64_t>(role), channel);
  return Proof{crypto::hmac_sha256(pairing_key.expose(), message).bytes};
}

bool check_proof(const crypto::Secret32& pairing_key, PairingRole role, const PairingChannel& channel,
                 const Proof& proof) {
  return crypto::equal_constant_time(make_proof(pairing_key, role, channel).view(), proof.view());
}

std::string pairing_fingerprint(const PairingChannel& channel) {
  const auto digest = crypto::sha256(channel_bytes(fingerprint_domain, 0, channel));
  std::string text;
  for (std::size_t i = 0; i < fingerprint_characters; ++i) {
    unsigned symbol = 0;
    for (std::size_t bit = 5 * i; bit < 5 * i + 5; ++bit) {
      symbol = symbol << 1 | (digest.bytes[bit / 8] >> (7 - bit % 8) & 1U);
    }
    if (i == fingerprint_characters / 2) text += '-';
    text += code_alphabet[symbol];
  }
  return text;
}

Status check_device_name(std::string_view name) {
  if (name.empty()) return fail(ErrorCode::bad_argument, "a device needs a name");
  if (name.size() > device_name_bytes_max) {
    return fail(ErrorCode::bad_argument, words("a device's name has at most ", device_name_bytes_max, " bytes"));
  }
  if (!ipld::is_utf8(as_bytes(name))) return fail(ErrorCode::bad_argument, "a device's name is text in UTF-8");
  for (const char c : name) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) return fail(ErrorCode::bad_argument, "a device's name has no control characters");
  }
  return {};
}

}  // namespace rz::identity
