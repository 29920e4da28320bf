// The server within TLS: docs/spec/http.md, H35 on.
#include <gmock/gmock.h>

#include <thread>

#include "http/tls_test_util.h"
#include "http/worker_pool.h"

namespace latchkey::http {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kStrict = "Strict-Transport-Security: max-age=31536000\r\n";

ServerOptions short_timeouts() {
  ServerOptions options;
  options.limits.head_timeout = Milliseconds(60);
  options.limits.idle_timeout = Milliseconds(60);
  options.limits.write_timeout = Milliseconds(60);
  return options;
}

// A server that speaks TLS.
struct SecureServer : TestServer {
  explicit SecureServer(FunctionHandler::Function function = echo, ServerOptions options = {},
                        const TlsPublication& publication = any_publication())
      : TestServer(std::move(function), std::move(options), &publication) {}
  ServerCounters counters() const { return server->counters(); }
};

// The first flight of a client, and a part of it.
std::string client_hello() {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const session = SSL_new(context);
  SSL_set_bio(session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_connect(session);
  char* data = nullptr;
  const long size_bytes = BIO_get_mem_data(SSL_get_wbio(session), &data);
  std::string hello(data, static_cast<size_t>(size_bytes));
  SSL_free(session);
  SSL_CTX_free(context);
  return hello;
}

bool can_connect(uint16_t port, int version, const char* ciphers = "ALL:@SECLEVEL=0") {
  return TlsSocket(port, {version, version, ciphers, {}, nullptr}).is_secure();
}

TEST(TlsServer, SpeaksTls12And13) {
  SecureServer server;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsSocket socket(server.port(), {version, version, "ALL:@SECLEVEL=0", {}, nullptr});
    ASSERT_TRUE(socket.is_secure());
    for (int i = 0; i < 3; ++i) {
      socket.send(kGet);
      EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
    }
  }
  EXPECT_EQ(server.counters().tls_handshakes_total, 2u);
  EXPECT_EQ(server.counters().tls_handshakes_failed, 0u);
}

TEST(TlsServer, RefusesOlderVersions) {
  SecureServer server;
  EXPECT_FALSE(can_connect(server.port(), TLS1_VERSION));
  EXPECT_FALSE(can_connect(server.port(), TLS1_1_VERSION));
  wait_until([&] { return server.counters().tls_handshakes_failed == 2; });
}

TEST(TlsServer, CanBeToldToRefuseTls12) {
  TlsPublication publication;
  publication.publish(*make_context(any_certificate(), TlsVersion::tls_1_3));
  SecureServer server(echo, {}, publication);
  EXPECT_FALSE(can_connect(server.port(), TLS1_2_VERSION));
  EXPECT_TRUE(can_connect(server.port(), TLS1_3_VERSION));
}

TEST(TlsServer, TakesForwardSecretAeadCiphersOnly) {
  TlsPublication rsa;
  rsa.publish(*make_context(make_test_certificate(3'600, EVP_RSA_gen(2048))));
  SecureServer server(echo, {}, rsa);
  for (const char* refused :
       {"AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384",
        "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-SHA", "AES128-CCM", "aNULL:@SECLEVEL=0"}) {
    EXPECT_FALSE(can_connect(server.port(), TLS1_2_VERSION, refused)) << refused;
  }
  for (const char* taken : {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
                            "ECDHE-RSA-CHACHA20-POLY1305"}) {
    EXPECT_TRUE(can_connect(server.port(), TLS1_2_VERSION, taken)) << taken;
  }
}

TEST(TlsServer, ChoosesHttp11AndNothingElse) {
  SecureServer server;
  TlsSocket socket(server.port(), {0, 0, "ALL", std::string_view("\2h2\10http/1.1", 12), nullptr});
  ASSERT_TRUE(socket.is_secure());
  const unsigned char* chosen = nullptr;
  unsigned chosen_bytes = 0;
  SSL_get0_alpn_selected(socket.native(), &chosen, &chosen_bytes);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), chosen_bytes), "http/1.1");
  const TlsSocket other(server.port(), {0, 0, "ALL", std::string_view("\2h2", 3), nullptr});
  EXPECT_FALSE(other.is_secure());
}

TEST(TlsServer, RefusesRenegotiation) {
  SecureServer server;
  TlsSocket socket(server.port(), {TLS1_2_VERSION, TLS1_2_VERSION, "ALL", {}, nullptr});
  ASSERT_TRUE(socket.is_secure());
  SSL_renegotiate(socket.native());
  EXPECT_NE(SSL_do_handshake(socket.native()), 1);
}

TEST(TlsServer, TakesKeyUpdates) {
  SecureServer server;
  TlsSocket socket(server.port(), {TLS1_3_VERSION, TLS1_3_VERSION, "ALL", {}, nullptr});
  for (int i = 0; i < 50; ++i) {
    SSL_key_update(socket.native(), SSL_KEY_UPDATE_REQUESTED);
    socket.send(kGet);
    EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
  }
}

TEST(TlsServer, ResumesUntilTheTicketKeysAreRenewed) {
  const auto first = *make_context(any_certificate());
  TlsPublication publication;
  publication.publish(first);
  SecureServer server(echo, {}, publication);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto connect = [&](SSL_SESSION* session) {
      auto socket = std::make_unique<TlsSocket>(
          server.port(), TlsClientOptions{version, version, "ALL", {}, session});
      socket->send(kGet);
      EXPECT_EQ(socket->receive().status, 200);  // the ticket has come as well
      return socket;
    };
    const auto full = connect(nullptr);
    EXPECT_EQ(SSL_session_reused(full->native()), 0);
    SSL_SESSION* const session = SSL_get1_session(full->native());
    EXPECT_EQ(SSL_session_reused(connect(session)->native()), 1);
    publication.publish(*first->renew());
    EXPECT_EQ(SSL_session_reused(connect(session)->native()), 0);
    publication.publish(first);
    SSL_SESSION_free(session);
  }
}

std::string fingerprint_seen_by(TlsSocket& socket) {
  X509* const seen = SSL_get1_peer_certificate(socket.native());
  unsigned char digest[32];
  unsigned size_bytes = 0;
  X509_digest(seen, EVP_sha256(), digest, &size_bytes);
  X509_free(seen);
  return {reinterpret_cast<char*>(digest), size_bytes};
}

TEST(TlsServer, NewConnectionsTakeTheNewCertificateAndOpenOnesGoOn) {
  TlsPublication publication;
  publication.publish(*make_context(any_certificate()));
  SecureServer server(echo, {}, publication);
  TlsSocket kept(server.port());
  kept.send(kGet);
  EXPECT_EQ(kept.receive().status, 200);
  publication.publish(*make_context(make_test_certificate()));
  TlsSocket fresh(server.port());
  ASSERT_TRUE(fresh.is_secure());
  EXPECT_NE(fingerprint_seen_by(fresh), fingerprint_seen_by(kept));
  kept.send(kGet);
  EXPECT_EQ(kept.receive().body, "GET /a?b=c|");
}

TEST(TlsServer, SendsItsChain) {
  const auto issuer = make_test_certificate();
  TestCertificate own = any_certificate();
  own.certificate += issuer.certificate;
  TlsPublication publication;
  publication.publish(*(*make_context(own))->renew());
  SecureServer server(echo, {}, publication);
  TlsSocket socket(server.port());
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(socket.native())), 2);
}

TEST(TlsServer, PlainHttpIsToldToUseTls) {
  SecureServer server;
  for (const char* method : {"GET", "DELETE", "PATCH"}) {
    RawSocket socket(server.port());
    socket.send(std::string(method) + " / HTTP/1.1\r\nHost: h\r\n\r\n");
    const RawAnswer answer = socket.receive();
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("This port speaks TLS"));
    EXPECT_THAT(answer.head, Not(HasSubstr("Strict-Transport")));  // RFC 6797 section 7.2
    EXPECT_TRUE(socket.is_closed_within(3'000));
  }
  EXPECT_EQ(server.counters().tls_handshakes_failed, 3u);
  EXPECT_EQ(server.counters().requests_total, 0u);
}

TEST(TlsServer, ClosesWhatIsNoTls) {
  SecureServer server;
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\xff\xff") + std::string(100, 'a'), std::string(300, '\xff'),
        std::string("get / http/1.1\r\n\r\n"), std::string("\r\n\r\n\r\n\r\n"),
        std::string("\x15\x03\x01\x00\x02\x02\x28", 7)}) {
    RawSocket socket(server.port());
    socket.send(bytes);
    socket.receive();  // an alert, or nothing
    wait_until([&] { return server.counters().connections_open == 0; });
  }
  EXPECT_EQ(server.counters().tls_handshakes_failed, 5u);
}

TEST(TlsServer, FailedHandshakesAreLoggedWithoutTheirBytes) {
  SecureServer server;
  {
    RawSocket socket(server.port());
    socket.send("\x16\x03\x01\x01marker-of-the-peer-" + std::string(300, 'z'));
    socket.receive();
  }
  wait_until([&] { return !server.log.text().empty(); });
  EXPECT_THAT(server.log.text(), HasSubstr("http.tls_handshake_failed reason="));
  EXPECT_THAT(server.log.text(), HasSubstr("peer=127.0.0.1"));
  EXPECT_THAT(server.log.text(), Not(HasSubstr("marker")));
}

TEST(TlsServer, ConnectionWithoutAByteIsNoFailure) {
  SecureServer server;
  { RawSocket socket(server.port()); }
  wait_until([&] { return server.counters().connections_total == 1; });
  wait_until([&] { return server.counters().connections_open == 0; });
  EXPECT_EQ(server.counters().tls_handshakes_failed, 0u);
}

TEST(TlsServerTimeout, SilentConnectionIsClosed) {
  SecureServer server(echo, short_timeouts());
  RawSocket socket(server.port());
  EXPECT_TRUE(socket.is_closed_within(3'000));
}

TEST(TlsServerTimeout, StalledHandshakeIsClosed) {
  SecureServer server(echo, short_timeouts());
  const std::string hello = client_hello();
  for (const size_t sent : {size_t{1}, size_t{5}, hello.size() / 2}) {
    RawSocket socket(server.port());
    socket.send(std::string_view(hello).substr(0, sent));
    EXPECT_TRUE(socket.is_closed_within(3'000)) << sent;
  }
  RawSocket socket(server.port());
  socket.send(hello);  // and never takes the server's answer on
  EXPECT_EQ(socket.receive().status, 0);
  wait_until([&] { return server.counters().connections_open == 0; });
  EXPECT_EQ(server.counters().tls_handshakes_failed, 4u);
}

TEST(TlsServerTimeout, DrippedHandshakeIsClosed) {
  SecureServer server(echo, short_timeouts());
  const std::string hello = client_hello();
  RawSocket socket(server.port());
  size_t sent = 0;
  while (sent < hello.size() && !socket.is_readable()) {  // each byte in time, the whole not
    socket.send(std::string_view(hello).substr(sent++, 1));
    usleep(5'000);
  }
  EXPECT_LT(sent, hello.size());
  EXPECT_EQ(server.counters().tls_handshakes_failed, 1u);
}

TEST(TlsServerTimeout, SlowHeadIs408AndIdleConnectionIsClosed) {
  SecureServer server(echo, short_timeouts());
  TlsSocket slow(server.port());
  slow.send("GET / HT");
  const RawAnswer answer = slow.receive();
  EXPECT_EQ(answer.status, 408);
  EXPECT_THAT(answer.head, HasSubstr(kStrict));
  TlsSocket idle(server.port());
  idle.send(kGet);
  EXPECT_EQ(idle.receive().status, 200);
  EXPECT_TRUE(idle.is_closed_within(3'000));
  EXPECT_TRUE(idle.ended_properly());
}

TEST(TlsServerTimeout, PeerThatTakesNoAnswerIsClosed) {
  SecureServer server(
      [](const Request&, Reply reply) {
        reply.send(make_response(200, "text/plain", std::string(16 * 1024 * 1024, 'x')));
      },
      short_timeouts());
  TlsSocket socket(server.port());
  socket.send(kGet);
  wait_until([&] {
    return server.counters().requests_total == 1 && server.counters().connections_open == 0;
  });
}

TEST(TlsServer, EveryAnswerDemandsTlsFromNowOn) {
  SecureServer server;
  TlsSocket socket(server.port());
  socket.send(kGet + "GET / HTTP/3.0\r\n\r\n");
  for (const int status : {200, 505}) {
    const RawAnswer answer = socket.receive();
    EXPECT_EQ(answer.status, status);
    EXPECT_THAT(answer.head, HasSubstr(kStrict));
  }
  EXPECT_TRUE(socket.is_closed_within(3'000));
  EXPECT_TRUE(socket.ended_properly());
  TestServer plain;
  RawSocket other(plain.port());
  other.send(kGet);
  EXPECT_THAT(other.receive().head, Not(HasSubstr("Strict-Transport")));
}

TEST(TlsServer, TakesRequestsByteByByte) {
  SecureServer server;
  TlsSocket socket(server.port());
  const std::string requests =
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n" +
      kGet;
  for (const char c : requests) socket.send(std::string_view(&c, 1));
  EXPECT_EQ(socket.receive().body, "POST /1|abc");
  EXPECT_EQ(socket.receive().body, "POST /2|abcde");
  EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
}

TEST(TlsServer, TakesManyRequestsOfOneRecord) {
  WorkerPool pool(2, 100);
  SecureServer server([&pool](const Request& request, Reply reply) {
    pool.post([&request, reply = std::move(reply)]() mutable { echo(request, std::move(reply)); });
  });
  TlsSocket socket(server.port());
  std::string requests;
  for (int i = 0; i < 300; ++i) requests += kGet;  // more than the connection's buffer holds
  socket.send(requests);
  for (int i = 0; i < 300; ++i) ASSERT_EQ(socket.receive().body, "GET /a?b=c|") << i;
}

TEST(TlsServer, TakesLargeBodiesAndSendsLargeAnswers) {
  const std::string large(5'000'000, 'x');
  SecureServer server([&large](const Request& request, Reply reply) {
    EXPECT_EQ(request.body(), std::string(900'000, 'b'));
    reply.send(make_response(200, "text/plain", large));
  });
  TlsSocket socket(server.port());
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    socket.send(post);
    socket.send(std::string(900'000, 'b'));
    usleep(20'000);  // so that the socket's buffer fills
    EXPECT_EQ(socket.receive().body, large);
  }
}

TEST(TlsServer, AnswersExpectContinue) {
  SecureServer server;
  TlsSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(socket.receive().head, "HTTP/1.1 100 Continue\r\n");
  socket.send("ab");
  EXPECT_EQ(socket.receive().body, "POST /|ab");
}

TEST(TlsServer, OverConnectionsMaxIs503) {
  ServerOptions options;
  options.limits.connections_max = 1;
  SecureServer server(echo, options);
  TlsSocket first(server.port());
  first.send(kGet);
  EXPECT_EQ(first.receive().status, 200);
  {
    TlsSocket second(server.port());
    const RawAnswer answer = second.receive();
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.head, HasSubstr("Retry-After: 1\r\n"));
    EXPECT_TRUE(second.is_closed_within(3'000));
  }
  EXPECT_EQ(server.counters().connections_refused, 1u);
}

TEST(TlsServer, HandshakesCountAsConnections) {
  ServerOptions options;
  options.limits.connections_max = 1;
  SecureServer server(echo, options);
  RawSocket stalled(server.port());
  stalled.send(client_hello().substr(0, 10));
  wait_until([&] { return server.counters().connections_open == 1; });
  TlsSocket second(server.port());
  EXPECT_EQ(second.receive().status, 503);
}

TEST(TlsServer, StopLetsARequestInProgressEnd) {
  Mutex mutex;
  std::unique_ptr<Reply> parked;
  SecureServer server([&](const Request&, Reply reply) {
    MutexLock lock(mutex);
    parked = std::make_unique<Reply>(std::move(reply));
  });
  RawSocket stalled(server.port());
  stalled.send(client_hello().substr(0, 10));
  TlsSocket idle(server.port());
  TlsSocket busy(server.port());
  busy.send(kGet);
  wait_until([&] {
    MutexLock lock(mutex);
    return parked != nullptr;
  });
  std::jthread stopping([&] { server.server->stop(Milliseconds(5'000)); });
  EXPECT_TRUE(idle.is_closed_within(3'000));
  EXPECT_TRUE(idle.ended_properly());
  EXPECT_TRUE(stalled.is_closed_within(3'000));
  parked->send(make_response(200, "text/plain", "done"));
  const RawAnswer answer = busy.receive();
  EXPECT_EQ(answer.body, "done");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(busy.is_closed_within(3'000));
  EXPECT_TRUE(busy.ended_properly());
  busy.close();
}

TEST(TlsServer, PeerGoneBeforeALateReply) {
  Mutex mutex;
  std::unique_ptr<Reply> parked;
  SecureServer server([&](const Request&, Reply reply) {
    MutexLock lock(mutex);
    parked = std::make_unique<Reply>(std::move(reply));
  });
  {
    TlsSocket socket(server.port());
    socket.reset_on_close();
    socket.send(kGet);
    wait_until([&] {
      MutexLock lock(mutex);
      return parked != nullptr;
    });
    socket.close();
  }
  usleep(10'000);
  parked->send(make_response(200, "text/plain", std::string(100'000, 'x')));  // no SIGPIPE
  wait_until([&] { return server.counters().connections_open == 0; });
}

}  // namespace
}  // namespace latchkey::http
