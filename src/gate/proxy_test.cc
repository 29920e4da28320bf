#include "gate/proxy.h"

#include <gtest/gtest.h>

#include "gate/request_for_test.h"
#include "http/upstream.h"

namespace latchkey::gate {
namespace {

// Answers what it was given.
class FixedPolicy final : public ProxyPolicy {
 public:
  ProxyDecision decision;
  ProxyDecision decide(const http::Request&) override { return std::move(decision); }
};

class ProxyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    http::UpstreamOptions options;
    options.urls = {"http://127.0.0.1:3000"};
    upstream_ = *http::Upstream::make(options, clock_);
  }
  http::ForwardDecision decide(ProxyDecision decision) {
    policy_.decision = std::move(decision);
    return Proxy(policy_).decide(request_);
  }

  SystemClock clock_;
  std::unique_ptr<http::Upstream> upstream_;
  FixedPolicy policy_;
  TestRequest request_{"GET", "/", "", {{"Connection", "upgrade"}, {"Upgrade", "websocket"}}};
};

TEST_F(ProxyTest, LeavesWhatIsNotProxied) {
  EXPECT_TRUE(std::holds_alternative<http::LeaveToHandler>(decide(NotProxied{})));
}

TEST_F(ProxyTest, AnswersWhatIsRefused) {
  const auto decision = decide(http::make_response(403, "text/plain", "no"));
  EXPECT_EQ(std::get<http::Response>(decision).status, 403);
}

TEST_F(ProxyTest, SendsOnWhatIsLetThrough) {
  ProxyForward forward;
  forward.upstream = upstream_.get();
  forward.target = "/x";
  forward.body_bytes_max = 7;
  forward.answer_headers = {{"Vary", "Origin"}};
  forward.still_allowed = [] { return false; };
  const auto decision = decide(std::move(forward));
  const auto& sent = std::get<http::Forward>(decision);
  EXPECT_EQ(sent.upstream, upstream_.get());
  EXPECT_TRUE(sent.head.starts_with("GET /x HTTP/1.1\r\n"));
  EXPECT_TRUE(sent.is_upgrade);
  EXPECT_EQ(sent.body_bytes_max, 7u);
  EXPECT_EQ(sent.answer_headers.size(), 1u);
  EXPECT_FALSE(sent.still_allowed());
}

TEST_F(ProxyTest, UpgradesOnlyWhereAllowed) {
  ProxyForward forward;
  forward.upstream = upstream_.get();
  forward.target = "/x";
  forward.allows_upgrade = false;
  EXPECT_FALSE(std::get<http::Forward>(decide(std::move(forward))).is_upgrade);
}

TEST_F(ProxyTest, PolicyThatWouldSplitTheRequestIs500) {
  ProxyForward forward;
  forward.upstream = upstream_.get();
  forward.target = "/x\r\n";
  EXPECT_EQ(std::get<http::Response>(decide(std::move(forward))).status, 500);
}

}  // namespace
}  // namespace latchkey::gate
