#include "gate/host.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

TEST(Host, IsReadInOneWay) {
  EXPECT_EQ(parse_host("API.Example.com"), "api.example.com");
  EXPECT_EQ(parse_host("api.example.com:8443"), "api.example.com");
  EXPECT_EQ(parse_host("api.example.com.:8443"), "api.example.com");
  EXPECT_EQ(parse_host("127.0.0.1:80"), "127.0.0.1");
  EXPECT_EQ(parse_host("[2001:DB8::1]:80"), "[2001:db8::1]");
  EXPECT_EQ(parse_host("localhost:"), "localhost");
}

TEST(Host, RefusesWhatIsNone) {
  for (const char* text : {"", ".", "a..b", ".a", "a b", "a/b", "a@b", "a:b", "a:123456", "a:80:80",
                           "[::1", "[]", "[g::1]", "[::1]x", "a%2eb", "a,b", "\xc3\xa9.com"}) {
    EXPECT_FALSE(parse_host(text)) << text;
  }
  EXPECT_FALSE(parse_host(std::string(256, 'a')));
}

TEST(HostPattern, AStarAndANameStandForOneLabel) {
  const auto star = HostPattern::parse("*.Example.com");
  ASSERT_TRUE(star);
  EXPECT_EQ(star->match("a.example.com"), "a");
  EXPECT_FALSE(star->match("a.b.example.com"));
  EXPECT_FALSE(star->match("example.com"));
  EXPECT_FALSE(star->match("aexample.com"));
  const auto named = HostPattern::parse("{organization}.example.com");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->name(), "organization");
  EXPECT_EQ(named->match("contoso.example.com"), "contoso");
  EXPECT_EQ(named->key(), star->key());
  const auto exact = HostPattern::parse("api.example.com");
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->match("api.example.com"), "");
  EXPECT_FALSE(exact->match("api.example.org"));
}

TEST(HostPattern, RefusesWhatIsNone) {
  for (const char* text : {"", "*", "*.", "a.*.com", "{}.a", "{a.b", "{a}b.com", "{a b}.com",
                           "a:80", "*a.com", "https://a.com", "a.com/x", "**.a"}) {
    EXPECT_FALSE(HostPattern::parse(text)) << text;
  }
}

}  // namespace
}  // namespace latchkey::gate
