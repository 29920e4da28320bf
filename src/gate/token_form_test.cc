#include "gate/token_form.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kEpoch = "3f0c0000-0000-4000-8000-000000000001";

std::string token_of(const TokenForm& form) {
  return std::string(form.token.reveal(RevealSecret{}));
}

Error refused(std::string_view body, std::string_view type = kForm) {
  const auto form = parse_token_form(type, body);
  EXPECT_FALSE(form.has_value()) << body;
  return form ? Error(ErrorCode::internal) : form.error();
}

TEST(TokenForm, ReadsAllItsFields) {
  const auto form = parse_token_form(
      "Application/X-WWW-Form-URLencoded; charset=UTF-8",
      "token=abc%2Bd&token_type_hint=access_token&required_scope=vso.code+vso.work&organization=a&"
      "min_revision=" +
          std::string(kEpoch) + ".17");
  ASSERT_TRUE(form.has_value()) << form.error().message;
  EXPECT_EQ(token_of(*form), "abc+d");
  EXPECT_EQ(form->required_scope, "vso.code vso.work");
  EXPECT_EQ(form->organization, "a");
  ASSERT_TRUE(form->min_revision.has_value());
  EXPECT_EQ(core::format_position(*form->min_revision), std::string(kEpoch) + ".17");
}

TEST(TokenForm, IgnoresWhatNobodyKnowsAndWhatIsEmpty) {
  const auto form =
      parse_token_form(kForm, "resource=https%3A%2F%2Fa&token=x&min_revision=&&scope=");
  ASSERT_TRUE(form.has_value()) << form.error().message;
  EXPECT_EQ(token_of(*form), "x");
  EXPECT_FALSE(form->min_revision.has_value());
}

// RFC 6749 section 3.2; of known and unknown names alike.
TEST(TokenForm, RefusesWhatIsGivenTwice) {
  for (const char* body : {"token=a&token=a", "token=a&%74oken=b", "token=a&x=1&x=1"}) {
    EXPECT_EQ(refused(body).code, ErrorCode::invalid_argument) << body;
  }
  EXPECT_EQ(refused("token=a&token=b").field, "token");
}

// A token may stand where a name should.
TEST(TokenForm, RepeatsNoNameThatItDoesNotKnow) {
  const Error error = refused("SECRETSECRET&SECRETSECRET&token=a");
  EXPECT_EQ(error.message.find("SECRET"), std::string::npos);
  EXPECT_EQ(error.field.find("SECRET"), std::string::npos);
}

TEST(TokenForm, RefusesWithTheFieldThatIsAtFault) {
  EXPECT_EQ(refused("").field, "token");
  EXPECT_EQ(refused("token=").field, "token");
  EXPECT_EQ(refused("a=b").field, "token");
  EXPECT_EQ(refused("token=" + std::string(1025, 'a')).field, "token");
  EXPECT_TRUE(parse_token_form(kForm, "token=" + std::string(1024, 'a')).has_value());
  EXPECT_EQ(refused("token=a&organization=" + std::string(101, 'a')).field, "organization");
  EXPECT_EQ(refused("token=a&required_scope=" + std::string(4097, 'a')).field, "required_scope");
  EXPECT_EQ(refused("token=a", "application/json").field, "Content-Type");
  EXPECT_EQ(refused("token=a", "").field, "Content-Type");
  EXPECT_EQ(refused("token=a", "application/x-www-form-urlencodedx").field, "Content-Type");
}

TEST(TokenForm, RefusesWhatIsNoForm) {
  std::string many = "token=a";
  for (int i = 0; i < 64; ++i) many += "&f" + std::to_string(i) + "=";
  for (const std::string& body : {std::string("token=%"), std::string("token=%ff"), many,
                                  "token=a&x=" + std::string(kTokenFormBytesMax, 'y')}) {
    EXPECT_EQ(refused(body).code, ErrorCode::request_malformed) << body.substr(0, 40);
  }
}

TEST(ParsePosition, TakesOneForm) {
  const std::string epoch(kEpoch);
  EXPECT_TRUE(parse_position(epoch + ".0").has_value());
  EXPECT_TRUE(parse_position(epoch + ".18446744073709551615").has_value());
  for (const std::string& text :
       {std::string(), epoch, epoch + ".", epoch + ".-1", epoch + ".01", epoch + ".1.1",
        epoch + ".18446744073709551616", std::string("17"), std::string(".17")}) {
    EXPECT_FALSE(parse_position(text).has_value()) << text;
    EXPECT_EQ(refused("token=a&min_revision=" + (text.empty() ? "." : text)).field, "min_revision");
  }
}

}  // namespace
}  // namespace latchkey::gate
