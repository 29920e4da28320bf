// An upstream that follows a script, for tests of what stands before it.
//
// The scripts say things that no proper server would. Each connection runs the script in a thread
// of its own. Thread safety: a ScriptedUpstream from one thread; a Peer in its script.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace latchkey::http {

// The upstream's side of one connection.
class Peer {
 public:
  Peer(int socket, int number) : socket_(socket), number_(number) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(); }

  // 0 for the first connection that the upstream accepted.
  int number() const { return number_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // The next head with its empty line; empty at the connection's end.
  std::string head() { return until("\r\n\r\n"); }
  // What comes up to and with `end`.
  std::string until(std::string_view end) {
    size_t at;
    while ((at = received_.find(end)) == std::string::npos) {
      if (!receive()) return "";
    }
    std::string taken = received_.substr(0, at + end.size());
    received_.erase(0, taken.size());
    return taken;
  }
  std::string body(size_t size_bytes) {
    while (received_.size() < size_bytes && receive()) {
    }
    std::string taken = received_.substr(0, size_bytes);
    received_.erase(0, taken.size());
    return taken;
  }
  // Reads on until the other side closes.
  bool wait_for_close() {
    while (receive()) {
    }
    return !timed_out_;
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void reset() {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

 private:
  bool receive() {
    pollfd wait{socket_, POLLIN, 0};
    timed_out_ = ::poll(&wait, 1, 5'000) != 1;
    if (timed_out_) return false;
    char bytes[64 * 1024];
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    received_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  int socket_;
  const int number_;
  bool timed_out_ = false;
  std::string received_;
};

class ScriptedUpstream {
 public:
  using Script = std::function<void(Peer&)>;

  explicit ScriptedUpstream(Script script)
      : script_(std::move(script)),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        acceptor_([this] { accept(); }) {}
  ~ScriptedUpstream() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::jthread& each : peers_) each.join();
    ::close(listener_);
  }
  std::string url() {
    while (port_ == 0) std::this_thread::yield();
    return "http://127.0.0.1:" + std::to_string(port_);
  }
  int connections() const { return connections_; }

 private:
  void accept() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size_bytes = sizeof address;
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size_bytes);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size_bytes);
    port_ = ntohs(address.sin_port);
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const int number = connections_++;
      peers_.emplace_back([this, socket, number] {
        Peer peer(socket, number);
        script_(peer);
      });
    }
  }

  Script script_;
  int listener_;
  std::atomic<uint16_t> port_{0};
  std::atomic<int> connections_{0};
  std::vector<std::jthread> peers_;
  std::jthread acceptor_;
};

}  // namespace latchkey::http
