#include "core/person.h"

#include <gtest/gtest.h>

#include <set>

#include "base/embedded.h"
#include "base/text.h"
#include "core/vectors_for_test.h"

LK_EMBEDDED(common_passwords);

namespace latchkey::core {
namespace {

const json::value& vectors() {
  static const json::value document = load_vectors("identity.json");
  return document;
}

// Whether `result` is a refusal that names `field`.
bool refuses(const Result<void>& result, std::string_view field) {
  return !result && result.error().code == ErrorCode::invalid_argument &&
         result.error().field == field;
}

TEST(PersonEmail, FollowsVectors) {
  for (const json::value& text : cases(vectors(), "emails")) {
    EXPECT_TRUE(check_email(as_text(text)).has_value()) << as_text(text);
  }
  for (const json::value& vector : cases(vectors(), "badEmails")) {
    EXPECT_TRUE(refuses(check_email(text_of(vector, "text")), "email"))
        << text_of(vector, "rule") << ": " << text_of(vector, "text");
  }
  EXPECT_TRUE(refuses(check_email("anna\xff@example.org"), "email"));
}

TEST(PersonEmail, IsComparedWithoutAsciiCase) {
  EXPECT_EQ(email_key("Anna@EXAMPLE.org"), email_key("anna@example.ORG"));
  EXPECT_NE(email_key("anna@example.org"), email_key("ann@example.org"));
  EXPECT_NE(email_key("\xc3\xa9@b"), email_key("\xc3\x89@b"));
}

TEST(PersonDisplayName, FollowsVectors) {
  for (const json::value& text : cases(vectors(), "displayNames")) {
    EXPECT_TRUE(check_display_name(as_text(text)).has_value()) << as_text(text);
  }
  for (const json::value& vector : cases(vectors(), "badDisplayNames")) {
    EXPECT_TRUE(refuses(check_display_name(text_of(vector, "text")), "displayName"))
        << text_of(vector, "rule") << ": " << text_of(vector, "text");
  }
  EXPECT_TRUE(refuses(check_display_name("Anna\xff"), "displayName"));
}

TEST(PersonPassword, FollowsVectors) {
  const std::string login = text_of(vectors(), "login");
  for (const json::value& text : cases(vectors(), "passwords")) {
    EXPECT_TRUE(check_password(SecretText(as_text(text)), login).has_value()) << as_text(text);
  }
  for (const json::value& vector : cases(vectors(), "badPasswords")) {
    const auto result = check_password(SecretText(text_of(vector, "text")), login);
    EXPECT_TRUE(refuses(result, "password"))
        << text_of(vector, "rule") << ": " << text_of(vector, "text");
  }
  EXPECT_TRUE(refuses(check_password(SecretText("eleven chars\xff"), login), "password"));
}

// The message must not hold the password, whatever is wrong with it.
TEST(PersonPassword, IsNotRepeatedInTheRefusal) {
  for (const json::value& vector : cases(vectors(), "badPasswords")) {
    const std::string text = text_of(vector, "text");
    if (text.empty() || text == text_of(vectors(), "login")) continue;
    const auto result = check_password(SecretText(text), text_of(vectors(), "login"));
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().message.find(text), std::string::npos);
    EXPECT_EQ(result.error().detail, "");
  }
}

// Every line stands for itself, with digits around it, and in another case.
TEST(PersonPassword, RefusesEveryLineOfTheList) {
  size_t lines = 0, long_lines = 0;
  std::string previous;
  for (const std::string_view line : split(embedded::common_passwords(), '\n')) {
    if (line.empty() || line[0] == '#') continue;
    ++lines;
    EXPECT_TRUE(line.size() >= 3 && line.size() <= 40) << line;
    EXPECT_EQ(ascii_lower(line), line);
    EXPECT_LT(previous, line) << "not sorted";
    previous = line;
    std::string padded = "00" + std::string(line) + "2026!!!!!!!";
    EXPECT_TRUE(refuses(check_password(SecretText(std::string(line) + std::string(line) +
                                                  std::string(line) + std::string(line)),
                                       "x@y"),
                        "password"))
        << line;
    if (is_ascii_letter(line.front()) && is_ascii_letter(line.back())) {
      padded[2] = static_cast<char>(padded[2] - 32);
      EXPECT_TRUE(refuses(check_password(SecretText(padded), "x@y"), "password")) << padded;
    }
    if (line.size() < 12) continue;
    ++long_lines;
    EXPECT_TRUE(refuses(check_password(SecretText(line), "x@y"), "password")) << line;
  }
  EXPECT_GE(lines, 800u);
  EXPECT_GE(long_lines, 250u);
}

}  // namespace
}  // namespace latchkey::core
