// The session: what comes from the other side. All of it is hostile until checked; see yamux.h for the limits.
#include <algorithm>

#include "base/assert.h"
#include "net/yamux.h"

namespace rz::net {

namespace {

constexpr std::size_t events_max = 65536;

}  // namespace

std::unexpected<Error> Yamux::die(ErrorCode code, std::string_view why) {
  dead_ = true;
  owed_.clear();
  owed_windows_.clear();
  ready_.clear();
  for (auto& [id, stream] : streams_) stream.ready = false;
  const auto reason = code == ErrorCode::internal ? GoAwayReason::internal_error : GoAwayReason::protocol_error;
  owed_.push_back({FrameType::go_away, 0, {}, static_cast<std::uint32_t>(reason)});
  return fail_at(code, offset_, why);
}

Status Yamux::receive(Tick now, ByteView bytes) {
  if (dead_) return fail(ErrorCode::net_session_closed, "the session has failed before");
  while (!bytes.empty()) {
    if (payload_) {
      const auto taken = std::min<std::size_t>(payload_->length, bytes.size());
      RZ_CHECK(handle_payload(bytes.first(taken)));
      bytes = bytes.subspan(taken);
      offset_ += taken;
      continue;
    }
    const std::size_t taken = std::min(yamux_header_bytes - header_.size(), bytes.size());
    append(header_, bytes.first(taken));
    bytes = bytes.subspan(taken);
    if (header_.size() < yamux_header_bytes) {
      break;  // offset_ stays at the header's start.
    }
    const auto header = decode_yamux_header(ByteView(header_).first<yamux_header_bytes>());
    header_.clear();
    if (!header) {
      offset_ += header.error().offset;
      return die(header.error().code, header.error().message);
    }
    RZ_CHECK(handle_header(now, *header));
    offset_ += yamux_header_bytes;
    if (events_.size() > events_max) return die(ErrorCode::net_flood, "more events than are taken");
  }
  return {};
}

Status Yamux::handle_header(Tick now, const YamuxHeader& header) {
  switch (header.type) {
    case FrameType::ping:
      return handle_ping(now, header);
    case FrameType::go_away:
      if (!remote_gone_away_) events_.push_back(GoneAway{static_cast<GoAwayReason>(header.length)});
      remote_gone_away_ = true;
      return {};
    case FrameType::data:
    case FrameType::window_update:
      return handle_stream_frame(header);
  }
  return die(ErrorCode::internal, "a frame type that was not decoded");
}

Status Yamux::handle_ping(Tick now, const YamuxHeader& header) {
  if (header.has(flag::syn)) return owe({FrameType::ping, flag::ack, {}, header.length});
  if (!ping_ || ping_->value != header.length) return {};  // Late or invented; it changes nothing.
  const Duration sample = now - ping_->sent_at;
  ping_.reset();
  // RFC 6298's smoothing; at least a microsecond, so that twice the round trip is some time.
  const Duration smoothed = rtt_ ? Duration{(rtt_->us * 7 + sample.us) / 8} : sample;
  rtt_ = std::max(smoothed, microseconds(1));
  rtt_measured_at_ = now;
  events_.push_back(PongReceived{sample});
  return {};
}

// Answers to the peer's frames. A peer that makes us owe many and reads none is not honest.
Status Yamux::owe(const YamuxHeader& frame) {
  if (owed_.size() >= limits_.control_frames_max) {
    return die(ErrorCode::net_flood, words(owed_.size(), " answers are owed already"));
  }
  owed_.push_back(frame);
  return {};
}

Status Yamux::handle_stream_frame(const YamuxHeader& header) {
  if (header.has(flag::syn)) RZ_CHECK(handle_syn(header));
  const auto found = streams_.find(header.stream);
  if (found == streams_.end()) {
    const bool ours = header.stream.value % 2 == next_id_ % 2;
    if (ours && header.stream.value >= next_id_) {
      return die(ErrorCode::net_bad_stream_id, words("stream ", header.stream.value, " was never opened"));
    }
    // One that is gone: reset by us, say, while this was under way. A data frame's payload is skipped.
    return header.type == FrameType::data ? begin_payload(nullptr, header) : Status();
  }
  auto& stream = found->second;
  if (header.has(flag::ack) && !stream.inbound && !stream.acknowledged) {
    stream.acknowledged = true;
    --unacknowledged_;
  }
  if (header.has(flag::rst)) {
    if (header.type == FrameType::data && header.length > 0) RZ_CHECK(begin_payload(nullptr, header));
    drop(header.stream);
    events_.push_back(StreamReset{header.stream, ErrorCode::net_stream_reset});
    return {};
  }
  if (header.type == FrameType::window_update) {
    RZ_CHECK(handle_window_update(stream, header));
    finish_frame(header);
    return {};
  }
  return begin_payload(&stream, header);
}

Status Yamux::handle_syn(const YamuxHeader& header) {
  const bool ours = header.stream.value % 2 == next_id_ % 2;
  if (ours)
    return die(ErrorCode::net_bad_stream_id, words("stream ", header.stream.value, " is not the peer's to open"));
  if (streams_.contains(header.stream)) {
    return die(ErrorCode::net_bad_stream_id, words("stream ", header.stream.value, " is open already"));
  }
  if (inbound_ >= limits_.inbound_streams_max || gone_away_) {
    return owe({FrameType::window_update, flag::rst, header.stream, 0});
  }
  auto& stream = streams_[header.stream];
  stream.id = header.stream;
  stream.inbound = true;
  stream.ack_owed = true;
  ++inbound_;
  granted_ += stream.window;
  owed_windows_.insert(header.stream);
  events_.push_back(StreamOpened{header.stream});
  return {};
}

Status Yamux::handle_window_update(YamuxStream& stream, const YamuxHeader& header) {
  if (header.length > 0xffffffff - stream.sendable) {
    return die(ErrorCode::net_window_overflow, words("stream ", stream.id.value, ": ", header.length, " more"));
  }
  stream.sendable += header.length;
  make_ready(stream);
  return {};
}

// `stream` is null where the payload is only to be skipped.
Status Yamux::begin_payload(YamuxStream* stream, const YamuxHeader& header) {
  payload_wanted_ = stream != nullptr;
  if (stream != nullptr && header.length > 0) {
    if (stream->remote_closed) {
      return die(ErrorCode::net_bad_stream_id, words("bytes after the end of stream ", stream->id.value));
    }
    if (header.length > stream->receivable) {
      return die(ErrorCode::net_window_exceeded,
                 words("stream ", stream->id.value, ": ", header.length, " bytes, ", stream->receivable, " allowed"));
    }
    if (buffered_ + header.length > limits_.receive_bytes_max) {
      // The peer kept to its windows; our readers are too slow for so many streams. This one pays.
      const StreamId id = stream->id;
      reset_stream(id);
      events_.push_back(StreamReset{id, ErrorCode::limit_exceeded});
      payload_wanted_ = false;
    } else {
      stream->receivable -= header.length;
    }
  }
  if (header.length > 0) {
    payload_ = header;
  } else if (payload_wanted_) {
    finish_frame(header);
  }
  return {};
}

Status Yamux::handle_payload(ByteView bytes) {
  const auto found = payload_wanted_ ? streams_.find(payload_->stream) : streams_.end();
  if (found != streams_.end()) {
    const bool was_empty = found->second.received.size() == 0;
    found->second.received.append(bytes);
    buffered_ += bytes.size();
    // One event for each time that there is something new is enough, but a reader that stopped half way needs another.
    if (was_empty || events_.empty() || !std::holds_alternative<StreamReadable>(events_.back()) ||
        std::get<StreamReadable>(events_.back()).stream != payload_->stream) {
      events_.push_back(StreamReadable{payload_->stream});
    }
  }
  payload_->length -= static_cast<std::uint32_t>(bytes.size());
  if (payload_->length > 0) return {};
  const YamuxHeader done = *payload_;
  payload_.reset();
  if (found != streams_.end()) finish_frame(done);
  return {};
}

// A frame with FIN has had its effect.
void Yamux::finish_frame(const YamuxHeader& header) {
  const auto found = streams_.find(header.stream);
  if (found == streams_.end() || !header.has(flag::fin) || found->second.remote_closed) return;
  found->second.remote_closed = true;
  // An ACK that is still owed goes out all the same; window updates would be in vain.
  events_.push_back(StreamRemoteClosed{header.stream});
  drop_if_finished(header.stream);
}

}  // namespace rz::net
