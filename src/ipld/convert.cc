#include "ipld/convert.h"

#include "ipld/dag_cbor.h"
#include "ipld/dag_pb.h"

namespace rz::ipld {
namespace {

std::unexpected<Error> unsupported(Codec codec) {
  return fail(ErrorCode::unsupported, words("the codec ", text_of(codec), " is not read or written here"));
}

void collect_links(const Value& value, std::vector<Cid>& links) {
  switch (value.kind()) {
    case Kind::link:
      links.push_back(value.as_link());
      return;
    case Kind::list:
      for (const Value& item : value.as_list()) collect_links(item, links);
      return;
    case Kind::map:
      for (const MapEntry& entry : value.as_map()) collect_links(entry.value(), links);
      return;
    default:
      return;
  }
}

bool is_computed(HashCode code) {
  return code == HashCode::sha2_256 || code == HashCode::sha2_512 || code == HashCode::blake2b_256 ||
         code == HashCode::identity;
}

}  // namespace

Result<Value> decode_block(Codec codec, ByteView block, dag_json::Form json_form) {
  switch (codec) {
    case Codec::dag_cbor:
      return dag_cbor::decode(block);
    case Codec::dag_json:
      return dag_json::decode(block, json_form);
    case Codec::dag_pb: {
      RZ_TRY(const dag_pb::Node node, dag_pb::decode(block));
      return dag_pb::to_value(node);
    }
    case Codec::raw:
      if (block.size() > block_bytes_max) return fail(ErrorCode::too_large, words(block.size(), " bytes"));
      return Value::bytes(block);
    default:
      return unsupported(codec);
  }
}

Result<Bytes> encode_block(Codec codec, const Value& value) {
  switch (codec) {
    case Codec::dag_cbor:
      return dag_cbor::encode(value);
    case Codec::dag_json:
      return dag_json::encode(value);
    case Codec::dag_pb: {
      RZ_TRY(const dag_pb::Node node, dag_pb::from_value(value));
      return dag_pb::encode(node);
    }
    case Codec::raw:
      if (value.kind() != Kind::bytes) {
        return fail(ErrorCode::raw_not_bytes, words(name_of(value.kind()), " has no raw form"));
      }
      return to_bytes(value.as_bytes());
    default:
      return unsupported(codec);
  }
}

Result<Bytes> convert(Codec from, Codec to, ByteView block) {
  RZ_TRY(const Value value, decode_block(from, block, dag_json::Form::tolerant));
  return encode_block(to, value);
}

Result<std::vector<Cid>> block_links(Codec codec, ByteView block) {
  if (codec == Codec::raw) return std::vector<Cid>();
  if (codec == Codec::dag_cbor) return dag_cbor::links(block);
  std::vector<Cid> links;
  if (codec == Codec::dag_pb) {
    RZ_TRY(const dag_pb::Node node, dag_pb::decode(block, dag_pb::Form::historical));
    for (const dag_pb::Link& link : node.links) links.push_back(link.hash);
    return links;
  }
  RZ_TRY(const Value value, decode_block(codec, block));
  collect_links(value, links);
  return links;
}

CidReport inspect(const Cid& cid) {
  const Multihash hash = cid.multihash();
  CidReport report;
  report.version = cid.version();
  report.codec = cid.codec();
  report.codec_name = text_of(report.codec);
  report.hash = hash.code;
  report.hash_name = text_of(hash.code);
  report.digest_hex = to_hex(hash.digest);
  report.bytes_hex = to_hex(cid.bytes());
  report.text = cid.to_string();
  report.text_v1 = Cid::v1(report.codec, hash).to_string();
  if (report.codec == Codec::dag_pb) {
    if (const auto v0 = Cid::v0(hash)) report.text_v0 = v0->to_string();
  }
  report.multibase = name_of(cid.version() == 0 ? Multibase::base58_btc : Multibase::base32);
  report.verifiable = is_computed(hash.code);
  return report;
}

Result<CidReport> inspect(std::string_view cid_text) {
  RZ_TRY(const Cid cid, Cid::parse(cid_text));
  CidReport report = inspect(cid);
  if (cid.version() == 1) report.multibase = name_of(static_cast<Multibase>(cid_text[0]));
  return report;
}

}  // namespace rz::ipld
