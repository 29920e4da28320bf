#include "gate/guarded_routes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/json.h"
#include "base/source_dir_for_test.h"
#include "base/text.h"

namespace latchkey::gate {
namespace {

const core::ScopeCatalog& catalog() {
  static const core::ScopeCatalog built_in = core::ScopeCatalog::built_in();
  return built_in;
}

Operation operation(const std::string& path, std::vector<std::string> scopes,
                    bool is_open = false) {
  Operation made{"GET " + path, "GET", path, {}, is_open};
  if (!is_open) made.security.push_back({"oauth2", std::move(scopes)});
  return made;
}

core::ScopeSet closure(const std::string& scope) {
  return catalog().parse_requested(scope)->closure;
}

// Whether a token of exactly `scope` may do what is the first of `routes`.
bool opens(const GuardedRoutes& routes, const std::string& scope) {
  return routes.operations()[0].requirement.met_by(closure(scope));
}

TEST(GuardedRoutes, ScopesOfOneEntryAreNeededTogetherOrAnyOne) {
  const std::vector<Operation> operations = {operation("/a", {"vso.code", "vso.wiki"})};
  const auto all = GuardedRoutes::build(catalog(), operations, {});
  ASSERT_TRUE(all);
  EXPECT_FALSE(opens(*all, "vso.code"));
  EXPECT_TRUE(opens(*all, "vso.code vso.wiki"));
  const auto any = GuardedRoutes::build(catalog(), operations, {.scope_list = ScopeList::any_one});
  ASSERT_TRUE(any);
  EXPECT_TRUE(opens(*any, "vso.code"));
  EXPECT_TRUE(opens(*any, "vso.wiki_write"));
  EXPECT_FALSE(opens(*any, "vso.work"));
  EXPECT_EQ(describe_alternatives(all->operations()[0].alternatives),
            "vso.code with vso.wiki, or full access");
  EXPECT_EQ(describe_alternatives(any->operations()[0].alternatives),
            "vso.code, or vso.wiki, or full access");
}

TEST(GuardedRoutes, AnOpenOperationTakesAnyGoodTokenUnlessTheOperatorOpensIt) {
  const std::vector<Operation> operations = {operation("/a", {}, true)};
  const auto closed = GuardedRoutes::build(catalog(), operations, {});
  ASSERT_TRUE(closed);
  EXPECT_FALSE(closed->operations()[0].is_open);
  EXPECT_TRUE(opens(*closed, "vso.work"));
  const auto open = GuardedRoutes::build(catalog(), operations, {.open_operations = {"GET /a"}});
  ASSERT_TRUE(open);
  EXPECT_TRUE(open->operations()[0].is_open);
}

TEST(GuardedRoutes, RefusesWhatWouldOpenSomethingElse) {
  const auto refusal = [](const std::vector<Operation>& operations, GuardOptions options = {}) {
    const auto routes = GuardedRoutes::build(catalog(), operations, options);
    return routes ? std::string("none") : routes.error().message;
  };
  EXPECT_NE(refusal({operation("/a", {"vso.nothing"})}).find("GET /a asks for the scope"),
            std::string::npos);
  EXPECT_NE(refusal({operation("/a", {"vso.code"})}, {.open_operations = {"GET /b"}})
                .find("no document has it"),
            std::string::npos);
  EXPECT_NE(refusal({operation("/a", {"vso.code"})}, {.open_operations = {"GET /a"}})
                .find("its document asks for a credential"),
            std::string::npos);
  EXPECT_NE(refusal({operation("/{a}", {"vso.code"}), operation("/{b}", {"vso.work"})})
                .find("cannot be told from /{a}"),
            std::string::npos);
  EXPECT_EQ(refusal({operation("/{a}", {"vso.code"}), operation("/{b}", {"vso.code"})}), "none");
}

TEST(GuardedRoutes, OnlyFullAccessOpensWhatAsksForAnUnknownScope) {
  const auto routes = GuardedRoutes::build(catalog(), {operation("/a", {"orders.read"})},
                                           {.unknown_scopes = UnknownScopes::need_full_access});
  ASSERT_TRUE(routes);
  EXPECT_TRUE(opens(*routes, "app_token"));
  for (const core::Scope& scope : catalog().scopes()) {
    if (scope.closure == core::ScopeSet::all()) continue;
    EXPECT_FALSE(routes->operations()[0].requirement.met_by(scope.closure)) << scope.identifier;
  }
  EXPECT_EQ(routes->operations()[0].unknown_scopes, std::vector<std::string>{"orders.read"});
}

TEST(GuardedRoutes, WithoutSecurityNothingIsMet) {
  const auto routes = GuardedRoutes::build(catalog(), {Operation{"a", "GET", "/a", {}, false}}, {});
  ASSERT_TRUE(routes);
  EXPECT_FALSE(opens(*routes, "app_token"));
}

// A Swagger document of the operations of `rows`, in the form of the published files.
std::string swagger_of(const std::vector<const json::object*>& rows) {
  json::object paths;
  for (const json::object* row : rows) {
    std::string method = ascii_lower(std::string_view(row->at("method").get_string()));
    json::value& item = paths[row->at("path").get_string()];
    if (!item.is_object()) item = json::object();
    json::object fields{{"operationId", row->at("operationId")}};
    const json::array& scopes = row->at("scopes").get_array();
    if (!scopes.empty()) fields["security"] = {{{"oauth2", scopes}}};
    item.get_object()[method] = std::move(fields);
  }
  const json::value document = {
      {"swagger", "2.0"},
      {"basePath", "/"},
      {"security", {{{"accessToken", json::array()}}}},
      {"securityDefinitions", {{"accessToken", json::object()}, {"oauth2", json::object()}}},
      {"paths", std::move(paths)}};
  return format_json(document);
}

// `path` of the published files with a value for each parameter.
std::string example_of(std::string_view path) {
  std::string example;
  bool in_name = false;
  for (const char c : path.substr(0, path.find('?'))) {
    if (c == '{') example += "value";
    in_name = c == '{' || (in_name && c != '}');
    if (!in_name && c != '}') example += c;
  }
  return example;
}

// Contract section 10.1: every operation is opened by exactly the scopes of operations.jsonl and
// what implies them; one without any by every token.
TEST(GuardedRoutes, DecidesEveryPublishedOperationForEveryScope) {
  std::ifstream file(source_dir_for_test() + "/spec/azure-devops/operations.jsonl");
  std::vector<json::value> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(*parse_json(line));
  ASSERT_GT(lines.size(), 300u);
  std::map<std::string, std::vector<const json::object*>> by_host;
  for (const json::value& line : lines) {
    by_host[std::string(line.at("host").get_string())].push_back(&line.get_object());
  }
  size_t decisions = 0;
  for (const auto& [host, rows] : by_host) {
    const auto document = load_openapi(swagger_of(rows), {});
    ASSERT_TRUE(document) << document.error().message;
    const auto routes =
        GuardedRoutes::build(catalog(), document->operations, {.scope_list = ScopeList::any_one});
    ASSERT_TRUE(routes) << routes.error().message;
    for (const json::object* row : rows) {
      const std::string path = example_of(row->at("path").get_string());
      const auto match = routes->match(row->at("method").get_string(), path);
      ASSERT_TRUE(match) << path;
      const json::array& scopes = row->at("scopes").get_array();
      for (const core::Scope& scope : catalog().scopes()) {
        const bool expected =
            scopes.empty() || std::any_of(scopes.begin(), scopes.end(), [&](const auto& needed) {
              return scope.closure.contains(catalog().find(needed.get_string())->number);
            });
        ASSERT_EQ(match->access.requirement->met_by(scope.closure), expected)
            << scope.identifier << " for " << row->at("method") << " " << path;
        ++decisions;
      }
    }
  }
  EXPECT_GT(decisions, 30'000u);
}

}  // namespace
}  // namespace latchkey::gate
