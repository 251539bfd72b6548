// The core's cryptography inside WebAssembly, as libsodium's source builds it there: called by smoke.mjs.
#include <string_view>

#include "base/bytes.h"
#include "crypto/box.h"
#include "crypto/initialise.h"
#include "crypto/sha256.h"
#include "crypto/sign.h"
#include "crypto/siv.h"
#include "ipld/cid.h"

namespace {

using namespace rz;

// FIPS 180-2, appendix B.1.
bool hash_is_right() {
  return crypto::sha256(as_bytes("abc")).hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
}

// RFC 8032, section 7.1, test 1.
bool signature_is_right() {
  const auto seed = from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  const auto secret = crypto::Secret32::from(*seed);
  const auto key = crypto::SigningKey::from_seed(*secret);
  crypto::Signature signature = key.sign_raw({});
  if (to_hex(signature.view().first(8)) != "e5564300c360ac72") return false;
  if (!crypto::verify_raw(key.public_key(), {}, signature)) return false;
  signature.bytes[40] ^= 1;
  return !crypto::verify_raw(key.public_key(), {}, signature);
}

bool sealing_is_right() {
  crypto::SeededEntropy entropy(7);
  const auto key = crypto::Secret32::random(entropy);
  const Bytes plain = to_bytes("a body");
  Bytes sealed = crypto::siv_seal(key, as_bytes("header"), plain);
  const auto opened = crypto::siv_open(key, as_bytes("header"), sealed);
  if (!opened || *opened != plain) return false;
  sealed.back() ^= 1;
  if (crypto::siv_open(key, as_bytes("header"), sealed)) return false;

  const auto reader = crypto::BoxKey::from_seed(crypto::Secret32::random(entropy));
  const Bytes boxed = crypto::box_seal(reader.public_key(), plain, crypto::Secret32::random(entropy));
  const auto unboxed = crypto::box_open(reader, boxed);
  return unboxed && *unboxed == plain;
}

bool cid_is_right() {
  const auto cid = ipld::Cid::dag_cbor_sha256(crypto::sha256(as_bytes("\xa0")));  // The block {}.
  return cid.to_string() == "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua";
}

}  // namespace

// 0, or the number of the first thing that was wrong.
extern "C" __attribute__((export_name("rz_core_check"), used)) int rz_core_check() {
  if (!crypto::initialise()) return 1;
  if (!hash_is_right()) return 2;
  if (!signature_is_right()) return 3;
  if (!sealing_is_right()) return 4;
  return cid_is_right() ? 0 : 5;
}
