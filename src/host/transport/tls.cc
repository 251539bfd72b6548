#include "host/transport/tls.h"

#include <openssl/err.h>

#include <climits>

#include "base/assert.h"

namespace rz::host {

namespace {

// Wire form: each name behind its length. Best first: the multiplexer itself saves a round trip (libp2p/specs, inlined
// muxer negotiation).
constexpr unsigned char alpn_names[] = "\x0c/yamux/1.0.0\x06libp2p";
constexpr unsigned int alpn_bytes = sizeof alpn_names - 1;
constexpr long certificate_bytes_max = 16 * 1024;

int select_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                unsigned int offered_bytes, void*) {
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, chosen_bytes, alpn_names, alpn_bytes, offered, offered_bytes);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::make(const crypto::SigningKey& device) {
  RZ_TRY(const auto own, make_certificate(device));
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  if (context == nullptr) return fail(ErrorCode::transport_tls, openssl_error());
  std::unique_ptr<TlsContext> made(new TlsContext(context));
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_max_cert_list(context, certificate_bytes_max);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &TlsSession::verify, nullptr);
  SSL_CTX_set_alpn_select_cb(context, &select_alpn, nullptr);
  if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(context, 0) != 1 ||
      SSL_CTX_use_certificate(context, own.certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, own.key.get()) != 1 ||
      SSL_CTX_set_alpn_protos(context, alpn_names, alpn_bytes) != 0) {
    return fail(ErrorCode::transport_tls, openssl_error());
  }
  return made;
}

Result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsContext& context, bool dialer,
                                                     std::optional<net::PeerId> expected) {
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return fail(ErrorCode::transport_tls, openssl_error());
  std::unique_ptr<TlsSession> session(new TlsSession(ssl, std::move(expected)));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    return fail(ErrorCode::transport_tls, openssl_error());
  }
  BIO_set_mem_eof_return(in, -1);  // Empty means "later", not "over".
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl, in, out);
  SSL_set_app_data(ssl, session.get());
  if (dialer) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  if (dialer) RZ_CHECK(session->advance());
  return session;
}

// OpenSSL asks once, when the other side's certificate has come.
int TlsSession::verify(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if (auto status = session->check_peer(store); !status) {
    session->refused_ = std::move(status).error();
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }
  return 1;
}

Status TlsSession::check_peer(X509_STORE_CTX* store) {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(store);
  if (sk_X509_num(chain) != 1) {
    return fail(ErrorCode::transport_bad_certificate, words(sk_X509_num(chain), " certificates instead of one"));
  }
  RZ_TRY(auto proven, verify_certificate(sk_X509_value(chain, 0)));
  if (expected_ && proven.peer != *expected_) {
    return fail(ErrorCode::transport_wrong_peer,
                words("expected ", expected_->to_text(), ", found ", proven.peer.to_text()));
  }
  remote_ = std::move(proven);
  return {};
}

std::unexpected<Error> TlsSession::failed(std::string_view what) {
  if (refused_) {
    ERR_clear_error();
    return std::unexpected(*refused_);
  }
  return fail(ErrorCode::transport_tls, words(what, ": ", openssl_error()));
}

Status TlsSession::advance() {
  if (established_) return {};
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    if (!remote_) return fail(ErrorCode::transport_bad_certificate, "no certificate was shown");
    established_ = true;
    return {};
  }
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return {};
  return failed("handshake");
}

Status TlsSession::read(Bytes& plaintext) {
  std::uint8_t record[16 * 1024];  // The most that one record holds; not zeroed for each.
  for (;;) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, record, sizeof record, &got);
    if (result == 1) {
      append(plaintext, {record, got});
      continue;
    }
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return {};
      case SSL_ERROR_ZERO_RETURN:
        ended_ = true;
        return {};
      default:
        return failed("reading");
    }
  }
}

Status TlsSession::receive(ByteView ciphertext, Bytes& plaintext) {
  RZ_REQUIRE(ciphertext.size() <= INT_MAX);
  std::size_t written = 0;
  if (!ciphertext.empty() && BIO_write_ex(SSL_get_rbio(ssl_), ciphertext.data(), ciphertext.size(), &written) != 1) {
    return failed("taking bytes");
  }
  RZ_CHECK(advance());
  return established_ ? read(plaintext) : Status();
}

Status TlsSession::send(ByteView plaintext) {
  RZ_REQUIRE(established_);
  if (plaintext.empty()) return {};
  ERR_clear_error();
  std::size_t written = 0;
  // A memory buffer takes everything: either all is written or it failed.
  if (SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &written) != 1 || written != plaintext.size()) {
    return failed("writing");
  }
  return {};
}

void TlsSession::take_output(Bytes& out) {
  BIO* bio = SSL_get_wbio(ssl_);
  const std::size_t pending = BIO_ctrl_pending(bio);
  if (pending == 0) return;
  const std::size_t before = out.size();
  out.resize(before + pending);
  std::size_t got = 0;
  BIO_read_ex(bio, out.data() + before, pending, &got);
  out.resize(before + got);
}

void TlsSession::close() {
  if (!established_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

std::string_view TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

Result<Bytes> TlsSession::export_keying_material(std::string_view label, ByteView context, std::size_t bytes) const {
  RZ_REQUIRE(established_);
  if (bytes == 0 || bytes > 255) return fail(ErrorCode::bad_argument, words(bytes, " bytes of keying material"));
  Bytes out(bytes);
  if (SSL_export_keying_material(ssl_, out.data(), out.size(), label.data(), label.size(), context.data(),
                                 context.size(), 1) != 1) {
    return fail(ErrorCode::transport_tls, openssl_error());
  }
  return out;
}

}  // namespace rz::host
