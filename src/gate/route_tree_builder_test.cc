#include "gate/route_tree_builder.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

TEST(RouteTreeBuilder, KnowsWhatNoRequestCanTellApart) {
  RouteTreeBuilder builder;
  size_t next = 0;
  const auto add = [&](const char* method, const char* path) {
    return builder.add(*parse_template(path), method, next++);
  };
  EXPECT_EQ(add("GET", "/a/{b}"), std::nullopt);
  EXPECT_EQ(add("GET", "/A/{c}"), 0u);
  EXPECT_EQ(add("PUT", "/A/{c}"), std::nullopt);
  EXPECT_EQ(add("GET", "/a/{*b}"), std::nullopt);
  EXPECT_EQ(add("GET", "/a/{*c}"), 3u);
  EXPECT_EQ(add("GET", "/a/x{b}"), std::nullopt);
  EXPECT_EQ(add("GET", "/a/X{c}"), 5u);
  EXPECT_EQ(add("GET", "/a/{b}x"), std::nullopt);
  EXPECT_EQ(add("GET", "/a"), std::nullopt);
}

// A segment that many templates have is one, and one that is spelled otherwise is another.
TEST(RouteTreeBuilder, StoresATextOnce) {
  RouteTreeBuilder builder;
  size_t next = 0;
  for (const char* path : {"/one/same/{id}", "/two/same/{id}", "/three/Same/{Id}"}) {
    ASSERT_FALSE(builder.add(*parse_template(path), "GET", next++));
  }
  const RouteTree tree = builder.build();
  const auto parts = [&](const std::string& path) {
    PathSegments segments;
    EXPECT_TRUE(segments.parse(path));
    return (*tree.find(segments))[0].parts;
  };
  const auto one = parts("/one/same/7"), two = parts("/two/same/7"), three = parts("/three/same/7");
  EXPECT_EQ(one[1], two[1]);
  EXPECT_EQ(one[2], two[2]);
  EXPECT_NE(one[1], three[1]);
  EXPECT_NE(one[2], three[2]);
}

}  // namespace
}  // namespace latchkey::gate
