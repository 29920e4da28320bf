#include "gate/route_report.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

RouteReport report(const std::vector<std::pair<std::string, std::string>>& routes) {
  static const core::ScopeCatalog catalog = core::ScopeCatalog::built_in();
  std::vector<Operation> operations;
  for (const auto& [method, path] : routes) {
    operations.push_back({method + " " + path, method, path, {{"oauth2", {"vso.code"}}}, false});
  }
  const auto guarded = GuardedRoutes::build(catalog, operations, {});
  EXPECT_TRUE(guarded);
  return report_routes(guarded->operations());
}

TEST(RouteReport, NamesWhatTheFirstDifferenceDecides) {
  const auto found = report({{"GET", "/{entity}/me"}, {"GET", "/books/{id}"}, {"GET", "/a/b"}});
  ASSERT_EQ(found.ambiguous.size(), 1u);
  EXPECT_EQ(found.ambiguous[0],
            "/books/{id} and /{entity}/me can be one path; the first difference decides");
  EXPECT_TRUE(found.hidden.empty());
}

TEST(RouteReport, NamesWhereAMethodIsHidden) {
  const auto found = report({{"GET", "/users/{id}"}, {"POST", "/users/me"}, {"GET", "/users/all"}});
  ASSERT_EQ(found.hidden.size(), 1u);
  EXPECT_EQ(found.hidden[0], "GET /users/{id} is not reached at /users/me, which has no GET");
  EXPECT_TRUE(report({{"HEAD", "/users/{id}"}, {"GET", "/users/me"}}).hidden.empty());
}

TEST(RouteReport, MixedSegmentsMeetWhatTheyMatch) {
  EXPECT_EQ(report({{"GET", "/@{scope}"}, {"PUT", "/@types"}}).hidden.size(), 1u);
  EXPECT_TRUE(report({{"GET", "/@{scope}"}, {"PUT", "/types"}}).hidden.empty());
}

TEST(RouteReport, ARestIsHiddenByWhatIsLonger) {
  const auto found = report({{"GET", "/{*all}"}, {"POST", "/a/b/c"}});
  ASSERT_EQ(found.hidden.size(), 1u);
  EXPECT_EQ(found.hidden[0], "GET /{*all} is not reached at /a/b/c, which has no GET");
  EXPECT_TRUE(report({{"GET", "/{*all}"}, {"*", "/a/b/c"}}).hidden.empty());
  EXPECT_TRUE(report({{"GET", "/b/{*all}"}, {"POST", "/a/b/c"}}).hidden.empty());
}

TEST(RouteReport, CountsWhatAsksForNoScope) {
  static const core::ScopeCatalog catalog = core::ScopeCatalog::built_in();
  const std::vector<Operation> operations = {
      {"a", "GET", "/a", {{"basic", {}}}, false},
      {"b", "GET", "/b", {}, true},
      {"c", "GET", "/c", {}, true},
      {"d", "GET", "/d", {{"oauth2", {"vso.code"}}}, false},
  };
  const auto guarded = GuardedRoutes::build(catalog, operations, {.open_operations = {"c"}});
  ASSERT_TRUE(guarded);
  const auto found = report_routes(guarded->operations());
  EXPECT_EQ(found.operations, 4u);
  EXPECT_EQ(found.open, 1u);
  EXPECT_EQ(found.any_token, (std::vector<std::string>{"GET /a", "GET /b"}));
}

}  // namespace
}  // namespace latchkey::gate
