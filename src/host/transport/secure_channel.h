// From a raw byte connection to a channel that a yamux session can run over: multistream-select agrees on /tls/1.0.0,
// TLS proves both peers, and the multiplexer is agreed by ALPN or by multistream-select inside TLS. No socket: bytes
// in, bytes out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "host/transport/tls.h"
#include "net/multistream.h"
#include "net/peer_id.h"

namespace rz::host {

inline constexpr std::string_view tls_protocol = "/tls/1.0.0";
inline constexpr std::string_view yamux_protocol = "/yamux/1.0.0";

class SecureChannel {
 public:
  // `expected`: who must answer, if known.
  SecureChannel(const TlsContext& context, bool dialer, std::optional<net::PeerId> expected);

  // Bytes from the connection. What the session gets (decrypted, once is_ready) is appended to `session_bytes`. Errors
  // end the channel; take_output may have an alert to send. As net/multistream.h and tls.h say.
  Status receive(ByteView bytes, Bytes& session_bytes);
  // Requires is_ready.
  Status send(ByteView session_bytes) { return tls_->send(session_bytes); }
  // Moves what is to be sent to the end of `out`.
  void take_output(Bytes& out);

  bool is_ready() const { return stage_ == Stage::ready; }
  bool has_ended() const { return tls_ && tls_->has_ended(); }
  void close();  // Tells the other side that nothing more comes.

  // Require is_ready.
  const net::ProvenKey& remote() const { return tls_->remote(); }
  const TlsSession& tls() const { return *tls_; }

 private:
  enum class Stage : std::uint8_t { security, tls, muxer, ready };

  // Negotiates one fixed protocol, as either side. True once it is agreed.
  class Agreement {
   public:
    Agreement(bool dialer, std::string_view protocol);
    Result<bool> receive(ByteView& input);
    Bytes take_output() { return dialer_ ? dialer_->take_output() : listener_->take_output(); }

   private:
    std::string protocol_;
    std::optional<net::MultistreamDialer> dialer_;
    std::optional<net::MultistreamListener> listener_;
  };

  Status begin_tls();
  Status after_tls(ByteView plaintext, Bytes& session_bytes);
  Status agree_on_muxer(ByteView plaintext, Bytes& session_bytes);

  const TlsContext& context_;
  const bool is_dialer_;
  std::optional<net::PeerId> expected_;
  Stage stage_ = Stage::security;
  std::optional<Agreement> agreement_;
  std::unique_ptr<TlsSession> tls_;
  Bytes output_;
};

}  // namespace rz::host
