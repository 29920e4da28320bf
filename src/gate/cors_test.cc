#include "gate/cors.h"

#include <gtest/gtest.h>

#include "gate/request_for_test.h"

namespace latchkey::gate {
namespace {

std::string value(const std::vector<std::pair<std::string, std::string>>& headers,
                  std::string_view name) {
  for (const auto& [key, text] : headers) {
    if (key == name) return text;
  }
  return "none";
}

const std::string kAllowOrigin = "Access-Control-Allow-Origin";

TEST(Cors, AnswersThePreflightOfAnAllowedOrigin) {
  const CorsSettings cors{{"https://app.example.com"}, {"Authorization"}, 60};
  const TestRequest good(
      "OPTIONS", "/", "",
      {{"Origin", "https://app.example.com"}, {"Access-Control-Request-Method", "PUT"}});
  EXPECT_TRUE(is_preflight(good));
  const auto answer = answer_preflight(cors, good);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(value(answer->headers, kAllowOrigin), "https://app.example.com");
  EXPECT_EQ(value(answer->headers, "Access-Control-Allow-Headers"), "Authorization");
  EXPECT_EQ(value(answer->headers, "Access-Control-Max-Age"), "60");
  EXPECT_EQ(value(answer->headers, "Access-Control-Allow-Credentials"), "none");
  const TestRequest bad("OPTIONS", "/", "",
                        {{"Origin", "https://app.example.com.evil.example"},
                         {"Access-Control-Request-Method", "PUT"}});
  EXPECT_FALSE(answer_preflight(cors, bad));
  EXPECT_FALSE(answer_preflight({}, good));
}

TEST(Cors, OnlyAWholePreflightIsOne) {
  EXPECT_FALSE(is_preflight(TestRequest("OPTIONS", "/", "", {{"Origin", "https://a"}})));
  EXPECT_FALSE(is_preflight(TestRequest(
      "GET", "/", "", {{"Origin", "https://a"}, {"Access-Control-Request-Method", "GET"}})));
}

TEST(Cors, AnswersSayWhoMayReadThem) {
  const TestRequest request("GET", "/", "", {{"Origin", "https://b"}});
  EXPECT_TRUE(cors_headers({}, request).empty());
  EXPECT_EQ(value(cors_headers({{"*"}, {}, 1}, request), kAllowOrigin), "*");
  const auto other = cors_headers({{"https://a"}, {}, 1}, request);
  EXPECT_EQ(value(other, kAllowOrigin), "none");
  EXPECT_EQ(value(other, "Vary"), "Origin");
}

}  // namespace
}  // namespace latchkey::gate
