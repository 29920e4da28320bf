#include "base/one_way_clock.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(OneWayClock, GoesForwardWithTheClockBelow) {
  FakeClock below(Instant{1'000'000'000});
  const OneWayClock clock(below);
  EXPECT_EQ(clock.now().ms, 1'000'000'000);
  below.set(Instant{1'000'000'001});
  EXPECT_EQ(clock.now().ms, 1'000'000'001);
  below.set(Instant{9'000'000'000});
  EXPECT_EQ(clock.now().ms, 9'000'000'000);
  EXPECT_EQ(clock.ticks(), below.ticks());
}

TEST(OneWayClock, StandsWhileTheClockBelowIsBackByLessThanAnHour) {
  FakeClock below(Instant{1'000'000'000});
  const OneWayClock clock(below);
  EXPECT_EQ(clock.now().ms, 1'000'000'000);
  for (const int64_t back_ms : {1, 1'000, 3'599'999}) {
    below.set(Instant{1'000'000'000 - back_ms});
    EXPECT_EQ(clock.now().ms, 1'000'000'000);
  }
  below.set(Instant{1'000'000'007});
  EXPECT_EQ(clock.now().ms, 1'000'000'007);
}

TEST(OneWayClock, BelievesAClockThatWasFarAhead) {
  FakeClock below(Instant{1'000'000'000});
  const OneWayClock clock(below);
  EXPECT_EQ(clock.now().ms, 1'000'000'000);
  below.set(Instant{1'000'000'000 - 3'600'000});
  EXPECT_EQ(clock.now().ms, 1'000'000'000 - 3'600'000);
}

}  // namespace
}  // namespace latchkey
