#include "gate/proxy_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "gate/request_for_test.h"
#include "http/client_address.h"
#include "http/upstream.h"

namespace latchkey::gate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A request from a peer, with the client that its headers name if the peer is trusted.
class PeerRequest final : public http::Request {
 public:
  PeerRequest(std::string_view peer, std::vector<http::Header> headers, std::string proxies = "")
      : peer_(peer), headers_(std::move(headers)) {
    const auto trusted = http::TrustedProxies::parse_list(proxies);
    client_ = http::find_client(peer, headers_, *trusted);
  }
  std::string_view method() const override { return "GET"; }
  std::string_view path() const override { return "/"; }
  std::string_view query() const override { return ""; }
  std::span<const http::Header> headers() const override { return headers_; }
  std::string_view body() const override { return ""; }
  std::string_view peer_address() const override { return client_.address; }
  std::string_view socket_address() const override { return peer_; }
  bool is_from_proxy() const override { return client_.is_from_proxy; }
  std::string_view forwarded_for() const override { return client_.forwarded_for; }
  std::string_view request_id() const override { return ""; }

 private:
  std::string peer_;
  std::vector<http::Header> headers_;
  http::ClientAddress client_;
};

class ProxyHead : public ::testing::Test {
 protected:
  void SetUp() override {
    http::UpstreamOptions options;
    options.urls = {"http://127.0.0.1:3000"};
    upstream_ = *http::Upstream::make(options, clock_);
    forward_.upstream = upstream_.get();
    forward_.target = "/sent?q";
  }
  std::string head(const http::Request& request) {
    return make_upstream_head(request, forward_).value_or("none");
  }
  std::string head(std::vector<http::Header> headers) {
    headers.insert(headers.begin(), {"Host", "gate.example"});
    return head(PeerRequest("192.0.2.1", std::move(headers)));
  }

  SystemClock clock_;
  std::unique_ptr<http::Upstream> upstream_;
  ProxyForward forward_;
};

TEST_F(ProxyHead, IsExactlyThis) {
  forward_.headers = {{"X-Latchkey-Token-Id", "t"}};
  EXPECT_EQ(head({{"Accept", "a/b"}, {"X-Own", "1"}}),
            "GET /sent?q HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nAccept: a/b\r\nX-Own: 1\r\n"
            "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: gate.example\r\n"
            "Forwarded: for=192.0.2.1;proto=http;host=\"gate.example\"\r\n"
            "X-Latchkey-Token-Id: t\r\n");
}

TEST_F(ProxyHead, KeepsTheClientsHostIfTold) {
  forward_.host = HostHeader::of_client;
  EXPECT_THAT(head({}), HasSubstr("\r\nHost: gate.example\r\n"));
}

// What a client says here must not reach the upstream, in any spelling.
TEST_F(ProxyHead, DropsWhatOnlyWeMaySay) {
  for (const char* name : {"Authorization",
                           "Proxy-Authorization",
                           "Proxy-Connection",
                           "Keep-Alive",
                           "TE",
                           "Trailer",
                           "Transfer-Encoding",
                           "Upgrade",
                           "Content-Length",
                           "Expect",
                           "HTTP2-Settings",
                           "Connection",
                           "X-Latchkey-User",
                           "X-Latchkey-Anything",
                           "Latchkey-Upstream-Error",
                           "X-HTTP-Method",
                           "X-HTTP-Method-Override",
                           "X-Method-Override",
                           "X-Original-URL",
                           "X-Original-Method",
                           "X-Rewrite-URL",
                           "X-Forwarded-For",
                           "X-Forwarded-Host",
                           "X-Forwarded-Proto",
                           "X-Forwarded-Port",
                           "X-Forwarded-Prefix",
                           "X-Forwarded-User",
                           "X-Real-IP",
                           "Forwarded",
                           "X-Client-IP",
                           "True-Client-IP",
                           "CF-Connecting-IP",
                           "X-Cluster-Client-IP",
                           "Remote-User",
                           "X-Remote-User",
                           "X-Auth-Request-Email"}) {
    std::string with_underscores(name);
    for (char& c : with_underscores) c = c == '-' ? '_' : c;
    const std::string lower = ascii_lower(name);
    for (const std::string_view spelling :
         {std::string_view(name), std::string_view(lower), std::string_view(with_underscores)}) {
      EXPECT_THAT(head({{spelling, "6.6.6.6-evil"}}), Not(HasSubstr("evil"))) << spelling;
    }
  }
}

TEST_F(ProxyHead, DropsWhatConnectionNames) {
  const std::string sent =
      head({{"Connection", "close, X-Hop"}, {"X-Hop", "evil"}, {"X-On", "yes"}});
  EXPECT_THAT(sent, Not(HasSubstr("evil")));
  EXPECT_THAT(sent, HasSubstr("X-On: yes"));
  forward_.headers = {{"X-Latchkey-User", "ada"}};
  EXPECT_THAT(head({{"Connection", "X-Latchkey-User, X-Forwarded-For"}}),
              AllOf(HasSubstr("X-Latchkey-User: ada"), HasSubstr("X-Forwarded-For: 192.0.2.1")))
      << "what we say is not named away";
}

TEST_F(ProxyHead, SetsWhatThePolicySaysInPlaceOfTheClients) {
  forward_.headers = {{"X-Team", "ours"}};
  const std::string sent = head({{"x_team", "evil"}, {"X-Team", "evil"}});
  EXPECT_THAT(sent, AllOf(HasSubstr("X-Team: ours"), Not(HasSubstr("evil"))));
}

TEST_F(ProxyHead, KeepsForeignCookiesOnly) {
  EXPECT_THAT(head({{"Cookie", "a=1; __Host-latchkey-session=secret; b=2"}}),
              AllOf(HasSubstr("Cookie: a=1; b=2\r\n"), Not(HasSubstr("secret"))));
  EXPECT_THAT(head({{"Cookie", "__Host-latchkey-session=secret"}}), Not(HasSubstr("ookie")));
}

TEST_F(ProxyHead, GoesOnWithWhatATrustedProxySaid) {
  const PeerRequest request("10.0.0.1",
                            {{"Host", "inner"},
                             {"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.2"},
                             {"X-Forwarded-Proto", "https"},
                             {"X-Forwarded-Host", "outer.example"},
                             {"X-Real-IP", "6.6.6.6"},
                             {"Forwarded", "for=6.6.6.6"}},
                            "10.0.0.0/8");
  const std::string sent = head(request);
  EXPECT_THAT(sent, HasSubstr("X-Forwarded-For: 203.0.113.9, 10.0.0.2, 10.0.0.1\r\n"));
  EXPECT_THAT(sent, HasSubstr("X-Real-IP: 203.0.113.9\r\n"));
  EXPECT_THAT(sent, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(sent, HasSubstr("X-Forwarded-Host: outer.example\r\n"));
  EXPECT_THAT(sent, HasSubstr("Forwarded: for=203.0.113.9\r\n"));
  EXPECT_THAT(sent, Not(HasSubstr("6.6.6.6")));
}

TEST_F(ProxyHead, WritesIpv6AsForwardedHasIt) {
  EXPECT_THAT(head(PeerRequest("2001:db8::1", {})), HasSubstr("Forwarded: for=\"[2001:db8::1]\";"));
  EXPECT_THAT(head(PeerRequest("unix", {})), HasSubstr("Forwarded: for=unknown;"));
}

TEST_F(ProxyHead, NothingThatWouldSplitTheRequestIsSent) {
  for (const char* target : {"", "a", "/a b", "/a\r\nX: y", "/a#b", "/\xc3\xa9"}) {
    forward_.target = target;
    EXPECT_EQ(head({}), "none") << target;
  }
  forward_.target = "/";
  for (const auto& header : std::vector<std::pair<std::string, std::string>>{
           {"X-A", "a\r\nX-B: c"}, {"X A", "a"}, {"Content-Length", "3"}, {"", "a"}}) {
    forward_.headers = {header};
    EXPECT_EQ(head({}), "none") << header.first;
  }
}

TEST(ProxyUpgrade, IsWebSocketAndNothingElse) {
  const auto asks = [](std::string_view method, std::vector<http::Header> headers) {
    return asks_for_websocket(TestRequest(std::string(method), "/", "", std::move(headers)));
  };
  EXPECT_TRUE(asks("GET", {{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "WebSocket"}}));
  EXPECT_FALSE(asks("GET", {{"Connection", "Upgrade"}, {"Upgrade", "h2c"}}));
  EXPECT_FALSE(asks("GET", {{"Connection", "Upgrade"}, {"Upgrade", "websocket, h2c"}}));
  EXPECT_FALSE(asks("GET", {{"Connection", "close"}, {"Upgrade", "websocket"}}));
  EXPECT_FALSE(asks("GET", {{"Upgrade", "websocket"}}));
  EXPECT_FALSE(asks("POST", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}));
}

}  // namespace
}  // namespace latchkey::gate
