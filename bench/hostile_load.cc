// Loads for bench/hostile.py: a good client that measures, and hostile ones that do not.
//
// usage: hostile_load MODE PORT SECONDS COUNT REQUESTS_FILE
//   good    COUNT requests a second, evenly, on 16 kept connections. Latency counts from the moment
//           that a request was due, so a stalled server cannot hide the ones that waited.
//   flood   COUNT requests a second, pipelined, on 1,024 connections from as many addresses.
//   active  COUNT kept connections from as many addresses, each with a request every other second.
//   churn   COUNT connections at once that are made, send a request and are closed when its answer
//           begins, as fast as it goes.
//   again   COUNT connections that each send the next request when they have their answer.
//   hold    COUNT connections that each send one request and stay; those that are closed come back.
//   drip    COUNT connections that each send a part of a request and then a byte a second.
//   refuse  COUNT connections that ask for much and do not read what they get.
// The file holds requests, each with its length in front ("123\n" and 123 bytes); they are sent in
// turn. The answer is one line of JSON on stdout.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "answer_reader.h"

namespace {

using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;

constexpr size_t kGoodConnections = 16;
constexpr size_t kFloodConnections = 1024;
constexpr size_t kOutstandingMax = 64;  // of a flooding connection
constexpr size_t kOpenedAtOnce = 200;   // a tick, so that the backlog holds them

struct Options {
  std::string mode;
  uint16_t port = 0;
  double seconds = 0;
  size_t count = 0;
  std::vector<std::string> requests;
};

struct Peer {
  int socket = -1;
  std::string out;             // not yet sent
  std::string in;              // the part of an answer that is there
  size_t body_left = 0;        // bytes of an answer's body that are to come
  std::deque<Moment> waiting;  // when each request without an answer was due
  bool is_open() const { return socket >= 0; }
};

struct Report {
  std::map<int, uint64_t> statuses;
  std::vector<double> latencies_us;
  uint64_t opened = 0;
  uint64_t closed_by_server = 0;
  uint64_t failures = 0;
  uint64_t late = 0;  // requests that were due and could not be sent
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), poll_(epoll_create1(0)) {}

  int run() {
    const bool is_rate = is_rate_mode();
    const double rate = static_cast<double>(options_.count) / (options_.mode == "active" ? 2 : 1);
    const size_t peers = options_.mode == "good"    ? kGoodConnections
                         : options_.mode == "flood" ? kFloodConnections
                                                    : options_.count;
    peers_.resize(peers);
    const Moment begin = Clock::now();
    const Moment end = begin + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(options_.seconds));
    Moment tick = begin;
    size_t due = 0;
    while (Clock::now() < end) {
      open_some();
      if (is_rate) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
        const auto wanted = static_cast<size_t>(elapsed * rate) + 1;
        for (; due < wanted; ++due) {
          send_next(begin + std::chrono::duration_cast<Clock::duration>(
                                std::chrono::duration<double>(static_cast<double>(due) / rate)));
        }
      }
      if (Clock::now() >= tick) {
        tick += std::chrono::seconds(1);
        if (options_.mode == "drip") drip();
      }
      wait();
    }
    print();
    return 0;
  }

 private:
  bool is_rate_mode() const {
    return options_.mode == "good" || options_.mode == "flood" || options_.mode == "active";
  }

  void open_some() {
    size_t opened = 0;
    for (; opened < kOpenedAtOnce && next_closed_ < peers_.size(); ++next_closed_) {
      if (peers_[next_closed_].is_open()) continue;
      open(next_closed_);
      ++opened;
    }
    // Once a second those that were closed come back.
    if (next_closed_ == peers_.size() && Clock::now() >= reopen_at_) {
      next_closed_ = 0;
      reopen_at_ = Clock::now() + std::chrono::seconds(1);
    }
  }

  void open(size_t place) {
    Peer& peer = peers_[place];
    peer = Peer{};
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
      ++report_.failures;
      return;
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (options_.mode == "refuse") {
      const int small = 4096;
      setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    // Strangers come from 127.x.y.1; the good client from 127.0.0.1.
    const uint32_t host =
        options_.mode == "good"
            ? INADDR_LOOPBACK
            : 0x7f000001U | static_cast<uint32_t>((place / 256 % 200 + 1) << 16 | place % 256 << 8);
    address.sin_addr.s_addr = htonl(host);
    ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(options_.port);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ++report_.failures;
      ::close(socket);
      return;
    }
    fcntl(socket, F_SETFL, O_NONBLOCK);
    peer.socket = socket;
    ++report_.opened;
    epoll_event event{};
    event.events = options_.mode == "refuse" ? static_cast<uint32_t>(EPOLLRDHUP) : EPOLLIN;
    event.data.u64 = place;
    epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event);
    if (!is_rate_mode()) queue(peer, Clock::now());
  }

  void queue(Peer& peer, Moment due) {
    peer.out += options_.requests[next_request_++ % options_.requests.size()];
    peer.waiting.push_back(due);
    flush(peer);
  }

  // Sends the next request of a rate on the connection whose turn it is.
  void send_next(Moment due) {
    for (size_t tries = 0; tries < peers_.size(); ++tries) {
      Peer& peer = peers_[next_peer_++ % peers_.size()];
      if (!peer.is_open() || peer.waiting.size() >= kOutstandingMax) continue;
      return queue(peer, due);
    }
    ++report_.late;
  }

  void flush(Peer& peer) {
    while (!peer.out.empty()) {
      const ssize_t sent = ::send(peer.socket, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      peer.out.erase(0, static_cast<size_t>(sent));
    }
  }

  void drip() {
    for (Peer& peer : peers_) {
      if (peer.is_open()) ::send(peer.socket, "a", 1, MSG_NOSIGNAL);
    }
  }

  void wait() {
    // Short, since the wait for the next due moment counts as latency; not zero, to leave
    // processors.
    const timespec timeout{0, options_.mode == "good" ? 100'000 : 1'000'000};
    std::array<epoll_event, 256> events;
    const int count =
        epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < count; ++i) receive(peers_[events[static_cast<size_t>(i)].data.u64]);
    if (options_.mode == "flood") {
      for (Peer& peer : peers_) {
        if (peer.is_open() && !peer.out.empty()) flush(peer);
      }
    }
  }

  void receive(Peer& peer) {
    if (options_.mode == "refuse") return close(peer);  // the only event: the server has ended it
    std::array<char, 65536> bytes;
    while (peer.is_open()) {
      const ssize_t size = ::recv(peer.socket, bytes.data(), bytes.size(), 0);
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) return close(peer);
      if (options_.mode == "churn") {
        ++report_.statuses[size > 12 ? std::atoi(bytes.data() + 9) : 0];
        const size_t place = static_cast<size_t>(&peer - peers_.data());
        ::close(peer.socket);
        return open(place);
      }
      read_answers(peer, {bytes.data(), static_cast<size_t>(size)});
    }
  }

  void close(Peer& peer) {
    ::close(peer.socket);
    peer.socket = -1;
    ++report_.closed_by_server;
  }

  void read_answers(Peer& peer, std::string_view bytes) {
    while (!bytes.empty()) {
      if (peer.body_left > 0) {
        const size_t part = std::min(peer.body_left, bytes.size());
        peer.body_left -= part;
        bytes.remove_prefix(part);
        continue;
      }
      const size_t before = peer.in.size();
      peer.in += bytes;
      const size_t end = peer.in.find("\r\n\r\n");
      if (end == std::string::npos) return;
      bytes.remove_prefix(end + 4 - before);
      note_answer(peer, std::string_view(peer.in).substr(0, end + 2));
      peer.in.clear();
    }
  }

  void note_answer(Peer& peer, std::string_view head) {
    ++report_.statuses[std::atoi(std::string(head.substr(9, 3)).c_str())];
    const size_t length_at = head.find("Content-Length: ");
    if (length_at != std::string_view::npos) {
      peer.body_left =
          std::strtoul(std::string(head.substr(length_at + 16, 12)).c_str(), nullptr, 10);
    }
    if (peer.waiting.empty()) return;
    const auto took = Clock::now() - peer.waiting.front();
    peer.waiting.pop_front();
    if (options_.mode == "again" && peer.out.empty()) queue(peer, Clock::now());
    if (options_.mode != "good") return;
    report_.latencies_us.push_back(std::chrono::duration<double, std::micro>(took).count());
  }

  double percentile(double part) const {
    if (report_.latencies_us.empty()) return 0;
    const auto last = static_cast<double>(report_.latencies_us.size() - 1);
    return report_.latencies_us[static_cast<size_t>(last * part)];
  }

  void print() {
    std::sort(report_.latencies_us.begin(), report_.latencies_us.end());
    std::printf("{\"opened\": %lu, \"closed\": %lu, \"failures\": %lu, \"late\": %lu, ",
                report_.opened, report_.closed_by_server, report_.failures, report_.late);
    std::printf("\"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f, \"statuses\": {",
                percentile(0.5), percentile(0.99), percentile(1));
    const char* separator = "";
    for (const auto& [status, count] : report_.statuses) {
      std::printf("%s\"%d\": %lu", separator, status, count);
      separator = ", ";
    }
    std::printf("}}\n");
  }

  const Options options_;
  const int poll_;
  std::vector<Peer> peers_;
  Report report_;
  size_t next_closed_ = 0;
  size_t next_request_ = 0;
  size_t next_peer_ = 0;
  Moment reopen_at_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: hostile_load MODE PORT SECONDS COUNT REQUESTS_FILE\n");
    return 2;
  }
  Options options{argv[1], static_cast<uint16_t>(std::atoi(argv[2])), std::atof(argv[3]),
                  static_cast<size_t>(std::atol(argv[4])), latchkey::bench::read_requests(argv[5])};
  if (options.requests.empty()) {
    std::fprintf(stderr, "hostile_load: no requests in %s\n", argv[5]);
    return 2;
  }
  return Load(std::move(options)).run();
}
