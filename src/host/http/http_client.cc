#include "host/http/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace rz::host {

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
  http::write(stream, request, error);
  if (error) return fail(ErrorCode::unknown_outcome, words("the connection broke while asking: ", error.message()));
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(256u * 1024 * 1024);
  http::read(stream, buffer, parser, error);
  if (error == http::error::body_limit) return fail(ErrorCode::limit_exceeded, "the answer is larger than 256 MiB");
  if (error)
    return fail(ErrorCode::unknown_outcome, words("the connection broke before the answer: ", error.message()));
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
