#include "host/transport/certificate.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <string>

namespace rz::host {

namespace {

struct Freer {
  void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
  void operator()(ASN1_OCTET_STRING* string) const { ASN1_OCTET_STRING_free(string); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <class T>
using Freed = std::unique_ptr<T, Freer>;

std::unexpected<Error> tls_error(std::string_view what) {
  return fail(ErrorCode::transport_tls, words(what, ": ", openssl_error()));
}

std::unexpected<Error> bad_certificate(std::string_view why) {
  ERR_clear_error();
  return fail(ErrorCode::transport_bad_certificate, why);
}

Freed<ASN1_OBJECT> extension_object() {
  return Freed<ASN1_OBJECT>(OBJ_txt2obj(std::string(net::signed_key_oid).c_str(), 1));
}

// The DER of the certificate's SubjectPublicKeyInfo, as it stands in the certificate.
Bytes spki_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return {};
  Bytes spki(der, der + length);
  OPENSSL_free(der);
  return spki;
}

Status add_extension(X509* certificate, ByteView value) {
  const auto object = extension_object();
  const Freed<ASN1_OCTET_STRING> octets(ASN1_OCTET_STRING_new());
  if (!object || !octets || ASN1_OCTET_STRING_set(octets.get(), value.data(), static_cast<int>(value.size())) != 1) {
    return tls_error("making the extension");
  }
  const Freed<X509_EXTENSION> extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, octets.get()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) return tls_error("adding the extension");
  return {};
}

Status set_names_and_dates(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common_name = reinterpret_cast<const unsigned char*>("libp2p");
  if (X509_set_version(certificate, X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 1) != 1 ||
      ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "19750101000000Z") != 1 ||
      ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "40960101000000Z") != 1 ||
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC, common_name, -1, -1, 0) != 1 ||
      X509_set_issuer_name(certificate, name) != 1) {
    return tls_error("filling the certificate");
  }
  return {};
}

// A key that is not Ed25519: what OpenSSL can check of it. RSA and ECDSA keys are SubjectPublicKeyInfo, secp256k1 is a
// bare point; all sign SHA-256.
EvpKeyPtr evp_key_of(const net::PublicKey& key) {
  if (key.type == net::KeyType::rsa || key.type == net::KeyType::ecdsa) {
    const unsigned char* at = key.data.data();
    EvpKeyPtr parsed(d2i_PUBKEY(nullptr, &at, static_cast<long>(key.data.size())));
    const int wanted = key.type == net::KeyType::rsa ? EVP_PKEY_RSA : EVP_PKEY_EC;
    const bool whole = at == key.data.data() + key.data.size();
    if (!parsed || !whole || EVP_PKEY_get_base_id(parsed.get()) != wanted) return nullptr;
    if (wanted == EVP_PKEY_RSA && EVP_PKEY_get_bits(parsed.get()) < 2048) return nullptr;
    return parsed;
  }
  Bytes point = key.data;
  char group[] = "secp256k1";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end(),
  };
  const Freed<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* made = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    return nullptr;
  }
  return EvpKeyPtr(made);
}

Result<net::ProvenKey> verify_other_key(ByteView der, ByteView spki) {
  RZ_TRY(const auto signed_key, net::decode_signed_key(der));
  RZ_TRY(auto key, net::decode_public_key(signed_key.public_key));
  const auto evp = evp_key_of(key);
  if (!evp) return bad_certificate("its libp2p key is unusable");
  const Bytes message = net::signed_key_message(spki);
  const Freed<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, evp.get()) != 1 ||
      EVP_DigestVerify(context.get(), signed_key.signature.data(), signed_key.signature.size(), message.data(),
                       message.size()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::net_bad_signature, "the key did not sign this certificate");
  }
  return net::ProvenKey{net::PeerId::from_key_protobuf(signed_key.public_key), std::move(key)};
}

// The libp2p extension's bytes: there once, and beside it nothing critical that is unknown.
Result<Bytes> find_extension(X509* certificate) {
  const auto object = extension_object();
  if (!object) return tls_error("making the extension's name");
  Bytes found;
  int times = 0;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    if (OBJ_cmp(X509_EXTENSION_get_object(extension), object.get()) == 0) {
      const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
      const unsigned char* data = ASN1_STRING_get0_data(value);
      found.assign(data, data + ASN1_STRING_length(value));
      ++times;
    } else if (X509_EXTENSION_get_critical(extension) != 0 && X509_supported_extension(extension) != 1) {
      return bad_certificate("an unknown critical extension");
    }
  }
  if (times != 1) return bad_certificate(words("the libp2p extension is there ", times, " times"));
  return found;
}

}  // namespace

std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Result<Certificate> make_certificate(const crypto::SigningKey& device) {
  Certificate made{EvpKeyPtr(EVP_EC_gen("P-256")), CertificatePtr(X509_new())};
  X509* certificate = made.certificate.get();
  if (!made.key || certificate == nullptr || X509_set_pubkey(certificate, made.key.get()) != 1) {
    return tls_error("making a key");
  }
  RZ_CHECK(set_names_and_dates(certificate));
  const Bytes spki = spki_of(certificate);
  if (spki.empty()) return tls_error("encoding the key");
  RZ_CHECK(add_extension(certificate, net::make_signed_key(device, spki)));
  if (X509_sign(certificate, made.key.get(), EVP_sha256()) == 0) return tls_error("signing the certificate");
  return made;
}

Result<net::ProvenKey> verify_certificate(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr || X509_verify(certificate, key) != 1) return bad_certificate("not signed by its own key");
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0) return bad_certificate("not valid yet");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) return bad_certificate("no longer valid");
  RZ_TRY(const Bytes extension, find_extension(certificate));
  const Bytes spki = spki_of(certificate);
  auto proven = net::verify_signed_key(extension, spki);
  if (!proven && proven.error().code == ErrorCode::unsupported) return verify_other_key(extension, spki);
  return proven;
}

}  // namespace rz::host
