// P6: from the answer "revoked" until every node refuses, beside PostgreSQL's own NOTIFY.
//
// For each token: it is checked on every node, which must grant it; it is revoked on the first; and
// from the answer on each node is asked again and again, until the first refusal of all has come.
// In turns with that, a NOTIFY is committed with a row and received in another session of the same
// server, timed from sending COMMIT. Prints the lines of bench/README.md.
// usage: revocation DATABASE_URL REQUESTS_FILE PORT...   (requests: revoke, check, revoke,
// check...)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "answer_reader.h"
#include "histogram.h"
#include "result.h"
#include "store/postgres_connection.h"

namespace latchkey::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Moment = SteadyClock::time_point;

constexpr double kBoundSeconds = 1;  // verifier.staleness_max_ms
constexpr size_t kWarm = 20;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "revocation: %s\n", why.c_str());
  std::exit(1);
}

void check(const Result<void>& result) {
  if (!result) fail(result.error().message);
}

// A kept connection to a node.
class Node {
 public:
  explicit Node(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      fail("port " + std::to_string(port) + " does not answer");
    }
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  int socket() const { return socket_; }

  void send(const std::string& request) {
    const auto size = static_cast<ssize_t>(request.size());
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != size) {
      fail("a request could not be sent");
    }
  }
  // The status, when the answer is whole; else 0.
  int receive() {
    char buffer[16384];
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size <= 0) fail("a node ended its connection");
    std::string_view bytes(buffer, static_cast<size_t>(size));
    return reader_.take(bytes) ? reader_.status() : 0;
  }
  int ask(const std::string& request) {
    send(request);
    int status = 0;
    while (status == 0) status = receive();
    return status;
  }

 private:
  const int socket_;
  AnswerReader reader_;
};

// Asks every node until each has refused; when the last of them did.
Moment wait_for_refusals(std::vector<Node>& nodes, const std::string& request) {
  std::vector<pollfd> polled;
  for (Node& node : nodes) {
    node.send(request);
    polled.push_back({node.socket(), POLLIN, 0});
  }
  size_t left = nodes.size();
  while (left > 0) {
    if (::poll(polled.data(), polled.size(), 10'000) <= 0) fail("no answer for ten seconds");
    for (size_t i = 0; i < polled.size(); ++i) {
      if ((polled[i].revents & (POLLIN | POLLHUP)) == 0) continue;
      const int status = nodes[i].receive();
      if (status == 200) nodes[i].send(request);
      if (status == 401) polled[i].fd = -1, --left;  // poll() skips it
      if (status != 0 && status != 200 && status != 401) {
        fail("a check was answered with " + std::to_string(status));
      }
    }
  }
  return SteadyClock::now();
}

class Notifications {
 public:
  explicit Notifications(const std::string& url) {
    auto target = store::parse_postgres_target(url);
    if (!target) fail(target.error().message);
    for (auto* session : {&sender_, &receiver_}) {
      auto opened = store::PostgresConnection::open(*target, {}, true);
      if (!opened) fail(opened.error().message);
      *session = *std::move(opened);
    }
    check(sender_->run_script("CREATE TABLE IF NOT EXISTS bench_notify (text TEXT)"));
    check(receiver_->run_script("LISTEN bench"));
  }

  // From sending COMMIT to receipt in another session.
  SteadyClock::duration time() {
    check(sender_->run_script("BEGIN"));
    check(sender_->run_script("INSERT INTO bench_notify VALUES ('a row of a change')"));
    check(sender_->run_script("NOTIFY bench"));
    Moment received;
    std::jthread listener([&] { received = receive(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // until it waits
    const Moment sent = SteadyClock::now();
    check(sender_->run_script("COMMIT"));
    listener.join();
    return received - sent;
  }

 private:
  Moment receive() {
    while (true) {
      pollfd one{receiver_->descriptor(), POLLIN, 0};
      if (::poll(&one, 1, 10'000) <= 0) fail("a notification did not come");
      const Moment now = SteadyClock::now();
      const auto taken = receiver_->take_notifications();
      if (!taken) fail(taken.error().message);
      if (*taken) return now;
    }
  }

  std::unique_ptr<store::PostgresConnection> sender_, receiver_;
};

uint64_t nanoseconds(SteadyClock::duration time) {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::nanoseconds>(time).count()));
}

double milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

void print(const Histogram& refused, const Histogram& notified, size_t nodes) {
  const double p99 = milliseconds(refused.percentile(0.99));
  const double reference = milliseconds(notified.percentile(0.99));
  const auto note = std::to_string(refused.total()) + " revocations, " + std::to_string(nodes) +
                    " nodes; medians " +
                    std::to_string(milliseconds(refused.percentile(0.5))).substr(0, 5) + " and " +
                    std::to_string(milliseconds(notified.percentile(0.5))).substr(0, 5) + " ms";
  ResultLine("P6 revocation to refusal on every node, p99", p99, "ms")
      .reference("NOTIFY, from COMMIT to receipt, p99", reference)
      .number("ratio", p99 / reference)
      .goal_at_most(2)
      .number("p50", milliseconds(refused.percentile(0.5)))
      .number("p90", milliseconds(refused.percentile(0.9)))
      .number("p99", p99)
      .number("max", milliseconds(refused.max()))
      .text("note", note)
      .print();
  ResultLine("P6 revocation to refusal on every node, the longest",
             milliseconds(refused.max()) / 1000, "s")
      .goal_at_most(kBoundSeconds)
      .print();
}

int run(const std::string& url, const char* file, std::vector<Node> nodes) {
  const auto requests = read_requests(file);
  Notifications notifications(url);
  Histogram refused, notified;
  for (size_t i = 0; i + 1 < requests.size(); i += 2) {
    for (Node& node : nodes) {
      while (node.ask(requests[i + 1]) != 200) {  // a node may not have heard of it yet
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    const int status = nodes.front().ask(requests[i]);
    const Moment revoked = SteadyClock::now();
    if (status != 204) fail("a revocation was answered with " + std::to_string(status));
    const auto took = wait_for_refusals(nodes, requests[i + 1]) - revoked;
    const auto notify = notifications.time();
    if (i / 2 < kWarm) continue;
    refused.add(nanoseconds(took));
    notified.add(nanoseconds(notify));
  }
  if (refused.total() == 0) fail("too few requests");
  print(refused, notified, nodes.size());
  return 0;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  if (argc < 4) {
    std::fprintf(stderr, "usage: revocation DATABASE_URL REQUESTS_FILE PORT...\n");
    return 2;
  }
  std::vector<Node> nodes;
  for (int i = 3; i < argc; ++i) nodes.emplace_back(static_cast<uint16_t>(std::atoi(argv[i])));
  return run(argv[1], argv[2], std::move(nodes));
}
