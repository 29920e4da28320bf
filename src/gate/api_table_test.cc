#include "gate/api_table.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

const core::ScopeCatalog& catalog() {
  static const core::ScopeCatalog built_in = core::ScopeCatalog::built_in();
  return built_in;
}

ApiSettings api(const std::string& name, std::vector<std::string> hosts = {},
                const std::string& prefix = "") {
  ApiSettings made;
  made.name = name;
  made.hosts = std::move(hosts);
  made.path_prefix = prefix;
  made.organization = {OrganizationSource::fixed, "contoso"};
  made.rules = {{"", {"GET"}, "", prefix + "/{*all}", "", {"vso.code"}, RuleAccess::scopes}};
  return made;
}

std::string refused_field(std::vector<ApiSettings> apis) {
  const auto table = ApiTable::build(catalog(), std::move(apis));
  return table ? "none" : table.error().field;
}

TEST(ApiTable, TheExactHostThenTheLongestPrefixWins) {
  const auto table = ApiTable::build(catalog(), {api("any"), api("star", {"*.example.com"}),
                                                 api("exact", {"a.example.com"}, "/v1"),
                                                 api("longer", {"a.example.com"}, "/v1/Things")});
  ASSERT_TRUE(table) << table.error().message;
  const auto chosen = [&](std::string_view host, std::string_view path) {
    const Api* found = (*table)->choose(host, path).api;
    return found ? found->settings.name : "none";
  };
  EXPECT_EQ(chosen("a.example.com", "/v1/x"), "exact");
  EXPECT_EQ(chosen("a.example.com", "/v1/things/7"), "longer");
  EXPECT_EQ(chosen("a.example.com", "/V1//%74hings/7"), "longer");
  EXPECT_EQ(chosen("a.example.com", "/v1things"), "star");
  EXPECT_EQ(chosen("b.example.com", "/v1/x"), "star");
  EXPECT_EQ(chosen("b.c.example.com", "/v1/x"), "any");
  EXPECT_EQ(chosen("example.org", "/"), "any");
  EXPECT_EQ(chosen("example.org", "/../x"), "none");
}

TEST(ApiTable, WithoutAnApiForAnyHostOthersAreNone) {
  const auto table = ApiTable::build(catalog(), {api("a", {"{org}.example.com"})});
  ASSERT_TRUE(table);
  EXPECT_EQ((*table)->choose("example.org", "/").api, nullptr);
  EXPECT_EQ((*table)->choose("x.example.com", "/").organization, "x");
}

TEST(ApiTable, ErrorsNameTheApiAndTheKey) {
  EXPECT_EQ(refused_field({api("a", {"bad host"})}), "gate.api[0].hosts");
  EXPECT_EQ(refused_field({api("a"), api("b")}), "gate.api[1].hosts");
  EXPECT_EQ(refused_field({api("a"), api("a", {"x.com"})}), "gate.api[1].name");
  EXPECT_EQ(refused_field({api("a", {"*.x.com"}), api("b", {"{o}.X.com"})}), "gate.api[1].hosts");
  ApiSettings bad = api("a");
  bad.path_prefix = "/{x}";
  EXPECT_EQ(refused_field({bad}), "gate.api[0].path_prefix");
  bad = api("a");
  bad.rules.clear();
  EXPECT_EQ(refused_field({bad}), "gate.api[0].rules");
  bad.ready = {"svn"};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].ready");
  bad = api("a");
  bad.rules[0].scopes = {"vso.nothing"};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].rules");
  bad = api("a");
  bad.rules[0].path = "x";
  EXPECT_EQ(refused_field({bad}), "gate.api[0].rules[0].path");
  bad = api("a");
  bad.documents = {{"a.yaml", "openapi: 3.0.0\npaths: ["}};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].openapi");
  for (const char* origin :
       {"app.example.com", "https://", "https://a/b", "https://A.com", "null"}) {
    bad = api("a");
    bad.cors.origins = {origin};
    EXPECT_EQ(refused_field({bad}), "gate.api[0].cors_origins") << origin;
  }
}

TEST(ApiTable, EachRequestMustSayItsOrganization) {
  ApiSettings bad = api("a");
  bad.organization.name = "";
  EXPECT_EQ(refused_field({bad}), "gate.api[0].organization");
  bad.organization = {OrganizationSource::fixed, "no/name"};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].organization");
  bad.organization = {OrganizationSource::path_parameter, "organization"};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].organization");
  bad.rules[0].path = "/{organization}/{*all}";
  EXPECT_EQ(refused_field({bad}), "none");
  bad.organization = {OrganizationSource::host, "org"};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].organization");
  bad.hosts = {"{org}.x.com", "y.com"};
  EXPECT_EQ(refused_field({bad}), "gate.api[0].organization");
  bad.hosts = {"{org}.x.com"};
  EXPECT_EQ(refused_field({bad}), "none");
}

TEST(ApiTable, DocumentsRulesAndReadySetsMakeOneTable) {
  ApiSettings all = api("a");
  all.rules[0].path = "/extra";
  all.ready = {"git"};
  all.ready_path = "/git";
  all.base_path = "/v1";
  all.documents = {{"a.yaml",
                    "openapi: 3.1.0\n"
                    "paths:\n  /things:\n    get:\n      operationId: list\n"
                    "      security: [{pat: [vso.code]}]\n"
                    "components: {securitySchemes: {pat: {type: oauth2, flows: {}}}}\n"}};
  const auto table = ApiTable::build(catalog(), {all});
  ASSERT_TRUE(table) << table.error().message;
  const Api& made = (*table)->apis()[0];
  EXPECT_TRUE(made.routes.match("GET", "/v1/things"));
  EXPECT_TRUE(made.routes.match("GET", "/extra"));
  EXPECT_TRUE(made.routes.match("POST", "/git/r/git-upload-pack"));
  EXPECT_EQ(made.files.at("GET /v1/things"), "a.yaml");
  EXPECT_TRUE(made.settings.documents[0].text.empty());
}

}  // namespace
}  // namespace latchkey::gate
