// What a server refuses when there is too much of it, and that its memory and the kernel's hold.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "http/server_test_util.h"
#include "http/worker_pool.h"

namespace latchkey::http {
namespace {

TEST(ServerLimits, OverConnectionsMaxIs503) {
  ServerOptions options;
  options.limits.connections_max = 2;
  TestServer server(echo, options);
  RawSocket first(server.port());
  {
    RawSocket second(server.port());
    first.send(kGet);
    second.send(kGet);
    EXPECT_EQ(first.receive().status, 200);
    EXPECT_EQ(second.receive().status, 200);
    RawSocket third(server.port());
    third.send(kGet);
    const RawAnswer answer = third.receive();
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(is_of_type(answer, "ServiceOverloadedException")) << answer.body;
    EXPECT_NE(answer.head.find("Retry-After: 1\r\n"), std::string::npos);
    EXPECT_TRUE(third.is_closed_within(1'000));
    EXPECT_EQ(server.server->counters().connections_refused, 1u);
  }
  wait_until([&] { return server.server->counters().connections_open == 1; });
  RawSocket fourth(server.port());
  fourth.send(kGet);
  EXPECT_EQ(fourth.receive().status, 200);
}

// A thread that needs 4 ms for a request and has 24 peers that ask again at once is behind by far.
TEST(ServerLimits, ShedsOrdinaryWorkFirstWhenRequestsWaitToBeRead) {
  ServerOptions options;
  options.limits.waited_max = Milliseconds(20);
  options.is_essential = [](const Request& request) { return request.path() == "/check"; };
  TestServer server(
      [](const Request&, Reply reply) {
        std::this_thread::sleep_for(Milliseconds(4));
        reply.send(make_response(200, "text/plain", "served"));
      },
      options);
  std::atomic<int> ordinary_shed{0}, essential_served{0}, without_retry_after{0},
      of_another_type{0};
  {
    std::vector<std::jthread> peers;
    for (int i = 0; i < 24; ++i) {
      peers.emplace_back([&, is_check = i % 2 == 0] {
        RawSocket socket(server.port());
        for (int request = 0; request < 40; ++request) {
          socket.send(is_check ? "GET /check HTTP/1.1\r\nHost: h\r\n\r\n"
                               : "GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
          const RawAnswer answer = socket.receive();  // also after a 503
          const bool is_shed = answer.status == 503;
          ordinary_shed += is_shed && !is_check;
          essential_served += answer.status == 200 && is_check;
          without_retry_after +=
              is_shed && answer.head.find("Retry-After: 1\r\n") == answer.head.npos;
          of_another_type += is_shed && !is_of_type(answer, "ServiceOverloadedException");
        }
      });
    }
  }
  const ServerCounters counters = server.server->counters();
  EXPECT_GT(ordinary_shed, 100);
  EXPECT_EQ(counters.shed_ordinary, static_cast<uint64_t>(ordinary_shed));
  EXPECT_GT(essential_served, 240) << "more than half of the checks are served at any level";
  EXPECT_EQ(without_retry_after, 0);
  EXPECT_EQ(of_another_type, 0);
}

ServerOptions small_budget() {
  ServerOptions options;
  options.limits.buffered_bytes_max = 200'000;
  return options;
}

std::string with_body(size_t bytes) {
  return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
}

TEST(ServerLimits, BodiesOverTheBudgetAre503) {
  TestServer server(echo, small_budget());
  RawSocket first(server.port());
  first.send(with_body(130'000) + std::string(120'000, 'a'));
  wait_until([&] { return server.server->counters().buffered_bytes > 100'000; });
  RawSocket second(server.port());
  second.send(with_body(130'000) + std::string(130'000, 'b'));
  const RawAnswer refused = second.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(is_of_type(refused, "ServiceOverloadedException")) << refused.body;
  EXPECT_NE(refused.head.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_NE(refused.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(second.is_closed_within(3'000));
  RawSocket small(server.port());  // what needs no more than a connection's own 4 KiB is served
  small.send(kGet + with_body(3) + "abc");
  EXPECT_EQ(small.receive().status, 200);
  EXPECT_EQ(small.receive().body, "POST /|abc");
  first.send(std::string(10'000, 'a'));
  EXPECT_EQ(first.receive().body.size(), 130'007u);
  wait_until([&] { return server.server->counters().buffered_bytes == 0; });
  RawSocket third(server.port());
  third.send(with_body(130'000) + std::string(130'000, 'c'));
  EXPECT_EQ(third.receive().status, 200);
}

TEST(ServerLimits, ChunkedBodiesOverTheBudgetAre503) {
  TestServer server(echo, small_budget());
  const std::string chunk = "4e20\r\n" + std::string(20'000, 'a') + "\r\n";
  RawSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 12 && !socket.is_readable(); ++i) socket.send(chunk);
  EXPECT_EQ(socket.receive().status, 503);
  socket.close();
  wait_until([&] { return server.server->counters().buffered_bytes == 0; });
}

TEST(ServerLimits, AnswersThatNobodyTakesCountToo) {
  ServerOptions options;
  options.limits.buffered_bytes_max = 24 * 1024 * 1024;
  TestServer server(
      [](const Request&, Reply reply) {
        reply.send(make_response(200, "text/plain", std::string(16 * 1024 * 1024, 'x')));
      },
      options);
  RawSocket first(server.port());
  first.send(kGet);
  wait_until([&] { return server.server->counters().buffered_bytes >= 16 * 1024 * 1024; });
  RawSocket second(server.port());
  second.send(kGet);
  wait_until([&] { return server.server->counters().connections_open == 1; });
  EXPECT_EQ(first.receive().body.size(), 16u * 1024 * 1024);
  wait_until([&] { return server.server->counters().buffered_bytes == 0; });
}

// The bytes that the kernel holds to be sent on connections from `port` of this machine.
uint64_t unsent_bytes_in_kernel(uint16_t port) {
  char local_end[8];
  std::snprintf(local_end, sizeof local_end, ":%04X", port);
  std::ifstream file("/proc/net/tcp");
  uint64_t bytes = 0;
  std::string number, local, remote, state, queues;
  for (std::string line; std::getline(file, line);) {
    std::istringstream(line) >> number >> local >> remote >> state >> queues;
    if (state == "01" && local.ends_with(local_end)) bytes += std::stoull(queues, nullptr, 16);
  }
  return bytes;
}

TEST(ServerLimits, WhatNobodyTakesDoesNotFillTheKernel) {
  TestServer server([](const Request&, Reply reply) {
    reply.send(make_response(200, "text/plain", std::string(16 * 1024 * 1024, 'x')));
  });
  RawSocket socket(server.port());
  socket.send(kGet);
  wait_until([&] { return server.server->counters().buffered_bytes >= 16 * 1024 * 1024; });
  EXPECT_GT(unsent_bytes_in_kernel(server.port()), 0u);
  EXPECT_LT(unsent_bytes_in_kernel(server.port()), 512u * 1024);
}

TEST(ServerLimits, OutOfDescriptorsIsWaitedFor) {
  TestServer server;
  RawSocket socket(uint16_t{0});
  const int highest = dup(0);  // the lowest free descriptor
  ::close(highest);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit lowered{static_cast<rlim_t>(highest), before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &lowered);
  socket.connect(server.port());
  socket.send(kGet);
  wait_until([&] { return server.log.text().find("http.accept_failed") != std::string::npos; });
  usleep(150'000);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
  const std::string lines = server.log.text();  // a spinning server would have written thousands
  EXPECT_LT(lines.size(), 1'000u);
}

}  // namespace
}  // namespace latchkey::http
