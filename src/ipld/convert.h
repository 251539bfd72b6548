// Blocks from one codec to another, and CIDs in words: what `rhizome ipld` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ipld/cid.h"
#include "ipld/dag_json.h"
#include "ipld/value.h"

namespace rz::ipld {

// dag-cbor, dag-json, dag-pb, raw. Errors: unsupported (another codec), and those of the codec.
Result<Value> decode_block(Codec codec, ByteView block, dag_json::Form json_form = dag_json::Form::canonical);
// Errors: unsupported; pb_bad_shape, raw_not_bytes where the value has no form in that codec.
Result<Bytes> encode_block(Codec codec, const Value& value);

// encode_block(to, decode_block(from, block)). The DAG-JSON that a person writes is taken (Form::tolerant).
Result<Bytes> convert(Codec from, Codec to, ByteView block);

// Every link in a block, in its order. `raw` has none; a codec that is not read here: unsupported.
Result<std::vector<Cid>> block_links(Codec codec, ByteView block);

struct CidReport {
  int version = 1;
  Codec codec = Codec::raw;
  std::string codec_name;  // "dag-cbor", or "0x7b".
  HashCode hash = HashCode::sha2_256;
  std::string hash_name;
  std::string digest_hex;
  std::string bytes_hex;
  std::string text;                    // As to_string() prints it.
  std::string text_v1;                 // The same block's CIDv1 in base32.
  std::optional<std::string> text_v0;  // The CIDv0, where there is one (dag-pb and sha2-256).
  std::string multibase;               // The base the text was written in.
  bool verifiable = false;             // Can this program compute that hash?
};

// Errors: those of Cid::parse.
Result<CidReport> inspect(std::string_view cid_text);
CidReport inspect(const Cid& cid);

}  // namespace rz::ipld
