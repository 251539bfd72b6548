// The X.509 side of libp2p's TLS: a certificate made for the occasion that carries the node's key, and the reading of
// the other side's (libp2p/specs, tls). The extension's own bytes are net/signed_key.h.
#pragma once

#include <openssl/x509.h>

#include <memory>

#include "base/bytes.h"
#include "crypto/sign.h"
#include "net/signed_key.h"

namespace rz::host {

struct OpensslDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter>;
using CertificatePtr = std::unique_ptr<X509, OpensslDeleter>;

struct Certificate {
  EvpKeyPtr key;  // P-256, drawn anew.
  CertificatePtr certificate;
};

// Self-signed, valid from 1975 to 4096: a device whose clock is wrong can still talk to the others, and nothing hangs
// on the dates, because the key lives as long as the process. Errors: transport_tls (OpenSSL failed).
Result<Certificate> make_certificate(const crypto::SigningKey& device);

// Whose certificate it is, after every check of the specification: self-signed and the signature valid, now within its
// dates, no critical extension but known ones, the libp2p extension exactly once, its signature valid. Errors:
// transport_bad_certificate; those of net::verify_signed_key.
Result<net::ProvenKey> verify_certificate(X509* certificate);

// OpenSSL's oldest queued error as text; empties the queue.
std::string openssl_error();

}  // namespace rz::host
