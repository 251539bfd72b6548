#include "host/transport/secure_channel.h"

namespace rz::host {

SecureChannel::Agreement::Agreement(bool dialer, std::string_view protocol) : protocol_(protocol) {
  if (dialer) {
    dialer_.emplace(std::vector<std::string>{protocol_});
  } else {
    listener_.emplace();
  }
}

Result<bool> SecureChannel::Agreement::receive(ByteView& input) {
  if (dialer_) {
    RZ_TRY(const auto agreed, dialer_->receive(input));
    return agreed.has_value();
  }
  for (;;) {
    RZ_TRY(const auto proposal, listener_->receive(input));
    if (!proposal) return false;
    if (*proposal == protocol_) {
      listener_->accept();
      return true;
    }
    listener_->refuse();
  }
}

SecureChannel::SecureChannel(const TlsContext& context, bool dialer, std::optional<net::PeerId> expected)
    : context_(context), is_dialer_(dialer), expected_(std::move(expected)) {
  agreement_.emplace(dialer, tls_protocol);
}

Status SecureChannel::begin_tls() {
  append(output_, agreement_->take_output());
  agreement_.reset();
  RZ_TRY(tls_, TlsSession::make(context_, is_dialer_, expected_));
  stage_ = Stage::tls;
  return {};
}

Status SecureChannel::receive(ByteView bytes, Bytes& session_bytes) {
  if (stage_ == Stage::security) {
    RZ_TRY(const bool agreed, agreement_->receive(bytes));
    if (!agreed) return {};
    RZ_CHECK(begin_tls());
  }
  if (stage_ == Stage::ready) return tls_->receive(bytes, session_bytes);
  Bytes plaintext;
  RZ_CHECK(tls_->receive(bytes, plaintext));
  return tls_->is_established() ? after_tls(plaintext, session_bytes) : Status();
}

Status SecureChannel::after_tls(ByteView plaintext, Bytes& session_bytes) {
  if (stage_ == Stage::tls) {
    if (tls_->alpn() == yamux_protocol) {
      stage_ = Stage::ready;
      append(session_bytes, plaintext);
      return {};
    }
    stage_ = Stage::muxer;
    agreement_.emplace(is_dialer_, yamux_protocol);
  }
  return agree_on_muxer(plaintext, session_bytes);
}

Status SecureChannel::agree_on_muxer(ByteView plaintext, Bytes& session_bytes) {
  RZ_TRY(const bool agreed, agreement_->receive(plaintext));
  RZ_CHECK(tls_->send(agreement_->take_output()));
  if (!agreed) return {};
  agreement_.reset();
  stage_ = Stage::ready;
  append(session_bytes, plaintext);
  return {};
}

void SecureChannel::take_output(Bytes& out) {
  if (stage_ == Stage::security && agreement_) append(output_, agreement_->take_output());
  append(out, output_);
  output_.clear();
  if (tls_) tls_->take_output(out);
}

void SecureChannel::close() {
  if (tls_) tls_->close();
}

}  // namespace rz::host
