#include "api/errors.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace latchkey::api {
namespace {

constexpr ErrorScene kScript{"http://host:1", false};
constexpr ErrorScene kPage{"http://host:1", true};

std::vector<std::string> values_of(const http::Response& response, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [header, value] : response.headers) {
    if (header == name) values.push_back(value);
  }
  return values;
}

json::object body_of(const http::Response& response) {
  return parse_json(response.body)->as_object();
}

TEST(ErrorResponse, EveryCodeHasStatusKeyAndSentence) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const auto response = error_response(Error(static_cast<ErrorCode>(code)), kScript);
    EXPECT_GE(response.status, 400) << code;
    EXPECT_LT(response.status, 600) << code;
    const json::object body = body_of(response);
    EXPECT_FALSE(body.at("typeKey").as_string().empty()) << code;
    EXPECT_TRUE(std::string_view(body.at("message").as_string()).ends_with('.')) << code;
    EXPECT_EQ(body.at("$id").as_string(), "1");
    EXPECT_EQ(body.at("errorCode").as_int64(), 0);
    EXPECT_EQ(body.at("eventId").as_int64(), response.status >= 500 ? 0 : 3000);
  }
}

TEST(ErrorResponse, MalformedAndUnknownTokensLookAlike) {
  const auto unknown = error_response(Error(ErrorCode::token_unknown), kScript);
  for (const ErrorCode code : {ErrorCode::token_malformed, ErrorCode::credential_malformed}) {
    const auto other = error_response(Error(code), kScript);
    EXPECT_EQ(other.status, unknown.status);
    EXPECT_EQ(other.body, unknown.body);
    EXPECT_EQ(other.headers, unknown.headers);
  }
}

TEST(ErrorResponse, BadCredentialIsChallengedWithBasicFirst) {
  const auto response = error_response(Error(ErrorCode::token_expired), kScript);
  EXPECT_EQ(response.status, 401);
  const auto challenges = values_of(response, "WWW-Authenticate");
  ASSERT_EQ(challenges.size(), 2u);
  EXPECT_EQ(challenges[0], "Basic realm=\"http://host:1/\", charset=\"UTF-8\"");
  EXPECT_EQ(challenges[1], "Bearer realm=\"http://host:1/\", error=\"invalid_token\"");
  ASSERT_EQ(values_of(response, "X-TFS-ServiceError").size(), 1u);
  EXPECT_EQ(values_of(response, "X-TFS-ServiceError")[0],
            "Access%20Denied%3A%20The%20Personal%20Access%20Token%20used%20has%20expired.");
}

TEST(ErrorResponse, PageRequestsGetNoPasswordBox) {
  EXPECT_TRUE(
      values_of(error_response(Error(ErrorCode::session_unknown), kPage), "WWW-Authenticate")
          .empty());
}

TEST(ErrorResponse, MissingScopeIs403AndNamesWhatWouldDo) {
  const auto response =
      error_response(Error(ErrorCode::scope_missing, "", "", "vso.project vso.profile"), kScript);
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(
      values_of(response, "WWW-Authenticate"),
      std::vector<std::string>{"Bearer realm=\"http://host:1/\", error=\"insufficient_scope\", "
                               "scope=\"vso.project vso.profile\""});
}

TEST(ErrorResponse, FieldAtFaultIsNamed) {
  const auto body = body_of(error_response(invalid_field("$top", "must be 1 to 100"), kScript));
  EXPECT_EQ(body.at("field").as_string(), "$top");
  EXPECT_EQ(body.at("message").as_string(), "'$top' must be 1 to 100.");
}

TEST(ErrorResponse, WaitAndMethodsStandInHeaders) {
  EXPECT_EQ(values_of(error_response(Error(ErrorCode::too_many_attempts, "", "", "17"), kScript),
                      "Retry-After"),
            std::vector<std::string>{"17"});
  EXPECT_EQ(
      values_of(error_response(Error(ErrorCode::method_not_allowed, "", "", "GET, POST"), kScript),
                "Allow"),
      std::vector<std::string>{"GET, POST"});
  EXPECT_EQ(values_of(error_response(Error(ErrorCode::index_stale), kScript), "Retry-After"),
            std::vector<std::string>{"1"});
}

TEST(ErrorResponse, MissingScopeTeachesWhatWouldDoAndWhereToGetIt) {
  const std::vector<std::string> alternatives = {"vso.project", "vso.work vso.code"};
  const gate::Lesson lesson{"listProjects", &alternatives,
                            "https://t/a/_usersSettings/tokens?new=1"};
  const ErrorScene scene{"http://host:1", false, &lesson};
  const auto response =
      error_response(Error(ErrorCode::scope_missing, "", "", gate::lesson_scope(lesson)), scene);
  EXPECT_EQ(response.status, 403);
  const json::object body = body_of(response);
  EXPECT_EQ(body.at("operation").as_string(), "listProjects");
  EXPECT_EQ(body.at("scopes").as_array().at(1).as_string(), "vso.work vso.code");
  EXPECT_EQ(body.at("tokenUrl").as_string(), lesson.link);
  const std::string message(body.at("message").as_string());
  EXPECT_NE(message.find("(listProjects)"), std::string::npos);
  EXPECT_NE(message.find(lesson.link), std::string::npos);
  EXPECT_EQ(values_of(response, "X-TFS-ServiceError").at(0).find("_usersSettings"),
            std::string::npos);
  EXPECT_EQ(values_of(response, "WWW-Authenticate"),
            std::vector<std::string>{"Bearer realm=\"http://host:1/\", "
                                     "error=\"insufficient_scope\", "
                                     "scope=\"vso.project vso.work vso.code\""});
  // No other refusal teaches.
  EXPECT_EQ(error_response(Error(ErrorCode::token_expired), scene).body.find("tokenUrl"),
            std::string::npos);
}

TEST(ErrorResponse, BusyServerSaysWhenToComeBack) {
  const auto response = error_response(Error(ErrorCode::overloaded), kScript);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(body_of(response).at("typeKey").as_string(), "ServiceOverloadedException");
  EXPECT_EQ(values_of(response, "Retry-After"), std::vector<std::string>{"1"});
  EXPECT_TRUE(values_of(response, "WWW-Authenticate").empty());
}

TEST(ErrorResponse, MissingAntiForgeryHeaderIsNamedWithoutAChallenge) {
  const auto response = error_response(Error(ErrorCode::anti_forgery_missing), kScript);
  EXPECT_EQ(response.status, 403);
  const json::object body = body_of(response);
  EXPECT_EQ(body.at("typeKey").as_string(), "AntiForgeryException");
  EXPECT_NE(std::string_view(body.at("message").as_string()).find("X-Latchkey-Request"),
            std::string_view::npos);
  EXPECT_TRUE(values_of(response, "WWW-Authenticate").empty());
}

TEST(PatTokenError, OlderVersionsGetTheNearestThatTheyKnow) {
  EXPECT_EQ(pat_token_error(ErrorCode::pat_global_blocked, true), "globalPATCreationBlocked");
  EXPECT_EQ(pat_token_error(ErrorCode::pat_global_blocked, false), "globalPatPolicyViolation");
  EXPECT_EQ(pat_token_error(ErrorCode::pat_expired_cannot_be_extended, true),
            "expiredPatCannotBeExtended");
  EXPECT_EQ(pat_token_error(ErrorCode::pat_expired_cannot_be_extended, false),
            "failedToUpdateAccessToken");
  EXPECT_EQ(pat_token_error(ErrorCode::pat_invalid_authorization_id, false),
            "invalidAuthorizationId");
  EXPECT_EQ(pat_token_error(ErrorCode::store_unavailable, true), "");
}

TEST(PatTokenError, EveryLifecycleCodeHasAName) {
  for (int code = static_cast<int>(ErrorCode::pat_display_name_required);
       code <= static_cast<int>(ErrorCode::pat_expired_cannot_be_extended); ++code) {
    EXPECT_NE(pat_token_error(static_cast<ErrorCode>(code), false), "") << code;
  }
}

}  // namespace
}  // namespace latchkey::api
