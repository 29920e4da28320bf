#include "http/upstream.h"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

TEST(UpstreamUrl, ReadsHostAndPort) {
  const auto plain = parse_upstream_url("http://127.0.0.1:3000/");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 3000);
  EXPECT_EQ(plain->authority, "127.0.0.1:3000");
  EXPECT_FALSE(plain->is_tls);
  const auto tls = parse_upstream_url("https://api.example");
  ASSERT_TRUE(tls.has_value());
  EXPECT_TRUE(tls->is_tls);
  EXPECT_EQ(tls->port, 443);
  const auto six = parse_upstream_url("http://[::1]:8080");
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->authority, "[::1]:8080");
  EXPECT_EQ(parse_upstream_url("unix:/run/api.sock")->unix_path, "/run/api.sock");
}

TEST(UpstreamUrl, RefusesWhatIsNoServer) {
  for (const char* bad :
       {"", "http://", "ftp://a", "127.0.0.1:80", "http://a/b", "http://a?b", "http://u:p@a",
        "http://a:0", "http://a:65536", "http://a:x", "http://:80", "http://[::1", "http://[zz]:80",
        "http://[::1]80", "http://a b", "unix:run.sock", "unix:"}) {
    EXPECT_FALSE(parse_upstream_url(bad).has_value()) << bad;
  }
  EXPECT_FALSE(parse_upstream_url("unix:/" + std::string(107, 'a')).has_value());
}

class UpstreamHealth : public ::testing::Test {
 protected:
  std::unique_ptr<Upstream> make(UpstreamOptions options) {
    auto made = Upstream::make(std::move(options), clock_);
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  }
  UpstreamOptions two_addresses() {
    UpstreamOptions options;
    options.name = "api";
    options.urls = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
    return options;
  }
  FakeClock clock_{Instant{0}};
};

TEST_F(UpstreamHealth, AddressIsPassedOverAfterFailuresInARow) {
  const auto upstream = make(two_addresses());
  upstream->note_failure(0);
  upstream->note_failure(0);
  EXPECT_TRUE(upstream->is_up(0));
  upstream->note_success(0);
  upstream->note_failure(0);
  upstream->note_failure(0);
  EXPECT_TRUE(upstream->is_up(0)) << "a success in between";
  upstream->note_failure(0);
  EXPECT_FALSE(upstream->is_up(0));
  EXPECT_TRUE(upstream->is_up());
  EXPECT_EQ(upstream->counters().addresses_up, 1u);
  for (int i = 0; i < 3; ++i) upstream->note_failure(1);
  EXPECT_FALSE(upstream->is_up());
}

TEST_F(UpstreamHealth, AddressIsTriedAgainAfterItsTime) {
  const auto upstream = make(two_addresses());
  for (int i = 0; i < 3; ++i) upstream->note_failure(0);
  clock_.advance(Milliseconds(9'999));
  EXPECT_FALSE(upstream->is_up(0));
  clock_.advance(Milliseconds(1));
  EXPECT_TRUE(upstream->is_up(0));
  upstream->note_failure(0);
  EXPECT_FALSE(upstream->is_up(0)) << "the next failure takes it away at once";
}

TEST_F(UpstreamHealth, RefusesBrokenOptions) {
  UpstreamOptions options;
  EXPECT_FALSE(Upstream::make(options, clock_).has_value()) << "no URL";
  options.urls.assign(17, "http://127.0.0.1:1");
  EXPECT_FALSE(Upstream::make(options, clock_).has_value()) << "too many";
  options.urls = {"https://127.0.0.1:1"};
  options.ca_file = "/nowhere/ca.pem";
  const auto refused = Upstream::make(options, clock_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().field, "ca_file");
}

}  // namespace
}  // namespace latchkey::http
