// TLS 1.3 as libp2p uses it (libp2p/specs, tls), over memory: bytes in, bytes out, no socket. Both sides show a
// certificate (certificate.h); ALPN settles the multiplexer early where both can, else says "libp2p".
//
// No session tickets, no resumption, no early data, no server name.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sign.h"
#include "host/transport/certificate.h"
#include "net/signed_key.h"

namespace rz::host {

// Our certificate and settings: one for all connections.
class TlsContext {
 public:
  // Errors: transport_tls.
  static Result<std::unique_ptr<TlsContext>> make(const crypto::SigningKey& device);
  ~TlsContext() { SSL_CTX_free(context_); }
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_; }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* context_;
};

class TlsSession {
 public:
  // A dialer starts to speak at once. `expected`: who must answer, if known. Errors: transport_tls.
  static Result<std::unique_ptr<TlsSession>> make(const TlsContext& context, bool dialer,
                                                  std::optional<net::PeerId> expected);
  ~TlsSession() { SSL_free(ssl_); }
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Appends what was decrypted to `plaintext`. Errors, after which nothing more is taken (take_output has the alert):
  // transport_tls, transport_bad_certificate, transport_wrong_peer, those of verify_certificate.
  Status receive(ByteView ciphertext, Bytes& plaintext);
  // Requires is_established. Errors: transport_tls.
  Status send(ByteView plaintext);
  // Moves what is to be sent to the end of `out`.
  void take_output(Bytes& out);

  bool is_established() const { return established_; }
  bool has_ended() const { return ended_; }  // The other side said that it will send no more.
  void close();                              // Says so to the other side.

  // Require is_established.
  const net::ProvenKey& remote() const { return *remote_; }
  std::string_view alpn() const;
  Result<Bytes> export_keying_material(std::string_view label, ByteView context, std::size_t bytes) const;

 private:
  TlsSession(SSL* ssl, std::optional<net::PeerId> expected) : ssl_(ssl), expected_(std::move(expected)) {}
  static int verify(X509_STORE_CTX* store, void*);
  Status check_peer(X509_STORE_CTX* store);
  Status advance();
  Status read(Bytes& plaintext);
  std::unexpected<Error> failed(std::string_view what);

  friend class TlsContext;
  SSL* ssl_;
  std::optional<net::PeerId> expected_;
  std::optional<net::ProvenKey> remote_;
  std::optional<Error> refused_;  // Why we refused the other side's certificate.
  bool established_ = false;
  bool ended_ = false;
};

}  // namespace rz::host
