// The loader: sends requests over kept connections and says how long the answers took.
//
// Closed loop (no rate): each connection sends its next request when it has its answer. Open loop:
// a request is due every 1/RATE seconds, whatever the server does, and its latency counts from
// then, so that a server that stalls cannot hide those that waited; what is unanswered at the end
// counts with its age. One thread on epoll itself, since a loader must cost less than what it
// loads; loader.py compares it with wrk. CPU is user and system time of the named processes.
//
// usage: load PORT CONNECTIONS SECONDS REQUESTS_FILE [--rate RATE] [--warm SECONDS] [--cpu PID]...
// The file holds requests, each with its length in front ("123\n" and 123 bytes), sent in turn.
// Prints one line of JSON. Ends with 1 when the server could not be reached.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "answer_reader.h"
#include "histogram.h"

namespace latchkey::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;

struct Options {
  uint16_t port = 0;
  size_t connections = 0;
  double seconds = 0;
  double warm_seconds = 0.3;
  double rate = 0;  // requests a second; 0 is a closed loop
  std::vector<int> pids;
  std::vector<std::string> requests;
};

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}

// User and system time of a process in seconds, its ended threads included.
double cpu_seconds(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  unsigned long user = 0, system = 0;
  std::sscanf(text.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
              &user, &system);
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

struct Peer {
  int socket = -1;
  Moment due;
  bool is_waiting = false;
  std::string_view unsent;
  AnswerReader reader;
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), poll_(epoll_create1(0)) {}

  int run() {
    prctl(PR_SET_TIMERSLACK, 1);  // else a wait is 50 us longer
    peers_.resize(options_.connections);
    for (Peer& peer : peers_) {
      if (!open(peer)) return 1;
    }
    const Moment begin = Clock::now();
    const Moment warm_end = begin + seconds(options_.warm_seconds);
    const Moment end = warm_end + seconds(options_.seconds);
    start_all(begin);
    bool is_warm = false;
    while (Clock::now() < end) {
      if (!is_warm && Clock::now() >= warm_end) {
        is_warm = true;
        start_measuring();
      }
      send_due();
      if (!wait(end)) return 1;
    }
    print(end);
    return 0;
  }

 private:
  bool open(Peer& peer) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(options_.port);
    peer.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(peer.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::fprintf(stderr, "load: port %u: %s\n", options_.port, std::strerror(errno));
      return false;
    }
    const int on = 1;
    setsockopt(peer.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(peer.socket, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &peer;
    epoll_ctl(poll_, EPOLL_CTL_ADD, peer.socket, &event);
    return true;
  }

  void start_all(Moment begin) {
    first_due_ = next_due_ = begin;
    for (Peer& peer : peers_) {
      if (options_.rate > 0) {
        idle_.push_back(&peer);
      } else {
        send(peer, Clock::now());
      }
    }
  }

  void start_measuring() {
    latencies_.clear();
    statuses_.clear();
    reopened_ = 0;
    measured_from_ = Clock::now();
    cpu_before_.clear();
    for (const int pid : options_.pids) cpu_before_.push_back(cpu_seconds(std::to_string(pid)));
    own_cpu_before_ = cpu_seconds("self");
  }

  void send(Peer& peer, Moment due) {
    peer.due = due;
    peer.is_waiting = true;
    peer.unsent = options_.requests[next_request_];
    if (++next_request_ == options_.requests.size()) next_request_ = 0;
    flush(peer);
  }

  void flush(Peer& peer) {
    const ssize_t sent = ::send(peer.socket, peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
    if (sent > 0) peer.unsent.remove_prefix(static_cast<size_t>(sent));
  }

  // Open loop: what is due goes to idle connections, and waits when there is none.
  void send_due() {
    if (options_.rate <= 0) return;
    for (const Moment now = Clock::now(); next_due_ <= now;) {
      backlog_.push_back(next_due_);
      // Not by adding up an interval, whose rounding would change the rate.
      ++due_count_;
      next_due_ = first_due_ + seconds(static_cast<double>(due_count_) / options_.rate);
    }
    while (!backlog_.empty() && !idle_.empty()) {
      Peer* peer = idle_.front();
      idle_.pop_front();
      send(*peer, backlog_.front());
      backlog_.pop_front();
    }
  }

  bool wait(Moment end) {
    const Moment until = options_.rate > 0 ? std::min(next_due_, end) : end;
    const auto left = std::max(Clock::duration(0), until - Clock::now());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec timeout{ns / 1'000'000'000, ns % 1'000'000'000};
    epoll_event events[256];
    const int count = epoll_pwait2(poll_, events, 256, &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      if (!receive(*static_cast<Peer*>(events[i].data.ptr))) return false;
    }
    return true;
  }

  // False when a connection that the server ended cannot be opened anew.
  bool receive(Peer& peer) {
    static char buffer[65536];
    const ssize_t size = ::recv(peer.socket, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN) return true;
    if (size <= 0) return reopen(peer);
    if (!peer.unsent.empty()) flush(peer);
    std::string_view bytes(buffer, static_cast<size_t>(size));
    if (!peer.is_waiting || !peer.reader.take(bytes)) return true;
    const Moment now = Clock::now();
    latencies_.add(static_cast<uint64_t>((now - peer.due).count()));
    ++statuses_[peer.reader.status()];
    peer.is_waiting = false;
    if (options_.rate > 0) {
      idle_.push_back(&peer);
    } else {
      send(peer, now);
    }
    return true;
  }

  // Servers end a connection after some number of requests: what it waited for is sent again.
  bool reopen(Peer& peer) {
    ::close(peer.socket);
    peer.reader = AnswerReader();
    ++reopened_;
    if (!open(peer)) return false;
    if (!peer.is_waiting) return true;
    next_request_ = (next_request_ + options_.requests.size() - 1) % options_.requests.size();
    send(peer, peer.due);
    return true;
  }

  void print(Moment end) {
    const uint64_t answered = latencies_.total();
    const double time = std::chrono::duration<double>(end - measured_from_).count();
    const double count = static_cast<double>(std::max<uint64_t>(1, answered));
    std::string cpu;
    for (size_t i = 0; i < options_.pids.size(); ++i) {
      const std::string pid = std::to_string(options_.pids[i]);
      const double used = cpu_seconds(pid) - cpu_before_[i];
      char text[128];
      std::snprintf(text, sizeof text, "%s\"%s\": {\"us_per_request\": %.4f, \"cores\": %.4f}",
                    cpu.empty() ? "" : ", ", pid.c_str(), used * 1e6 / count, used / time);
      cpu += text;
    }
    const double own = (cpu_seconds("self") - own_cpu_before_) / time;
    uint64_t unanswered = 0;
    if (options_.rate > 0) {
      for (const Peer& peer : peers_) {
        if (peer.is_waiting) latencies_.add(age(peer.due, end)), ++unanswered;
      }
      for (const Moment due : backlog_) latencies_.add(age(due, end)), ++unanswered;
    }
    std::printf("{\"requests\": %lu, \"seconds\": %.4f, \"per_second\": %.1f, \"reopened\": %lu, ",
                answered, time, static_cast<double>(answered) / time, reopened_);
    std::printf("\"unanswered\": %lu, \"loader_cores\": %.4f, \"cpu\": {%s}, \"statuses\": {",
                unanswered, own, cpu.c_str());
    const char* separator = "";
    for (const auto& [status, number] : statuses_) {
      std::printf("%s\"%d\": %lu", separator, status, number);
      separator = ", ";
    }
    std::printf("}, \"latency_us\": {");
    for (const auto& [name, part] :
         {std::pair{"p50", 0.5}, std::pair{"p90", 0.9}, std::pair{"p99", 0.99},
          std::pair{"p99_9", 0.999}, std::pair{"p99_99", 0.9999}}) {
      std::printf("\"%s\": %.1f, ", name, static_cast<double>(latencies_.percentile(part)) / 1e3);
    }
    std::printf("\"max\": %.1f}}\n", static_cast<double>(latencies_.max()) / 1e3);
  }

  static uint64_t age(Moment due, Moment end) {
    return static_cast<uint64_t>(std::max(Clock::duration(0), end - due).count());
  }

  const Options options_;
  const int poll_;
  std::vector<Peer> peers_;
  std::deque<Peer*> idle_;
  std::deque<Moment> backlog_;
  Moment first_due_ = Clock::now(), next_due_ = first_due_, measured_from_ = first_due_;
  uint64_t due_count_ = 0, reopened_ = 0;
  size_t next_request_ = 0;
  Histogram latencies_;
  std::map<int, uint64_t> statuses_;
  std::vector<double> cpu_before_;
  double own_cpu_before_ = 0;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  if (argc < 5 || argc % 2 == 0) {
    std::fprintf(stderr,
                 "usage: load PORT CONNECTIONS SECONDS REQUESTS_FILE [--rate RATE] "
                 "[--warm SECONDS] [--cpu PID]...\n");
    return 2;
  }
  Options options;
  options.port = static_cast<uint16_t>(std::atoi(argv[1]));
  options.connections = static_cast<size_t>(std::atol(argv[2]));
  options.seconds = std::atof(argv[3]);
  options.requests = read_requests(argv[4]);
  for (int i = 5; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--rate") options.rate = std::atof(argv[i + 1]);
    if (name == "--warm") options.warm_seconds = std::atof(argv[i + 1]);
    if (name == "--cpu") options.pids.push_back(std::atoi(argv[i + 1]));
  }
  if (options.requests.empty() || options.connections == 0) {
    std::fprintf(stderr, "load: no requests in %s, or no connections\n", argv[4]);
    return 2;
  }
  return Load(std::move(options)).run();
}
