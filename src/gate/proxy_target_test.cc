#include "gate/proxy_target.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

// What an upstream is sent for `path`; "refused" if it cannot be read in one way only.
std::string target(std::string_view path, std::string_view query = "") {
  PathSegments segments;
  if (!segments.parse(path)) return "refused";
  return format_proxy_target(segments, path, query);
}

TEST(ProxyTarget, SaysWhatTheGuardRead) {
  EXPECT_EQ(target("/"), "/");
  EXPECT_EQ(target("/a/b"), "/a/b");
  EXPECT_EQ(target("//a///b"), "/a/b");
  EXPECT_EQ(target("/a/b/"), "/a/b/") << "the slash at the end stays";
  EXPECT_EQ(target("/a/b//"), "/a/b/");
  EXPECT_EQ(target("//"), "/");
  EXPECT_EQ(target("/%61%2D%7e"), "/a-~") << "one spelling";
  EXPECT_EQ(target("/a%20b+c"), "/a%20b+c");
  EXPECT_EQ(target("/@scope:x,y=1$!'()*&"), "/@scope:x,y=1$!'()*&");
  EXPECT_EQ(target("/caf%c3%a9"), "/caf%C3%A9");
  EXPECT_EQ(target("/a", "x=1&y=%2f..;z"), "/a?x=1&y=%2f..;z");
}

TEST(ProxyTarget, LeavesNothingThatIsCutOffOrDecodedTwice) {
  EXPECT_EQ(target("/admin;x=1/y"), "/admin%3Bx=1/y");
  EXPECT_EQ(target("/%2561"), "/%2561") << "a percent sign stays one";
  EXPECT_EQ(target("/%252e%252e/a"), "/%252e%252e/a");
  EXPECT_EQ(target("/a%3fb%23c"), "/a%3Fb%23c") << "no query or fragment is made";
  EXPECT_EQ(target("/a\"<>^`{|}"), "/a%22%3C%3E%5E%60%7B%7C%7D");
  for (const char* two_ways : {"/a/../b", "/a/%2e%2E/b", "/./a", "/a%2fb", "/a\\b", "/a%5cb",
                               "/a%00b", "/a%0d%0ab", "/%ff", "/%c0%ae", "/%zz"}) {
    EXPECT_EQ(target(two_ways), "refused") << two_ways;
  }
}

// Reading what was sent gives the same segments, so the upstream can mean nothing else.
TEST(ProxyTarget, IsReadBackAsTheSame) {
  for (int byte = 1; byte < 127; ++byte) {
    char encoded[16];
    snprintf(encoded, sizeof encoded, "/x%%%02xy/z", byte);
    PathSegments first;
    if (!first.parse(std::string_view(encoded))) continue;
    const std::string sent = format_proxy_target(first, encoded, "");
    PathSegments second;
    ASSERT_TRUE(second.parse(std::string_view(sent))) << sent;
    ASSERT_EQ(first.size(), second.size());
    for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i], second[i]) << sent;
  }
}

}  // namespace
}  // namespace latchkey::gate
