#include "base/clock.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(SystemClock, TellsTimeOfThisCenturyAndDoesNotRunBack) {
  const SystemClock clock;
  EXPECT_GT(clock.now().ms, 1'704'067'200'000);  // 2024-01-01
  EXPECT_LT(clock.now().ms, 4'102'444'800'000);  // 2100-01-01
  Ticks last = clock.ticks();
  for (int i = 0; i < 1000; ++i) {
    const Ticks next = clock.ticks();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(FakeClock, StandsUntilMoved) {
  FakeClock clock(Instant{1000});
  EXPECT_EQ(clock.now(), Instant{1000});
  EXPECT_EQ(clock.ticks(), Ticks{0});
  clock.advance(Milliseconds(5));
  EXPECT_EQ(clock.now(), Instant{1005});
  EXPECT_EQ(clock.ticks(), Ticks{5});
}

// An operator may set the wall clock back; what ages are counted on stays.
TEST(FakeClock, SettingTheWallClockLeavesTicks) {
  FakeClock clock(Instant{1000});
  clock.advance(Milliseconds(5));
  clock.set(Instant{10});
  EXPECT_EQ(clock.now(), Instant{10});
  EXPECT_EQ(clock.ticks(), Ticks{5});
}

TEST(Instant, AddsAndSubtracts) {
  EXPECT_EQ(Instant{5} + Milliseconds(3), Instant{8});
  EXPECT_EQ(Instant{5} - Milliseconds(8), Instant{-3});
  EXPECT_EQ(Instant{5} - Instant{8}, Milliseconds(-3));
  EXPECT_EQ(Instant{0} + std::chrono::days(1), Instant{86'400'000});
  EXPECT_EQ(Ticks{5} + Milliseconds(3), Ticks{8});
  EXPECT_EQ(Ticks{5} - Ticks{8}, Milliseconds(-3));
  EXPECT_LT(Instant{1}, Instant{2});
}

}  // namespace
}  // namespace latchkey
