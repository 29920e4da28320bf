#include "http/client_address.h"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

TrustedProxies trusted(const std::vector<std::string>& entries,
                       ForwardedSource source = ForwardedSource::x_forwarded_for) {
  auto parsed = TrustedProxies::parse(entries, source);
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return *std::move(parsed);
}

// The client of a request from `peer` with these X-Forwarded-For headers.
std::string client(std::string_view peer, std::vector<std::string_view> values,
                   const std::vector<std::string>& proxies = {"10.0.0.0/8", "2001:db8::/32"}) {
  std::vector<Header> headers;
  for (const std::string_view value : values) headers.push_back({"x-forwarded-for", value});
  return find_client(peer, headers, trusted(proxies)).address;
}

TEST(ClientAddress, OfAPeerThatIsNotTrustedIsItsOwn) {
  EXPECT_EQ(client("192.0.2.1", {"203.0.113.9"}), "192.0.2.1");
  EXPECT_EQ(client("unix", {"203.0.113.9"}), "unix");
  EXPECT_FALSE(find_client("192.0.2.1", {}, trusted({"10.0.0.0/8"})).is_from_proxy);
}

TEST(ClientAddress, IsTheRightMostThatIsNotTrusted) {
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9"}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {"1.1.1.1, 203.0.113.9, 10.2.3.4"}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {"1.1.1.1", "203.0.113.9 ,10.2.3.4", "2001:db8::7"}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {"10.9.9.9, 10.2.3.4"}), "10.9.9.9") << "all are trusted";
  EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
}

TEST(ClientAddress, IsWhoSaidItWhereTheChainIsNoAddress) {
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9, unknown"}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9, _hidden, 10.2.3.4"}), "10.2.3.4");
  EXPECT_EQ(client("10.0.0.1", {""}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9,"}), "10.0.0.1");
}

TEST(ClientAddress, ReadsPortsAndBrackets) {
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9:4711"}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {"[2001:DB9::1]:4711"}), "2001:db9::1");
  EXPECT_EQ(client("10.0.0.1", {"2001:db9:0::1"}), "2001:db9::1");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db9::1"}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9:x"}), "10.0.0.1");
}

TEST(ClientAddress, MappedIpv4IsIpv4) {
  EXPECT_EQ(client("::ffff:10.0.0.1", {"::ffff:203.0.113.9"}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9, ::ffff:10.0.0.2"}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {"203.0.113.9"}, {"::ffff:10.0.0.0/104"}), "203.0.113.9");
}

TEST(ClientAddress, ReadsAtMost32Entries) {
  std::string chain = "203.0.113.9";
  for (int i = 0; i < 31; ++i) chain += ", 10.0.0.2";
  EXPECT_EQ(client("10.0.0.1", {chain}), "203.0.113.9");
  EXPECT_EQ(client("10.0.0.1", {chain + ", 10.0.0.2"}), "10.0.0.2");
}

TEST(ClientAddress, ReadsForwardedOnlyWhenToldAndThenNothingElse) {
  const std::vector<Header> headers = {
      {"X-Forwarded-For", "198.51.100.1"},
      {"Forwarded", "for=1.1.1.1, For=\"[2001:db9::2]:80\";proto=https;by=10.0.0.9"}};
  EXPECT_EQ(find_client("10.0.0.1", headers, trusted({"10.0.0.1"})).address, "198.51.100.1");
  const TrustedProxies rfc = trusted({"10.0.0.1"}, ForwardedSource::forwarded);
  EXPECT_EQ(find_client("10.0.0.1", headers, rfc).address, "2001:db9::2");
}

TEST(ClientAddress, ChainGoesOnWithoutWhatIsOnlyClaimed) {
  const std::vector<Header> headers = {
      {"X-Forwarded-For", "6.6.6.6, 203.0.113.9, ::ffff:10.2.3.4"}};
  EXPECT_EQ(find_client("10.0.0.1", headers, trusted({"10.0.0.0/8"})).forwarded_for,
            "203.0.113.9, 10.2.3.4");
}

TEST(TrustedProxies, RangesEndWhereTheirBitsDo) {
  const TrustedProxies list = trusted({"10.0.0.0/15", "192.0.2.7", "2001:db8::/33", "unix"});
  for (const char* in : {"10.1.0.0", "10.0.0.0", "10.1.255.255", "192.0.2.7", "::ffff:192.0.2.7",
                         "2001:db8:7fff::1", "unix"}) {
    EXPECT_TRUE(list.contains(std::string_view(in))) << in;
  }
  for (const char* out :
       {"10.2.0.0", "192.0.2.8", "2001:db8:8000::1", "::10.1.0.0", "", "nobody"}) {
    EXPECT_FALSE(list.contains(std::string_view(out))) << out;
  }
  EXPECT_TRUE(trusted({"0.0.0.0/0"}).contains(std::string_view("8.8.8.8")));
  EXPECT_FALSE(trusted({"0.0.0.0/0"}).contains(std::string_view("2001:db8::1")));
}

TEST(TrustedProxies, RefusesWhatIsNoRange) {
  for (const char* bad : {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.1/8", "10.0.0.0/-1",
                          "2001:db8::/129", "2001:db8::1/32", "[::1]", "10.0.0.1:80", "1.2.3"}) {
    EXPECT_FALSE(TrustedProxies::parse({bad}).has_value()) << bad;
  }
  EXPECT_FALSE(TrustedProxies::parse(std::vector<std::string>(257, "10.0.0.1")).has_value());
  EXPECT_TRUE(TrustedProxies::parse_list(" 10.0.0.1 , ::1,")->contains(std::string_view("::1")));
  EXPECT_TRUE(TrustedProxies::parse_list("")->empty());
}

}  // namespace
}  // namespace latchkey::http
