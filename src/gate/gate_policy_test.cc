#include "gate/gate_policy.h"

#include <gtest/gtest.h>

#include <sstream>

#include "gate/gate_for_test.h"

namespace latchkey::gate {
namespace {

class GatePolicyTest : public GateFixture {
 protected:
  std::unique_ptr<Log> log_ = make_log(LogFormat::text, LogLevel::error);
  GatePolicy policy_{gate_, verifier_, clock_, *log_};

  void SetUp() override {
    GateFixture::SetUp();
    ASSERT_TRUE(publish(settings()));
  }
  ApiSettings settings() {
    ApiSettings api = api_of({rule("GET", "/things/{id}", {"vso.code"})});
    api.upstream.urls = {"http://127.0.0.1:9"};
    api.cors.origins = {"https://app.example.com"};
    return api;
  }
  Result<void> publish(ApiSettings api) {
    auto table = ApiTable::build(catalog_, {std::move(api)});
    return table ? policy_.publish(*std::move(table)) : Result<void>(table.error());
  }
  ProxyDecision ask(const std::string& path, const std::string& token,
                    std::vector<http::Header> headers = {}) {
    const std::string authorization = "Bearer " + token;
    headers.push_back({"Host", "api.example.com"});
    if (!token.empty()) headers.push_back({"Authorization", authorization});
    return policy_.decide(TestRequest("GET", path, "a=b", headers));
  }
  static int status_of(const ProxyDecision& decision) {
    const auto* response = std::get_if<http::Response>(&decision);
    return response ? response->status : 0;
  }
};

TEST_F(GatePolicyTest, ForwardsWhatMayPassWithAPathWrittenAnew) {
  const auto decision = ask("/things//a;b%2e%41", read_, {{"Origin", "https://app.example.com"}});
  const auto* forward = std::get_if<ProxyForward>(&decision);
  ASSERT_TRUE(forward);
  EXPECT_EQ(forward->target, "/things/a%3Bb.A?a=b");
  EXPECT_EQ(forward->upstream->name(), "things");
  EXPECT_EQ(forward->headers.at(0).first, "X-Latchkey-User");
  EXPECT_EQ(forward->answer_headers.at(0).second, "https://app.example.com");
  EXPECT_FALSE(forward->still_allowed);
}

TEST_F(GatePolicyTest, AnswersWhatMayNot) {
  EXPECT_EQ(status_of(ask("/things/7", "")), 401);
  EXPECT_EQ(status_of(ask("/things/7", foreign_)), 401);
  EXPECT_EQ(status_of(ask("/other", read_)), 404);
  EXPECT_EQ(status_of(ask("/things/%2fa", read_)), 400);
  EXPECT_TRUE(std::holds_alternative<NotProxied>(ask("/_latchkey/forward-auth", read_)));
  ApiSettings without = settings();
  without.upstream.urls.clear();
  ASSERT_TRUE(publish(without));
  EXPECT_EQ(status_of(ask("/things/7", read_)), 404);
}

TEST_F(GatePolicyTest, AnUpstreamThatStaysTheSameLivesOn) {
  const http::Upstream* before = policy_.upstreams().at(0).second;
  ASSERT_TRUE(publish(settings()));
  EXPECT_EQ(policy_.upstreams().at(0).second, before);
  ApiSettings bad = settings();
  bad.upstream.urls = {"ftp://a"};
  const auto refused = publish(bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "gate.api[0].upstream");
  EXPECT_EQ(policy_.upstreams().at(0).second, before);
  ApiSettings other = settings();
  other.upstream.answer_timeout = Milliseconds(7);
  ASSERT_TRUE(publish(other));
  EXPECT_NE(policy_.upstreams().at(0).second, before);
}

TEST_F(GatePolicyTest, ATunnelEndsWithItsToken) {
  const auto decision = ask("/things/7", read_,
                            {{"Upgrade", "websocket"},
                             {"Connection", "Upgrade"},
                             {"Sec-WebSocket-Version", "13"},
                             {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
  const auto* forward = std::get_if<ProxyForward>(&decision);
  ASSERT_TRUE(forward);
  ASSERT_TRUE(forward->still_allowed);
  EXPECT_TRUE(forward->still_allowed());
  feed_.add(verify::MembershipItem{contoso_, ada_, false, core::ScopeSet::all()});
  ASSERT_TRUE(verifier_.follow_once(feed_, Milliseconds(0)));
  EXPECT_FALSE(forward->still_allowed());
}

}  // namespace
}  // namespace latchkey::gate
