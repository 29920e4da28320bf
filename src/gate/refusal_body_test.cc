#include "gate/refusal_body.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

TEST(RefusalForm, IsWhatTheCallerShows) {
  const std::string_view browser =
      "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
  EXPECT_EQ(choose_form(browser, "Mozilla/5.0"), RefusalForm::page);
  EXPECT_EQ(choose_form("TEXT/HTML", ""), RefusalForm::page);
  EXPECT_EQ(choose_form("application/json, text/html", "Mozilla/5.0"), RefusalForm::json);
  EXPECT_EQ(choose_form("application/vnd.npm.install-v1+json; q=1.0, */*", "npm/10"),
            RefusalForm::json);
  EXPECT_EQ(choose_form("*/*", "git/2.39.5"), RefusalForm::text);
  EXPECT_EQ(choose_form("*/*", "curl/7.88.1"), RefusalForm::text);
  EXPECT_EQ(choose_form("application/json", "curl/7.88.1"), RefusalForm::json);
  EXPECT_EQ(choose_form("", ""), RefusalForm::json);
  EXPECT_EQ(choose_form("*/*", "python-requests/2.28"), RefusalForm::json);
}

TEST(RefusalPage, SaysWhatIsMissingAndLinksThere) {
  const auto response = write_refusal(RefusalForm::page,
                                      {403, "Needs vso.code.", "https://t/a?new=1&scopes=x"}, "{}");
  EXPECT_EQ(response.status, 403);
  EXPECT_NE(response.body.find("<p>Needs vso.code.</p>"), std::string::npos);
  EXPECT_NE(response.body.find("href=\"https://t/a?new=1&amp;scopes=x\""), std::string::npos);
  EXPECT_EQ(write_refusal(RefusalForm::page, {404, "x", ""}, "{}").body.find("href"),
            std::string::npos);
}

// Names come from documents and addresses that others wrote.
TEST(RefusalPage, HoldsNothingButText) {
  const auto response = write_refusal(
      RefusalForm::page, {403, "<script>alert('1')</script>&\"", "https://t/\"><img src=x>"}, "{}");
  EXPECT_EQ(response.body.find("<script"), std::string::npos);
  EXPECT_EQ(response.body.find("<img"), std::string::npos);
  EXPECT_NE(response.body.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"),
            std::string::npos);
  bool has_policy = false;
  for (const auto& [name, value] : response.headers) {
    has_policy = has_policy || (name == "Content-Security-Policy" &&
                                value.find("default-src 'none'") != std::string::npos);
  }
  EXPECT_TRUE(has_policy);
}

TEST(RefusalText, IsTheMessage) {
  const auto response = write_refusal(RefusalForm::text, {401, "No.", "https://t"}, "{}");
  EXPECT_EQ(response.body, "No.\n");
  EXPECT_EQ(write_refusal(RefusalForm::json, {401, "No.", ""}, "{}").body, "{}");
}

}  // namespace
}  // namespace latchkey::gate
