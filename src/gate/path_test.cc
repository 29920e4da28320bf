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
  EXPECT_FALSE((*segments)[0].is_parameter);
  EXPECT_TRUE((*segments)[1].is_parameter);
  EXPECT_EQ((*segments)[1].text, "b");
  EXPECT_EQ((*segments)[2].text, "c");
}

TEST(ParseTemplate, RefusesWhatIsNoTemplate) {
  for (const char* path : {"", "a", "/a{b}", "/{a}b", "/{}", "/{{a}}", "/{a}{b}", "/{a}/{a}", "/..",
                           "/a?b", "/a#b", "/a%2fb"}) {
    EXPECT_FALSE(parse_template(path)) << path;
  }
}

}  // namespace
}  // namespace latchkey::gate
