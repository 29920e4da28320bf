#include "base/json.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

ErrorCode code_of(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed ? ErrorCode::internal : parsed.error().code;
}

TEST(ParseJson, ReadsEachKindOfValue) {
  for (const std::string_view text :
       {"null", "true", "0", "-1", "18446744073709551615", "\"\"", "[]", "{}", "[1,\"a\",null]",
        R"({"a":{"b":[{"c":":"}]}})", R"({"a:b":1,"c":"\":\""})"}) {
    const auto value = parse_json(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(format_json(*value), text);
  }
}

TEST(ParseJson, LetsWhiteSpaceSurroundTheDocument) {
  EXPECT_TRUE(parse_json(" \t\r\n{} \t\r\n"));
  EXPECT_FALSE(parse_json("{}\v"));
}

TEST(ParseJson, RefusesWhatIsNotRfc8259) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\" 1}",
                                      "nul",
                                      "NaN",
                                      "Infinity",
                                      "+1",
                                      "01",
                                      "1.",
                                      ".5",
                                      "0x1",
                                      "1e999",
                                      "[{\"a\":-1e999}]",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "/*x*/{}",
                                      "{}//x",
                                      "\"a\nb\"",
                                      "\"\t\"",
                                      "\xef\xbb\xbf{}"}) {
    EXPECT_EQ(code_of(text), ErrorCode::body_malformed) << text;
  }
  EXPECT_EQ(code_of(std::string_view("\"\0\"", 3)), ErrorCode::body_malformed);
}

TEST(ParseJson, RefusesWhatIsNotUtf8) {
  for (const std::string_view text :
       {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xc3\"", "\"\\ud800\"", "\"\\udc00\"",
        "\"\\ud800\\u0041\"", "{\"\xff\":1}"}) {
    EXPECT_EQ(code_of(text), ErrorCode::body_malformed) << text;
  }
  EXPECT_TRUE(parse_json("\"\\ud83d\\ude00\""));
}

TEST(ParseJson, RefusesASecondDocument) {
  for (const std::string_view text : {"{}{}", "{} {}", "1 2", "{}]", "[],", "{}x"}) {
    EXPECT_EQ(code_of(text), ErrorCode::body_malformed) << text;
  }
  EXPECT_EQ(code_of(std::string_view("{}\0", 3)), ErrorCode::body_malformed);
}

// Two readers must not see two documents in one text.
TEST(ParseJson, RefusesTwoMembersOfOneName) {
  for (const std::string_view text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"([{"x":{"a":1,"a":2}}])",
        R"({"a":1,"\u0061":2})", R"({"":1,"":2})"}) {
    EXPECT_EQ(code_of(text), ErrorCode::body_malformed) << text;
  }
  EXPECT_TRUE(parse_json(R"({"a":1,"A":2,"b":{"a":1}})"));
  EXPECT_TRUE(parse_json(R"({"a\"":":{\"a\":1}"})"));
}

TEST(ParseJson, RefusesWhatIsTooDeep) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(32)));
  EXPECT_FALSE(parse_json(nested(33)));
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  std::string objects;
  for (int i = 0; i < 33; ++i) objects += "{\"a\":";
  EXPECT_FALSE(parse_json(objects + "1" + std::string(33, '}')));
}

TEST(QuoteJson, EscapesWhatWouldEndTheString) {
  EXPECT_EQ(quote_json("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(quote_json(""), "\"\"");
}

class JsonReaderTest : public testing::Test {
 protected:
  JsonReader reader(std::string_view text) {
    value_ = *parse_json(text);
    return *JsonReader::object(value_);
  }
  json::value value_;
};

TEST_F(JsonReaderTest, TakesObjectsOnly) {
  for (const std::string_view text : {"[]", "1", "null", "\"{}\""}) {
    const json::value value = *parse_json(text);
    const auto reader = JsonReader::object(value);
    ASSERT_FALSE(reader) << text;
    EXPECT_EQ(reader.error().code, ErrorCode::body_malformed);
  }
}

TEST_F(JsonReaderTest, ReadsEachType) {
  auto fields = reader(R"({"t":"x","b":false,"i":-5,"raw":[1]})");
  EXPECT_EQ(*fields.text("t"), "x");
  EXPECT_EQ(*fields.optional_text("t"), "x");
  EXPECT_EQ(*fields.optional_boolean("b"), false);
  EXPECT_EQ(*fields.optional_integer("i"), -5);
  ASSERT_NE(fields.find("raw"), nullptr);
  EXPECT_TRUE(fields.find("raw")->is_array());
}

TEST_F(JsonReaderTest, AbsentAndNullAreNotGiven) {
  auto fields = reader(R"({"n":null})");
  for (const std::string_view field : {"n", "absent"}) {
    EXPECT_EQ(*fields.optional_text(field), std::nullopt);
    EXPECT_EQ(*fields.optional_boolean(field), std::nullopt);
    EXPECT_EQ(*fields.optional_integer(field), std::nullopt);
    EXPECT_EQ(fields.find(field), nullptr);
    const auto required = fields.text(field);
    ASSERT_FALSE(required);
    EXPECT_EQ(required.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(required.error().field, field);
  }
}

TEST_F(JsonReaderTest, AnotherTypeIsRefusedByName) {
  auto fields = reader(R"({"t":"x","f":1.5,"u":18446744073709551615,"b":true,"s":"1"})");
  EXPECT_EQ(fields.text("f").error().field, "f");
  EXPECT_EQ(fields.optional_text("b").error().field, "b");
  EXPECT_EQ(fields.optional_boolean("t").error().field, "t");
  EXPECT_EQ(fields.optional_integer("f").error().field, "f");
  EXPECT_EQ(fields.optional_integer("u").error().field, "u");
  EXPECT_EQ(fields.optional_integer("s").error().field, "s");
}

TEST_F(JsonReaderTest, NamesTheFieldThatNobodyAskedFor) {
  auto fields = reader(R"({"known":1,"surplus":2})");
  EXPECT_TRUE(fields.optional_integer("known"));
  const auto refused = fields.refuse_unknown_fields();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "surplus");
  EXPECT_TRUE(fields.optional_integer("surplus"));
  EXPECT_TRUE(fields.refuse_unknown_fields());
}

}  // namespace
}  // namespace latchkey
