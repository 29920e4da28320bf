#include "gate/gate.h"

#include <gtest/gtest.h>

#include "gate/gate_for_test.h"
#include "gate/refusal.h"

namespace latchkey::gate {
namespace {

class GateTest : public GateFixture {
 protected:
  void SetUp() override {
    GateFixture::SetUp();
    publish({api_of({rule("GET", "/things", {"vso.code"}),
                     rule("POST", "/things", {"vso.code_write"}),
                     {"", {"GET"}, "", "/status", "", {}, RuleAccess::open},
                     {"", {"GET"}, "", "/me", "", {}, RuleAccess::any_token}})});
  }
};

TEST_F(GateTest, DecidesByScope) {
  EXPECT_EQ(decide("GET /things", read_), "allowed");
  EXPECT_EQ(decide("HEAD /things", read_), "allowed");
  EXPECT_EQ(decide("POST /things", read_), "scope_missing");
  EXPECT_EQ(decide("POST /things", write_), "allowed");
  EXPECT_EQ(decide("POST /things", full_), "allowed");
  EXPECT_EQ(decide("GET /me", read_), "allowed");
}

TEST_F(GateTest, EveryKindOfBadCredentialIsRefusedEverywhere) {
  for (const char* target : {"GET /things", "GET /me", "GET /status", "GET /nothing"}) {
    EXPECT_EQ(decide(target, expired_), "token_expired") << target;
    EXPECT_EQ(decide(target, revoked_), "token_revoked") << target;
    EXPECT_EQ(decide(target, "nonsense"), "token_malformed") << target;
  }
  EXPECT_EQ(decide("GET /things", foreign_), "token_wrong_organization");
  EXPECT_EQ(decide("GET /nothing", foreign_), "token_wrong_organization");
  EXPECT_EQ(decide("GET /status", foreign_), "token_wrong_organization");
  EXPECT_EQ(decide("GET /things", ""), "credential_missing");
  EXPECT_EQ(decide("GET /me", ""), "credential_missing");
  EXPECT_EQ(decide("GET /status", ""), "allowed");
  EXPECT_FALSE(last_.grant);
  EXPECT_EQ(decide("GET /status", "", {{"Authorization", "Digest x"}}), "credential_malformed");
  EXPECT_EQ(decide("GET /things", read_, {{"Authorization", "Bearer x"}}), "credential_ambiguous");
  EXPECT_EQ(decide("GET /things?access_token=x", ""), "credential_ambiguous");
}

TEST_F(GateTest, WhatIsNotKnownIsNotLetThrough) {
  EXPECT_EQ(decide("GET /nothing", read_), "route_unknown");
  EXPECT_EQ(decide("GET /nothing", ""), "credential_missing");
  EXPECT_EQ(decide("DELETE /things", read_), "method_not_allowed");
  EXPECT_EQ(last_.refusal->detail, "GET, HEAD, POST");
  EXPECT_EQ(decide("DELETE /things", ""), "credential_missing");
  EXPECT_EQ(decide("OPTIONS /things", read_), "method_not_allowed");
  EXPECT_EQ(decide("OPTIONS /things", ""), "credential_missing");
}

TEST_F(GateTest, WhatCouldBeReadInTwoWaysIsMalformed) {
  for (const char* target : {"GET /a%2fb", "GET /a/../things", "GET /%2e%2e/things",
                             "GET /things%5c", "GET /things%00", "GET /%zz"}) {
    EXPECT_EQ(decide(target, full_), "request_malformed") << target;
    EXPECT_EQ(decide(target, ""), "request_malformed") << target;
  }
  EXPECT_EQ(decide("GET /things", full_, {}, ""), "request_malformed");
  EXPECT_EQ(decide("GET /things", full_, {}, "a b"), "request_malformed");
}

TEST_F(GateTest, HeadersThatStandForAnotherRequestAreRefused) {
  for (const char* name : {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
                           "X-Original-URL", "X-Rewrite-URL", "x_http_method_override",
                           "X_Original-Url", "X_Latchkey_User", "X-Latchkey_User"}) {
    EXPECT_EQ(decide("GET /things", read_, {{name, "POST"}}), "request_malformed") << name;
    EXPECT_EQ(decide("GET /status", "", {{name, "/things"}}), "request_malformed") << name;
  }
  EXPECT_EQ(decide("GET /things", read_, {{"X-Latchkey-User", "somebody"}}), "allowed");
}

// Before an API that tells case apart, "/STATUS" would be let through by the rule of "/status" and
// answered by that of "/{name}".
TEST_F(GateTest, AnotherCaseIsAnotherPathUnlessTheApiIgnoresIt) {
  ApiSettings api = api_of({{"status", {"GET"}, "", "/status", "", {}, RuleAccess::open},
                            {"ping", {"GET"}, "", "/ping.{kind}", "", {}, RuleAccess::open},
                            rule("GET", "/{name}", {"vso.work"})});
  publish({api});
  EXPECT_EQ(decide("GET /status", ""), "allowed");
  EXPECT_EQ(decide("GET /s%74atus", ""), "allowed");
  EXPECT_EQ(decide("GET /ping.JSON", ""), "allowed");
  for (const char* target : {"GET /STATUS", "GET /Status", "GET /%53tatus", "GET /Ping.json"}) {
    EXPECT_EQ(decide(target, ""), "credential_missing") << target;
    EXPECT_EQ(decide(target, read_), "route_unknown") << target;
  }
  api.path_case = PathCase::ignored;
  publish({api});
  for (const char* target : {"GET /STATUS", "GET /%53tatus", "GET /Ping.json"}) {
    EXPECT_EQ(decide(target, ""), "allowed") << target;
  }
}

TEST_F(GateTest, AStaleIndexRefusesEveryToken) {
  clock_.advance(Milliseconds(1001));
  EXPECT_EQ(decide("GET /things", read_), "index_stale");
  EXPECT_EQ(decide("GET /nothing", read_), "index_stale");
  EXPECT_EQ(decide("GET /things", ""), "credential_missing");
  EXPECT_EQ(decide("GET /status", ""), "allowed");
}

TEST_F(GateTest, WaitsForARevisionOrRefuses) {
  const auto at = [&](uint64_t revision, core::Epoch epoch) {
    return core::format_position({epoch, {revision}});
  };
  const core::Epoch epoch = verifier_.status().epoch;
  const uint64_t now = verifier_.status().revision.number;
  const std::string here = at(now, epoch), later = at(now + 1, epoch);
  const std::string elsewhere = at(1, verify::id_for_test<core::Epoch>(99));
  EXPECT_EQ(decide("GET /things", read_, {{kMinRevisionHeader, here}}), "allowed");
  EXPECT_EQ(decide("GET /things", read_, {{kMinRevisionHeader, later}}), "index_stale");
  EXPECT_EQ(decide("GET /things", read_, {{kMinRevisionHeader, elsewhere}}), "index_stale");
  for (const char* bad : {"", "7", ".7", "x.7", "-1"}) {
    EXPECT_EQ(decide("GET /things", read_, {{kMinRevisionHeader, bad}}), "request_malformed")
        << bad;
  }
  EXPECT_EQ(decide("GET /things", read_, {{kMinRevisionHeader, here}, {kMinRevisionHeader, here}}),
            "request_malformed");
  const TestRequest waiting("GET", "/things", "", {{kMinRevisionHeader, later}});
  EXPECT_EQ(gate_.missing_revision(waiting)->number, now + 1);
  const TestRequest none("GET", "/things", "", {{kMinRevisionHeader, here}});
  EXPECT_FALSE(gate_.missing_revision(none));
}

TEST_F(GateTest, TellsOfEachKnownToken) {
  decide("GET /things", read_);
  decide("POST /things", read_);
  decide("GET /things", "nonsense");
  decide("GET /things", "");
  EXPECT_EQ(usage_.tokens.size(), 2U);
  EXPECT_EQ(usage_.was_allowed, (std::vector<bool>{true, false}));
  const GateCounters counters = gate_.counters();
  EXPECT_EQ(counters.allowed, 1U);
  EXPECT_EQ(counters.refused_403, 1U);
  EXPECT_EQ(counters.refused_401, 2U);
}

TEST_F(GateTest, ThePathOrTheHostSaysTheOrganization) {
  ApiSettings by_path = api_of({rule("GET", "/{organization}/things", {"vso.code"})});
  by_path.organization = {OrganizationSource::path_parameter, "organization"};
  by_path.hosts = {"path.example.com"};
  ApiSettings by_host = api_of({rule("GET", "/things", {"vso.code"})});
  by_host.name = "hosts";
  by_host.organization = {OrganizationSource::host, "org"};
  by_host.hosts = {"{org}.example.com"};
  publish({by_path, by_host});
  EXPECT_EQ(decide("GET /contoso/things", read_, {}, "path.example.com"), "allowed");
  EXPECT_EQ(decide("GET /Contoso/things", read_, {}, "path.example.com"), "allowed");
  EXPECT_EQ(decide("GET /contoso/things", foreign_, {}, "path.example.com"),
            "token_wrong_organization");
  EXPECT_EQ(decide("GET /fabrikam/things", foreign_, {}, "path.example.com"), "allowed");
  EXPECT_EQ(decide("GET /nobody/things", read_, {}, "path.example.com"),
            "token_wrong_organization");
  EXPECT_EQ(decide("GET /things", read_, {}, "contoso.example.com:8443"), "allowed");
  EXPECT_EQ(decide("GET /things", foreign_, {}, "contoso.example.com"), "token_wrong_organization");
  EXPECT_EQ(decide("GET /things", read_, {}, "nobody.example.com"), "token_wrong_organization");
  EXPECT_EQ(decide("GET /things", read_, {}, "example.org"), "route_unknown");
  EXPECT_EQ(decide("GET /things", "", {}, "example.org"), "credential_missing");
}

TEST_F(GateTest, APreflightIsAnsweredFromTheConfigurationOnly) {
  const std::vector<http::Header> preflight = {{"Origin", "https://app.example.com"},
                                               {"Access-Control-Request-Method", "POST"}};
  EXPECT_EQ(decide("OPTIONS /things", "", preflight), "permission_denied");
  ApiSettings api = api_of({rule("*", "/things", {"vso.code"})});
  api.cors.origins = {"https://app.example.com"};
  publish({api});
  EXPECT_EQ(decide("OPTIONS /things", "", preflight), "answered");
  EXPECT_EQ(last_.answer->status, 204);
  EXPECT_EQ(
      decide("OPTIONS /things", "",
             {{"Origin", "https://evil.example.com"}, {"Access-Control-Request-Method", "POST"}}),
      "permission_denied");
  // Without these headers it is a request like others.
  EXPECT_EQ(decide("OPTIONS /things", "", {{"Origin", "https://app.example.com"}}),
            "credential_missing");
  EXPECT_EQ(decide("OPTIONS /things", read_), "allowed");
}

TEST_F(GateTest, TellsTheUpstreamWhoCalls) {
  ASSERT_EQ(decide("GET /things", read_), "allowed");
  std::string text;
  for (const auto& [name, value] : gate_.identity_headers(last_)) text += name + "=" + value + "\n";
  EXPECT_EQ(text, "X-Latchkey-User=" + core::format_id(ada_) +
                      "\nX-Latchkey-Token=" + core::format_id(last_.grant->token()) +
                      "\nX-Latchkey-Organization=" + core::format_id(contoso_) +
                      "\nX-Latchkey-Organization-Name=contoso\nX-Latchkey-Scopes=" +
                      catalog_.format(catalog_.find("vso.code")->closure) +
                      "\n"
                      "X-Latchkey-Operation=GET /things\n");
  ASSERT_EQ(decide("GET /things", full_), "allowed");
  EXPECT_EQ(gate_.identity_headers(last_)[4].second, "app_token");
  ASSERT_EQ(decide("GET /status", ""), "allowed");
  EXPECT_EQ(gate_.identity_headers(last_).size(), 1U);
  publish({api_of({{"caf\xc3\xa9\n%", {"GET"}, "", "/things", "", {}, RuleAccess::open}})});
  ASSERT_EQ(decide("GET /things", ""), "allowed");
  EXPECT_EQ(gate_.identity_headers(last_)[0].second, "caf%C3%A9%0A%25");
}

TEST_F(GateTest, ADecisionKeepsTheTableThatItWasMadeWith) {
  ASSERT_EQ(decide("GET /things", read_), "allowed");
  const Decision kept = std::move(last_);
  publish({api_of({rule("GET", "/others", {"vso.code"})})});
  EXPECT_EQ(kept.operation->operation.path, "/things");
  EXPECT_EQ(decide("GET /things", read_), "route_unknown");
}

TEST_F(GateTest, ARefusalNamesOperationScopesAndALink) {
  Gate gate({verifier_, catalog_, usage_, clock_}, {"https://tokens.example.com"});
  gate.publish(gate_.table());
  const std::string authorization = "Bearer " + read_;
  const TestRequest request("POST", "/things", "", {{"Authorization", authorization}});
  const Decision decision = gate.decide(request, "api.example.com");
  const std::string body = gate.json_refusal_of(decision, request).body;
  EXPECT_NE(body.find("\"operation\":\"POST /things\""), std::string::npos) << body;
  EXPECT_NE(body.find("\"scopes\":[\"vso.code_write\"]"), std::string::npos) << body;
  EXPECT_NE(body.find("https://tokens.example.com/contoso/_usersSettings/tokens?new=1&scopes="
                      "vso.code_write"),
            std::string::npos)
      << body;
  const TestRequest by_git("POST", "/things", "", {{"User-Agent", "git/2.39.5"}});
  EXPECT_TRUE(gate.refusal_of(decision, by_git).body.starts_with("Access Denied"));
}

TEST_F(GateTest, ContainerClientsGetNoBearerChallenge) {
  ApiSettings api = api_of({});
  api.ready = {"registry"};
  publish({api});
  EXPECT_EQ(decide("GET /v2/", ""), "credential_missing");
  const http::Response answer = gate_.refusal_of(last_, TestRequest("GET", "/v2/", "", {}));
  int challenges = 0;
  for (const auto& [name, value] : answer.headers) {
    if (name != "WWW-Authenticate") continue;
    ++challenges;
    EXPECT_TRUE(value.starts_with("Basic ")) << value;
  }
  EXPECT_EQ(challenges, 1);
}

}  // namespace
}  // namespace latchkey::gate
