#include "net/multistream.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::net {

namespace {

// The text of a message; the newline at its end is not part of it.
Result<std::string_view> text_of(ByteView message) {
  const std::string_view text = as_text(message);
  if (text.empty() || text.back() != '\n') {
    return fail(ErrorCode::net_bad_multistream, "a message does not end in a newline");
  }
  return text.substr(0, text.size() - 1);
}

Status check_greeting(std::string_view text) {
  if (text == multistream_protocol) return {};
  return fail(ErrorCode::net_bad_multistream, words("expected ", multistream_protocol, " first"));
}

}  // namespace

void put_multistream(Bytes& out, std::string_view text) {
  RZ_REQUIRE(text.size() < multistream_bytes_max);
  put_varint(out, text.size() + 1);
  append(out, as_bytes(text));
  out.push_back('\n');
}

MultistreamDialer::MultistreamDialer(std::vector<std::string> protocols) : protocols_(std::move(protocols)) {
  RZ_REQUIRE(!protocols_.empty());
  put_multistream(output_, multistream_protocol);
  put_multistream(output_, protocols_.front());
}

Result<std::optional<std::string>> MultistreamDialer::receive(ByteView& input) {
  for (;;) {
    RZ_TRY(const auto message, reader_.next(input));
    if (!message) return std::optional<std::string>();
    RZ_TRY(const auto text, text_of(*message));
    if (!greeted_) {
      RZ_CHECK(check_greeting(text));
      greeted_ = true;
      continue;
    }
    if (text == protocols_[proposed_]) return std::optional(protocols_[proposed_]);
    if (text != "na") return fail(ErrorCode::net_bad_multistream, "neither the protocol proposed nor na");
    if (++proposed_ == protocols_.size()) {
      proposed_ = 0;  // Stay in range, should the caller go on.
      return fail(ErrorCode::net_protocol_refused, words("the other side does not speak ", protocols_.front()));
    }
    put_multistream(output_, protocols_[proposed_]);
  }
}

Bytes MultistreamDialer::take_output() { return std::exchange(output_, {}); }

MultistreamListener::MultistreamListener() { put_multistream(output_, multistream_protocol); }

Result<std::optional<std::string>> MultistreamListener::receive(ByteView& input) {
  for (;;) {
    RZ_TRY(const auto message, reader_.next(input));
    if (!message) return std::optional<std::string>();
    RZ_TRY(const auto text, text_of(*message));
    if (!greeted_) {
      RZ_CHECK(check_greeting(text));
      greeted_ = true;
      continue;
    }
    if (++proposals_ > multistream_proposals_max) {
      return fail(ErrorCode::net_too_many_proposals, words("more than ", multistream_proposals_max, " proposals"));
    }
    if (text == "ls") {  // Deprecated; nobody needs to know what is not spoken to them.
      put_multistream(output_, "na");
      continue;
    }
    proposal_ = text;
    return std::optional(proposal_);
  }
}

void MultistreamListener::accept() { put_multistream(output_, proposal_); }
void MultistreamListener::refuse() { put_multistream(output_, "na"); }
Bytes MultistreamListener::take_output() { return std::exchange(output_, {}); }

}  // namespace rz::net
