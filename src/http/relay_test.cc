// Answers and requests as they should be, through the proxy.
#include "http/relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/relay_test_util.h"

namespace latchkey::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// Answers each request on a connection with `answer`.
ScriptedUpstream::Script always(std::string answer) {
  return [answer = std::move(answer)](Peer& peer) {
    while (!peer.head().empty()) peer.send(answer);
  };
}

TEST(Relay, SendsAnswersOn) {
  ScriptedUpstream upstream(
      always("HTTP/1.1 201 Whatever\r\nContent-Length: 5\r\nX-Own: 1\r\nServer: s\r\n\r\nhello"));
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.head, "HTTP/1.1 201 Created\r\nX-Own: 1\r\nServer: s\r\nContent-Length: 5\r\n");
}

TEST(Relay, KeepsBothConnections) {
  ScriptedUpstream upstream(always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  for (int i = 0; i < 20; ++i) {
    client.send(kGetUp + kGetUp);  // also pipelined
    EXPECT_EQ(client.receive().body, "ok");
    EXPECT_EQ(client.receive().body, "ok");
    client.send(kGet);
    EXPECT_EQ(client.receive().body, "GET /a?b=c|") << "and the server's own in between";
  }
  EXPECT_EQ(upstream.connections(), 1);
  EXPECT_EQ(server.upstream->counters().requests_total, 40u);
  EXPECT_TRUE(RelayServer::soon([&] { return server.upstream->counters().connections_idle == 1; }));
}

TEST(Relay, DropsHeadersOfOneHop) {
  ScriptedUpstream upstream(
      always("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\n"
             "X-Hop: evil\r\nProxy-Authenticate: evil\r\nTrailer: evil\r\nUpgrade: evil\r\n"
             "Latchkey-Upstream-Error: evil\r\nVary: Accept\r\nX-Ours: evil\r\n"
             "Content-Length: 0\r\n\r\n"));
  RelayServer server({upstream.url()});
  server.forwarder.answer_headers = {{"X-Ours", "good"}, {"Vary", "Origin"}};
  RawSocket client(server.port());
  client.send(kGetUp);
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.head,
            "HTTP/1.1 200 OK\r\nVary: Accept\r\nX-Ours: good\r\nVary: Origin\r\n"
            "Content-Length: 0\r\n");
}

TEST(Relay, ChunksStreamThrough) {
  std::atomic<bool> may_go_on{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n");
    RelayServer::soon([&] { return may_go_on.load(); });
    peer.send("1\r\nd\r\n0\r\n\r\n");
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_THAT(client.receive(true).head, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_EQ(client.take_until("abc\r\n"), "3\r\nabc\r\n") << "without waiting for the second";
  may_go_on = true;
  EXPECT_EQ(client.take_until("0\r\n\r\n"), "1\r\nd\r\n0\r\n\r\n");
}

// What the client reads as a body, which must be whole.
std::string body_through(const std::string& answer, const char* version = "HTTP/1.1") {
  ScriptedUpstream upstream([&](Peer& peer) {
    peer.head();
    peer.send(answer);
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(std::string("GET /up ") + version + "\r\nHost: h\r\nConnection: close\r\n\r\n");
  const RawAnswer head = client.receive(true);
  EXPECT_EQ(head.status, 200);
  return head.head + "|" + client.take_rest();
}

TEST(Relay, FramesWhatItPassesOn) {
  EXPECT_THAT(body_through("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "03\r\nabc\r\n0010\r\n0123456789abcdef\r\n0\r\nX-Trailer: 1\r\n\r\n"),
              EndsWith("|13\r\nabc0123456789abcdef\r\n0\r\n\r\n"));
  EXPECT_THAT(
      body_through("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
      AllOf(HasSubstr("Transfer-Encoding: chunked"), EndsWith("|d\r\nuntil the end\r\n0\r\n\r\n")));
  EXPECT_THAT(body_through("HTTP/1.0 200 OK\r\n\r\nuntil the end", "HTTP/1.0"),
              AllOf(Not(HasSubstr("chunked")), EndsWith("|until the end")));
  EXPECT_THAT(
      body_through("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                   "HTTP/1.0"),
      AllOf(Not(HasSubstr("chunked")), EndsWith("|a")));
  EXPECT_THAT(body_through("HTTP/1.1 200 OK\r\nContent-Length: 003\r\n\r\nabc"),
              EndsWith("Content-Length: 3\r\nConnection: close\r\n|abc"));
}

TEST(Relay, AnswersWithoutABody) {
  ScriptedUpstream upstream([](Peer& peer) {
    for (;;) {
      const std::string head = peer.head();
      if (head.empty()) return;
      if (head.starts_with("HEAD")) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
      } else if (head.find("/up304") != head.npos) {
        peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n");
      } else {
        peer.send("HTTP/1.1 204 No Content\r\n\r\n");
      }
    }
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send("HEAD /up HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.receive(true).head, HasSubstr("Content-Length: 1000"));
  client.send("GET /up304 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 304);
  client.send(kGetUp);
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.head, "HTTP/1.1 204 No Content\r\n");
  EXPECT_EQ(upstream.connections(), 1) << "each left a clean connection";
}

TEST(Relay, InterimAnswersAreDropped) {
  ScriptedUpstream upstream(
      always("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGetUp);
    const RawAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "ok");
  }
}

// Sends back the head and the body that came.
void echo_request(Peer& peer) {
  for (;;) {
    std::string seen = peer.head();
    if (seen.empty()) return;
    if (seen.find("chunked") != seen.npos) {
      seen += peer.until("\r\n0\r\n\r\n");
    } else if (const size_t at = seen.find("Content-Length: "); at != seen.npos) {
      seen += peer.body(std::stoul(seen.substr(at + 16)));
    }
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(seen.size()) + "\r\n\r\n" +
              seen);
  }
}

TEST(Relay, RequestsKeepTheirBody) {
  ScriptedUpstream upstream(echo_request);
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(client.receive().body,
            "POST /up HTTP/1.1\r\nHost: upstream\r\nContent-Length: 4\r\n\r\nbody");
  client.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.receive().body, HasSubstr("Content-Length: 0"));
  client.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nin ");
  client.send("parts" + kGet);
  EXPECT_THAT(client.receive().body, EndsWith("\r\n\r\nin parts"));
  EXPECT_EQ(client.receive().body, "GET /a?b=c|") << "what follows is the next request";
  client.send("POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
  client.send("1\r\nc\r\n0\r\nX: y\r\n\r\n" + kGet);
  EXPECT_THAT(client.receive().body,
              AllOf(HasSubstr("Transfer-Encoding: chunked"), HasSubstr("2\r\nab\r\n"),
                    EndsWith("c\r\n0\r\n\r\n"), Not(HasSubstr("X: y"))));
  EXPECT_EQ(client.receive().body, "GET /a?b=c|");
}

TEST(Relay, LargeBodiesComeWholeBothWays) {
  ScriptedUpstream upstream(echo_request);
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  std::string body(3'000'000, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * 7 / 5 % 26);
  client.send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
  client.send(body);
  const RawAnswer answer = client.receive();
  EXPECT_TRUE(answer.body.ends_with(body));
}

// Who is slow slows the other side; what lies between is bounded by the sockets' buffers and ours.
TEST(Relay, SlowClientSlowsTheUpstream) {
  std::atomic<size_t> sent{0};
  ScriptedUpstream upstream([&](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n");
    const std::string block(100'000, 'x');
    for (int i = 0; i < 5'000 && peer.send(block); ++i) sent += block.size();
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  size_t before = 1;
  RelayServer::soon([&] {
    const size_t now = sent;
    const bool stands = now == before;
    before = now;
    if (!stands) std::this_thread::sleep_for(Milliseconds(50));
    return stands && now > 0;
  });
  EXPECT_LT(sent.load(), 60'000'000u);
  EXPECT_LT(server.server->counters().buffered_bytes, 200'000u);
  client.close();
}

TEST(Relay, ExpectationIsTheUpstreams) {
  ScriptedUpstream upstream([](Peer& peer) {
    EXPECT_THAT(peer.head(), HasSubstr("Expect: 100-continue"));
    peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    const std::string body = peer.body(10'000);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + std::to_string(body.size()));
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(
      "PUT /up HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Content-Length: 10000\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 100);
  client.send(std::string(10'000, 'b'));
  EXPECT_EQ(client.receive().body, "10000");
}

TEST(Relay, RefusedExpectationNeedsNoBody) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig");
    peer.wait_for_close();
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(
      "PUT /up HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Content-Length: 10000\r\n\r\n");
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(client.is_closed_within(2'000));
}

TEST(Relay, WebSocketIsATunnel) {
  ScriptedUpstream upstream([](Peer& peer) {
    EXPECT_THAT(peer.head(), HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        "Sec-WebSocket-Accept: x\r\n\r\nfirst\r\n\r\n");
    for (;;) {
      const std::string line = peer.until("\r\n\r\n");
      if (line.empty() || line.starts_with("bye")) return;
      peer.send("echo " + line);
    }
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send("GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const RawAnswer answer = client.receive(true);
  EXPECT_EQ(answer.status, 101);
  EXPECT_THAT(answer.head, AllOf(HasSubstr("Sec-WebSocket-Accept: x"),
                                 HasSubstr("Connection: Upgrade\r\nUpgrade: websocket\r\n")));
  EXPECT_EQ(client.take_until("\r\n\r\n"), "first\r\n\r\n");
  for (int i = 0; i < 5; ++i) {
    const std::string message(static_cast<size_t>(i) * 10'000, 'm');
    client.send(message + "\r\n\r\n");
    EXPECT_EQ(client.take_until("\r\n\r\n"), "echo " + message + "\r\n\r\n");
  }
  EXPECT_EQ(server.upstream->counters().tunnels_open, 1u);
  client.send("bye\r\n\r\n");
  EXPECT_TRUE(client.is_closed_within(2'000));
  EXPECT_TRUE(RelayServer::soon([&] { return server.upstream->counters().tunnels_open == 0; }));
}

TEST(Relay, TunnelEndsWhenItIsNoLongerAllowed) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    EXPECT_TRUE(peer.wait_for_close());
  });
  RelayServer server({upstream.url()});
  std::atomic<bool> allowed{true};
  server.forwarder.still_allowed = [&] { return allowed.load(); };
  RawSocket client(server.port());
  client.send("GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 101);
  EXPECT_FALSE(client.is_closed_within(700));
  allowed = false;
  EXPECT_TRUE(client.is_closed_within(2'500));
}

TEST(Relay, SilentTunnelIsClosed) {
  ScriptedUpstream upstream([](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    EXPECT_TRUE(peer.wait_for_close());
  });
  RelayServer server({upstream.url()}, short_times());
  RawSocket client(server.port());
  client.send("GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(client.receive(true).status, 101);
  EXPECT_TRUE(client.is_closed_within(2'000));
}

TEST(Relay, RefusalComesBeforeTheBody) {
  RelayServer server({"http://127.0.0.1:1"});
  RawSocket client(server.port());
  client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(client.receive().status, 403);
  client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000000\r\n\r\nabc");
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 403) << "though the server itself takes no such body";
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
}

TEST(Relay, BodyOverItsBoundIs413) {
  ScriptedUpstream upstream([](Peer& peer) { peer.wait_for_close(); });
  RelayServer server({upstream.url()});
  server.forwarder.body_bytes_max = 10;
  for (const char* body :
       {"Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n"}) {
    RawSocket client(server.port());
    client.send(std::string("POST /up HTTP/1.1\r\nHost: h\r\n") + body);
    EXPECT_EQ(client.receive().status, 413) << body;
  }
}

TEST(Relay, BadChunksOfTheClientAre400) {
  ScriptedUpstream upstream([](Peer& peer) { peer.wait_for_close(); });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send("POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n");
  EXPECT_EQ(client.receive().status, 400);
}

TEST(Relay, StopLetsAnAnswerEnd) {
  std::atomic<bool> may_end{false};
  ScriptedUpstream upstream([&](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    RelayServer::soon([&] { return may_end.load(); });
    peer.send("cd");
    peer.wait_for_close();
  });
  RelayServer server({upstream.url()});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(client.receive(true).status, 200);
  std::jthread stopper([&] { server.server->stop(Milliseconds(3'000)); });
  std::this_thread::sleep_for(Milliseconds(50));
  may_end = true;
  EXPECT_EQ(client.take_bytes(4), "abcd");
  EXPECT_TRUE(client.is_closed_within(2'000));
}

TEST(ServerProxies, ClientIsWhoTheTrustedProxyNames) {
  for (const bool is_trusted : {true, false}) {
    ServerOptions options;
    if (is_trusted) options.trusted_proxies = *TrustedProxies::parse({"127.0.0.0/8"});
    TestServer server(
        [](const Request& request, Reply reply) {
          reply.send(make_response(
              200, "text/plain",
              std::string(request.peer_address()) + " " + std::string(request.socket_address())));
        },
        options);
    RawSocket client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n\r\n");
    EXPECT_EQ(client.receive().body, is_trusted ? "203.0.113.9 127.0.0.1" : "127.0.0.1 127.0.0.1");
    client.send(kGet);
    EXPECT_EQ(client.receive().body, "127.0.0.1 127.0.0.1") << "each request speaks for itself";
    EXPECT_THAT(server.log.text(), HasSubstr(is_trusted ? "peer=203.0.113.9" : "peer=127.0.0.1"));
  }
}

}  // namespace
}  // namespace latchkey::http
