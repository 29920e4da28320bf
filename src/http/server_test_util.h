// What the tests of the server share: a server with a handler made of a function, and a raw socket.
//
// Raw, because most of these tests send bytes that no proper client would.
// Thread safety: one thread a RawSocket; a RecordingLog from any thread.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"
#include "http/server.h"

namespace latchkey::http {

struct RawAnswer {
  int status = 0;  // 0 when the connection ended first
  std::string head;
  std::string body;
};

class RawSocket {
 public:
  explicit RawSocket(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (port != 0) connect(port);
  }
  explicit RawSocket(const std::string& unix_path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, unix_path.c_str(), unix_path.size() + 1);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;
  virtual ~RawSocket() { close(); }

  void connect(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  // Makes close() send a reset.
  void reset_on_close() {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  // Sends all of `bytes`; false when the peer has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = put(bytes);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // The next answer; of one to HEAD only the head.
  RawAnswer receive(bool head_only = false) {
    RawAnswer answer;
    size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive_some()) return answer;
    }
    answer.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const size_t length_at = answer.head.find("Content-Length: ");
    if (head_only || length_at == std::string::npos) return answer;
    const size_t length = std::stoul(answer.head.substr(length_at + 16));
    while (received_.size() < length) {
      if (!receive_some()) break;
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    return answer;
  }
  bool is_readable() {
    pollfd wait{socket_, POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
  }
  // Whether the server closes within `timeout_ms`, without sending anything more.
  bool is_closed_within(int timeout_ms) {
    char byte;
    return received_.empty() && take(&byte, 1, timeout_ms) == 0;
  }

 protected:
  virtual ssize_t put(std::string_view bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // The number of bytes received, 0 at the end, -1 when nothing came in time.
  virtual ssize_t take(char* bytes, size_t size_bytes, int timeout_ms) {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, timeout_ms) != 1) return -1;
    return std::max<ssize_t>(0, ::recv(socket_, bytes, size_bytes, 0));
  }
  int socket_;

 private:
  bool receive_some() {
    char bytes[16 * 1024];
    const ssize_t count = take(bytes, sizeof bytes, 3'000);
    if (count <= 0) return false;
    received_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  bool connected_ = false;
  std::string received_;
};

// A log that keeps its lines as "event name=value ...".
class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) {
      line.append(" ").append(field.name).append("=").append(field.value);
    }
    MutexLock lock(mutex_);
    text_ += line + "\n";
  }
  std::string text() {
    MutexLock lock(mutex_);
    return text_;
  }

 private:
  Mutex mutex_;
  std::string text_ LK_GUARDED_BY(mutex_);
};

class FunctionHandler final : public Handler {
 public:
  using Function = std::function<void(const Request&, Reply)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  void handle(const Request& request, Reply reply) override {
    function_(request, std::move(reply));
  }

 private:
  Function function_;
};

// Answers with what it saw: "METHOD path?query|body".
inline void echo(const Request& request, Reply reply) {
  std::string text(request.method());
  text.append(" ").append(request.path());
  if (!request.query().empty()) text.append("?").append(request.query());
  text.append("|").append(request.body());
  reply.send(make_response(200, "text/plain", std::move(text)));
}

// A running server on a port of 127.0.0.1, or where `options` says.
class TestServer {
 public:
  explicit TestServer(FunctionHandler::Function function = echo, ServerOptions options = {},
                      const TlsPublication* tls = nullptr)
      : handler(std::move(function)) {
    if (options.endpoint.unix_path.empty()) options.endpoint.address = "127.0.0.1";
    auto started = start_server(options, {clock, entropy, log, handler, tls});
    LK_ASSERT(started.has_value());
    server = *std::move(started);
  }
  uint16_t port() const { return server->port(); }

  RecordingLog log;
  SystemClock clock;
  SystemEntropy entropy;
  FunctionHandler handler;
  std::unique_ptr<Server> server;  // ends first: it uses all of the above
};

inline const std::string kGet = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace latchkey::http
