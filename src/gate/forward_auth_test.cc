#include "gate/forward_auth.h"

#include <gtest/gtest.h>

#include <future>

#include "base/json.h"
#include "gate/gate_for_test.h"

namespace latchkey::gate {
namespace {

class ForwardAuthTest : public GateFixture {
 protected:
  http::WorkerPool waiters_{1, 1};
  ForwardAuth endpoint_{gate_, verifier_, waiters_, Milliseconds(50)};

  void SetUp() override {
    GateFixture::SetUp();
    ApiSettings api =
        api_of({rule("GET", "/things", {"vso.code"}), rule("POST", "/things", {"vso.code_write"})});
    api.cors.origins = {"https://app.example.com"};
    publish({api});
  }

  http::Response ask(const std::string& method, const std::string& uri, const std::string& token,
                     std::vector<http::Header> headers = {}) {
    const std::string authorization = "Bearer " + token;
    headers.push_back({"X-Original-Method", method});
    headers.push_back({"X-Original-URI", uri});
    headers.push_back({"X-Original-Host", "api.example.com"});
    if (!token.empty()) headers.push_back({"Authorization", authorization});
    return send(TestRequest("GET", "/_latchkey/forward-auth", "", headers));
  }
  http::Response send(const http::Request& request) {
    std::promise<http::Response> answer;
    endpoint_.handle(request, http::Reply([&](http::Response&& r) { answer.set_value(r); }));
    return answer.get_future().get();
  }
  static std::string value(const http::Response& response, std::string_view name) {
    for (const auto& [key, text] : response.headers) {
      if (key == name) return text;
    }
    return "none";
  }
};

TEST_F(ForwardAuthTest, AllowsWithTheCallersIdentity) {
  const auto response = ask("GET", "/things?a=b", read_);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(value(response, "X-Latchkey-User"), core::format_id(ada_));
  EXPECT_EQ(value(response, "X-Latchkey-Status"), "none");
}

TEST_F(ForwardAuthTest, RefusalsSayAllInHeaders) {
  const auto response = ask("POST", "/things", read_);
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(value(response, "X-Latchkey-Status"), "403");
  EXPECT_EQ(value(response, "X-Latchkey-Error"), "scope_missing");
  EXPECT_EQ(value(response, kBodyHeader), response.body);
  EXPECT_EQ(ask("GET", "/things", "").status, 401);
  EXPECT_EQ(ask("GET", "/nothing", read_).status, 404);
  EXPECT_EQ(ask("DELETE", "/things", read_).status, 405);
  EXPECT_EQ(ask("GET", "/things", foreign_).status, 401);
  clock_.advance(Milliseconds(1001));
  EXPECT_EQ(ask("GET", "/things", read_).status, 503);
}

TEST_F(ForwardAuthTest, WhatIsNotToldInOneWayIsMalformed) {
  EXPECT_EQ(send(TestRequest("GET", "/_latchkey/forward-auth", "", {})).status, 400);
  EXPECT_EQ(ask("GET", "/things", read_, {{"X-Forwarded-Uri", "/other"}}).status, 400);
  EXPECT_EQ(ask("GET", "/things", read_, {{"X-HTTP-Method-Override", "POST"}}).status, 400);
  EXPECT_EQ(ask("GET", "//things", read_).status, 400);
  EXPECT_EQ(send(TestRequest("GET", "/elsewhere", "", {})).status, 404);
}

TEST_F(ForwardAuthTest, APreflightIsNeverAllowedThrough) {
  const auto response =
      ask("OPTIONS", "/things", "",
          {{"Origin", "https://app.example.com"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(value(response, "X-Latchkey-Status"), "204");
  EXPECT_EQ(value(response, "Access-Control-Allow-Origin"), "https://app.example.com");
  const auto allowed = ask("GET", "/things", read_, {{"Origin", "https://app.example.com"}});
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(value(allowed, "Access-Control-Allow-Origin"), "https://app.example.com");
}

TEST_F(ForwardAuthTest, ABodyOfOtherLettersIsAsciiInItsHeader) {
  publish({api_of({rule("GET", "/caf\xc3\xa9", {"vso.code_write"})})});
  const auto response = ask("GET", "/caf%C3%A9", read_);
  EXPECT_EQ(response.status, 403);
  const std::string text = value(response, kBodyHeader);
  EXPECT_NE(text.find("/caf\\u00e9"), std::string::npos) << text;
  EXPECT_EQ(parse_json(text)->as_object().at("message"),
            parse_json(response.body)->as_object().at("message"));
}

TEST_F(ForwardAuthTest, WaitsForARevisionWithinItsBound) {
  const core::Epoch epoch = verifier_.status().epoch;
  const auto at = core::format_position({epoch, {verifier_.status().revision.number + 1}});
  EXPECT_EQ(ask("GET", "/things", read_, {{kMinRevisionHeader, at}}).status, 503);
  // Another thread brings it while the request waits.
  std::jthread follower([&] {
    feed_.add(verify::OrganizationItem{contoso_, "contoso", true});
    ASSERT_TRUE(verifier_.follow_once(feed_, Milliseconds(0)));
  });
  int status = 503;
  for (int tries = 0; tries < 40 && status == 503; ++tries) {
    status = ask("GET", "/things", read_, {{kMinRevisionHeader, at}}).status;
  }
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace latchkey::gate
