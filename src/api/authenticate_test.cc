#include "api/authenticate.h"

#include <gtest/gtest.h>

#include <set>

#include "base/embedded.h"
#include "gate/request_for_test.h"

LK_EMBEDDED(openapi_json);

namespace latchkey::api {
namespace {

gate::Operation operation(std::vector<gate::SecurityAlternative> security, bool open = false) {
  return {"test", "GET", "/test", std::move(security), open};
}

class Document : public testing::Test {
 protected:
  const core::ScopeCatalog catalog_ = core::ScopeCatalog::built_in();
};

TEST_F(Document, AlternativesAreAnyOneOf) {
  const auto guard = make_guard(catalog_, operation({{"personalAccessToken", {"vso.project"}},
                                                     {"personalAccessToken", {"vso.profile"}},
                                                     {"session", {}}}));
  ASSERT_TRUE(guard);
  EXPECT_TRUE(guard->takes_token);
  EXPECT_TRUE(guard->takes_session);
  EXPECT_EQ(guard->alternatives, (std::vector<std::string>{"vso.project", "vso.profile"}));
  EXPECT_EQ(guard->least_scopes, "vso.project");
  EXPECT_TRUE(guard->scopes.met_by(catalog_.find("vso.profile")->closure));
  EXPECT_TRUE(guard->scopes.met_by(catalog_.find("vso.project_manage")->closure));
  EXPECT_FALSE(guard->scopes.met_by(catalog_.find("vso.wiki")->closure));
}

TEST_F(Document, AClientIsAskedForOneKnownPermission) {
  const auto guard = make_guard(catalog_, operation({{"client", {"report"}}}));
  ASSERT_TRUE(guard);
  EXPECT_EQ(guard->client, core::ClientPermission::report);
  EXPECT_FALSE(guard->takes_token || guard->takes_session || guard->is_open);
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"feed", "report"}, {"everything"}}) {
    EXPECT_FALSE(make_guard(catalog_, operation({{"client", names}})));
  }
}

TEST_F(Document, ScopesOfOneAlternativeAreNeededTogether) {
  const auto guard =
      make_guard(catalog_, operation({{"personalAccessToken", {"vso.project", "vso.graph"}}}));
  ASSERT_TRUE(guard);
  EXPECT_FALSE(guard->scopes.met_by(catalog_.find("vso.project")->closure));
  EXPECT_TRUE(guard->scopes.met_by(catalog_.find("vso.project")->closure |
                                   catalog_.find("vso.graph")->closure));
}

TEST_F(Document, NoScopesIsAnyGoodToken) {
  const auto guard = make_guard(catalog_, operation({{"personalAccessToken", {}}}));
  ASSERT_TRUE(guard);
  EXPECT_TRUE(guard->scopes.met_by(core::ScopeSet()));
}

TEST_F(Document, SessionOnlyIsMetByNoToken) {
  const auto guard = make_guard(catalog_, operation({{"session", {}}}));
  ASSERT_TRUE(guard);
  EXPECT_FALSE(guard->takes_token);
  EXPECT_FALSE(guard->scopes.met_by(core::ScopeSet::all()));
}

TEST_F(Document, UnknownSchemeOrScopeIsRefused) {
  EXPECT_FALSE(make_guard(catalog_, operation({{"apiKey", {}}})));
  const auto guard = make_guard(catalog_, operation({{"personalAccessToken", {"vso.nothing"}}}));
  ASSERT_FALSE(guard);
  EXPECT_EQ(guard.error().code, ErrorCode::configuration);
  EXPECT_NE(guard.error().message.find("vso.nothing"), std::string::npos);
}

TEST_F(Document, EveryOperationHasAHandlerAndEveryHandlerAnOperation) {
  const auto document = gate::parse_openapi(embedded::openapi_json());
  ASSERT_TRUE(document) << document.error().message;
  std::set<std::string> operations;
  for (const gate::Operation& each : document->operations) {
    EXPECT_TRUE(make_guard(catalog_, each)) << each.operation_id;
    operations.insert(each.operation_id);
  }
  std::set<std::string> handlers;
  for (const auto routes :
       {location_routes(), token_routes(), project_routes(), identity_routes(),
        organization_routes(), page_routes(), feed_routes(), oauth_routes(), usage_routes()}) {
    for (const Route& route : routes) handlers.emplace(route.operation_id);
  }
  EXPECT_EQ(operations, handlers);
}

// Contract 1.5: a token never manages tokens.
TEST_F(Document, NoTokenOpensTheLifecycleApi) {
  const auto document = gate::parse_openapi(embedded::openapi_json());
  ASSERT_TRUE(document);
  int seen = 0;
  for (const gate::Operation& each : document->operations) {
    if (each.path.find("/_apis/tokens/pats") == std::string::npos) continue;
    ++seen;
    const auto guard = make_guard(catalog_, each);
    EXPECT_FALSE(guard->takes_token) << each.operation_id;
    EXPECT_FALSE(guard->is_open) << each.operation_id;
    EXPECT_TRUE(guard->takes_session) << each.operation_id;
  }
  EXPECT_EQ(seen, 5);
}

TEST(OriginOf, BoundsAndCleansTheUserAgent) {
  const auto agent_of = [](std::string_view agent) {
    const std::vector<http::Header> headers{{"User-Agent", agent}};
    return origin_of(gate::TestRequest("GET", "/", "", headers)).user_agent;
  };
  EXPECT_EQ(agent_of("curl/7.88.1"), "curl/7.88.1");
  EXPECT_EQ(agent_of(std::string(1000, 'a')), std::string(256, 'a'));
  EXPECT_EQ(agent_of(std::string(255, 'a') + "\xc3\xa9"), std::string(255, 'a'));
  EXPECT_EQ(agent_of("\xff\xfe"), "");
  EXPECT_EQ(agent_of("a\tb\x7f"), "");
}

}  // namespace
}  // namespace latchkey::api
