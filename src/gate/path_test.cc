#include "gate/path.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

// The segments of `path` joined by '|', or the error's name.
std::string read(std::string_view path) {
  PathSegments segments;
  if (const auto result = segments.parse(path); !result) {
    return std::string(error_name(result.error().code));
  }
  std::string text;
  for (size_t i = 0; i < segments.size(); ++i) text.append(i ? "|" : "").append(segments[i]);
  return text;
}

TEST(PathSegments, SplitsAndDecodes) {
  EXPECT_EQ(read("/"), "");
  EXPECT_EQ(read("/a/b"), "a|b");
  EXPECT_EQ(read("//a//b/"), "a|b");
  EXPECT_EQ(read("/a%20b/%24batch"), "a b|$batch");
  EXPECT_EQ(read("/%252f"), "%2f");
}

TEST(PathSegments, DecodesOnceOnly) {
  EXPECT_EQ(read("/%2525"), "%25");
  EXPECT_EQ(read("/%252e%252e"), "%2e%2e");
}

TEST(PathSegments, RefusesWhatServersReadDifferently) {
  for (const char* path : {"", "a", "/%2F", "/%2f", "/%5C", "/\\", "/.", "/..", "/%2e%2E/a", "/%00",
                           "/%", "/%0", "/%g0", "/%80", "/\x7f"}) {
    EXPECT_EQ(read(path), "request_malformed") << path;
  }
}

TEST(PathSegments, KeepsAnEncodedSlashInItsSegmentWhereAskedTo) {
  const auto keep = [](std::string_view path) {
    PathSegments segments;
    if (!segments.parse(path, EncodedSlash::in_segment)) return std::string("refused");
    std::string text;
    for (size_t i = 0; i < segments.size(); ++i) text.append(i ? "|" : "").append(segments[i]);
    return text;
  };
  EXPECT_EQ(keep("/@scope%2fname/-/n.tgz"), "@scope/name|-|n.tgz");
  EXPECT_EQ(keep("/%40a%2Fb"), "@a/b");
  EXPECT_EQ(keep("/a%252fb"), "a%2fb");
  for (const char* path : {"/a%2f..%2fb", "/a%2f%2e", "/%2fa", "/a%2f", "/a%2f%2fb", "/a%01b%2fc",
                           "/a%5c%2fb", "/a%2f%2"}) {
    EXPECT_EQ(keep(path), "refused") << path;
  }
}

TEST(PathSegments, CanBeUsedAgain) {
  PathSegments segments;
  ASSERT_TRUE(segments.parse("/a%20b/c"));
  ASSERT_TRUE(segments.parse("/d"));
  EXPECT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0], "d");
}

TEST(ParseTemplate, KeepsLongSegments) {
  const auto segments = parse_template("/a/a-segment-that-no-string-keeps-inside-itself");
  ASSERT_TRUE(segments);
  EXPECT_EQ((*segments)[1].text, "a-segment-that-no-string-keeps-inside-itself");
}

TEST(ParseTemplate, TellsParametersFromConcreteSegments) {
  const auto segments = parse_template("/a/{b}/%63/");
  ASSERT_TRUE(segments);
  ASSERT_EQ(segments->size(), 3u);
  EXPECT_EQ((*segments)[0].kind, SegmentKind::concrete);
  EXPECT_EQ((*segments)[1].kind, SegmentKind::parameter);
  EXPECT_EQ((*segments)[1].text, "b");
  EXPECT_EQ((*segments)[2].text, "c");
}

TEST(ParseTemplate, RefusesWhatIsNoTemplate) {
  for (const char* path : {"", "a", "/a{b", "/a}b", "/{}", "/{{a}}", "/{a}{b}", "/{a}/{a}", "/..",
                           "/a?b", "/a#b", "/a%2fb"}) {
    EXPECT_FALSE(parse_template(path)) << path;
  }
}

// The values of the only segment of `path_template` in `segment` joined by '|'; "no" without a
// match.
std::string match(const std::string& path_template, std::string_view segment) {
  const auto segments = parse_template(path_template);
  EXPECT_TRUE(segments) << path_template;
  EXPECT_EQ(segments->at(0).kind, SegmentKind::mixed);
  const auto values = segments->at(0).match_mixed(segment);
  if (!values) return "no";
  std::string text;
  for (size_t i = 0; i < values->size(); ++i) text.append(i ? "|" : "").append((*values)[i]);
  return text;
}

TEST(ParseTemplate, ReadsParametersAmongText) {
  EXPECT_EQ(match("/@{scope}", "@types"), "types");
  EXPECT_EQ(match("/${type}", "$Bug"), "Bug");
  EXPECT_EQ(match("/{id}.json", "a.json.json"), "a.json");
  EXPECT_EQ(match("/{base}...{head}", "main...dev"), "main|dev");
  EXPECT_EQ(match("/{a}.{b}.{c}", "1.2.3.4"), "1|2|3.4");
  EXPECT_EQ(match("/V{n}x", "v7X"), "7");
}

TEST(ParseTemplate, MixedSegmentsTakeAtLeastOneByteForEachParameter) {
  EXPECT_EQ(match("/@{scope}", "@"), "no");
  EXPECT_EQ(match("/@{scope}", "types"), "no");
  EXPECT_EQ(match("/{id}.json", ".json"), "no");
  EXPECT_EQ(match("/{a}.{b}", "a."), "no");
  EXPECT_EQ(match("/{a}.{b}", ".b"), "no");
  EXPECT_EQ(match("/{a}..{b}", "a.b"), "no");
  EXPECT_EQ(match("/ab{a}ba", "aba"), "no");  // the two texts must not overlap
  EXPECT_EQ(match("/{a}x{b}", "xxx"), "x|x");
}

TEST(ParseTemplate, ReadsARestAtTheEndOnly) {
  const auto segments = parse_template("/a/{*path}");
  ASSERT_TRUE(segments);
  EXPECT_EQ((*segments)[1].kind, SegmentKind::rest);
  EXPECT_EQ((*segments)[1].text, "path");
  for (const char* path : {"/{*path}/a", "/{*}", "/{*a}/{*b}"}) {
    EXPECT_FALSE(parse_template(path)) << path;
  }
}

TEST(ParseTemplate, RefusesBracesThatAreNoParameter) {
  for (const char* path : {"/{", "/}", "/{}", "/a}", "/{a{b}}", "/{a}{b}", "/a{b", "/{a}?x=1",
                           "/a#b", "/{a}/{a}", "/{a}.{a}", "/{a}/.", "/%2f{a}"}) {
    EXPECT_FALSE(parse_template(path)) << path;
  }
  std::string many = "/";
  for (int i = 0; i < 9; ++i) many += "{p" + std::to_string(i) + "}.";
  EXPECT_FALSE(parse_template(many));
}

TEST(TemplateKey, IsOneForWhatNoRequestCanTellApart) {
  const auto key = [](const char* path) { return template_key(*parse_template(path)); };
  EXPECT_NE(key("/a/{b}"), key("/a/%7B%7D"));
  EXPECT_NE(key("/a/{*b}"), key("/a/%7B*%7D"));
  EXPECT_NE(key("/a{b}c%7B%7Dd"), key("/a%7B%7Dc{b}d"));
  EXPECT_NE(key("/%7B"), key("/%257B"));
  EXPECT_EQ(key("/A/{b}/c{d}.{e}"), key("//a/{x}/C{y}.{z}/"));
  EXPECT_NE(key("/a/{b}"), key("/a/{*b}"));
  EXPECT_NE(key("/a/{b}"), key("/a/b"));
  EXPECT_NE(key("/{b}.x"), key("/x.{b}"));
}

}  // namespace
}  // namespace latchkey::gate
