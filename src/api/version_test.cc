#include "api/version.h"

#include <gtest/gtest.h>

#include "gate/request_for_test.h"

namespace latchkey::api {
namespace {

Result<ApiVersion> ask(VersionRule rule, std::string method, std::string query,
                       std::string_view accept = "") {
  std::vector<http::Header> headers;
  if (!accept.empty()) headers.push_back({"Accept", accept});
  const gate::TestRequest request(std::move(method), "/x", query, headers);
  return negotiate_version(rule, request, *http::parse_query(query));
}

ErrorCode code_of(const Result<ApiVersion>& result) {
  EXPECT_FALSE(result);
  EXPECT_EQ(result.error().field, "api-version");
  return result.error().code;
}

TEST(NegotiateVersion, ReadsQueryAndAccept) {
  EXPECT_EQ(ask(VersionRule::released, "GET", "api-version=5.1")->text, "5.1");
  EXPECT_EQ(
      ask(VersionRule::released, "GET", "", "application/json;api-version=7.2-preview.4")->text,
      "7.2-preview.4");
  EXPECT_EQ(
      ask(VersionRule::released, "GET", "API-Version=6.0", "application/json; api-version=7.1")
          ->text,
      "6.0");
}

TEST(NegotiateVersion, MissingServesReadsAndRefusesWrites) {
  EXPECT_EQ(ask(VersionRule::released, "GET", "")->text, "7.1");
  EXPECT_EQ(ask(VersionRule::preview_from_61, "GET", "")->text, "7.1");
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(code_of(ask(VersionRule::released, method, "")), ErrorCode::version_missing);
  }
  EXPECT_TRUE(ask(VersionRule::none, "POST", ""));
}

TEST(NegotiateVersion, PreviewRouteRefusesPlainVersion) {
  EXPECT_EQ(code_of(ask(VersionRule::preview_from_61, "GET", "api-version=7.1")),
            ErrorCode::version_needs_preview);
  for (const char* text :
       {"6.1-preview", "6.1-preview.1", "7.0-preview.1", "7.1-preview.1", "7.2-preview.1"}) {
    EXPECT_TRUE(ask(VersionRule::preview_from_61, "GET", std::string("api-version=") + text))
        << text;
  }
}

TEST(NegotiateVersion, RefusesOutOfRange) {
  EXPECT_EQ(code_of(ask(VersionRule::preview_from_61, "GET", "api-version=6.0-preview.1")),
            ErrorCode::version_unsupported);
  EXPECT_EQ(code_of(ask(VersionRule::released, "GET", "api-version=7.3")),
            ErrorCode::version_unsupported);
  EXPECT_EQ(code_of(ask(VersionRule::released, "GET", "api-version=0.9")),
            ErrorCode::version_unsupported);
  EXPECT_TRUE(ask(VersionRule::released, "GET", "api-version=7.2"));
  EXPECT_TRUE(ask(VersionRule::released, "GET", "api-version=1.0"));
}

TEST(NegotiateVersion, RefusesWhatIsNoVersion) {
  for (const char* text : {"x", "7.1-beta", "7.1-preview.", "7.1-preview.x", "7.1-previewx", "-1.0",
                           "7.", "100.0", "7.1%0D%0Aa:b"}) {
    EXPECT_EQ(code_of(ask(VersionRule::released, "GET", std::string("api-version=") + text)),
              ErrorCode::version_unsupported)
        << text;
  }
}

TEST(NegotiateVersion, LenientRouteTakesAnything) {
  EXPECT_EQ(ask(VersionRule::any, "OPTIONS", "api-version=nonsense")->text, "7.1");
}

}  // namespace
}  // namespace latchkey::api
