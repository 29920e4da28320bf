#include "http/message.h"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

class FakeRequest final : public Request {
 public:
  explicit FakeRequest(std::vector<Header> headers) : headers_(std::move(headers)) {}
  std::string_view method() const override { return "GET"; }
  std::string_view path() const override { return "/"; }
  std::string_view query() const override { return ""; }
  std::span<const Header> headers() const override { return headers_; }
  std::string_view body() const override { return ""; }
  std::string_view peer_address() const override { return "127.0.0.1"; }
  std::string_view request_id() const override { return ""; }

 private:
  std::vector<Header> headers_;
};

// A request with these Cookie headers.
FakeRequest with_cookies(std::initializer_list<std::string_view> values) {
  std::vector<Header> headers;
  for (const std::string_view value : values) headers.push_back({"Cookie", value});
  return FakeRequest(std::move(headers));
}

TEST(RequestHeader, IsFoundWithoutCaseAndOnlyAlone) {
  const FakeRequest request({{"Accept", "a"}, {"X-Two", "1"}, {"x-two", "2"}});
  EXPECT_EQ(request.header("ACCEPT"), "a");
  EXPECT_EQ(request.header("x-two"), std::nullopt);
  EXPECT_EQ(request.header("x-none"), std::nullopt);
  EXPECT_EQ(request.count_headers("X-TWO"), 2u);
  EXPECT_EQ(request.count_headers("x-none"), 0u);
}

TEST(FindCookie, FindsTheOnlyOne) {
  const FakeRequest request({{"Cookie", "a=1; session=x=y;b=2"}, {"cookie", "c=3"}});
  EXPECT_EQ(find_cookie(request, "session"), "x=y");
  EXPECT_EQ(find_cookie(request, "a"), "1");
  EXPECT_EQ(find_cookie(request, "b"), "2");
  EXPECT_EQ(find_cookie(request, "c"), "3");
  EXPECT_EQ(find_cookie(request, "sess"), std::nullopt);
  EXPECT_EQ(find_cookie(request, "Session"), std::nullopt);
}

TEST(FindCookie, RefusesTwo) {
  EXPECT_EQ(find_cookie(with_cookies({"a=1; a=2"}), "a"), std::nullopt);
  EXPECT_EQ(find_cookie(with_cookies({"a=1", "a=1"}), "a"), std::nullopt);
}

TEST(FindCookie, LooksAtCookieHeadersOnly) {
  const FakeRequest request({{"X-Cookie", "a=1"}, {"Cookie2", "a=1"}});
  EXPECT_EQ(find_cookie(request, "a"), std::nullopt);
  EXPECT_EQ(find_cookie(with_cookies({"a"}), "a"), std::nullopt);
}

TEST(ParseQuery, DecodesInOrder) {
  const auto parameters = parse_query("a=1&b=x%20y+z&a=%C3%A4&flag&e=f=g&&");
  ASSERT_TRUE(parameters);
  const QueryParameters expected = {
      {"a", "1"}, {"b", "x y z"}, {"a", "\xc3\xa4"}, {"flag", ""}, {"e", "f=g"}};
  EXPECT_EQ(*parameters, expected);
  EXPECT_TRUE(parse_query("")->empty());
}

TEST(ParseQuery, RefusesWhatIsBroken) {
  EXPECT_FALSE(parse_query("a=%4"));
  EXPECT_FALSE(parse_query("a=%zz"));
  EXPECT_FALSE(parse_query("%ff=1"));
  EXPECT_FALSE(parse_query("a=%c0%af"));
}

TEST(ParseQuery, IsBounded) {
  EXPECT_TRUE(parse_query("a&b&c", 3));
  EXPECT_FALSE(parse_query("a&b&c&d", 3));
}

TEST(Reply, CallsItsFunctionOnce) {
  int status = 0;
  Reply reply([&status](Response&& response) { status = response.status; });
  Reply moved = std::move(reply);
  moved.send(make_response(201, "text/plain", ""));
  EXPECT_EQ(status, 201);
}

TEST(Reply, DroppedIs500) {
  std::vector<int> statuses;
  {
    Reply reply([&](Response&& response) { statuses.push_back(response.status); });
    const Reply moved = std::move(reply);
  }
  EXPECT_EQ(statuses, std::vector<int>{500});
}

TEST(ReplyDeathTest, MayNotBeUsedTwice) {
  EXPECT_DEATH(
      {
        Reply reply([](Response&&) {});
        reply.send(Response());
        reply.send(Response());
      },
      "sink_ != nullptr");
}

}  // namespace
}  // namespace latchkey::http
