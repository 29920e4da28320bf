#include "gate/api_report.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

RouteRule rule(const std::string& path, const std::string& host = "") {
  return {"", {"GET"}, host, path, "", {"vso.code"}, RuleAccess::scopes};
}

ApiSettings api(const std::string& name, const std::string& prefix, std::vector<RouteRule> rules) {
  ApiSettings made;
  made.name = name;
  made.path_prefix = prefix;
  made.hosts = {"a.example.com"};
  made.organization = {OrganizationSource::fixed, "contoso"};
  made.rules = std::move(rules);
  return made;
}

TEST(ApiReport, TellsWhatNoRequestReaches) {
  const auto table = ApiTable::build(
      core::ScopeCatalog::built_in(),
      {api("one", "/v1",
           {rule("/v1/a"), rule("/v2/a"), rule("/v1/two/b"), rule("/{*rest}"), rule("/{x}/c"),
            rule("/{x}"), rule("/v1/d", "b.example.com"), rule("/v1/e", "*.example.com")}),
       api("two", "/v1/two", {rule("/v1/two/{b}")})});
  ASSERT_TRUE(table) << table.error().message;
  const ApiReport report = report_api(**table, (*table)->apis()[0]);
  EXPECT_EQ(report.unreachable,
            (std::vector<std::string>{"GET /v2/a is outside the path_prefix of its API",
                                      "GET /v1/two/b is taken by the API 'two'",
                                      "GET /v1/d is for a host that its API does not have"}));
  EXPECT_TRUE(report_api(**table, (*table)->apis()[1]).unreachable.empty());
}

TEST(ApiReport, DescribesWhatRulesAskFor) {
  EXPECT_EQ(describe_condition({}), "");
  EXPECT_EQ(describe_condition({"a.com", "service", "x"}), "host a.com and service=x");
  EXPECT_EQ(describe_condition({"", "service", ""}), "no service");
  EXPECT_EQ(describe_organization({OrganizationSource::path_parameter, "org"}),
            "{org} of the path");
}

}  // namespace
}  // namespace latchkey::gate
