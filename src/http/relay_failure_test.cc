// Upstreams that hang, lie, die or send garbage, and clients that leave: none of it hangs or harms
// the server, and no half answer looks whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/relay_test_util.h"

namespace latchkey::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The answer of a server whose upstream follows `script`.
RawAnswer answer_of(ScriptedUpstream::Script script, const std::string& request = kGetUp) {
  ScriptedUpstream upstream(std::move(script));
  RelayServer server({upstream.url()}, short_times());
  RawSocket client(server.port());
  client.send(request);
  RawAnswer answer = client.receive();
  if (answer.status != 0) {
    client.send(kGet);
    EXPECT_EQ(client.receive().body, "GET /a?b=c|") << "the client's connection goes on";
  }
  return answer;
}

std::string error_of(const RawAnswer& answer) {
  const size_t at = answer.head.find("Latchkey-Upstream-Error: ");
  if (at == answer.head.npos) return std::to_string(answer.status);
  const size_t end = answer.head.find('\r', at);
  return std::to_string(answer.status) + " " + answer.head.substr(at + 25, end - at - 25);
}

TEST(RelayFailure, NobodyListens) {
  RelayServer server({"http://127.0.0.1:1"}, short_times());
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(error_of(client.receive()), "502 unreachable");
  client.send(kGetUp);
  client.send(kGetUp);
  EXPECT_EQ(error_of(client.receive()), "502 unreachable");
  EXPECT_EQ(error_of(client.receive()), "502 unreachable");
  client.send(kGetUp);
  const RawAnswer down = client.receive();
  EXPECT_EQ(error_of(down), "503 down") << "three failures in a row";
  EXPECT_THAT(down.head, HasSubstr("Retry-After: 1"));
  EXPECT_THAT(down.body, HasSubstr(R"("typeKey":"ServiceUnavailableException")"));
  const UpstreamCounters counters = server.upstream->counters();
  EXPECT_EQ(counters.connect_failed_total, 3u);
  EXPECT_EQ(counters.down_total, 1u);
  EXPECT_EQ(counters.connections_open, 0u);
}

TEST(RelayFailure, HangsBeforeItsAnswer) {
  const auto hang = [](Peer& peer) {
    peer.head();
    peer.wait_for_close();
  };
  EXPECT_EQ(error_of(answer_of(hang)), "504 timed_out");
  const auto hang_within = [](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Le");
    peer.wait_for_close();
  };
  EXPECT_EQ(error_of(answer_of(hang_within)), "504 timed_out");
}

TEST(RelayFailure, DribblesItsHead) {
  const auto dribble = [](Peer& peer) {
    peer.head();
    for (const char c : std::string("HTTP/1.1 200 OK\r\nX-Long: ") + std::string(100, 'x')) {
      if (!peer.send({&c, 1})) return;
      std::this_thread::sleep_for(Milliseconds(20));
    }
  };
  EXPECT_EQ(error_of(answer_of(dribble)), "504 timed_out") << "however steadily it drips";
}

TEST(RelayFailure, ClosesWithoutAnAnswer) {
  EXPECT_EQ(error_of(answer_of([](Peer& peer) { peer.head(); })), "502 broken");
  EXPECT_EQ(error_of(answer_of([](Peer& peer) {
              peer.head();
              peer.reset();
            })),
            "502 broken");
}

TEST(RelayFailure, AnswersThatAreNotHttp) {
  const std::string headers_over_the_count = [] {
    std::string text = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 201; ++i) text += "A: b\r\n";
    return text + "\r\n";
  }();
  const std::string answers[] = {
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.2 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1 600 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\n\n",
      "HTTP/1.1 200 OK\r\nA: b\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
      std::string("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", 27),
      "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
      "HTTP/1.1 200 O\rK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\nbody",
      "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n",
      headers_over_the_count,
  };
  for (const std::string& answer : answers) {
    const RawAnswer got = answer_of([&](Peer& peer) {
      peer.head();
      peer.send(answer);
      peer.wait_for_close();
    });
    EXPECT_EQ(error_of(got), "502 malformed") << answer.substr(0, 80);
  }
}

TEST(RelayFailure, EndlessInterimAnswersEnd) {
  const auto endless = [](Peer& peer) {
    peer.head();
    while (peer.send("HTTP/1.1 102 Processing\r\n\r\n")) {
    }
  };
  EXPECT_EQ(error_of(answer_of(endless)), "502 malformed");
}

// Whether the client could take what comes after `head_end` for a whole answer.
void expect_visibly_broken(ScriptedUpstream::Script script, const char* version = "HTTP/1.1") {
  ScriptedUpstream upstream(std::move(script));
  RelayServer server({upstream.url()}, short_times());
  RawSocket client(server.port());
  client.send(std::string("GET /up ") + version + "\r\nHost: h\r\n\r\n");
  const RawAnswer head = client.receive(true);
  EXPECT_EQ(head.status, 200);
  const std::string body = client.take_rest();
  const size_t length_at = head.head.find("Content-Length: ");
  if (length_at != head.head.npos) {
    EXPECT_LT(body.size(), std::stoul(head.head.substr(length_at + 16)));
  } else if (head.head.find("chunked") != head.head.npos) {
    EXPECT_FALSE(body.ends_with("0\r\n\r\n")) << body;
  } else {
    EXPECT_TRUE(client.was_reset()) << body;
  }
  EXPECT_EQ(server.upstream->counters().broken_total + server.upstream->counters().timed_out_total +
                server.upstream->counters().malformed_total,
            1u);
}

TEST(RelayFailure, DiesWithinItsBody) {
  const auto dies_after = [](std::string bytes) {
    return [bytes = std::move(bytes)](Peer& peer) {
      peer.head();
      peer.send(bytes);
      std::this_thread::sleep_for(Milliseconds(20));
    };
  };
  const char* const length = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
  const char* const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
  for (const char* version : {"HTTP/1.1", "HTTP/1.0"}) {
    expect_visibly_broken(dies_after(length), version);
    expect_visibly_broken(dies_after(chunks), version);
    expect_visibly_broken(dies_after(std::string(chunks) + "5\r\nab"), version);
  }
}

TEST(RelayFailure, ResetIsNoEndOfABody) {
  const auto reset_within = [](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the");
    std::this_thread::sleep_for(Milliseconds(50));
    peer.reset();
  };
  expect_visibly_broken(reset_within);
  expect_visibly_broken(reset_within, "HTTP/1.0");
}

TEST(RelayFailure, HangsWithinItsBody) {
  expect_visibly_broken([](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.wait_for_close();
  });
}

TEST(RelayFailure, GarbageForAChunkEndsTheAnswer) {
  expect_visibly_broken([](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    std::this_thread::sleep_for(Milliseconds(20));
    peer.send("fffffffffffffffff\r\nx");
    peer.wait_for_close();
  });
}

// What comes behind the body could be taken for the answer to the next request.
TEST(RelayFailure, BytesBehindTheBodyEndTheConnection) {
  for (const char* lie :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 Smuggled",
        "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 Smuggled\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1"}) {
    ScriptedUpstream upstream([&](Peer& peer) {
      while (!peer.head().empty()) peer.send(lie);
    });
    RelayServer server({upstream.url()}, short_times());
    RawSocket client(server.port());
    for (int i = 0; i < 3; ++i) {
      client.send(kGetUp);
      const RawAnswer answer = client.receive();
      EXPECT_LT(answer.status, 205) << lie;
      if (answer.head.find("chunked") != answer.head.npos) client.take_until("0\r\n\r\n");
    }
    EXPECT_EQ(upstream.connections(), 3) << lie;
  }
}

TEST(RelayFailure, IdleConnectionThatSpeaksIsClosed) {
  std::atomic<bool> spoke{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (!peer.head().empty()) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      if (peer.number() != 0) continue;
      std::this_thread::sleep_for(Milliseconds(50));
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
      spoke = true;
      peer.wait_for_close();
    }
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(client.receive().body, "ok");
  EXPECT_TRUE(RelayServer::soon([&] { return spoke.load(); }));
  EXPECT_TRUE(RelayServer::soon([&] { return server.upstream->counters().connections_open == 0; }));
  client.send(kGetUp);
  EXPECT_EQ(client.receive().body, "ok");
}

// Closes the first connection when its second request has come.
ScriptedUpstream::Script closes_at_the_second(std::string& seen, Mutex& mutex) {
  return [&](Peer& peer) {
    for (int i = 0;; ++i) {
      const std::string head = peer.head();
      if (head.empty()) return;
      if (peer.number() == 0 && i == 1) return;
      {
        MutexLock lock(mutex);
        seen += head.substr(0, head.find(' '));
      }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  };
}

TEST(RelayRetry, KeptConnectionThatClosedIsTriedOnceMore) {
  std::string seen;
  Mutex mutex;
  ScriptedUpstream upstream(closes_at_the_second(seen, mutex));
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGetUp);
    EXPECT_EQ(client.receive().body, "ok");
  }
  EXPECT_EQ(server.upstream->counters().retries_total, 1u);
  EXPECT_EQ(upstream.connections(), 2);
}

TEST(RelayRetry, PostIsNot) {
  std::string seen;
  Mutex mutex;
  ScriptedUpstream upstream(closes_at_the_second(seen, mutex));
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(client.receive().body, "ok");
  client.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(error_of(client.receive()), "502 broken") << "it may have been done";
  EXPECT_EQ(server.upstream->counters().retries_total, 0u);
}

TEST(RelayRetry, NewConnectionThatClosesIsNot) {
  ScriptedUpstream upstream([](Peer& peer) { peer.head(); });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(error_of(client.receive()), "502 broken");
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(RelayRetry, AnotherAddressIsTakenForOneThatCannotBeReached) {
  ScriptedUpstream upstream([](Peer& peer) {
    while (!peer.head().empty()) {
      peer.body(1);
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  RelayServer server({"http://127.0.0.1:1", upstream.url(), "http://127.0.0.1:2"});
  RawSocket client(server.port());
  for (int i = 0; i < 12; ++i) {
    client.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(client.receive().body, "ok") << "nothing was sent, so POST is safe too";
  }
  EXPECT_EQ(server.upstream->counters().addresses_up, 1u);
}

TEST(RelayFailure, ConnectionsAreBounded) {
  std::atomic<bool> may_end{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    peer.head();
    RelayServer::soon([&] { return may_end.load(); });
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  RelaySetting setting;
  setting.upstream.connections_max = 1;
  RelayServer server({upstream.url()}, setting);
  RawSocket first(server.port());
  first.send(kGetUp);
  EXPECT_TRUE(RelayServer::soon([&] { return upstream.connections() == 1; }));
  RawSocket second(server.port());
  second.send(kGetUp);
  const RawAnswer busy = second.receive();
  EXPECT_EQ(error_of(busy), "503 full");
  EXPECT_THAT(busy.head, HasSubstr("Retry-After: 1"));
  may_end = true;
  EXPECT_EQ(first.receive().body, "ok");
}

TEST(RelayFailure, AnswersBeforeTheBodyWasSent) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    peer.wait_for_close();
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\npart");
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "no");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(client.is_closed_within(2'500));
}

TEST(RelayFailure, StopsReadingAndAnswersAllTheSame) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.head();
    peer.body(1'000);
    peer.send("HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig");
    std::this_thread::sleep_for(Milliseconds(100));
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(100'000, 'x'));
  EXPECT_EQ(client.receive().status, 413);
}

TEST(RelayFailure, ClientThatLeavesFreesTheUpstream) {
  std::atomic<int> closed{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    const std::string head = peer.head();
    if (head.find("Content-Length: 0") == head.npos) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome");
    }
    closed += peer.wait_for_close();
  });
  RelayServer server({upstream.url()});
  const std::string requests[] = {
      kGetUp,                                                            // within the answer
      "GET /up HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",        // before it
      "PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf",  // within the request
  };
  for (const std::string& request : requests) {
    RawSocket client(server.port());
    client.send(request);
    EXPECT_TRUE(
        RelayServer::soon([&] { return server.upstream->counters().connections_open == 1; }));
    std::this_thread::sleep_for(Milliseconds(20));
    client.close();
    EXPECT_TRUE(RelayServer::soon([&] {
      return server.upstream->counters().connections_open == 0;
    })) << request;
  }
  EXPECT_TRUE(RelayServer::soon([&] { return closed == 3; }));
}

TEST(RelayFailure, ClientThatStallsWithinItsBodyIs408) {
  ScriptedUpstream upstream([](Peer& peer) { peer.wait_for_close(); });
  RelayServer server({upstream.url()}, short_times());
  RawSocket client(server.port());
  client.send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf");
  EXPECT_EQ(client.receive().status, 408);
}

TEST(RelayFailure, UpstreamThatTakesNoBodyIs504) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.head();
    std::this_thread::sleep_for(Milliseconds(1'500));
  });
  RelayServer server({upstream.url()}, short_times());
  RawSocket client(server.port());
  client.send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
  std::jthread sender([&] { client.send(std::string(50'000'000, 'x')); });
  EXPECT_EQ(error_of(client.receive()), "504 timed_out");
  client.reset_on_close();
  ::shutdown(client.native(), SHUT_RDWR);
}

TEST(RelayFailure, StopEndsWhatHangs) {
  ScriptedUpstream upstream([](Peer& peer) { peer.wait_for_close(); });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_TRUE(RelayServer::soon([&] { return upstream.connections() == 1; }));
  server.server->stop(Milliseconds(50));
  EXPECT_EQ(server.upstream->counters().connections_open, 0u);
}

TEST(RelayHealth, FailedCheckTakesAnAddressAway) {
  std::atomic<int> status{500};
  ScriptedUpstream upstream([&](Peer& peer) {
    while (!peer.head().empty()) {
      peer.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n");
    }
  });
  RelaySetting setting;
  setting.upstream.health_path = "/health";
  setting.upstream.health_interval = Milliseconds(100);
  RelayServer server({upstream.url()}, setting);
  UpstreamKeeper keeper({server.upstream.get()}, server.clock, server.log);
  EXPECT_TRUE(RelayServer::soon([&] { return !server.upstream->is_up(); }));
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(error_of(client.receive()), "503 down");
  status = 204;
  EXPECT_TRUE(RelayServer::soon([&] { return server.upstream->is_up(); }));
  EXPECT_THAT(server.log.text(), HasSubstr("proxy.upstream_down"));
}

}  // namespace
}  // namespace latchkey::http
