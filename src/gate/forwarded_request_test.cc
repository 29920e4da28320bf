#include "gate/forwarded_request.h"

#include <gtest/gtest.h>

#include "gate/request_for_test.h"

namespace latchkey::gate {
namespace {

using Headers = std::vector<http::Header>;

// "METHOD host path ?query" of what the headers tell, or "refused".
std::string told(const Headers& headers, const std::string& path = "/_latchkey/forward-auth",
                 const std::string& method = "GET", const std::string& query = "") {
  const TestRequest carrier(method, path, query, headers);
  const auto request = ForwardedRequest::read(carrier);
  if (!request) return "refused";
  return std::string(request->method()) + " " + std::string(request->authority()) + " " +
         std::string(request->path()) + " ?" + std::string(request->query());
}

const Headers kNginx = {{"X-Original-Method", "POST"},
                        {"X-Original-Host", "api.example.com"},
                        {"X-Original-URI", "/v1/things?a=b?c"}};
const Headers kCaddy = {{"X-Forwarded-Method", "POST"},
                        {"X-Forwarded-Host", "api.example.com"},
                        {"X-Forwarded-Proto", "https"},
                        {"X-Forwarded-Uri", "/v1/things?a=b"}};

Headers with(Headers headers, http::Header more) {
  headers.push_back(more);
  return headers;
}
Headers without(Headers headers, size_t i) {
  headers.erase(headers.begin() + static_cast<std::ptrdiff_t>(i));
  return headers;
}

TEST(ForwardedRequest, ReadsEachForm) {
  EXPECT_EQ(told(kNginx), "POST api.example.com /v1/things ?a=b?c");
  EXPECT_EQ(told(kCaddy), "POST api.example.com /v1/things ?a=b");
  EXPECT_EQ(told({{"X-Original-Method", "GET"}, {"X-Original-URL", "https://a.com:8443/x?y"}}),
            "GET a.com:8443 /x ?y");
  EXPECT_EQ(told({{"Host", "a.com"}}, "/_latchkey/forward-auth/v1/x", "DELETE", "q=1"),
            "DELETE a.com /v1/x ?q=1");
}

TEST(ForwardedRequest, WhatIsMissingIsRefused) {
  EXPECT_EQ(told({}), "refused");
  EXPECT_EQ(told({{"Host", "a.com"}}, "/_latchkey/forward-auth/"), "refused");
  for (size_t i = 0; i < kNginx.size(); ++i) EXPECT_EQ(told(without(kNginx, i)), "refused") << i;
  for (const size_t i : {0, 1, 3}) EXPECT_EQ(told(without(kCaddy, i)), "refused") << i;
}

TEST(ForwardedRequest, WhatIsToldTwiceIsRefused) {
  for (const http::Header& header : kNginx) {
    EXPECT_EQ(told(with(kNginx, header)), "refused") << header.name;
    EXPECT_EQ(told(with(kCaddy, header)), "refused") << header.name;
  }
  for (const size_t i : {0, 3}) EXPECT_EQ(told(with(kNginx, kCaddy[i])), "refused") << i;
  for (const size_t i : {0, 1, 3}) EXPECT_EQ(told(with(kCaddy, kCaddy[i])), "refused") << i;
  EXPECT_EQ(told(with(kNginx, {"X-Original-URL", "https://a.com/x"})), "refused");
  const std::string envoy = "/_latchkey/forward-auth/v1/x";
  EXPECT_EQ(told(with({{"Host", "a"}}, {"X-Original-URI", "/y"}), envoy), "refused");
  EXPECT_EQ(told(with({{"Host", "a"}}, {"X-Forwarded-Uri", "/y"}), envoy), "refused");
  // A client's X-Forwarded-Host says nothing where another form is whole.
  EXPECT_EQ(told(with(kNginx, {"X-Forwarded-Host", "evil"})),
            "POST api.example.com /v1/things ?a=b?c");
}

TEST(ForwardedRequest, WhatCouldBeReadOtherwiseIsRefused) {
  for (const char* uri : {"", "things", "//evil/x", "/a//b", "/a;b", "/a b", "/a#b", "http://a/b",
                          "/a\x7f", "/\xc3\xa9"}) {
    Headers headers = kNginx;
    headers[2].value = uri;
    EXPECT_EQ(told(headers), "refused") << uri;
    headers = kCaddy;
    headers[3].value = uri;
    EXPECT_EQ(told(headers), "refused") << uri;
  }
  for (const char* method : {"", "get", "GE T", "G\xc3"}) {
    Headers headers = kNginx;
    headers[0].value = method;
    EXPECT_EQ(told(headers), "refused") << method;
  }
  for (const char* host : {"", "a b", "a.com, b.com", "a/b"}) {
    Headers headers = kCaddy;
    headers[1].value = host;
    EXPECT_EQ(told(headers), "refused") << host;
  }
  EXPECT_EQ(told({{"Host", "a"}}, "/_latchkey/forward-auth//v1"), "refused");
  EXPECT_EQ(told({{"Host", "a"}}, "/_latchkey/forward-auth/v1;x"), "refused");
  EXPECT_EQ(told({{"X-Original-Method", "GET"}, {"X-Original-URL", "a.com/x"}}), "refused");
  EXPECT_EQ(told({{"X-Original-Method", "GET"}, {"X-Original-URL", "https://a.com"}}), "refused");
}

TEST(ForwardedRequest, ShowsTheClientsHeadersOnly) {
  const TestRequest carrier("GET", "/_latchkey/forward-auth", "",
                            with(kNginx, {"Authorization", "Bearer x"}));
  const auto request = ForwardedRequest::read(carrier);
  ASSERT_TRUE(request);
  ASSERT_EQ(request->headers().size(), 1U);
  EXPECT_EQ(request->header("authorization"), "Bearer x");
}

TEST(ForwardedRequest, KnowsItsEndpoint) {
  EXPECT_TRUE(is_forward_auth_path("/_latchkey/forward-auth"));
  EXPECT_TRUE(is_forward_auth_path("/_latchkey/forward-auth/x"));
  EXPECT_FALSE(is_forward_auth_path("/_latchkey/forward-authx"));
  EXPECT_FALSE(is_forward_auth_path("/_latchkey"));
}

}  // namespace
}  // namespace latchkey::gate
