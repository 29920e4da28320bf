#include "gate/refusal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"

namespace latchkey::gate {
namespace {

constexpr RefusalScene kScene{"api.example.com", false, nullptr, RefusalForm::json};

std::vector<std::string> values(const http::Response& response, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& [key, value] : response.headers) {
    if (key == name) found.push_back(value);
  }
  return found;
}

TEST(Refusal, SaysItsReasonInBodyAndHeaders) {
  const auto response = refusal_response(
      Error(ErrorCode::scope_missing, "Denied: needs vso.code.", "", "vso.code"), kScene);
  EXPECT_EQ(response.status, 403);
  const auto body = parse_json(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("message"), "Denied: needs vso.code.");
  EXPECT_EQ(body->as_object().at("typeKey"), "AccessCheckException");
  EXPECT_EQ(values(response, "X-Latchkey-Error"), std::vector<std::string>{"scope_missing"});
  EXPECT_EQ(values(response, "X-TFS-ServiceError"),
            std::vector<std::string>{"Denied%3A%20needs%20vso.code."});
  EXPECT_EQ(values(response, "WWW-Authenticate"),
            std::vector<std::string>{"Bearer realm=\"api.example.com\", "
                                     "error=\"insufficient_scope\", scope=\"vso.code\""});
}

TEST(Refusal, ChallengesWhoHasNoGoodCredential) {
  const auto missing = refusal_response(Error(ErrorCode::credential_missing), kScene);
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(values(missing, "WWW-Authenticate"),
            (std::vector<std::string>{"Basic realm=\"api.example.com\", charset=\"UTF-8\"",
                                      "Bearer realm=\"api.example.com\""}));
  const auto expired = refusal_response(Error(ErrorCode::token_expired), kScene);
  EXPECT_EQ(values(expired, "WWW-Authenticate").back(),
            "Bearer realm=\"api.example.com\", error=\"invalid_token\"");
}

TEST(Refusal, MalformedAndUnknownLookAlike) {
  const auto unknown = refusal_response(Error(ErrorCode::token_unknown), kScene);
  for (const ErrorCode code : {ErrorCode::token_malformed, ErrorCode::credential_malformed}) {
    const auto other = refusal_response(Error(code, "which would tell"), kScene);
    EXPECT_EQ(other.status, unknown.status);
    EXPECT_EQ(other.headers, unknown.headers);
    EXPECT_EQ(other.body, unknown.body);
  }
  EXPECT_EQ(refusal_name(ErrorCode::token_malformed), "token_unknown");
}

TEST(Refusal, TeachesWhatWouldDo) {
  const std::vector<std::string> alternatives = {"vso.code"};
  const Lesson lesson{"List", &alternatives, "https://tokens.example.com/x"};
  RefusalScene scene = kScene;
  scene.lesson = &lesson;
  const Error error(ErrorCode::scope_missing, "", "", "vso.code");
  const auto response = refusal_response(error, scene);
  const auto body = parse_json(response.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("tokenUrl"), "https://tokens.example.com/x");
  EXPECT_EQ(body->as_object().at("operation"), "List");
  EXPECT_EQ(values(response, "X-TFS-ServiceError").at(0).find("tokens.example.com"),
            std::string::npos);
  scene.form = RefusalForm::text;
  EXPECT_NE(refusal_response(error, scene).body.find("https://tokens.example.com/x"),
            std::string::npos);
  // Only a scope that is missing is taught.
  EXPECT_EQ(refusal_response(Error(ErrorCode::token_expired), scene).body.find("List"),
            std::string::npos);
}

TEST(Refusal, WhatIsNotForCallersIsNotTold) {
  const auto response =
      refusal_response(Error(ErrorCode::integrity_violated, "row 7 of tokens"), kScene);
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("row 7"), std::string::npos);
  const auto stale = refusal_response(Error(ErrorCode::index_stale), kScene);
  EXPECT_EQ(stale.status, 503);
  EXPECT_EQ(values(stale, "Retry-After"), std::vector<std::string>{"1"});
  const auto allow = refusal_response(Error(ErrorCode::method_not_allowed, "", "", "GET"), kScene);
  EXPECT_EQ(values(allow, "Allow"), std::vector<std::string>{"GET"});
}

}  // namespace
}  // namespace latchkey::gate
