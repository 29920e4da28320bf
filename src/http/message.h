// A request as handlers see it, and the answer that they give.
//
// What a Request shows has passed the server's limits: the method is a known token, the target is
// origin-form, header values hold no CR, LF or NUL, the body is whole. A Request and every view of
// it live until its Reply is used. A Reply is used exactly once, from any thread; one that is
// dropped unused answers 500. RFC 9110, RFC 9112. Thread safety: a Request may be read from any one
// thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace latchkey::http {

struct Header {
  std::string_view name;
  std::string_view value;
};

class Request {
 public:
  virtual ~Request() = default;
  // Upper case, e.g. "GET".
  virtual std::string_view method() const = 0;
  // The path as sent, percent-encoded, without the query; begins with '/'.
  virtual std::string_view path() const = 0;
  // What follows the first '?', without it; empty when there is none.
  virtual std::string_view query() const = 0;
  // The headers in the order sent. Names compare without case.
  virtual std::span<const Header> headers() const = 0;
  virtual std::string_view body() const = 0;
  // The client's address without port, e.g. "127.0.0.1" or "::1"; "unix" on a Unix socket. That of
  // the peer, or behind a trusted proxy the one that it names (http/client_address.h).
  virtual std::string_view peer_address() const = 0;
  // The peer's own address, in the same form.
  virtual std::string_view socket_address() const { return peer_address(); }
  // Whether the peer is a trusted proxy.
  virtual bool is_from_proxy() const { return false; }
  // The addresses that trusted proxies name, the client's first, without the peer's: "a, b".
  virtual std::string_view forwarded_for() const { return {}; }
  // Whether the request came within TLS.
  virtual bool is_encrypted() const { return false; }
  // The id of this request in logs and answers: a lower-case UUID.
  virtual std::string_view request_id() const = 0;

  // The value of the only header `name`; nothing when it is absent or there are several.
  std::optional<std::string_view> header(std::string_view name) const;
  // How many headers are called `name`.
  size_t count_headers(std::string_view name) const;
};

// The value of cookie `name` in the Cookie headers of `request`, if it is there exactly once.
// RFC 6265 section 4.2.
std::optional<std::string_view> find_cookie(const Request& request, std::string_view name);

// The parameters of a query, decoded, in the order sent. Nothing if an encoding is broken, the text
// is not UTF-8, or there are more than `parameters_max`.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
std::optional<QueryParameters> parse_query(std::string_view query, size_t parameters_max = 64);

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // not Content-Length, Date, Connection
  std::string body;                                          // with its Content-Type among headers

  Response& add_header(std::string name, std::string value);
};

// A response of `status` with a body of `content_type`.
Response make_response(int status, std::string_view content_type, std::string body);

// Where an answer goes. A server's sink is the connection; a test's is what it likes.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // Takes the answer. Called once for each Reply made of this sink, from any thread.
  virtual void answer(Response&& response) = 0;
};

// The right and the duty to answer one request. Making, moving and using one allocates nothing, and
// an answer given inside handle() is written there and then.
class Reply {
 public:
  explicit Reply(std::shared_ptr<ReplySink> sink) : sink_(std::move(sink)) {}
  // A reply that calls `send`: for tests, and for handlers that look at another handler's answer.
  explicit Reply(std::function<void(Response&&)> send);
  Reply(Reply&& other) noexcept = default;
  Reply& operator=(Reply&&) = delete;
  ~Reply();

  // Answers. REQUIRES: not used before.
  void send(Response response);

 private:
  std::shared_ptr<ReplySink> sink_;  // null once used or moved from
};

// What a server asks for each request.
class Handler {
 public:
  virtual ~Handler() = default;
  // Answers `request` through `reply`, now or later. Runs on a network thread: it must not block;
  // what touches disk goes to a WorkerPool.
  virtual void handle(const Request& request, Reply reply) = 0;
};

}  // namespace latchkey::http
