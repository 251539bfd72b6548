// The one translation unit that includes Beast: it is heavy.
#include "host/http/http_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <fstream>
#include <set>
#include <sstream>

#include "crypto/secret.h"
#include "host/http/guard.h"

namespace rz::host {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr auto idle_max = std::chrono::seconds(60);
constexpr auto header_bytes_max = 16 * 1024;
constexpr std::uint64_t stream_piece_bytes = 256 * 1024;

constexpr std::string_view content_policy =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

// Beast has a string_view of its own.
std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool equal_secret(std::string_view a, std::string_view b) {
  return crypto::equal_constant_time(as_bytes(a), as_bytes(b));
}

std::string error_body(std::string_view code, std::string_view message) {
  return words(R"({"error":{"code":")", code, R"(","message":")", message, R"("}})");
}

class Server;

class Socket final : public LiveSocket, public std::enable_shared_from_this<Socket> {
 public:
  Socket(websocket::stream<beast::tcp_stream> stream, Server& server) : stream_(std::move(stream)), server_(server) {}

  bool open() const override { return open_; }
  void send(std::string text) override;
  void close() override;
  awaitable<void> run(Request request);

 private:
  awaitable<void> write_queued();

  websocket::stream<beast::tcp_stream> stream_;
  Server& server_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  bool open_ = false;
  bool writing_ = false;
};

class Server final : public HttpServer {
 public:
  Server(asio::io_context& io, HttpOptions options, HttpHandlers handlers)
      : io_(io), acceptor_(io), options_(std::move(options)), handlers_(std::move(handlers)) {}

  Status listen() {
    beast::error_code error;
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), options_.port);
    acceptor_.open(endpoint.protocol(), error);
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (error) {
      return fail(ErrorCode::address_in_use, words("port ", options_.port, " on 127.0.0.1 can't be opened (",
                                                   error.message(), "); choose another with --http PORT"));
    }
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(ErrorCode::address_in_use, error.message());
    options_.port = acceptor_.local_endpoint().port();
    asio::co_spawn(io_, accept(), asio::detached);
    return {};
  }

  std::uint16_t port() const override { return options_.port; }

  void stop() override {
    stopped_ = true;
    beast::error_code ignored;
    acceptor_.close(ignored);
    const auto sockets = sockets_;
    for (const auto& socket : sockets) socket->close();
    for (auto* stream : plain_) stream->cancel();
  }

  const HttpOptions& options() const { return options_; }
  HttpHandlers& handlers() { return handlers_; }
  void add(const std::shared_ptr<Socket>& socket) { sockets_.insert(socket); }
  void remove(const std::shared_ptr<Socket>& socket) { sockets_.erase(socket); }

 private:
  awaitable<void> accept() {
    while (!stopped_) {
      beast::error_code error;
      tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(use_awaitable, error));
      if (error) {
        if (stopped_ || error == asio::error::operation_aborted) co_return;
        asio::steady_timer pause(io_, std::chrono::milliseconds(50));  // Out of descriptors, say: don't spin.
        co_await pause.async_wait(asio::redirect_error(use_awaitable, error));
        continue;
      }
      if (connections_ >= options_.connections_max) continue;  // Closes it.
      socket.set_option(tcp::no_delay(true), error);
      ++connections_;
      asio::co_spawn(io_, serve(beast::tcp_stream(std::move(socket))),
                     [this](const std::exception_ptr&) { --connections_; });
    }
  }

  // Requests one after the other on one connection, until it closes, misbehaves or becomes a WebSocket.
  awaitable<void> serve(beast::tcp_stream stream) {
    plain_.insert(&stream);
    struct Forget {
      std::set<beast::tcp_stream*>& set;
      beast::tcp_stream* stream;
      ~Forget() { set.erase(stream); }
    } forget{plain_, &stream};
    beast::flat_buffer buffer(header_bytes_max + options_.body_bytes_max);
    for (;;) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(header_bytes_max);
      parser.body_limit(options_.body_bytes_max);
      stream.expires_after(idle_max);
      beast::error_code error;
      co_await http::async_read(stream, buffer, parser, asio::redirect_error(use_awaitable, error));
      if (error == http::error::body_limit || error == http::error::header_limit) {
        co_await write(stream, plain(http::status::payload_too_large, "limit_exceeded", "the request is too large"));
        break;
      }
      if (error) {
        if (error.category() == make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message) {
          co_await write(stream, plain(http::status::bad_request, "bad_argument", "not an HTTP request"));
        }
        break;
      }
      Request request = parser.release();
      if (websocket::is_upgrade(request)) {
        auto refusal = refuse(request);
        if (!refusal && request.target() != "/api/live") {
          refusal = plain(http::status::not_found, "not_found", "there is no WebSocket here");
        }
        if (refusal) {
          co_await write(stream, std::move(*refusal));
          break;
        }
        forget.set.erase(&stream);
        auto socket = std::make_shared<Socket>(websocket::stream<beast::tcp_stream>(std::move(stream)), *this);
        co_await socket->run(std::move(request));
        co_return;
      }
      const bool keep_alive = request.keep_alive();
      std::shared_ptr<HttpStream> body;
      Response response = co_await answer(std::move(request), body);
      response.keep_alive(keep_alive);
      if (body != nullptr) {
        if (!co_await write_stream(stream, std::move(response), *body) || !keep_alive) break;
        continue;
      }
      if (!co_await write(stream, std::move(response)) || !keep_alive) break;
    }
    beast::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  awaitable<bool> write(beast::tcp_stream& stream, Response response) {
    response.prepare_payload();
    stream.expires_after(idle_max);
    beast::error_code error;
    co_await http::async_write(stream, response, asio::redirect_error(use_awaitable, error));
    co_return !error;
  }

  // The head, then the body in pieces. A body that can't be read to its end ends the connection: the length says so.
  awaitable<bool> write_stream(beast::tcp_stream& stream, Response response, const HttpStream& body) {
    http::response<http::empty_body> head(std::move(response.base()));
    head.content_length(body.bytes);
    http::response_serializer<http::empty_body> serializer(head);
    beast::error_code error;
    stream.expires_after(idle_max);
    co_await http::async_write_header(stream, serializer, asio::redirect_error(use_awaitable, error));
    for (std::uint64_t offset = 0; !error && offset < body.bytes;) {
      const auto piece = body.read(offset, std::min<std::uint64_t>(stream_piece_bytes, body.bytes - offset));
      if (!piece || piece->empty()) co_return false;
      stream.expires_after(idle_max);
      co_await asio::async_write(stream, asio::buffer(*piece), asio::redirect_error(use_awaitable, error));
      offset += piece->size();
    }
    co_return !error;
  }

  static Response plain(http::status status, std::string_view code, std::string_view message) {
    Response response(status, 11);
    response.set(http::field::content_type, "application/json");
    response.set("X-Content-Type-Options", "nosniff");
    response.body() = error_body(code, message);
    return response;
  }

  bool rate_exceeded() {
    const auto now = std::chrono::steady_clock::now();
    if (now - window_started_ > std::chrono::seconds(1)) {
      window_started_ = now;
      window_requests_ = 0;
    }
    return ++window_requests_ > options_.requests_per_second_max;
  }

  std::string cookie_name() const { return "rhizome_" + std::to_string(options_.port); }

  bool authenticated(const Request& request) const {
    const std::string_view bearer = view(request[http::field::authorization]);
    constexpr std::string_view scheme = "Bearer ";
    if (bearer.starts_with(scheme)) return equal_secret(bearer.substr(scheme.size()), options_.token);
    const auto cookie = cookie_value(view(request[http::field::cookie]), cookie_name());
    return cookie && equal_secret(*cookie, options_.token);
  }

  // Nothing where the request may go on.
  std::optional<Response> refuse(const Request& request) {
    if (rate_exceeded()) return plain(http::status::too_many_requests, "limit_exceeded", "too many requests");
    if (request.count(http::field::host) != 1 || !host_is_ours(view(request[http::field::host]), options_.port)) {
      return plain(http::status::forbidden, "wrong_host", "this server answers to 127.0.0.1 and localhost only");
    }
    if (!origin_is_ours(view(request[http::field::origin]), options_.port)) {
      return plain(http::status::forbidden, "wrong_origin", "requests from other sites are refused");
    }
    if (!authenticated(request)) {
      return plain(http::status::unauthorized, "unauthorized",
                   "open the address that `rhizome up` printed: it carries the key to this page");
    }
    return std::nullopt;
  }

  // The one request that brings the token in its address: trades it for a cookie and drops it from the address bar.
  std::optional<Response> trade_token(const Request& request, const std::map<std::string, std::string>& query) {
    const auto token = query.find("token");
    if (request.method() != http::verb::get || token == query.end()) return std::nullopt;
    if (!host_is_ours(view(request[http::field::host]), options_.port)) return refuse(request);
    if (rate_exceeded() || !equal_secret(token->second, options_.token)) {
      return plain(http::status::unauthorized, "unauthorized", "this address is out of date: see `rhizome up`");
    }
    Response response(http::status::see_other, 11);
    response.set(http::field::location, "/");
    response.set(http::field::cache_control, "no-store");
    response.set(http::field::set_cookie,
                 cookie_name() + "=" + options_.token + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000");
    return response;
  }

  awaitable<Response> answer(Request request, std::shared_ptr<HttpStream>& body) {
    const std::string_view target = view(request.target());
    const std::size_t question = std::min(target.find('?'), target.size());
    auto query = parse_query(question < target.size() ? target.substr(question + 1) : "");
    auto path = percent_decode(target.substr(0, question), false);
    if (!query || !path) co_return plain(http::status::bad_request, "bad_argument", "the address is malformed");
    if (*path == "/") {
      if (auto traded = trade_token(request, *query)) co_return std::move(*traded);
    }
    if (auto refusal = refuse(request)) co_return std::move(*refusal);
    if (path->starts_with("/api/") || *path == "/metrics") {
      co_return co_await call(HttpRequest{std::string(view(request.method_string())), std::move(*path),
                                          std::move(*query), std::move(request.body())},
                              body);
    }
    co_return static_file(request, *path);
  }

  awaitable<Response> call(HttpRequest request, std::shared_ptr<HttpStream>& body) {
    // The handler may answer at once or later; a timer that never fires by itself is the latch between the two.
    auto done = std::make_shared<asio::steady_timer>(io_, std::chrono::steady_clock::time_point::max());
    auto result = std::make_shared<std::optional<HttpResponse>>();
    const auto answer = [done, result](HttpResponse response) {
      if (*result) return;
      *result = std::move(response);
      done->cancel();
    };
    try {
      handlers_.request(std::move(request), answer);
    } catch (const std::exception&) {
      // A bug of ours (a library's exception that nobody expected): it costs one request, not the process.
      answer({500, "application/json", error_body("internal", "this request could not be handled"), nullptr});
    }
    while (!*result) {
      beast::error_code ignored;
      co_await done->async_wait(asio::redirect_error(use_awaitable, ignored));
    }
    Response response(static_cast<http::status>((*result)->status), 11);
    response.set(http::field::content_type, (*result)->content_type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.body() = std::move((*result)->body);
    body = std::move((*result)->stream);
    co_return response;
  }

  Response static_file(const Request& request, std::string path) const {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      return plain(http::status::method_not_allowed, "bad_argument", "only GET here");
    }
    if (path == "/") path = "/index.html";
    std::ifstream file;
    if (static_path_is_safe(path) && !options_.static_root.empty())
      file.open(options_.static_root + path, std::ios::binary);
    if (!file.is_open()) return plain(http::status::not_found, "not_found", "there is no such page");
    std::ostringstream content;
    content << file.rdbuf();
    Response response(http::status::ok, 11);
    response.set(http::field::content_type, std::string(content_type_of(path)));
    response.set("Content-Security-Policy", std::string(content_policy));
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    // Assets are named by their hash; the page that names them is not.
    response.set(http::field::cache_control,
                 path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    response.body() = std::move(content).str();
    return response;
  }

  asio::io_context& io_;
  tcp::acceptor acceptor_;
  HttpOptions options_;
  HttpHandlers handlers_;
  std::set<std::shared_ptr<Socket>> sockets_;
  std::set<beast::tcp_stream*> plain_;
  std::size_t connections_ = 0;
  std::chrono::steady_clock::time_point window_started_{};
  std::size_t window_requests_ = 0;
  bool stopped_ = false;
};

void Socket::send(std::string text) {
  if (!open_) return;
  queued_bytes_ += text.size();
  if (queued_bytes_ > server_.options().queued_bytes_max) return close();
  queue_.push_back(std::move(text));
  if (writing_) return;
  writing_ = true;
  asio::co_spawn(stream_.get_executor(), [self = shared_from_this()] { return self->write_queued(); }, asio::detached);
}

awaitable<void> Socket::write_queued() {
  while (open_ && !queue_.empty()) {
    const std::string text = std::move(queue_.front());
    queue_.pop_front();
    beast::error_code error;
    co_await stream_.async_write(asio::buffer(text), asio::redirect_error(use_awaitable, error));
    queued_bytes_ -= text.size();
    if (error) close();
  }
  writing_ = false;
}

void Socket::close() {
  if (!open_) return;
  open_ = false;
  beast::error_code ignored;
  beast::get_lowest_layer(stream_).socket().close(ignored);
}

awaitable<void> Socket::run(Request request) {
  auto self = shared_from_this();
  beast::error_code error;
  beast::get_lowest_layer(stream_).expires_never();
  stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
  stream_.read_message_max(server_.options().frame_bytes_max);
  stream_.text(true);
  co_await stream_.async_accept(request, asio::redirect_error(use_awaitable, error));
  if (error) co_return;
  open_ = true;
  server_.add(self);
  server_.handlers().live_opened(self);
  beast::flat_buffer buffer;
  while (open_) {
    co_await stream_.async_read(buffer, asio::redirect_error(use_awaitable, error));
    if (error) break;
    if (stream_.got_text()) {
      try {
        server_.handlers().live_message(self, beast::buffers_to_string(buffer.data()));
      } catch (const std::exception&) {
        break;  // As above: it costs one connection.
      }
    }
    buffer.consume(buffer.size());
  }
  close();
  server_.handlers().live_closed(self);
  server_.remove(self);
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(asio::io_context& io, HttpOptions options,
                                                      HttpHandlers handlers) {
  RZ_TRY(auto server, [&]() -> Result<std::unique_ptr<Server>> {
    auto made = std::make_unique<Server>(io, std::move(options), std::move(handlers));
    RZ_CHECK(made->listen());
    return made;
  }());
  return server;
}

}  // namespace rz::host
