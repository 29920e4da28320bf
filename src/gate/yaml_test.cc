#include "gate/yaml.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

// The JSON of `yaml`, or the message of its error.
std::string read(std::string_view yaml) {
  const auto value = parse_yaml(yaml);
  if (value) return format_json(*value);
  EXPECT_EQ(value.error().code, ErrorCode::body_malformed);
  return value.error().message;
}

TEST(ParseYaml, ReadsTheCoreSchema) {
  EXPECT_EQ(read("[~, null, '', true, FALSE, yes, on]"), R"([null,null,"",true,false,"yes","on"])");
  EXPECT_EQ(read("[1, -2, +3, 0x1F, 1.5, .5, 1e3, 1.2.3, 1_000, .inf, '4']"),
            R"([1,-2,3,"0x1F",1.5E0,5E-1,1E3,"1.2.3","1_000",".inf","4"])");
  EXPECT_EQ(read("a: {b: [c, d]}\n200: x"), R"({"a":{"b":["c","d"]},"200":"x"})");
  EXPECT_EQ(read("a: !!str 1\nb: ! 2\nc: !!int '3'"), R"({"a":"1","b":"2","c":3})");
  EXPECT_EQ(read("a: |\n  x\n  y\nb: >\n  x\n  y\n"), R"({"a":"x\ny\n","b":"x y\n"})");
}

TEST(ParseYaml, CopiesAliasesAndMerges) {
  EXPECT_EQ(read("a: &x [1]\nb: *x"), R"({"a":[1],"b":[1]})");
  EXPECT_EQ(read("a: &x {p: 1, q: 2}\nb:\n  q: 3\n  <<: *x"),
            R"({"a":{"p":1,"q":2},"b":{"q":3,"p":1}})");
  EXPECT_EQ(read("b: {<<: [{p: 1}, {p: 2, q: 3}]}"), R"({"b":{"p":1,"q":3}})");
  EXPECT_EQ(read("'<<': 1"), R"({"<<":1})");
  EXPECT_NE(read("a: {<<: 1}").find("only mappings can be merged"), std::string::npos);
  EXPECT_NE(read("a: {<<: [1]}").find("only mappings can be merged"), std::string::npos);
}

TEST(ParseYaml, NamesTheLine) {
  EXPECT_EQ(read("a: 1\nb: 2\na: 3"), "Line 3: the key 'a' stands twice.");
  EXPECT_EQ(read("a:\n  - *nobody"), "Line 2: the alias 'nobody' names nothing before it.");
  EXPECT_EQ(read("a: &x\n  b: *x"), "Line 2: the alias 'x' names nothing before it.");
  EXPECT_EQ(read("\n[1]: 2"), "Line 2: a key must be a text.");
  EXPECT_EQ(read("a: !weird 1"), "Line 1: the tag '!weird' is not read.");
  EXPECT_EQ(read("a: 1\n---\nb: 2"), "Line 2: there is more than one document.");
  EXPECT_EQ(read(""), "Line 1: there is no document.");
  EXPECT_TRUE(read("a: [1,\nb: 2").starts_with("Line ")) << read("a: [1,\nb: 2");
  EXPECT_EQ(read("\xff"), "The document is not UTF-8.");
}

TEST(ParseYaml, BoundsTheDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_yaml(nested(kYamlDepthMax)));
  EXPECT_NE(read(nested(kYamlDepthMax + 1)).find("nested deeper than 100"), std::string::npos);
  EXPECT_FALSE(parse_yaml(std::string(100'000, '[')));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '{')));
}

// Ten levels of ten aliases each would be ten thousand million nodes.
TEST(ParseYaml, AliasesCannotGrowWithoutBound) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j ? ", " : "") + before;
    bomb += "]\n";
  }
  EXPECT_NE(read(bomb).find("too large, with its aliases"), std::string::npos);
  std::string text = "a: &a '" + std::string(1'000'000, 'x') + "'\nb:\n";
  for (int i = 0; i < 100; ++i) text += "  - *a\n";
  EXPECT_NE(read(text).find("too large, with its aliases"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::gate
