#include "gate/openapi.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/source_dir_for_test.h"
#include "gate/route_table.h"

namespace latchkey::gate {
namespace {

// A document with `paths`, two schemes, one shared parameter and `rest` at its top level.
std::string document(const std::string& paths, const std::string& rest = "") {
  return R"({"openapi":"3.1.0","info":{"title":"t","version":"1"},)" + rest +
         R"("components":{"securitySchemes":{"pat":{},"session":{}},)"
         R"("parameters":{"Id":{"name":"id","in":"path"},"Again":{"$ref":"#/x"}}},"paths":)" +
         paths + "}";
}

// The message of the error that reading `text` gives.
std::string refusal(const std::string& text) {
  const auto result = parse_openapi(text);
  if (result) return "none";
  EXPECT_EQ(result.error().code, ErrorCode::configuration);
  return result.error().message;
}

TEST(OpenApi, ReadsOperationsWithTheirAlternatives) {
  const auto read = parse_openapi(document(R"({"/a/{id}":{
    "parameters":[{"$ref":"#/components/parameters/Id"},{"name":"q","in":"query"}],
    "summary":"s","x-note":1,
    "get":{"operationId":"getA","security":[{"pat":["r","w"]},{"session":[]}]},
    "patch":{"security":[{},{"pat":[]}]},
    "delete":{"operationId":"deleteA","security":[]}}, "x-other": 1})"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->operations.size(), 3u);
  const Operation& get = read->operations[0];
  EXPECT_EQ(get.operation_id, "getA");
  EXPECT_EQ(get.method, "GET");
  EXPECT_EQ(get.path, "/a/{id}");
  EXPECT_FALSE(get.is_open);
  ASSERT_EQ(get.security.size(), 2u);
  EXPECT_EQ(get.security[0].scheme, "pat");
  EXPECT_EQ(get.security[0].scopes, (std::vector<std::string>{"r", "w"}));
  EXPECT_EQ(get.security[1].scheme, "session");
  EXPECT_TRUE(get.security[1].scopes.empty());
  EXPECT_EQ(read->operations[1].operation_id, "PATCH /a/{id}");
  EXPECT_TRUE(read->operations[1].is_open);
  EXPECT_EQ(read->operations[1].security.size(), 1u);
  EXPECT_TRUE(read->operations[2].is_open);
}

TEST(OpenApi, OperationWithoutSecurityIsRefusedByName) {
  const std::string paths = R"({"/a":{"get":{"operationId":"a"}}})";
  EXPECT_NE(refusal(document(paths)).find("GET /a says nothing about security"), std::string::npos);
  const auto read = parse_openapi(document(paths, R"("security":[{"pat":["x"]}],)"));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->operations[0].is_open);
  EXPECT_EQ(read->operations[0].security[0].scopes[0], "x");
}

TEST(OpenApi, OperationOverridesTheDocument) {
  const auto read = parse_openapi(
      document(R"({"/a":{"get":{"security":[]}}})", R"("security":[{"pat":["x"]}],)"));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->operations[0].is_open);
}

TEST(OpenApi, RefusesWhatItCannotGuard) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"/a":{"get":{"security":[{"other":[]}]}}})", "GET /a names the security scheme 'other'"},
      {R"({"/a":{"get":{"security":[{"pat":[],"session":[]}]}}})", "several security schemes"},
      {R"({"/a":{"get":{"security":{}}}})", "no array"},
      {R"({"/a":{"get":{"security":null}}})", "no array"},
      {R"({"/a":{"get":{"security":[[]]}}})", "no object"},
      {R"({"/a":{"get":{"security":[{"pat":"x"}]}}})", "scopes that are no array"},
      {R"({"/a":{"get":{"security":[{"pat":[1]}]}}})", "a scope that is no text"},
      {R"({"/a":{"get":{"security":[{"pat":[""]}]}}})", "a scope that is no text"},
      {R"({"/a":{"get":1}})", "GET /a must be an object"},
      {R"({"/a":{"$ref":"other.json"}})", "member '$ref'"},
      {R"({"/a":{"$ref":"#/nothing"}})", "member '$ref'"},
      {R"({"/a":{"$ref":"#/paths/~1a"}})", "leads in a circle"},
      {R"({"/a":{"GET":{"security":[]}}})", "member 'GET'"},
      {R"({"/a":[]})", "/a must be an object"},
      {R"({"a":{}})", "must begin with a slash"},
      {R"({"/a{b":{}})", "a brace that is no parameter"},
      {R"({"/{a}{b}":{}})", "two parameters with nothing between"},
      {R"({"/{a}/{a}":{}})", "twice"},
      {R"({"/a/../b":{}})", "no request's path"},
      {R"({"/a/%2f":{}})", "no request's path"},
      {R"({"/a":{"get":{"operationId":"x","security":[]},)"
       R"("put":{"operationId":"x","security":[]}}})",
       "operationId 'x' of another operation"},
      {R"({"/{b}":{"get":{"security":[]}}})", "does not declare the path parameter 'b'"},
      {R"({"/a":{"get":{"security":[],"parameters":[{"name":"b","in":"path"}]}}})",
       "declares the path parameter 'b'"},
      {R"({"/{id}":{"get":{"security":[],"parameters":[{"$ref":"#/components/parameters/No"}]}}})",
       "refers to the parameter '#/components/parameters/No'"},
      {R"({"/{id}":{"get":{"security":[],"parameters":[{"$ref":"http://x/p.json"}]}}})",
       "refers to the parameter 'http://x/p.json'"},
      {R"({"/{id}":{"get":{"security":[],)"
       R"("parameters":[{"$ref":"#/components/parameters/Again"}]}}})",
       "refers to the parameter"},
      {R"({"/a":{"servers":[{"url":"v1"}],"get":{"security":[]}}})", "the relative server 'v1'"},
      {R"({"/a":{"get":{"security":[],"parameters":{}}}})", "parameters that are no array"},
      {R"({"/a":{"get":{"security":[],"parameters":[1]}}})", "a parameter that is no object"},
  };
  for (const auto& [paths, expected] : cases) {
    EXPECT_NE(refusal(document(paths)).find(expected), std::string::npos)
        << paths << "\n"
        << refusal(document(paths));
  }
}

TEST(OpenApi, RefusesOtherDocuments) {
  EXPECT_NE(refusal("").find("cannot be read"), std::string::npos);
  EXPECT_NE(refusal("[]").find("must be an object"), std::string::npos);
  EXPECT_NE(refusal("{}").find("openapi must be"), std::string::npos);
  EXPECT_NE(refusal(R"({"openapi":"2.0","paths":{}})").find("openapi must be"), std::string::npos);
  EXPECT_NE(refusal(R"({"openapi":"3.0.3"})").find("paths is missing"), std::string::npos);
  EXPECT_NE(refusal(R"({"openapi":"3.0.3","paths":{"/a":{},"/a":{}}})").find("cannot be read"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(kDocumentBytesMax + 1, ' ')).find("is over"), std::string::npos);
}

// "METHOD path" of each operation of `text`, joined by commas, or the message of the refusal.
std::string load(const std::string& text, const OpenApiOptions& options = {}) {
  const auto read = load_openapi(text, options);
  if (!read) return read.error().message;
  std::string list;
  for (const Operation& operation : read->operations) {
    list += (list.empty() ? "" : ",") + operation.method + " " + operation.path;
  }
  return list;
}

TEST(LoadOpenApi, WhatDoesNotBearOnWhoMayCallIsAFinding) {
  const auto read = load_openapi(
      document(R"({"/a/{id}":{"get":{"operationId":"x","security":[{"pat":["r"],"session":[]}]}},
                   "/b":{"query":{},"get":{"operationId":"x","security":[{"pat":[]}],
                   "parameters":[{"name":"z","in":"path"},{"$ref":"#/no"}]}}})"),
      {});
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->operations.size(), 2u);
  EXPECT_EQ(read->operations[0].security[0].scopes, std::vector<std::string>{"r"});
  EXPECT_EQ(read->operations[1].operation_id, "GET /b");
  ASSERT_EQ(read->findings.size(), 6u);
  EXPECT_EQ(read->findings[0].rule,
            "asks for several security schemes at once; list them as alternatives");
  EXPECT_EQ(read->findings[1].rule, "does not declare the path parameter 'id'");
}

TEST(LoadOpenApi, ReadsSwaggerTwo) {
  const std::string swagger = R"({"swagger":"2.0","basePath":"/v1/","security":[{"basic":[]}],
    "securityDefinitions":{"basic":{"type":"basic"},"oauth":{"type":"oauth2"}},
    "parameters":{"Id":{"name":"id","in":"path"}},
    "paths":{"/a/{id}":{"parameters":[{"$ref":"#/parameters/Id"}],
      "get":{"security":[{"oauth":["r","w"]}]},"put":{},"delete":{"security":[]}}},
    "x-ms-paths":{"/b?x={x}":{"get":{}}}})";
  const auto read = load_openapi("\xef\xbb\xbf" + swagger, {});
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->operations.size(), 4u);
  EXPECT_EQ(read->operations[0].path, "/v1/a/{id}");
  EXPECT_EQ(read->operations[0].security[0].scopes, (std::vector<std::string>{"r", "w"}));
  EXPECT_EQ(read->operations[1].security[0].scheme, "basic");
  EXPECT_FALSE(read->operations[1].is_open);
  EXPECT_TRUE(read->operations[2].is_open);
  EXPECT_EQ(read->operations[3].path, "/v1/b");
  EXPECT_TRUE(read->findings.empty());
}

TEST(LoadOpenApi, ReadsYaml) {
  const std::string yaml = R"(openapi: 3.0.3
x-shared: &read
  - oauth: [read]
components:
  securitySchemes:
    oauth: {type: oauth2}
paths:
  /things/{id}:
    get:
      security: *read
      parameters:
        - {name: id, in: path}
    delete:
      security:
        - oauth: [read, write]
)";
  EXPECT_EQ(load(yaml), "GET /things/{id},DELETE /things/{id}");
  EXPECT_EQ(load("swagger: 2.0\npaths: {}\n"), "");
  EXPECT_NE(load("openapi: 3.0.3\npaths: {/a: {}\n").find("Line 3"), std::string::npos);
  EXPECT_NE(load("{\n\"openapi\": \n").find("in line 3"), std::string::npos);
}

TEST(LoadOpenApi, PathsBeginAsTheServersSay) {
  const auto with_servers = [](const std::string& servers, const std::string& item = "",
                               const std::string& operation = "") {
    return document(R"({"/a":{)" + item + R"("get":{)" + operation + R"("security":[]}}})",
                    servers.empty() ? "" : "\"servers\":" + servers + ",");
  };
  EXPECT_EQ(load(with_servers("")), "GET /a");
  EXPECT_EQ(load(with_servers("[]")), "GET /a");
  EXPECT_EQ(load(with_servers(R"([{"url":"/"}])")), "GET /a");
  EXPECT_EQ(load(with_servers(R"([{"url":"https://x.example/v1/"}])")), "GET /v1/a");
  EXPECT_EQ(load(with_servers(R"([{"url":"https://x.example"},{"url":"//y/v2"}])")),
            "GET /a,GET /v2/a");
  EXPECT_EQ(load(with_servers(R"([{"url":"https://{r}.example/{b}","variables":
                                  {"b":{"enum":["x","y"],"default":"x"}}}])")),
            "GET /x/a,GET /y/a");
  EXPECT_EQ(load(with_servers(R"([{"url":"/doc"}])", R"("servers":[{"url":"/item"}],)")),
            "GET /item/a");
  EXPECT_EQ(load(with_servers(R"([{"url":"/doc"}])", R"("servers":[{"url":"/item"}],)",
                              R"("servers":[{"url":"/operation"}],)")),
            "GET /operation/a");
  EXPECT_EQ(load(with_servers(R"([{"url":"v1"}])"), {"/base", FindingRule::collect}),
            "GET /base/a");
  EXPECT_NE(load(with_servers(R"([{"url":"/{b}"}])")).find("'b', which has no value"),
            std::string::npos);
  EXPECT_NE(load(with_servers(R"([{"url":"/{b"}])")).find("no variable"), std::string::npos);
  EXPECT_NE(load(with_servers(R"([{"url":"/a?b"}])")).find("query"), std::string::npos);
}

TEST(LoadOpenApi, NumberOfServersIsBounded) {
  std::string values;
  for (int i = 0; i < 30; ++i) values += (i ? "," : "") + ("\"v" + std::to_string(i) + "\"");
  const std::string servers = R"("servers":[{"url":"/{a}/{b}/{c}/{d}","variables":{)"
                              R"("a":{"enum":[)" +
                              values + R"(]},"b":{"enum":[)" + values + R"(]},"c":{"enum":[)" +
                              values + R"(]},"d":{"enum":[)" + values + "]}}}],";
  EXPECT_NE(load(document(R"({"/a":{"get":{"security":[]}}})", servers)).find("more than 64 paths"),
            std::string::npos);
}

TEST(LoadOpenApi, FollowsPathItemsWithinTheDocument) {
  EXPECT_EQ(load(document(R"({"/a":{"$ref":"#/x-items/one~1two"}})",
                          R"("x-items":{"one/two":{"get":{"security":[]}}},)")),
            "GET /a");
}

TEST(OpenApi, BoundsTheNumberOfOperations) {
  const auto paths = [](size_t count) {
    std::string text = "{";
    for (size_t i = 0; i < count; ++i) {
      if (i != 0) text += ',';
      text += "\"/" + std::to_string(i) + "\":{\"get\":{\"security\":[]}}";
    }
    return text + "}";
  };
  EXPECT_EQ(refusal(document(paths(kOperationsMax))), "none");
  EXPECT_NE(refusal(document(paths(kOperationsMax + 1))).find("one operation too many"),
            std::string::npos);
}

TEST(OpenApi, OurOwnDocumentIsReadAndRouted) {
  std::ifstream file(source_dir_for_test() + "/spec/openapi.json");
  std::stringstream text;
  text << file.rdbuf();
  const auto read = parse_openapi(text.str());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_GT(read->operations.size(), 20u);
  const auto table = RouteTable::build(read->operations);
  ASSERT_TRUE(table) << table.error().field << ": " << table.error().message;
}

}  // namespace
}  // namespace latchkey::gate
