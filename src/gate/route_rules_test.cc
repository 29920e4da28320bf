#include "gate/route_rules.h"

#include <gtest/gtest.h>

#include "gate/guarded_routes.h"

namespace latchkey::gate {
namespace {

RouteRule rule(std::string method, std::string path, std::vector<std::string> scopes,
               std::string query = "", std::string host = "") {
  return {"",
          {std::move(method)},
          std::move(host),
          std::move(path),
          std::move(query),
          std::move(scopes),
          RuleAccess::scopes};
}

std::string refusal(const RouteRule& bad) {
  const auto compiled = compile_rules({rule("GET", "/good", {"vso.code"}), bad});
  return compiled ? "none" : compiled.error().field;
}

const core::ScopeCatalog& catalog() {
  static const core::ScopeCatalog built_in = core::ScopeCatalog::built_in();
  return built_in;
}

// What opens a request under `rules`: scopes joined by '|', or the error's name.
std::string opened_by(const std::vector<RouteRule>& rules, const std::string& method,
                      const std::string& path, const std::string& query = "",
                      const std::string& host = "") {
  const auto routes = GuardedRoutes::build(catalog(), *compile_rules(rules), {});
  if (!routes) return routes.error().message;
  const auto match = routes->match(method, path, {host, query});
  if (!match) return std::string(error_name(match.error().code));
  if (match->access.is_open) return "open";
  std::string text;
  for (const auto& names : match->operation->alternatives) {
    if (!text.empty()) text += '|';
    for (const std::string& name : names) text += name + ' ';
  }
  return text;
}

TEST(RouteRules, ErrorsNameTheRuleAndTheKey) {
  EXPECT_EQ(refusal(rule("get", "/a", {"vso.code"})), "rules[1].methods");
  EXPECT_EQ(refusal(rule("TRACE", "/a", {"vso.code"})), "rules[1].methods");
  EXPECT_EQ(refusal(rule("CONNECT", "/a", {"vso.code"})), "rules[1].methods");
  EXPECT_EQ(refusal(rule("GET", "a", {"vso.code"})), "rules[1].path");
  EXPECT_EQ(refusal(rule("GET", "/{*rest}/a", {"vso.code"})), "rules[1].path");
  EXPECT_EQ(refusal(rule("GET", "/a?b=c", {"vso.code"})), "rules[1].path");
  EXPECT_EQ(refusal(rule("GET", "/a", {})), "rules[1].scopes");
  EXPECT_EQ(refusal(rule("GET", "/a", {"vso.code  vso.wiki"})), "rules[1].scopes");
  EXPECT_EQ(refusal(rule("GET", "/a", {"vso.code"}, "service")), "rules[1].query");
  EXPECT_EQ(refusal(rule("GET", "/a", {"vso.code"}, "=x")), "rules[1].query");
  EXPECT_EQ(refusal(rule("GET", "/a", {"vso.code"}, "a=b&c=d")), "rules[1].query");
  EXPECT_EQ(refusal(rule("GET", "/a", {"vso.code"}, "", "a/b")), "rules[1].host");
  RouteRule open = rule("GET", "/a", {"vso.code"});
  open.access = RuleAccess::open;
  EXPECT_EQ(refusal(open), "rules[1].scopes");
  EXPECT_EQ(refusal({"", {}, "", "/a", "", {"vso.code"}, RuleAccess::scopes}), "rules[1].methods");
  EXPECT_EQ(refusal({"", {"GET", "GET"}, "", "/a", "", {"vso.code"}, RuleAccess::scopes}),
            "rules[1].methods");
}

TEST(RouteRules, ScopesAreAlternativesAndSpacesMeanTogether) {
  EXPECT_EQ(opened_by({rule("GET", "/a", {"vso.code", "vso.wiki vso.work"})}, "GET", "/a"),
            "vso.code |vso.wiki vso.work ");
  EXPECT_NE(opened_by({rule("GET", "/a", {"vso.nothing"})}, "GET", "/a").find("vso.nothing"),
            std::string::npos);
}

TEST(RouteRules, LiteralsAreNoPatterns) {
  const std::vector<RouteRule> rules = {rule("GET", "/a.b*(c)+[d]", {"vso.code"})};
  EXPECT_EQ(opened_by(rules, "GET", "/a.b*(c)+[d]"), "vso.code ");
  EXPECT_EQ(opened_by(rules, "GET", "/aXb*(c)+[d]"), "route_unknown");
}

TEST(RouteRules, AStarIsEachMethodThatHasNoRuleOfItsOwn) {
  const std::vector<RouteRule> rules = {rule("GET", "/a", {"vso.code"}),
                                        rule("*", "/a", {"vso.code_write"})};
  EXPECT_EQ(opened_by(rules, "GET", "/a"), "vso.code ");
  EXPECT_EQ(opened_by(rules, "HEAD", "/a"), "vso.code ");
  EXPECT_EQ(opened_by(rules, "PROPFIND", "/a"), "vso.code_write ");
  EXPECT_EQ(opened_by(rules, "TRACE", "/a"), "method_not_allowed");
  EXPECT_EQ(opened_by(rules, "CONNECT", "/a"), "method_not_allowed");
}

TEST(RouteRules, AQueryTellsRulesApart) {
  const std::vector<RouteRule> rules = {rule("GET", "/refs", {"vso.work"}, "service="),
                                        rule("GET", "/refs", {"vso.code"}, "service=up"),
                                        rule("GET", "/refs", {"vso.code_write"}, "service=down")};
  EXPECT_EQ(opened_by(rules, "GET", "/refs", "service=up"), "vso.code ");
  EXPECT_EQ(opened_by(rules, "GET", "/refs", "x=1&service=down"), "vso.code_write ");
  EXPECT_EQ(opened_by(rules, "GET", "/refs", "service=dow%6e"), "vso.code_write ");
  EXPECT_EQ(opened_by(rules, "GET", "/refs"), "vso.work ");
  EXPECT_EQ(opened_by(rules, "GET", "/refs", "service=other"), "route_unknown");
  EXPECT_EQ(opened_by(rules, "GET", "/refs", "service="), "route_unknown");
  for (const char* query : {"service=up&service=down", "Service=up", "service=up&SERVICE=down",
                            "x=1;service=down", "service=up;", "service=%zz"}) {
    EXPECT_EQ(opened_by(rules, "GET", "/refs", query), "request_malformed") << query;
  }
}

TEST(RouteRules, AHostTellsRulesApart) {
  const std::vector<RouteRule> rules = {rule("GET", "/a", {"vso.code"}),
                                        rule("GET", "/a", {"vso.wiki"}, "", "*.b.com"),
                                        rule("GET", "/a", {"vso.work"}, "", "a.b.com")};
  EXPECT_EQ(opened_by(rules, "GET", "/a", "", "a.b.com"), "vso.work ");
  EXPECT_EQ(opened_by(rules, "GET", "/a", "", "c.b.com"), "vso.wiki ");
  EXPECT_EQ(opened_by(rules, "GET", "/a", "", "b.com"), "vso.code ");
}

TEST(RouteRules, WhatCannotBeToldApartIsRefused) {
  EXPECT_NE(opened_by({rule("GET", "/a/{x}", {"vso.code"}), rule("GET", "/A/{y}", {"vso.wiki"})},
                      "GET", "/a/b")
                .find("cannot be told from"),
            std::string::npos);
  EXPECT_NE(opened_by({rule("GET", "/{x}", {"vso.code"}), rule("GET", "/{y}", {"vso.wiki"}, "a=b")},
                      "GET", "/a")
                .find("must be written as"),
            std::string::npos);
  EXPECT_EQ(
      opened_by({rule("GET", "/a", {"vso.code"}), rule("GET", "/a", {"vso.code"})}, "GET", "/a"),
      "vso.code ");
}

TEST(RouteRules, OnlyTheOperatorsWordOpens) {
  RouteRule open{"open", {"GET"}, "", "/a", "", {}, RuleAccess::open};
  RouteRule any{"any", {"GET"}, "", "/b", "", {}, RuleAccess::any_token};
  EXPECT_EQ(opened_by({open, any}, "GET", "/a"), "open");
  EXPECT_EQ(opened_by({open, any}, "GET", "/b"), "");
}

}  // namespace
}  // namespace latchkey::gate
