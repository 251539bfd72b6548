#include "host/transport/services.h"

#include <utility>

#include "net/identify.h"
#include "net/ping.h"

namespace rz::host {

namespace {

constexpr std::size_t pongs_queued_bytes_max = 16 * net::ping_bytes;

std::shared_ptr<ConnectionImpl> connection_of(const StreamImpl& stream) {
  return std::static_pointer_cast<ConnectionImpl>(stream.connection());
}

void answer_identify(const std::shared_ptr<StreamImpl>& stream) {
  const auto connection = connection_of(*stream);
  // A stream that closed meanwhile needs no answer.
  (void)stream->send_frame(net::encode_identify(connection->core()->describe(*connection)));
  stream->close();
}

// Reads identify messages to the end of the stream, and keeps them only if all were good.
void take_identify(const std::shared_ptr<StreamImpl>& stream) {
  struct Reading {
    net::Identify info;
    std::size_t messages = 0;
  };
  const auto reading = std::make_shared<Reading>();
  stream->set_frame_bytes_max(net::identify_bytes_max);
  stream->on_frame([reading, weak = std::weak_ptr(stream)](ByteView message) {
    const auto self = weak.lock();
    if (++reading->messages > net::identify_messages_max || !net::merge_identify(message, reading->info)) self->reset();
  });
  stream->on_remote_closed([reading, weak = std::weak_ptr(stream)] {
    const auto self = weak.lock();
    const auto connection = connection_of(*self);
    if (reading->messages > 0 && connection) connection->set_info(reading->info);
    self->close();
  });
}

void answer_ping(const std::shared_ptr<StreamImpl>& stream) {
  const auto responder = std::make_shared<net::PingResponder>();
  const auto weak = std::weak_ptr(stream);
  stream->on_bytes([responder, weak](ByteView bytes) {
    const auto self = weak.lock();
    // Who asks and never reads the answers is cut off, not queued for.
    if (self->queued_bytes() > pongs_queued_bytes_max) return self->reset();
    const Bytes answer = responder->receive(bytes);
    if (!answer.empty() && !self->send_bytes(answer)) self->reset();
  });
  stream->on_remote_closed([weak] { weak.lock()->close(); });
}

}  // namespace

bool is_service(std::string_view protocol) {
  return protocol == net::identify_protocol || protocol == net::identify_push_protocol ||
         protocol == net::ping_protocol;
}

void serve(const std::shared_ptr<StreamImpl>& stream) {
  if (stream->protocol() == net::identify_protocol) return answer_identify(stream);
  if (stream->protocol() == net::identify_push_protocol) return take_identify(stream);
  answer_ping(stream);
}

void ask_identify(const std::shared_ptr<ConnectionImpl>& connection) {
  connection->open_internal({std::string(net::identify_protocol)}, [](Result<std::shared_ptr<StreamImpl>> stream) {
    if (stream) take_identify(*stream);  // Who does not answer stays without info.
  });
}

void ping_once(const std::shared_ptr<ConnectionImpl>& connection, std::function<void(Result<Duration>)> callback) {
  struct Asking {
    std::function<void(Result<Duration>)> callback;
    net::PingInitiator initiator;
    TimerId timeout;
    void answer(Result<Duration> result) {
      if (const auto told = std::exchange(callback, nullptr)) told(std::move(result));
    }
  };
  if (connection->core() == nullptr) return;
  const std::uint64_t seed = connection->core()->scheduler->now().us ^ connection->id();
  const auto asking = std::make_shared<Asking>(std::move(callback), net::PingInitiator(seed), TimerId{});
  connection->open_internal({std::string(net::ping_protocol)}, [asking](Result<std::shared_ptr<StreamImpl>> opened) {
    if (!opened) return asking->answer(std::unexpected(opened.error()));
    const auto& stream = *opened;
    const auto weak = std::weak_ptr(stream);
    Core* core = connection_of(*stream)->core();
    asking->timeout = core->scheduler->after(core->options.stream_timeout, [asking, weak] {
      if (const auto self = weak.lock()) self->reset();
      asking->answer(fail(ErrorCode::transport_timeout, "a ping was not answered"));
    });
    stream->on_bytes([asking, weak](ByteView bytes) {
      const auto self = weak.lock();
      Core* running = connection_of(*self)->core();
      const auto rtt = asking->initiator.receive(running->scheduler->now(), bytes);
      if (rtt && !*rtt) return;
      running->scheduler->cancel(asking->timeout);
      self->reset();
      asking->answer(rtt ? Result<Duration>(**rtt) : std::unexpected(rtt.error()));
    });
    stream->on_closed([asking](Status why) {
      asking->answer(fail(ErrorCode::transport_closed, why ? "the stream was closed" : why.error().message));
    });
    (void)stream->send_bytes(asking->initiator.start(core->scheduler->now()));
  });
}

}  // namespace rz::host
