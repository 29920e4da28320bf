// Upstreams that speak TLS: a real TLS server stands behind the proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "http/relay_test_util.h"
#include "http/tls_test_util.h"

namespace latchkey::http {
namespace {

using ::testing::HasSubstr;

// A file that holds `text` until the end of the test.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text)
      : path_(::testing::TempDir() + "relay_tls_" + std::to_string(::getpid()) + ".pem") {
    std::ofstream(path_) << text;
  }
  ~ScratchFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string url_of(const char* host, uint16_t port) {
  return std::string("https://") + host + ":" + std::to_string(port);
}

RelaySetting believing(const ScratchFile& roots) {
  RelaySetting setting;
  setting.upstream.ca_file = roots.path();
  return setting;
}

TEST(RelayTls, VerifiesNamesAndAddresses) {
  TestServer upstream(echo, {}, &any_publication());
  const ScratchFile roots(any_certificate().certificate);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    RelayServer server({url_of(host, upstream.port())}, believing(roots));
    RawSocket client(server.port());
    for (int i = 0; i < 3; ++i) {
      client.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
      EXPECT_EQ(client.receive().body, "POST /up|body") << host;
    }
    EXPECT_TRUE(RelayServer::soon([&] {
      return server.upstream->counters().connections_idle == 1;
    })) << "kept within TLS too";
  }
}

TEST(RelayTls, LargeBodiesComeWhole) {
  ServerOptions options;
  options.limits.body_bytes_max = 8'000'000;
  TestServer upstream(echo, options, &any_publication());
  const ScratchFile roots(any_certificate().certificate);
  RelayServer server({url_of("localhost", upstream.port())}, believing(roots));
  RawSocket client(server.port());
  const std::string body(3'000'000, 'b');
  client.send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + body);
  EXPECT_EQ(client.receive().body, "PUT /up|" + body);
}

TEST(RelayTls, WrongNameIs502) {
  ServerOptions options;
  options.endpoint.address = "0.0.0.0";  // so that it listens there, and the name alone is wrong
  TestServer upstream(echo, options, &any_publication());
  const ScratchFile roots(any_certificate().certificate);
  RelayServer server({url_of("127.0.0.2", upstream.port())}, believing(roots));
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_THAT(client.receive().head, HasSubstr("Latchkey-Upstream-Error: unreachable"));
  EXPECT_THAT(server.log.text(), HasSubstr("certificate verify failed"));
}

TEST(RelayTls, UnknownRootsAre502) {
  TestServer upstream(echo, {}, &any_publication());
  const ScratchFile roots(make_test_certificate().certificate);
  RelayServer server({url_of("localhost", upstream.port())}, believing(roots));
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_THAT(client.receive().head, HasSubstr("Latchkey-Upstream-Error: unreachable"));
  EXPECT_THAT(server.log.text(), HasSubstr("proxy.tls_handshake_failed"));
}

TEST(RelayTls, PlainUpstreamIs502) {
  TestServer upstream;
  const ScratchFile roots(any_certificate().certificate);
  RelayServer server({url_of("localhost", upstream.port())}, believing(roots));
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_THAT(client.receive().head, HasSubstr("Latchkey-Upstream-Error: unreachable"));
}

TEST(RelayUnix, SocketIsAnUpstream) {
  const std::string path = ::testing::TempDir() + "relay_" + std::to_string(::getpid()) + ".sock";
  ServerOptions options;
  options.endpoint.unix_path = path;
  TestServer upstream(echo, options);
  RelayServer server({"unix:" + path});
  RawSocket client(server.port());
  client.send(kGetUp);
  EXPECT_EQ(client.receive().body, "GET /up|");
}

}  // namespace
}  // namespace latchkey::http
