#include "service/throttle.h"

#include <gtest/gtest.h>

namespace latchkey::service {
namespace {

using std::chrono::milliseconds;

class ThrottleTest : public ::testing::Test {
 protected:
  FakeClock clock_{Instant{1'800'000'000'000}};
};

TEST_F(ThrottleTest, TakesTheBurstThenSaysHowLongToWait) {
  Throttle throttle(clock_, {.burst = 3, .refill = milliseconds(30'000), .keys_max = 10});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(throttle.take("a"));
  const auto refused = throttle.take("a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_many_attempts);
  EXPECT_EQ(refused.error().detail, "30");
  EXPECT_TRUE(throttle.take("b")) << "keys restrain only themselves";
}

TEST_F(ThrottleTest, RefusedAttemptsCostNothingSoNobodyIsLockedOut) {
  Throttle throttle(clock_, {.burst = 1, .refill = milliseconds(30'000), .keys_max = 10});
  EXPECT_TRUE(throttle.take("a"));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(throttle.take("a"));
  clock_.advance(milliseconds(29'999));
  EXPECT_EQ(throttle.take("a").error().detail, "1");
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(throttle.take("a"));
  EXPECT_FALSE(throttle.take("a"));
}

TEST_F(ThrottleTest, RefillsToTheBurstAndNotBeyond) {
  Throttle throttle(clock_, {.burst = 2, .refill = milliseconds(1000), .keys_max = 10});
  EXPECT_TRUE(throttle.take("a"));
  clock_.advance(std::chrono::hours(24));
  EXPECT_TRUE(throttle.take("a"));
  EXPECT_TRUE(throttle.take("a"));
  EXPECT_FALSE(throttle.take("a"));
}

TEST_F(ThrottleTest, ForgivingGivesAllBack) {
  Throttle throttle(clock_, {.burst = 1, .refill = milliseconds(1000), .keys_max = 10});
  EXPECT_TRUE(throttle.take("a"));
  EXPECT_FALSE(throttle.take("a"));
  throttle.forgive("a");
  EXPECT_TRUE(throttle.take("a"));
}

TEST_F(ThrottleTest, AFloodOfKeysDoesNotMakeItForgetWhomItRestrains) {
  Throttle throttle(clock_, {.burst = 2, .refill = milliseconds(30'000), .keys_max = 64});
  EXPECT_TRUE(throttle.take("victim"));
  EXPECT_TRUE(throttle.take("victim"));
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(throttle.take("flood " + std::to_string(i)));
  EXPECT_FALSE(throttle.take("victim"));
}

}  // namespace
}  // namespace latchkey::service
