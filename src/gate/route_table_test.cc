#include "gate/route_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/text.h"
#include "gate/linear_matcher_for_test.h"
#include "gate/path.h"

namespace latchkey::gate {
namespace {

Operation operation(std::string method, std::string path) {
  return {method + " " + path, std::move(method), std::move(path), {}, false};
}

RouteTable build(const std::vector<Operation>& operations) {
  auto table = RouteTable::build(operations);
  EXPECT_TRUE(table) << table.error().field;
  return *std::move(table);
}

const std::vector<Operation>& our_operations() {
  static const std::vector<Operation> operations = {
      operation("GET", "/{organization}/_apis/projects"),
      operation("POST", "/{organization}/_apis/projects"),
      operation("GET", "/{organization}/_apis/projects/{projectId}"),
      operation("OPTIONS", "/_apis"),
      operation("OPTIONS", "/_apis/{area}"),
      operation("GET", "/_apis/resourceareas"),
      operation("GET", "/openapi.json"),
      operation("GET", "/_latchkey/scopes"),
      operation("HEAD", "/_latchkey/scopes"),
      operation("GET", "/"),
  };
  return operations;
}

// What `method` on `path` matches among our_operations(): its id, or the error's name and detail.
std::string match(std::string_view method, std::string_view path) {
  static const RouteTable table = build(our_operations());
  const auto result = table.match(method, path);
  if (result) return our_operations()[result->operation].operation_id;
  return std::string(error_name(result.error().code)) + result.error().detail;
}

TEST(RouteTable, FindsOperationsByMethodAndPath) {
  EXPECT_EQ(match("GET", "/contoso/_apis/projects"), "GET /{organization}/_apis/projects");
  EXPECT_EQ(match("POST", "/contoso/_apis/projects"), "POST /{organization}/_apis/projects");
  EXPECT_EQ(match("OPTIONS", "/_apis/core"), "OPTIONS /_apis/{area}");
  EXPECT_EQ(match("GET", "/openapi.json"), "GET /openapi.json");
  EXPECT_EQ(match("GET", "/"), "GET /");
  EXPECT_EQ(match("GET", "/_latchkey/scopes"), "GET /_latchkey/scopes");
}

TEST(RouteTable, WhatIsNotInTheTableIsUnknown) {
  for (const char* path : {"/contoso", "/contoso/_apis", "/contoso/_apis/project", "/_latchkey",
                           "/contoso/_apis/projects/a/b", "/openapi.jsonx", "/scopes"}) {
    EXPECT_EQ(match("GET", path), "route_unknown") << path;
  }
}

TEST(RouteTable, ComparesConcreteSegmentsWithoutCase) {
  EXPECT_EQ(match("GET", "/Contoso/_APIs/Projects/A"),
            "GET /{organization}/_apis/projects/{projectId}");
  EXPECT_EQ(match("GET", "/OpenApi.JSON"), "GET /openapi.json");
}

TEST(RouteTable, KeepsParametersAsSentButDecoded) {
  const RouteTable table = build(our_operations());
  const auto result = table.match("GET", "/Contoso/_apis/projects/J%C3%B6rg%20A%2B+");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->parameter("organization"), "Contoso");
  EXPECT_EQ(result->parameter("projectId"), "J\xc3\xb6rg A++");
  EXPECT_DEATH((void)result->parameter("other"), "");
}

TEST(RouteTable, MethodNotAllowedListsMethods) {
  EXPECT_EQ(match("DELETE", "/contoso/_apis/projects"), "method_not_allowedGET, HEAD, POST");
  EXPECT_EQ(match("GET", "/_apis"), "method_not_allowedOPTIONS");
  EXPECT_EQ(match("get", "/openapi.json"), "method_not_allowedGET, HEAD");
}

TEST(RouteTable, HeadIsServedByGetUnlessDeclared) {
  EXPECT_EQ(match("HEAD", "/openapi.json"), "GET /openapi.json");
  EXPECT_EQ(match("HEAD", "/_latchkey/scopes"), "HEAD /_latchkey/scopes");
  EXPECT_EQ(match("HEAD", "/_apis"), "method_not_allowedOPTIONS");
}

TEST(RouteTable, EmptySegmentsCountAsNothing) {
  EXPECT_EQ(match("GET", "//contoso//_apis/projects/"), "GET /{organization}/_apis/projects");
  EXPECT_EQ(match("GET", "///"), "GET /");
}

TEST(RouteTable, EncodedUnreservedCharactersMatch) {
  EXPECT_EQ(match("GET", "/contoso/%5fapis/proj%65cts"), "GET /{organization}/_apis/projects");
}

TEST(RouteTable, RefusesPathsThatCouldBeReadInTwoWays) {
  for (const char* path :
       {"/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/a%00", "/a%", "/a%4", "/a%zz", "/../a", "/a/..",
        "/a/./b", "/%2e%2E/a", "/.%2e", "/a%0a", "/%ff", "/\xc3\x28", "a", ""}) {
    EXPECT_EQ(match("GET", path), "request_malformed") << path;
  }
  EXPECT_EQ(match("GET", "/contoso/_apis/projects/..."),
            "GET /{organization}/_apis/projects/{projectId}");
  EXPECT_EQ(match("GET", "/contoso/_apis/projects/%252f"),
            "GET /{organization}/_apis/projects/{projectId}");
}

TEST(RouteTable, NumberOfSegmentsIsBounded) {
  std::string path;
  for (size_t i = 0; i < kSegmentsMax; ++i) path += "/a";
  const RouteTable table = build({operation("GET", path)});
  EXPECT_TRUE(table.match("GET", path));
  EXPECT_EQ(table.match("GET", path + "/a").error().code, ErrorCode::route_unknown);
  EXPECT_EQ(table.match("GET", path + "/a/..").error().code, ErrorCode::request_malformed);
  EXPECT_FALSE(RouteTable::build({operation("GET", path + "/a")}));
}

TEST(RouteTable, FallsBackToTheTemplateWhenTheConcreteBranchFails) {
  const RouteTable table = build(
      {operation("GET", "/{organization}/_apis/projects"), operation("GET", "/_apis/resourceareas"),
       operation("GET", "/books/{id}/pages"), operation("GET", "/{entity}/me/words")});
  EXPECT_EQ(table.match("GET", "/_apis/_apis/projects")->operation, 0u);
  EXPECT_EQ(table.match("GET", "/books/me/pages")->operation, 2u);
  EXPECT_EQ(table.match("GET", "/books/me/words")->operation, 3u);
}

TEST(RouteTable, ConcreteWinsAtTheFirstDifference) {
  const RouteTable table =
      build({operation("GET", "/{entity}/me"), operation("GET", "/books/{id}")});
  EXPECT_EQ(table.match("GET", "/books/me")->operation, 1u);
  EXPECT_EQ(table.match("GET", "/x/me")->operation, 0u);
}

TEST(RouteTable, TextAndParameterStandBetweenConcreteAndParameter) {
  const RouteTable table =
      build({operation("GET", "/npm/{package}"), operation("GET", "/npm/@{scope}"),
             operation("GET", "/npm/@types"), operation("GET", "/npm/@{scope}-{kind}"),
             operation("GET", "/npm/{*rest}")});
  EXPECT_EQ(table.match("GET", "/npm/left")->operation, 0u);
  EXPECT_EQ(table.match("GET", "/npm/@a")->operation, 1u);
  EXPECT_EQ(table.match("GET", "/npm/@types")->operation, 2u);
  EXPECT_EQ(table.match("GET", "/npm/@a-b")->operation, 3u);
  EXPECT_EQ(table.match("GET", "/npm/@a-b")->parameter("kind"), "b");
  EXPECT_EQ(table.match("GET", "/npm/a/b")->operation, 4u);
}

TEST(RouteTable, ARestTakesAllThatIsLeft) {
  const RouteTable table = build({operation("GET", "/{repo}/{*path}"),
                                  operation("GET", "/{repo}/info/refs"), operation("PUT", "/a")});
  EXPECT_EQ(table.match("GET", "/r/x%20y//z/")->parameter("path"), "x y/z");
  EXPECT_EQ(table.match("GET", "/r/info/refs")->operation, 1u);
  EXPECT_EQ(table.match("GET", "/r/info/refs/x")->operation, 0u);
  EXPECT_EQ(table.match("GET", "/r").error().code, ErrorCode::route_unknown);
  EXPECT_EQ(table.match("GET", "/a").error().code, ErrorCode::method_not_allowed);
  EXPECT_EQ(table.match("GET", "/r/a/..").error().code, ErrorCode::request_malformed);
}

TEST(RouteTable, IndistinguishableTemplatesAreRefused) {
  const auto refused = [](const char* a, const char* b) {
    const auto table = RouteTable::build({operation("GET", a), operation("GET", b)});
    return !table && table.error().code == ErrorCode::configuration;
  };
  EXPECT_TRUE(refused("/a/{b}", "/a/{c}"));
  EXPECT_TRUE(refused("/A", "/a"));
  EXPECT_TRUE(refused("/a%62", "/ab/"));
  EXPECT_TRUE(refused("/a{b}", "/A{c}"));
  EXPECT_TRUE(refused("/a/{*b}", "/a/{*c}"));
  EXPECT_FALSE(refused("/a/{b}", "/a/b"));
  EXPECT_FALSE(refused("/a/{b}", "/a/{*b}"));
  const RouteTable table = build({operation("GET", "/a/{b}"), operation("PUT", "/a/{c}")});
  EXPECT_EQ(table.match("PUT", "/a/x")->parameter("c"), "x");
}

// A node for both would take one's values for the other's.
TEST(RouteTable, ABraceInATextIsNoParameter) {
  const RouteTable table =
      build({operation("GET", "/a{x}b%7B%7Dc"), operation("PUT", "/a%7B%7Db{x}c"),
             operation("GET", "/{id}/v"), operation("GET", "/%7B%7D/v")});
  EXPECT_EQ(table.match("PUT", "/a{}b1c")->parameter("x"), "1");
  EXPECT_EQ(table.match("GET", "/a1b{}c")->parameter("x"), "1");
  EXPECT_EQ(table.match("GET", "/a{}b1c").error().code, ErrorCode::method_not_allowed);
  EXPECT_EQ(table.match("GET", "/1/v")->operation, 2u);
  EXPECT_EQ(table.match("GET", "/{}/v")->operation, 3u);
}

TEST(RouteTable, EachMethodHasItsOwnSpelling) {
  const RouteTable table =
      build({operation("GET", "/Books/{id}"), operation("PUT", "/books/{Id}")});
  EXPECT_TRUE(table.match("GET", "/Books/a")->is_spelled_alike);
  EXPECT_FALSE(table.match("GET", "/books/a")->is_spelled_alike);
  EXPECT_TRUE(table.match("PUT", "/books/a")->is_spelled_alike);
  EXPECT_FALSE(table.match("PUT", "/Books/a")->is_spelled_alike);
  EXPECT_EQ(table.match("PUT", "/books/A")->parameter("Id"), "A");
}

TEST(RouteTable, AgreesWithALinearMatcher) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](size_t n) { return random() % n; };
  const std::vector<std::string> words = {"a", "b", "C", "dd"};
  const std::vector<std::string> methods = {"GET", "HEAD", "PUT"};
  std::map<std::string, int> outcomes;
  for (int round = 0; round < 60; ++round) {
    std::vector<Operation> operations;
    std::map<std::string, bool> taken;
    for (size_t i = 0, count = 1 + pick(60); i < count; ++i) {
      std::string path;
      for (size_t depth = 0, depths = 1 + pick(5); depth < depths; ++depth) {
        const std::string word = words[pick(words.size())];
        const std::string parameter = "{p" + std::to_string(depth) + "}";
        const size_t kind = pick(6);
        path += "/" + (kind < 2    ? parameter
                       : kind == 2 ? word + parameter
                       : kind == 3 ? parameter + word
                                   : word);
      }
      if (pick(5) == 0) path += "/{*rest}";
      const std::string shape = template_key(*parse_template(path));
      const std::string method = methods[pick(methods.size())];
      if (!taken.emplace(method + shape, true).second) continue;
      operations.push_back(operation(method, path));
    }
    const RouteTable table = build(operations);
    for (int i = 0; i < 200; ++i) {
      std::string path;
      for (size_t depth = 0, depths = 1 + pick(5); depth < depths; ++depth) {
        path += "/" + (pick(6) == 0 ? std::string("zz") : words[pick(words.size())]);
        if (pick(3) == 0) path += words[pick(words.size())];
      }
      if (pick(2) == 0) path = ascii_lower(path);
      const std::string& method = methods[pick(methods.size())];
      const auto result = table.match(method, path);
      const std::string actual = result ? operations[result->operation].operation_id
                                        : std::string(error_name(result.error().code));
      ASSERT_EQ(actual, match_linearly(operations, method, path)) << method << " " << path;
      ++outcomes[result ? "found" : actual];
    }
  }
  EXPECT_GT(outcomes["found"], 500);
  EXPECT_GT(outcomes["method_not_allowed"], 50);
  EXPECT_GT(outcomes["route_unknown"], 500);
}

}  // namespace
}  // namespace latchkey::gate
