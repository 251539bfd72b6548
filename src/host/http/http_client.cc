#include "host/http/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

namespace rz::host {

namespace {

// Longer than the daemon lets anybody wait for a state (30 seconds).
constexpr auto answer_within = std::chrono::seconds(60);

}  // namespace

Result<HttpReply> http_call(std::uint16_t port, const std::string& token, const std::string& method,
                            const std::string& target, const std::string& body) {
  namespace asio = boost::asio;
  namespace beast = boost::beast;
  namespace http = beast::http;
  asio::io_context io;
  beast::tcp_stream stream(io);
  beast::error_code error;
  stream.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port), error);
  if (error)
    return fail(ErrorCode::not_reachable, words("nothing answers on 127.0.0.1:", port, ": is `rhizome up` running?"));
  http::request<http::string_body> request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, words("127.0.0.1:", port));
  request.set(http::field::authorization, "Bearer " + token);
  request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  stream.expires_after(answer_within);
  http::async_write(stream, request, [&error](const beast::error_code& outcome, std::size_t) { error = outcome; });
  io.run();
  io.restart();
  // A refusal may come before all was sent (too large, say): it is read all the same.
  const beast::error_code sending = error;
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(256u * 1024 * 1024);
  stream.expires_after(answer_within);
  http::async_read(stream, buffer, parser,
                   [&error](const beast::error_code& outcome, std::size_t) { error = outcome; });
  io.run();
  if (error == http::error::body_limit) return fail(ErrorCode::limit_exceeded, "the answer is larger than 256 MiB");
  if (error) {
    const bool asked_only = method == "GET";
    const std::string why = error == beast::error::timeout
                                ? std::string("the daemon does not answer")
                                : words("the connection to the daemon broke: ", (sending ? sending : error).message());
    return fail(asked_only ? ErrorCode::not_reachable : ErrorCode::unknown_outcome,
                asked_only ? why : why + "; whether it was done is not known");
  }
  return HttpReply{static_cast<int>(parser.get().result_int()), parser.get().body()};
}

Result<HttpReply> http_download(std::uint16_t port, const std::string& token, const std::string& target,
                                const std::function<Status(std::string_view)>& take) {
  namespace asio = boost::asio;
  namespace beast = boost::beast;
  namespace http = beast::http;
  asio::io_context io;
  beast::tcp_stream stream(io);
  beast::error_code error;
  stream.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port), error);
  if (error)
    return fail(ErrorCode::not_reachable, words("nothing answers on 127.0.0.1:", port, ": is `rhizome up` running?"));
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, words("127.0.0.1:", port));
  request.set(http::field::authorization, "Bearer " + token);
  http::write(stream, request, error);
  if (error) return fail(ErrorCode::unknown_outcome, words("the connection broke while asking: ", error.message()));
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  http::read_header(stream, buffer, parser, error);
  HttpReply reply{static_cast<int>(parser.get().result_int()), {}};
  std::string piece(256 * 1024, '\0');
  while (!error && !parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    http::read(stream, buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
    if (reply.status / 100 == 2) {
      RZ_CHECK(take(got));
    } else if (reply.body.size() < piece.size()) {
      reply.body += got;
    }
  }
  if (error) return fail(ErrorCode::unknown_outcome, words("the connection broke before the end: ", error.message()));
  return reply;
}

}  // namespace rz::host
