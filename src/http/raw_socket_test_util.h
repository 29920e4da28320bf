// A client that sends bytes as they are, for tests.
//
// Raw, because most of these tests send bytes that no proper client would, and look at what exactly
// comes back. Thread safety: one thread a RawSocket.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

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
  int native() const { return socket_; }
  // Whether the last read met a reset.
  bool was_reset() const { return was_reset_; }
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
    if (head_only || length_at == std::string::npos || answer.status == 304) return answer;
    const size_t length = std::stoul(answer.head.substr(length_at + 16));
    while (received_.size() < length) {
      if (!receive_some()) break;
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    return answer;
  }
  // What comes up to and with `end`; all that came if the connection ends first.
  std::string take_until(std::string_view end) {
    size_t at;
    while ((at = received_.find(end)) == std::string::npos) {
      if (!receive_some()) return std::exchange(received_, {});
    }
    return take_bytes(at + end.size());
  }
  std::string take_bytes(size_t size_bytes) {
    while (received_.size() < size_bytes && receive_some()) {
    }
    std::string taken = received_.substr(0, size_bytes);
    received_.erase(0, taken.size());
    return taken;
  }
  // What comes until the connection ends.
  std::string take_rest() {
    while (receive_some()) {
    }
    return std::exchange(received_, {});
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
    const ssize_t count = ::recv(socket_, bytes, size_bytes, 0);
    was_reset_ = count < 0 && errno == ECONNRESET;
    return std::max<ssize_t>(0, count);
  }
  int socket_;
  bool was_reset_ = false;

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

}  // namespace latchkey::http
